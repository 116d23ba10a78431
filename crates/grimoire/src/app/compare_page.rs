//! A comparison as a self-contained HTML page, as a Markdown table and as text. Computes nothing but the
//! bins of its figures.

use super::compare::{Changed, CompareReport, Comparison, Items};
use super::digits::{self, Decimals, counted, ends};
use super::html_page::{escape, figure, page};
use crate::failure::{Failure, Outcome};
use grimoire_plot::{
    Axis, Bars, Figure, Interval as Row, Intervals, Line, Points, Rule, Size, Tone,
};

/// The page.
pub(crate) fn html(report: &CompareReport) -> Outcome<String> {
    let title = report.systems.join(" against ");
    let mut body = format!(
        "<style>{STYLE}</style>\n<header><h1>{}</h1>\n<p>{}; the first system is the \
         one compared with</p>\n<p>{}</p></header>\n",
        escape(&title),
        resampled(report),
        escape(&made(report).join("; ")),
    );
    for note in &report.notes {
        body.push_str(&format!("<p>{}</p>\n", escape(note)));
    }
    for comparison in &report.metrics {
        body.push_str(&section(report, comparison)?);
    }
    Ok(page(&title, &body))
}

/// How many items there are of each kind, and what of them is resampled.
pub(crate) fn resampled(report: &CompareReport) -> String {
    let mut kinds: Vec<Items> = Vec::new();
    for Comparison { items, .. } in &report.metrics {
        if !kinds.contains(items) {
            kinds.push(*items);
        }
    }
    let said = kinds.iter().map(|Items { unit, n, units }| {
        let how = match (units, n) {
            (1, 1) => "which cannot be resampled".to_owned(),
            (1, _) => "in one cluster, which cannot be resampled".to_owned(),
            _ if units == n => "each resampled by itself".to_owned(),
            _ => format!("resampled in {units} clusters"),
        };
        format!("{}, {how}", counted(*n, unit))
    });
    said.collect::<Vec<String>>().join("; ")
}

/// How intervals and p-values were made, a line each.
pub(crate) fn made(report: &CompareReport) -> Vec<String> {
    let systems = report.metrics.iter().flat_map(|comparison| &comparison.measure.systems);
    let intervals = systems.filter_map(|system| system.report.interval.as_ref());
    let Some(intervals) = report.resampling.intervals(intervals, None) else { return Vec::new() };
    std::iter::once(intervals).chain(report.resampling.p_values()).collect()
}

fn section(report: &CompareReport, comparison: &Comparison) -> Outcome<String> {
    let mut out = format!("<section><h2>{}</h2>\n", escape(&comparison.measure.name));
    for conclusion in &comparison.conclusions {
        out.push_str(&format!("<p>{}</p>\n", escape(conclusion)));
    }
    out.push_str(&figures(comparison));
    out.push_str(&drawn(&intervals(comparison))?);
    for system in 1..comparison.segments.len() {
        out.push_str(&drawn(&differences(comparison, system))?);
        out.push_str(&drawn(&scatter(comparison, system))?);
    }
    if let Some(plot) = by_length(report, comparison) {
        out.push_str(&drawn(&plot)?);
    }
    if !comparison.changed.is_empty() {
        out.push_str(&format!("<h3>{}s that changed most</h3>\n", capital(comparison.items.unit)));
    }
    for item in &comparison.changed {
        out.push_str(&changed(comparison.items.unit, item));
    }
    out.push_str(&format!("<p><code>{}</code></p></section>\n", escape(&comparison.signature)));
    Ok(out)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |c| c.to_uppercase().chain(letters).collect())
}

