//! Many p-values at once: adjusted so that a bound on false findings holds for the whole family.
//!
//! Bonferroni, Holm (1979) and Hochberg (1988) bound the chance of *any* false finding; Benjamini and
//! Hochberg (1995) and Benjamini and Yekutieli (2001) bound the expected *share* of false ones among
//! the findings. An adjusted value is compared with the same α as a single p-value would be.
//!
//! Equation: with p₍₁₎ ≤ … ≤ p₍ₘ₎, Holm max_{j≤i} (m − j + 1) p₍ⱼ₎, Hochberg min_{j≥i} (m − j + 1) p₍ⱼ₎,
//! Benjamini–Hochberg min_{j≥i} m p₍ⱼ₎/j, Benjamini–Yekutieli the same times Σ 1/k; each at most 1. Domain:
//! probabilities. Method: one sort and one running extreme. Accuracy: within 10⁻¹⁴ of R's `p.adjust`, as tested.

use crate::error::{Error, Result};

/// Which bound, and under which dependence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adjustment {
    /// m·p. Any dependence; the weakest.
    Bonferroni,
    /// Step-down Bonferroni: as valid and never weaker.
    Holm,
    /// Step-up: needs independence or positive dependence.
    Hochberg,
    /// Share of false findings; independence or positive dependence.
    BenjaminiHochberg,
    /// Share of false findings under any dependence (a factor Σ 1/i larger).
    BenjaminiYekutieli,
}

/// The adjusted p-values, in the order given: with p₍₁₎ ≤ … ≤ p₍ₘ₎, each at most 1,
///
/// ```text
/// Bonferroni            m p
/// Holm                  max_{j≤i} (m − j + 1) p₍ⱼ₎
/// Hochberg              min_{j≥i} (m − j + 1) p₍ⱼ₎
/// Benjamini–Hochberg    min_{j≥i} m p₍ⱼ₎/j
/// Benjamini–Yekutieli   min_{j≥i} m p₍ⱼ₎/j · Σ 1/k
/// ```
///
/// Domain: probabilities. Method: one sort and one running extreme. Accuracy: relative error at
/// most 10⁻¹⁴ of R's `p.adjust`, as tested. Source: S. Holm (1979), Y. Hochberg (1988), Y.
/// Benjamini and Y. Hochberg (1995), Y. Benjamini and D. Yekutieli (2001); C. Bonferroni (1936).
///
/// # Errors
/// When there are none, or one is no probability.
///
/// ```
/// use grimoire_stats::multiple::{Adjustment, adjust};
/// // By hand: 3 · 0.01, then 2 · 0.02 = 0.04, then 0.04 again, since 1 · 0.03 would be less.
/// let found = adjust(&[0.01, 0.03, 0.02], Adjustment::Holm).unwrap();
/// assert!((found[0] - 0.03).abs() < 1e-15 && (found[2] - 0.04).abs() < 1e-15);
/// assert_eq!(found[1], found[2]);
/// ```
pub fn adjust(p_values: &[f64], method: Adjustment) -> Result<Vec<f64>> {
    if p_values.is_empty() {
        return Err(Error::Empty { what: "the list of p-values" });
    }
    if let Some(index) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        let (what, expected) = ("the p-values", "a probability from 0 to 1");
        return Err(Error::At { what, index, value: p_values[index], expected });
    }
    let m = p_values.len();
    let count = m as f64;
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let harmonic: f64 = (1..=m).map(|i| 1.0 / i as f64).sum();
    let factor = |rank: f64| match method {
        Adjustment::Bonferroni => count,
        Adjustment::Holm | Adjustment::Hochberg => count - rank + 1.0,
        Adjustment::BenjaminiHochberg => count / rank,
        Adjustment::BenjaminiYekutieli => count * harmonic / rank,
    };
    let mut out = vec![0.0; m];
    let mut fill = |running: &mut f64, position: usize, rising: bool| {
        let value = (factor(position as f64 + 1.0) * p_values[order[position]]).min(1.0);
        *running = if rising { running.max(value) } else { running.min(value) };
        out[order[position]] = *running;
    };
    match method {
        Adjustment::Bonferroni | Adjustment::Holm => {
            let mut running = 0.0;
            (0..m).for_each(|position| fill(&mut running, position, true));
        }
        _ => {
            let mut running = 1.0;
            (0..m).rev().for_each(|position| fill(&mut running, position, false));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_testkit::{all_close, golden};

    /// R 4.2.2 `p.adjust` on the 25 p-values of `golden/stats/tests.R`.
    #[test]
    fn agrees_with_r() {
        let data: serde_json::Value = golden::read("stats/tests.json");
        let row = |name: &str| -> Vec<f64> {
            serde_json::from_value(data[name][0].clone()).expect("a row of numbers")
        };
        for (name, method) in [
            ("bonferroni", Adjustment::Bonferroni),
            ("holm", Adjustment::Holm),
            ("hochberg", Adjustment::Hochberg),
            ("BH", Adjustment::BenjaminiHochberg),
            ("BY", Adjustment::BenjaminiYekutieli),
        ] {
            all_close(&adjust(&row("p"), method).unwrap(), &row(name), 1e-14, 0.0);
        }
        assert!(adjust(&[0.5, f64::NAN], Adjustment::Holm).is_err());
    }
}
