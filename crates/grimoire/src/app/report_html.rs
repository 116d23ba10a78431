//! The page of a tuning run: first the honest sentence, then the figures it rests on. One HTML file, made
//! from the typed report alone; all text from outside (prompts, answers, names) is escaped.

use crate::app::html_page::{escape, facts, figure, page};
use crate::app::tune_report::{
    DocumentChange, Estimate, Evaluation, Fact, HeldOut, Score, StepMetric, TuneReport, Verdict,
    number, p_value,
};
use grimoire_plot::{Axis, Bars, Figure, Line, PlotError, Rule, Size, Tone};
use std::fmt::Write as _;

/// Answers that are shown at once; the others unfold.
const SAMPLES: usize = 3;

/// The page as one self-contained HTML file.
///
/// # Errors
/// A figure that cannot be drawn, such as an evaluation without a finite loss.
pub(crate) fn report_html(report: &TuneReport) -> Result<String, PlotError> {
    let mut body = head(report);
    body.push_str(&warnings(&report.warnings));
    if let Some(held) = &report.held_out {
        body.push_str(&measured(report, held)?);
    }
    body.push_str(&scores(&report.scores));
    body.push_str(&samples(report));
    body.push_str(&training(report)?);
    body.push_str(&next(report));
    body.push_str(&facts_of_the_run(report));
    let _ = writeln!(
        body,
        "<footer>Made by Grimoire. The same request with seed {} on the same version gives the same \
         files, for any number of threads.</footer>",
        report.seed
    );
    Ok(page(&format!("Tuning {}", report.model), &body))
}

fn head(report: &TuneReport) -> String {
    let headline = report.headline();
    let (lead, rest) = headline.split_once(':').unwrap_or(("", &headline));
    // The interval belongs to the sentence, in a lighter weight, and `p = 0.41` stays in one piece.
    let rest = escape(rest).replace(" = ", "&nbsp;=&nbsp;").replace(" &lt; ", "&nbsp;&lt;&nbsp;");
    let rest = match rest.split_once(" (") {
        Some((said, interval)) => format!("{said} <span class=\"how\">({interval}</span>"),
        None => rest,
    };
    let class = match report.held_out.as_ref().map(HeldOut::verdict) {
        Some(Verdict::Better) => "better",
        Some(Verdict::Worse) => "worse",
        _ => "open",
    };
    let mut out = format!(
        "<header><h1>{}</h1>\n<p>{} on {}</p></header>\n\
         <p class=\"verdict {class}\"><b>{}:</b>{}</p>\n",
        escape(&report.model),
        escape(&report.method),
        escape(&report.data),
        escape(lead),
        rest
    );
    out.push_str("<div class=\"tiles\">\n");
    if let Some(held) = &report.held_out {
        let (before, after) = (held.perplexity_before, held.perplexity_after);
        let documents = held.documents.len();
        let interval =
            format!("{} to {}, {documents} texts", short(after.lower), short(after.upper));
        out.push_str(&tile(
            "Held-out perplexity",
            Some(&short(before.value)),
            &short(after.value),
            &interval,
        ));
    }
    for score in report.scores.iter().take(2) {
        let Estimate { value, lower: low, upper: high } = score.after;
        let note = format!("{} to {}, {} answers", number(low, 1), number(high, 1), score.n);
        out.push_str(&tile(
            &score.metric,
            Some(&number(score.before.value, 1)),
            &number(value, 1),
            &note,
        ));
    }
    let speed = format!("{} tokens/s", short(report.tokens_per_second));
    let steps = format!("Training, {} steps", report.steps);
    out.push_str(&tile(&steps, None, &duration(report.train_seconds), &speed));
    out + "</div>\n"
}

fn tile(name: &str, from: Option<&str>, value: &str, note: &str) -> String {
    let from = from
        .map(|from| format!("<span class=\"from\">{} →</span> ", escape(from)))
        .unwrap_or_default();
    format!(
        "<div class=\"tile\"><div class=\"name\">{}</div><div class=\"value\">{from}{}</div>\
         <div class=\"note\">{}</div></div>\n",
        escape(name),
        escape(value),
        escape(note)
    )
}

