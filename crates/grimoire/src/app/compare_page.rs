//! A comparison as a self-contained HTML page, as a Markdown table and as text. Computes nothing but the
//! bins of its figures.

use super::compare::{CompareReport, Comparison};
use super::html_page::{escape, figure, page};
use crate::failure::{Failure, Outcome};
use grimoire_plot::{Axis, Bars, Figure, Interval as Row, Intervals, Points, Rule, Size};

/// The page.
pub(crate) fn html(report: &CompareReport) -> Outcome<String> {
    let mut body = format!(
        "<header><h1>{}</h1>\n<p>{} items, {} resampled units; the first system is the one compared \
         with</p></header>\n",
        escape(&report.systems.join(" against ")),
        report.n,
        report.units
    );
    for comparison in &report.metrics {
        body.push_str(&section(comparison)?);
    }
    Ok(page(&report.systems.join(" against "), &body))
}

fn section(comparison: &Comparison) -> Outcome<String> {
    let mut out = format!("<section><h2>{}</h2>\n", escape(&comparison.measure.name));
    for conclusion in &comparison.conclusions {
        out.push_str(&format!("<p>{}</p>\n", escape(conclusion)));
    }
    out.push_str(&drawn(&intervals(comparison))?);
    for system in 1..comparison.segments.len() {
        out.push_str(&drawn(&differences(comparison, system))?);
        out.push_str(&drawn(&scatter(comparison, system))?);
    }
    if !comparison.changed.is_empty() {
        out.push_str(
            "<h3>Items that changed most</h3>\n<table>\n<tr><th>item</th><th>difference</th>",
        );
        out.push_str("<th>first</th><th>other</th><th>reference</th></tr>\n");
    }
    for item in &comparison.changed {
        out.push_str(&format!(
            "<tr><td>{}</td><td>{:+.1}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            item.item,
            item.difference,
            escape(&item.first),
            escape(&item.output),
            escape(&item.reference)
        ));
    }
    if !comparison.changed.is_empty() {
        out.push_str("</table>\n");
    }
    out.push_str(&format!("<p><code>{}</code></p></section>\n", escape(&comparison.signature)));
    Ok(out)
}

fn drawn(plot: &Figure) -> Outcome<String> {
    let svg = plot.svg().map_err(Failure::work)?;
    let narrow = plot.svg_at(Size::NARROW).map_err(Failure::work)?;
    Ok(figure(&svg, &narrow))
}

/// Every system's score with its interval.
fn intervals(comparison: &Comparison) -> Figure {
    let rows = comparison.measure.systems.iter().enumerate().map(|(index, system)| {
        let score = system.report.score;
        let ends = system.report.interval.as_ref();
        let (low, high) = ends.map_or((score, score), |ends| (ends.lower, ends.upper));
        Row { position: index as f64, estimate: score, low: low.min(score), high: high.max(score) }
    });
    let names = comparison.measure.systems.iter().map(|system| system.name.clone());
    Figure::new("Scores with their intervals")
        .x(Axis::linear(comparison.measure.name.clone()))
        .y(Axis::categories("", names.collect::<Vec<String>>()))
        .add(Intervals::new("score", rows.collect()).values())
}

/// How the items' differences spread.
fn differences(comparison: &Comparison, system: usize) -> Figure {
    const BINS: usize = 40;
    let pairs = comparison.segments[system].iter().zip(&comparison.segments[0]);
    let values: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
    let widest = values.iter().fold(1e-9f64, |most, value| most.max(value.abs()));
    let width = 2.0 * widest / BINS as f64;
    let mut counts = [0.0; BINS];
    for value in &values {
        let bin = ((value + widest) / width) as usize;
        counts[bin.min(BINS - 1)] += 1.0;
    }
    let start = |bin: usize| width * bin as f64 - widest;
    let bins = counts.iter().enumerate().map(|(bin, n)| (start(bin), start(bin + 1), *n)).collect();
    let name = &comparison.measure.systems[system].name;
    Figure::new(format!("Differences by item: {name}"))
        .x(Axis::linear(format!("difference in {}", comparison.measure.name)))
        .y(Axis::linear("items"))
        .add(Bars::bins("items", bins))
        .add(Rule::x(0.0, "no difference"))
}

/// Item against item.
fn scatter(comparison: &Comparison, system: usize) -> Figure {
    const MOST: usize = 2000;
    let pairs = comparison.segments[0].iter().zip(&comparison.segments[system]);
    let step = comparison.segments[0].len().div_ceil(MOST).max(1);
    let points: Vec<(f64, f64)> = pairs.map(|(a, b)| (*a, *b)).step_by(step).collect();
    let systems = &comparison.measure.systems;
    Figure::new(format!("Item by item: {}", systems[system].name))
        .x(Axis::linear(systems[0].name.clone()))
        .y(Axis::linear(systems[system].name.clone()))
        .add(Points::new("items", points))
}

/// A table for a pull request.
pub(crate) fn markdown(report: &CompareReport) -> String {
    let mut out =
        String::from("| metric | system | score | interval | difference | interval | p |\n");
    out.push_str("| --- | --- | ---: | --- | ---: | --- | ---: |\n");
    for comparison in &report.metrics {
        for system in &comparison.measure.systems {
            let bounds = |interval: &Option<grimoire_stats::Interval>| {
                interval
                    .as_ref()
                    .map_or_else(String::new, |i| format!("{:.2} to {:.2}", i.lower, i.upper))
            };
            let versus = system.report.versus.as_ref();
            out.push_str(&format!(
                "| {} | {} | {:.2} | {} | {} | {} | {} |\n",
                comparison.measure.name,
                system.name.replace('|', "\\|"),
                system.report.score,
                bounds(&system.report.interval),
                versus.map_or_else(String::new, |versus| format!("{:+.2}", versus.difference)),
                versus.map_or_else(String::new, |versus| bounds(&versus.interval)),
                versus.map_or_else(String::new, |versus| format!("{:.4}", versus.p_adjusted)),
            ));
        }
    }
    out
}
