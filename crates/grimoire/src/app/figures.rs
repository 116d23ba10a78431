//! Figures of chance: a distribution with its tail shaded, a histogram of resamples, curves of power
//! and of belief. Each takes numbers and returns a figure; [`save`] writes one.

use crate::failure::{Failure, Outcome};
use grimoire_format::write_atomic;
use grimoire_plot::{Area, Axis, Bars, Figure, Line, Rule};
use grimoire_stats::dist::Distribution;
use grimoire_stats::{Alternative, Interval};
use std::path::Path;

/// Writes the SVG of `figure`, whole or not at all.
pub(crate) fn save(figure: &Figure, path: &Path) -> Outcome {
    let name = path.display();
    let svg = figure.svg().map_err(|error| Failure::work(format_args!("{name}: {error}")))?;
    write(path, &svg)
}

/// Writes an SVG, whole or not at all; a name that promises another kind of picture is refused.
pub(crate) fn write(path: &Path, svg: &str) -> Outcome {
    let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
    let other = ["png", "jpg", "jpeg", "gif", "webp", "pdf", "eps", "ps"];
    if ending.is_some_and(|ending| other.iter().any(|known| ending == *known)) {
        let name = path.display();
        return Err(Failure::usage(format_args!("{name}: figures are written as SVG"))
            .hint(format_args!("name it {}", path.with_extension("svg").display())));
    }
    Ok(write_atomic(path, svg.as_bytes())?)
}

/// A density (bars, if discrete) with the values for which `shaded` holds in colour, and a rule at
/// `mark`; without a mark nothing is shaded.
pub(crate) fn distribution(
    title: &str,
    d: &dyn Distribution,
    mark: Option<(f64, String)>,
    tail_name: &str,
    shaded: impl Fn(f64) -> bool,
) -> Figure {
    let (mut low, mut high) = range(d);
    if let Some((at, _)) = &mark {
        (low, high) = (low.min(*at), high.max(*at));
    }
    let figure = Figure::new(title);
    let figure = match &mark {
        Some((at, label)) => figure.add(Rule::x(*at, label.clone())),
        None => figure,
    };
    if d.is_discrete() && high - low <= 400.0 {
        let count = (high - low) as usize + 1;
        let values: Vec<f64> = (0..count).map(|i| low + i as f64).collect();
        let bars = Bars::new("probability", values.iter().map(|&x| (x, d.density(x))).collect());
        let bars = match &mark {
            Some(_) => bars.shade(tail_name, values.iter().map(|&x| shaded(x)).collect()),
            None => bars,
        };
        let values = Axis::linear("value").whole();
        return figure.x(values).y(Axis::linear("probability")).add(bars);
    }
    let points = curve(d, low, high);
    let mut area = Area::new("density", points.clone());
    if mark.is_some() {
        area = area.shade(tail_name, ranges(&points, shaded));
    }
    below_the_rise(figure.x(Axis::linear("value")), &points).add(area)
}

/// From where to where a distribution is drawn: all but one in ten thousand on either side, but not farther than twelve
/// distances between its quartiles from them where tails are heavy.
fn range(d: &dyn Distribution) -> (f64, f64) {
    let tail = (1e-4_f64).ln();
    let (low, high) = (d.inverse(tail, true), d.inverse(tail, false));
    if d.is_discrete() {
        return (low, high);
    }
    let quarter = (0.25_f64).ln();
    let (first, third) = (d.inverse(quarter, true), d.inverse(quarter, false));
    let reach = 12.0 * (third - first);
    (low.max(first - reach), high.min(third + reach))
}

/// The density at 401 places, those left out where it is infinite.
fn curve(d: &dyn Distribution, low: f64, high: f64) -> Vec<(f64, f64)> {
    let at = |i: u32| {
        let x = low + (high - low) * f64::from(i) / 400.0;
        if d.is_discrete() { x.round() } else { x }
    };
    let points = (0..=400).map(|i| (at(i), d.density(at(i))));
    points.filter(|(_, y)| y.is_finite()).collect()
}

