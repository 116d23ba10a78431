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
    Ok(write_atomic(path, svg.as_bytes())?)
}

/// A density (bars, if discrete) with the values for which `shaded` holds in colour, and a rule at
/// `mark`.
pub(crate) fn distribution(
    title: &str,
    d: &dyn Distribution,
    mark: Option<(f64, String)>,
    tail_name: &str,
    shaded: impl Fn(f64) -> bool,
) -> Figure {
    let (mut low, mut high) = (d.inverse((1e-4_f64).ln(), true), d.inverse((1e-4_f64).ln(), false));
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
        let bars = bars.shade(tail_name, values.iter().map(|&x| shaded(x)).collect());
        return figure.x(Axis::linear("value")).y(Axis::linear("probability")).add(bars);
    }
    let steps = 400;
    let at = |i: u32| {
        let x = low + (high - low) * f64::from(i) / f64::from(steps);
        if d.is_discrete() { x.round() } else { x }
    };
    let points: Vec<(f64, f64)> = (0..=steps).map(|i| (at(i), d.density(at(i)))).collect();
    let points: Vec<(f64, f64)> = points.into_iter().filter(|(_, y)| y.is_finite()).collect();
    let mut ranges = Vec::new();
    let mut open: Option<f64> = None;
    for &(x, _) in &points {
        match (open, shaded(x)) {
            (None, true) => open = Some(x),
            (Some(from), false) => {
                ranges.push((from, x));
                open = None;
            }
            _ => {}
        }
    }
    if let Some(from) = open {
        ranges.push((from, f64::INFINITY));
    }
    let area = Area::new("density", points).shade(tail_name, ranges);
    figure.x(Axis::linear("value")).y(Axis::linear("density")).add(area)
}

/// Densities of beliefs before and after.
pub(crate) fn beliefs(
    title: &str,
    label: &str,
    before: &dyn Distribution,
    after: &dyn Distribution,
    interval: &Interval,
) -> Figure {
    let tail = (1e-4_f64).ln();
    let low = after.inverse(tail, true).min(before.inverse((0.02_f64).ln(), true));
    let high = after.inverse(tail, false).max(before.inverse((0.02_f64).ln(), false));
    let curve = |d: &dyn Distribution| -> Vec<(f64, f64)> {
        let at = |i: u32| low + (high - low) * f64::from(i) / 400.0;
        (0..=400).map(|i| (at(i), d.density(at(i)))).filter(|(_, y)| y.is_finite()).collect()
    };
    let shade = format!("{} % credible", interval.level * 100.0);
    Figure::new(title)
        .x(Axis::linear(label))
        .y(Axis::linear("density"))
        .add(Area::new("after", curve(after)).shade(shade, vec![(interval.lower, interval.upper)]))
        .add(Line::new("before", curve(before)).dashed())
}

/// A histogram of sorted values with rules at the estimate and the ends of an interval.
pub(crate) fn histogram(
    title: &str,
    label: &str,
    sorted: &[f64],
    estimate: f64,
    interval: &Interval,
) -> Figure {
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let n_bins = 60;
    let width = ((high - low) / f64::from(n_bins)).max(f64::MIN_POSITIVE);
    let mut counts = vec![0.0; n_bins as usize];
    for value in sorted {
        let bin = (((value - low) / width) as usize).min(counts.len() - 1);
        counts[bin] += 1.0;
    }
    let bins = counts
        .iter()
        .enumerate()
        .map(|(i, &count)| (low + width * i as f64, low + width * (i + 1) as f64, count))
        .collect();
    Figure::new(title)
        .x(Axis::linear(label))
        .y(Axis::linear("resamples"))
        .add(Bars::bins("resamples", bins))
        .add(Rule::x(estimate, "estimate").solid())
        .add(Rule::x(interval.lower, "lower"))
        .add(Rule::x(interval.upper, "upper"))
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
