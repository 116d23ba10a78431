//! Comparison of floating-point numbers with a stated relative and absolute bound.
//! NaN equals nothing here, infinities equal themselves.

/// Panics unless `|actual − expected| ≤ absolute + relative·|expected|`.
#[track_caller]
pub fn close(actual: f64, expected: f64, relative: f64, absolute: f64) {
    assert!(
        is_close(actual, expected, relative, absolute),
        "{actual:?} is not {expected:?}: off by {:e} (relative {:e}), allowed {relative:e} relative + {absolute:e} absolute",
        (actual - expected).abs(),
        ((actual - expected) / expected).abs(),
    );
}

/// [`close`] for each pair of two slices; names the worst offender.
#[track_caller]
pub fn all_close<A, E>(actual: &[A], expected: &[E], relative: f64, absolute: f64)
where
    A: Copy + Into<f64>,
    E: Copy + Into<f64>,
{
    assert_eq!(actual.len(), expected.len(), "lengths differ");
    let mut worst: Option<(usize, f64, f64, f64)> = None;
    for (index, (a, e)) in actual.iter().zip(expected).enumerate() {
        let (a, e): (f64, f64) = ((*a).into(), (*e).into());
        if is_close(a, e, relative, absolute) {
            continue;
        }
        let excess = (a - e).abs() / (absolute + relative * e.abs()).max(f64::MIN_POSITIVE);
        if worst.is_none_or(|(_, _, _, most)| excess > most || excess.is_nan()) {
            worst = Some((index, a, e, excess));
        }
    }
    if let Some((index, a, e, excess)) = worst {
        panic!(
            "element {index} of {}: {a:?} is not {e:?} ({excess:.3} times the allowed {relative:e} relative + {absolute:e} absolute)",
            actual.len()
        );
    }
}

fn is_close(actual: f64, expected: f64, relative: f64, absolute: f64) -> bool {
    actual == expected || (actual - expected).abs() <= absolute + relative * expected.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_within_the_bound_and_refuses_outside() {
        close(1.0 + 1e-13, 1.0, 1e-12, 0.0);
        close(f64::INFINITY, f64::INFINITY, 0.0, 0.0);
        for (actual, expected) in [(1.1, 1.0), (f64::NAN, 1.0), (f64::NAN, f64::NAN)] {
            assert!(std::panic::catch_unwind(|| close(actual, expected, 1e-3, 1e-3)).is_err());
        }
        assert!(
            std::panic::catch_unwind(|| all_close(&[1.0, 2.0], &[1.0, 2.1], 0.0, 0.01)).is_err()
        );
    }
}