/// The stretches of a curve on which `shaded` holds.
fn ranges(points: &[(f64, f64)], shaded: impl Fn(f64) -> bool) -> Vec<(f64, f64)> {
    let mut ranges = Vec::new();
    let mut open: Option<f64> = None;
    for &(x, _) in points {
        match (open, shaded(x)) {
            (None, true) => open = Some(x),
            (Some(from), false) => {
                ranges.push((from, x));
                open = None;
            }
            _ => {}
        }
    }
    ranges.extend(open.map(|from| (from, f64::INFINITY)));
    ranges
}

/// The axis of densities, cut off and said to be where a density rises without bound: at four times what it is nearly
/// everywhere.
fn below_the_rise(figure: Figure, points: &[(f64, f64)]) -> Figure {
    let mut heights: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    heights.sort_by(f64::total_cmp);
    let usual = heights.get(heights.len() * 19 / 20).copied().unwrap_or(0.0);
    let most = heights.last().copied().unwrap_or(0.0);
    let axis = Axis::linear("density");
    if usual > 0.0 && most > 4.0 * usual {
        return figure
            .y(axis.from(0.0).to(4.0 * usual))
            .footnote("the density rises beyond the frame");
    }
    figure.y(axis)
}

/// Densities of one or two beliefs after what was seen, with their intervals, and of the one before it, where it has a
/// density.
pub(crate) fn beliefs(
    title: &str,
    label: &str,
    before: Option<&dyn Distribution>,
    after: &[(&dyn Distribution, &Interval)],
) -> Figure {
    let ends = after.iter().map(|(belief, _)| range(*belief));
    let (least, most) =
        ends.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1))).unwrap_or((0.0, 1.0));
    let (mut low, mut high) = (least, most);
    if let Some(before) = before {
        // A vague belief before is not shown whole.
        let (tail, reach) = ((0.02_f64).ln(), 3.0 * (most - least));
        low = low.min(before.inverse(tail, true).max(least - reach));
        high = high.max(before.inverse(tail, false).min(most + reach));
    }
    let names: &[&str] = if after.len() > 1 { &["first", "second"] } else { &["after"] };
    let mut figure = Figure::new(title).x(Axis::linear(label));
    let mut all = Vec::new();
    for ((belief, interval), name) in after.iter().zip(names) {
        let points = curve(*belief, low, high);
        all.extend(points.iter().copied());
        let shade = format!("{name}: {} % credible", interval.level * 100.0);
        let area = Area::new(*name, points).shade(shade, vec![(interval.lower, interval.upper)]);
        figure = figure.add(area);
    }
    let figure = below_the_rise(figure, &all);
    match before {
        Some(before) => figure.add(Line::new("before", curve(before, low, high)).dashed()),
        None => figure,
    }
}

/// A histogram of sorted values with rules at the estimate and the ends of an interval.
pub(crate) fn histogram(
    title: &str,
    label: &str,
    sorted: &[f64],
    estimate: f64,
    interval: &Interval,
) -> Figure {
    let (first, width) = bins_of(sorted);
    let mut counts = std::collections::BTreeMap::new();
    for value in sorted {
        *counts.entry(((value - first) / width) as u32).or_insert(0_u32) += 1;
    }
    let edge = |bin: u32| first + width * f64::from(bin);
    let bins = counts.iter().map(|(&bin, &n)| (edge(bin), edge(bin + 1), f64::from(n))).collect();
    Figure::new(title)
        .x(Axis::linear(label))
        .y(Axis::linear("resamples"))
        .add(Bars::bins("resamples", bins))
        .add(Rule::x(estimate, "estimate").solid())
        .add(Rule::x(interval.lower, "lower"))
        .add(Rule::x(interval.upper, "upper"))
}

/// The lower edge of the first bin and the width of all: about sixty, and each over as many steps of the lattice on
/// which the values lie, where they lie on one, so that equal shares look equal.
fn bins_of(sorted: &[f64]) -> (f64, f64) {
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let rough = ((high - low) / 60.0).max(f64::MIN_POSITIVE);
    match step_of(sorted) {
        Some(step) => (low - 0.5 * step, step * (rough / step).ceil().max(1.0)),
        None => (low, rough),
    }
}

/// The step of the lattice on which sorted values lie, unless it is too fine to be seen.
fn step_of(sorted: &[f64]) -> Option<f64> {
    let range = sorted[sorted.len() - 1] - sorted[0];
    let finest = range / 3000.0;
    let gaps = || {
        let gaps = sorted.windows(2).map(|pair| pair[1] - pair[0]);
        gaps.filter(|gap| *gap > 1e-9 * range)
    };
    let step = gaps().fold(f64::INFINITY, f64::min);
    let on_it = |gap: f64| (gap / step - (gap / step).round()).abs() < 1e-3;
    (range > 0.0 && step >= finest && gaps().all(on_it)).then_some(step)
}