/// A line for each system.
fn figures(comparison: &Comparison) -> String {
    let systems = &comparison.measure.systems;
    let heads = heads(systems.len());
    let mut out = String::from("<div class=\"scroll\"><table><thead><tr><th>system</th>");
    for (head, right) in &heads {
        let class = if *right { " class=\"right\"" } else { "" };
        out.push_str(&format!("<th{class}>{head}</th>"));
    }
    out.push_str("</tr></thead>\n");
    for (index, system) in systems.iter().enumerate() {
        out.push_str(&format!("<tr><td>{}</td>", escape(&system.name)));
        for (cell, (_, right)) in cells(comparison, index).iter().zip(&heads) {
            let class = if *right { "right" } else { "range" };
            out.push_str(&format!("<td class=\"{class}\">{}</td>", escape(&signed(cell))));
        }
        out.push_str("</tr>\n");
    }
    out + "</table></div>\n"
}

/// An item with both answers.
fn changed(unit: &str, item: &Changed) -> String {
    let place = item.place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
    let head = format!(
        "{unit} {}{place}: {} with {}",
        item.item,
        digits::signed(item.difference, 2),
        item.system
    );
    let mut out = format!("<div class=\"sample\"><p class=\"label\">{}</p>\n", escape(&head));
    if !item.question.is_empty() {
        out.push_str(&format!("<p class=\"prompt\">{}</p>\n", escape(&tail(&item.question))));
    }
    if !(item.first.is_empty() && item.output.is_empty()) {
        out.push_str(&format!(
            "<div class=\"pair\"><div><p class=\"label\">first</p><p class=\"answer\">{}</p></div>\
             <div><p class=\"label\">{}</p><p class=\"answer\">{}</p></div></div>\n",
            escape(&item.first),
            escape(&item.system),
            escape(&item.output)
        ));
    }
    if !item.reference.is_empty() {
        out.push_str(&format!("<p class=\"expected\">{}</p>\n", escape(&item.reference)));
    }
    out + "</div>\n"
}

/// The end of a long question: what comes before are examples.
fn tail(question: &str) -> String {
    const MOST: usize = 600;
    let from = question.char_indices().rev().nth(MOST).map_or(0, |(at, _)| at);
    if from == 0 { question.to_owned() } else { format!("… {}", &question[from..]) }
}

/// The cells of a system: score, interval, difference, interval, p, the corrected p where there are several systems,
/// effect size.
fn cells(comparison: &Comparison, index: usize) -> Vec<String> {
    let systems = &comparison.measure.systems;
    let Decimals { scores, differences } = Decimals::of(systems);
    let bounds = |interval: Option<&grimoire_stats::Interval>, decimals: usize| {
        interval.map_or_else(String::new, |interval| ends(interval, decimals, " to "))
    };
    let report = &systems[index].report;
    let versus = report.versus.as_ref();
    // Of a single unit there is neither an interval nor a p-value that says anything.
    let tested = versus.filter(|versus| versus.interval.is_some());
    let effect = index.checked_sub(1).and_then(|before| comparison.effect_sizes[before]);
    let mut cells = vec![
        format!("{:.scores$}", report.score),
        bounds(report.interval.as_ref(), scores),
        versus.map_or_else(String::new, |versus| format!("{:+.differences$}", versus.difference)),
        bounds(versus.and_then(|versus| versus.interval.as_ref()), differences),
        tested.map_or_else(String::new, |versus| digits::probability(versus.p_value)),
    ];
    if systems.len() > 2 {
        cells
            .push(tested.map_or_else(String::new, |versus| digits::probability(versus.p_adjusted)));
    }
    cells.push(effect.map_or_else(String::new, |effect| format!("{effect:+.2}")));
    cells
}

/// What [`cells`] hold, and whether they stand to the right.
fn heads(systems: usize) -> Vec<(&'static str, bool)> {
    let mut heads = vec![
        ("score", true),
        ("interval", false),
        ("difference", true),
        ("interval", false),
        ("p", true),
    ];
    if systems > 2 {
        heads.push(("corrected p", true));
    }
    heads.push(("effect size", true));
    heads
}