fn warnings(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let items: String =
        warnings.iter().map(|warning| format!("<li>{}</li>\n", escape(warning))).collect();
    format!("<div class=\"warnings\"><h3>Mind</h3><ul>\n{items}</ul></div>\n")
}

/// Loss curve, table of before and after, change per document.
fn measured(report: &TuneReport, held: &HeldOut) -> Result<String, PlotError> {
    let mut out = String::from("<h2>What was measured</h2>\n");
    if !report.metrics.is_empty() || report.evaluations.len() > 1 {
        out.push_str(&drawn(&loss_curve(report))?);
    }
    let row = |name: &str, before: Estimate, after: Estimate, change: &str| {
        let say = |value: f64| if name == "perplexity" { short(value) } else { number(value, 3) };
        let cell = |e: Estimate| {
            let (low, high) = (say(e.lower), say(e.upper));
            format!("{} <span class=\"quiet range\">[{low}, {high}]</span>", say(e.value))
        };
        format!(
            "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{}</td><td>{change}</td></tr>\n",
            cell(before),
            cell(after)
        )
    };
    let Estimate { value, lower: low, upper: high } = held.difference;
    let change = format!(
        "{} <span class=\"quiet range\">[{}, {}]</span>",
        number(value, 3),
        number(low, 3),
        number(high, 3)
    );
    let ratio = (held.perplexity_after.value / held.perplexity_before.value - 1.0) * 100.0;
    let _ = write!(
        out,
        "<div class=\"scroll\"><table><thead><tr><th>held-out part</th><th>before</th><th>after</th>\
         <th>change</th></tr></thead>\n<tbody>{}{}</tbody></table></div>\n\
         <p class=\"quiet under\">{} documents, {} scored tokens. Brackets are {:.0} % intervals, clustered by \
         document. Change: {}, {}. {}</p>\n",
        row("loss, nats per token", held.loss_before, held.loss_after, &change),
        row(
            "perplexity",
            held.perplexity_before,
            held.perplexity_after,
            &format!("{} %", number(ratio, 1))
        ),
        held.documents.len(),
        held.tokens,
        held.level * 100.0,
        escape(&held.method),
        p_value(held.p_value),
        escape(&report.kept().unwrap_or_default())
    );
    if held.documents.len() > 1 {
        out.push_str(&drawn(&document_changes(&held.documents))?);
        out.push_str(&extremes(&held.documents));
    }
    Ok(out)
}

fn drawn(chart: &Figure) -> Result<String, PlotError> {
    Ok(figure(&chart.svg()?, &chart.svg_at(Size::NARROW)?))
}

/// Values that are not finite become gaps.
fn series(metrics: &[StepMetric], value: fn(&StepMetric) -> f64) -> Vec<(f64, f64)> {
    let point = |metric: &StepMetric| {
        let value = value(metric);
        (metric.step as f64, if value.is_finite() { value } else { f64::NAN })
    };
    metrics.iter().map(point).collect()
}

fn loss_curve(report: &TuneReport) -> Figure {
    let mut chart = Figure::new("Loss during training")
        .x(Axis::linear("step").whole())
        .y(Axis::linear("nats per token"))
        .add(
            Line::new("training, each step", series(&report.metrics, |m| m.loss))
                .thin()
                .tone(Tone::Muted),
        );
    let mut evaluations = report.evaluations.clone();
    if let Some(held) = report.held_out.as_ref().filter(|_| evaluations.iter().all(|e| e.step > 0))
    {
        evaluations.insert(0, Evaluation { step: 0, loss: held.loss_before });
    }
    if !evaluations.is_empty() {
        let points = evaluations.iter().map(|e| (e.step as f64, e.loss.value)).collect();
        let band = evaluations.iter().map(|e| (e.loss.lower, e.loss.upper)).collect();
        let level = report.held_out.as_ref().map_or(95.0, |held| held.level * 100.0);
        let name = format!("{level:.0} % interval by document");
        chart = chart.add(Line::new("held out", points).markers().band(name, band));
    }
    if let Some(step) = report.best_step {
        chart = chart.add(Rule::x(step as f64, "kept"));
    }
    if report.metrics.iter().any(|m| !m.loss.is_finite()) {
        chart = chart.footnote("The line breaks at steps whose loss was not finite.");
    }
    chart
}