/// A histogram of what a statistic is after each exchange of labels, those at least as extreme as `observed` in
/// colour. The bins are counted from zero and `observed` is an edge, so that no bin is half in the tail.
pub(crate) fn exchanged(
    title: &str,
    label: &str,
    values: &[f64],
    observed: f64,
    side: Alternative,
    tail_name: &str,
) -> Figure {
    let most = values.iter().fold(observed.abs(), |most, value| most.max(value.abs()));
    let rough = (most / 30.0).max(f64::MIN_POSITIVE);
    let steps = (observed.abs() / rough).ceil();
    let width = if steps > 0.0 { observed.abs() / steps } else { rough };
    // A value on an edge, up to rounding, goes to the bin on the extreme side of it.
    let outward = |value: f64| match side {
        Alternative::TwoSided => 1e-6_f64.copysign(value),
        Alternative::Greater => 1e-6,
        Alternative::Less => -1e-6,
    };
    let mut counts = std::collections::BTreeMap::new();
    for &value in values {
        *counts.entry((value / width + outward(value)).floor() as i64).or_insert(0_u32) += 1;
    }
    let edge = |bin: i64| width * bin as f64;
    let bins = counts.iter().map(|(&bin, &n)| (edge(bin), edge(bin + 1), f64::from(n))).collect();
    let in_tail = |bin: i64| {
        let middle = edge(bin) + 0.5 * width;
        match side {
            Alternative::TwoSided => middle.abs() >= observed.abs(),
            Alternative::Greater => middle >= observed,
            Alternative::Less => middle <= observed,
        }
    };
    let shaded = counts.keys().map(|&bin| in_tail(bin)).collect();
    Figure::new(title)
        .x(Axis::linear(label))
        .y(Axis::linear("exchanges"))
        .add(Bars::bins("exchanges", bins).shade(tail_name, shaded))
        .add(Rule::x(observed, "observed").solid())
}

/// Power against sample size, with a rule at the power wanted.
pub(crate) fn power_curve(points: Vec<(f64, f64)>, wanted: f64, n: f64) -> Figure {
    Figure::new("Power by sample size")
        .x(Axis::linear("sample size"))
        .y(Axis::linear("power"))
        .add(Line::new("power", points))
        .add(Rule::y(wanted, "wanted"))
        .add(Rule::x(n, "n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grimoire_stats::dist::{Beta, Gamma, Normal, Student};

    #[test]
    fn bins_fit_the_lattice_of_the_values() {
        let halves: Vec<f64> = (0..=400).map(|i| 10.0 + 0.5 * f64::from(i)).collect();
        assert_eq!(bins_of(&halves), (9.75, 3.5));
        assert_eq!(step_of(&[1.0, 1.25, 2.0, 3.0]), Some(0.25));
        assert_eq!(step_of(&[1.0, 1.25, 2.1, 3.0]), None);
        assert_eq!(step_of(&[2.0, 2.0]), None);
    }

    #[test]
    fn heavy_tails_and_infinite_densities_stay_on_the_page() {
        // The quartiles of t with one degree of freedom are -1 and 1.
        let (low, high) = range(&Student::new(1.0).unwrap());
        assert!((low + 25.0).abs() < 1e-9 && (high - 25.0).abs() < 1e-9);
        // 3.719 is the normal quantile of 0.9999.
        let (low, high) = range(&Normal::STANDARD);
        assert!((low + 3.719).abs() < 1e-3 && (high - 3.719).abs() < 1e-3);
        let top = |d: &dyn Distribution| {
            let figure = distribution("", d, None, "tail", |_| false).svg().unwrap();
            assert!(!figure.contains("tail"));
            figure.contains("rises beyond the frame")
        };
        assert!(top(&Beta::new(0.5, 0.5).unwrap()) && top(&Gamma::new(0.1, 1.0).unwrap()));
        assert!(!top(&Normal::STANDARD) && !top(&Gamma::new(1.0, 1.0).unwrap()));
    }
}