/// A number with the minus sign of print, which is as wide as a plus.
fn signed(number: &str) -> String {
    number.replace('-', "\u{2212}")
}

/// The mean item score of every system in up to five groups of items by length.
fn by_length(report: &CompareReport, comparison: &Comparison) -> Option<Figure> {
    const GROUPS: usize = 5;
    let Comparison { lengths, items: Items { unit, .. }, .. } = comparison;
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by(|a, b| lengths[*a].total_cmp(&lengths[*b]).then(a.cmp(b)));
    let groups = GROUPS.min(order.len() / 3);
    let (shortest, longest) = (*order.first()?, *order.last()?);
    if groups < 2 || lengths[shortest] == lengths[longest] {
        return None;
    }
    let group =
        |index: usize| &order[index * order.len() / groups..(index + 1) * order.len() / groups];
    let mean = |values: &[f64], items: &[usize]| {
        items.iter().map(|item| values[*item]).sum::<f64>() / items.len() as f64
    };
    let length = if *unit == "document" { "tokens" } else { "words of the reference" };
    let mut figure = Figure::new("Score by length")
        .subtitle(format!("{groups} groups of {unit}s, from short to long"))
        .x(Axis::linear(format!("mean length, {length}")))
        .y(Axis::linear(format!("mean {} of {unit}s", comparison.measure.name)));
    for (values, name) in comparison.segments.iter().zip(&report.systems) {
        let points =
            (0..groups).map(|index| (mean(lengths, group(index)), mean(values, group(index))));
        figure = figure.add(Line::new(name.clone(), points.collect()).markers());
    }
    Some(figure)
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
pub(crate) fn differences(comparison: &Comparison, system: usize) -> Figure {
    // An odd number: items without a difference, often the most, lie in the middle of one bin.
    const BINS: usize = 41;
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
    const MOST: usize = 700;
    let pairs = comparison.segments[0].iter().zip(&comparison.segments[system]);
    let step = comparison.segments[0].len().div_ceil(MOST).max(1);
    let points: Vec<(f64, f64)> = pairs.map(|(a, b)| (*a, *b)).step_by(step).collect();
    let systems = &comparison.measure.systems;
    let all = points.iter().flat_map(|(a, b)| [*a, *b]);
    let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let shown = if step == 1 { "every item".to_owned() } else { format!("one item of {step}") };
    Figure::new(format!("Item by item: {}", systems[system].name))
        .subtitle(format!(
            "{} of {shown}; on the line both score the same",
            comparison.measure.name
        ))
        .x(Axis::linear(systems[0].name.clone()))
        .y(Axis::linear(systems[system].name.clone()))
        .add(Points::new("items", points).radius(2.5))
        .add(
            Line::new("the same", vec![(low, low), (high, high)]).dashed().thin().tone(Tone::Muted),
        )
}

/// A table for a pull request.
pub(crate) fn markdown(report: &CompareReport) -> String {
    let heads = heads(report.systems.len());
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let texts = ["metric", "system"].into_iter().chain(heads.iter().map(|(head, _)| *head));
    let mut out = row(&texts.map(str::to_owned).collect::<Vec<_>>());
    let rule = |right: bool| if right { "---:" } else { "---" };
    let rules = [false, false].into_iter().chain(heads.iter().map(|(_, right)| *right));
    out.push_str(&row(&rules.map(|right| rule(right).to_owned()).collect::<Vec<_>>()));
    for comparison in &report.metrics {
        for (index, system) in comparison.measure.systems.iter().enumerate() {
            let names = [comparison.measure.name.clone(), system.name.replace('|', "\\|")];
            let all: Vec<String> = names.into_iter().chain(cells(comparison, index)).collect();
            out.push_str(&row(&all));
        }
    }
    out + "\n" + &made(report).join("; ") + "\n"
}

const STYLE: &str = "section+section{margin-top:56px}.expected::before{content:'reference: '}";