fn document_changes(documents: &[DocumentChange]) -> Figure {
    let mut changes: Vec<f64> = documents.iter().map(|d| d.after - d.before).collect();
    changes.retain(|change| change.is_finite());
    changes.sort_by(f64::total_cmp);
    let part = |keep: fn(f64) -> bool| -> Vec<(f64, f64)> {
        let ranked = changes.iter().enumerate().map(|(at, change)| (at as f64 + 1.0, *change));
        ranked.filter(|(_, change)| keep(*change)).collect()
    };
    let (better, worse) = (part(|c| c < 0.0), part(|c| c >= 0.0));
    let title = format!("{} of {} documents got easier", better.len(), changes.len());
    Figure::new(title)
        .subtitle("change of the loss of each held-out document, in order of size")
        .x(Axis::linear("document, by rank").whole())
        .y(Axis::linear("nats per token, below zero is better").zero())
        .add(Bars::new("easier", better).width(1.0).tone(Tone::Series(0)))
        .add(Bars::new("harder", worse).width(1.0).tone(Tone::Series(1)))
}

/// The documents that changed most, each way.
fn extremes(documents: &[DocumentChange]) -> String {
    let mut sorted: Vec<&DocumentChange> = documents.iter().collect();
    sorted.sort_by(|a, b| (a.after - a.before).total_cmp(&(b.after - b.before)));
    let n = sorted.len();
    let shown: Vec<&DocumentChange> =
        if n <= 8 { sorted } else { sorted[..4].iter().chain(&sorted[n - 4..]).copied().collect() };
    let mut out = String::from(
        "<details><summary>The documents that changed most</summary>\n<div class=\"scroll\"><table>\
         <thead><tr><th>document</th><th class=\"right\">tokens</th><th class=\"right\">before</th>\
         <th class=\"right\">after</th><th class=\"right\">change</th></tr></thead>\n<tbody>",
    );
    for document in shown {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td class=\"right\">{}</td><td class=\"right\">{}</td>\
             <td class=\"right\">{}</td><td class=\"right\">{}</td></tr>",
            escape(&document.name),
            document.tokens,
            number(document.before, 3),
            number(document.after, 3),
            number(document.after - document.before, 3)
        );
    }
    out + "</tbody></table></div></details>\n"
}

fn scores(scores: &[Score]) -> String {
    if scores.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>Answers against the data</h2>\n<div class=\"scroll\"><table><thead><tr><th>metric</th>\
         <th>before</th><th>after</th><th>change</th><th>chance</th></tr></thead>\n<tbody>",
    );
    let cell = |e: Estimate| {
        let range = format!("[{}, {}]", number(e.lower, 1), number(e.upper, 1));
        format!("{} <span class=\"quiet range\">{range}</span>", number(e.value, 1))
    };
    for score in scores {
        let alone = || number(score.after.value - score.before.value, 1);
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&score.metric),
            cell(score.before),
            cell(score.after),
            score.difference.map_or_else(alone, cell),
            score.p_value.map_or_else(|| "not known".to_owned(), |p| escape(&p_value(p)))
        );
    }
    out.push_str(
        "</tbody></table></div>\n<p class=\"quiet under\">Brackets are 95 % intervals of prompts drawn \
         again, before and after together; chance is how often exchanging the two answers to a prompt at \
         random would show as large a change.</p>\n",
    );
    for score in scores {
        let _ = writeln!(
            out,
            "<p class=\"quiet under\">{}: {} answers, <code>{}</code></p>",
            escape(&score.metric),
            score.n,
            escape(&score.signature)
        );
    }
    out
}

fn samples(report: &TuneReport) -> String {
    if report.samples.is_empty() {
        return String::new();
    }
    let mut out = String::from("<h2>Answers before and after</h2>\n");
    for (index, sample) in report.samples.iter().enumerate() {
        if index == SAMPLES {
            let more = report.samples.len() - SAMPLES;
            let _ = writeln!(out, "<details><summary>{more} more</summary>");
        }
        let answer = |label: &str, text: &str| {
            let text = if text.is_empty() {
                "<span class=\"quiet\">(nothing)</span>".to_owned()
            } else {
                escape(text)
            };
            format!(
                "<div><p class=\"label\">{label}</p><p class=\"answer\" dir=\"auto\">{text}</p></div>\n"
            )
        };
        let expected = sample
            .expected
            .as_ref()
            .map(|text| format!("<div class=\"expected\">{}</div>\n", answer("in the data", text)));
        let _ = write!(
            out,
            "<div class=\"sample\"><p class=\"label\">prompt</p><p class=\"prompt\" dir=\"auto\">{}</p>\n\
             <div class=\"pair\">{}{}</div>\n{}</div>\n",
            escape(&sample.prompt),
            answer("before", &sample.before),
            answer("after", &sample.after),
            expected.unwrap_or_default()
        );
    }
    if report.samples.len() > SAMPLES {
        out.push_str("</details>\n");
    }
    out
}

/// Learning rate, gradient norm and speed.
fn training(report: &TuneReport) -> Result<String, PlotError> {
    if report.metrics.is_empty() {
        return Ok(String::new());
    }
    let chart = |title: &str, label: &str, value: fn(&StepMetric) -> f64| {
        let points = series(&report.metrics, value);
        let known = points.iter().any(|(_, y)| !y.is_nan());
        known.then(|| {
            Figure::new(title)
                .x(Axis::linear("step").whole())
                .y(Axis::linear(label).zero())
                .add(Line::new(title, points))
        })
    };
    let mut out = String::from("<h2>How it trained</h2>\n");
    let rate = chart("Learning rate", "per step", |m| m.learning_rate);
    let norm = chart("Norm of the gradient before clipping", "", |m| m.grad_norm);
    let speed = chart("Speed", "tokens per second", |m| m.tokens_per_second);
    for chart in rate.iter() {
        out.push_str(&drawn(chart)?);
    }
    out.push_str("<details><summary>Gradient and speed</summary>\n");
    for chart in norm.iter().chain(&speed) {
        out.push_str(&drawn(chart)?);
    }
    Ok(out + "</details>\n")
}

fn next(report: &TuneReport) -> String {
    if report.next.is_empty() {
        return String::new();
    }
    let mut out = String::from("<h2>Next</h2>\n");
    for next in &report.next {
        let _ =
            write!(out, "<p>{}</p>\n<pre>{}</pre>\n", escape(&next.what), escape(&next.command));
    }
    out
}

fn facts_of_the_run(report: &TuneReport) -> String {
    let mut memory = Vec::new();
    if let Some(bytes) = report.peak_bytes {
        memory.push(("Peak memory, measured", gigabytes(bytes)));
    }
    if let Some(bytes) = report.predicted_peak_bytes {
        memory.push(("Peak memory, predicted", gigabytes(bytes)));
    }
    let list = |facts: &[Fact]| -> Vec<(String, String)> {
        facts.iter().map(|fact| (fact.name.clone(), fact.value.clone())).collect()
    };
    let table =
        |rows: &[(String, String)]| facts(rows.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let mut versions = list(&report.versions);
    versions.extend(memory.into_iter().map(|(name, value)| (name.to_owned(), value)));
    versions.push(("Seed".to_owned(), report.seed.to_string()));
    versions.push(("Folder".to_owned(), report.out.clone()));
    format!(
        "<h2>What was read</h2>\n{}<h2>The run</h2>\n\
         <details><summary>Settings</summary>\n{}</details>\n{}",
        table(&list(&report.data_facts)),
        table(&list(&report.settings)),
        table(&versions)
    )
}

/// Three to four digits, whatever the size.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    number(value, decimals)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}

fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

#[cfg(test)]
#[path = "report_html_tests.rs"]
mod tests;
