//! `grimoire compare`: is it better, or is it noise.

use crate::app::compare::{self, CompareReport};
use crate::app::compare_page;
use crate::app::compare_sources::{are_folders, of_files, of_folders};
use crate::app::digits::signed;
use crate::app::figures;
use crate::app::score;
use crate::app::texts::Source;
use crate::commands::score::input::{Resampling, render_measure};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::measure::Metric;
use grimoire_eval::text::bleu::BleuOptions;
use grimoire_eval::text::chrf::ChrfOptions;
use grimoire_eval::text::rouge::{Kind, RougeOptions};
use grimoire_eval::text::ter::TerOptions;
use grimoire_eval::text::tokenize::Tokenizer;
use std::path::PathBuf;

/// Compare evaluations, runs or outputs: differences with intervals, corrected p-values, and what may be concluded.
#[derive(Args)]
pub(crate) struct Compare {
    /// Folders that `grimoire eval --out` or `grimoire tune` wrote, or output files (text by line, .jsonl,
    /// .csv, .tsv, also .gz) with --ref; the first is the one to compare with.
    #[arg(required = true, num_args = 1.., value_name = "FOLDER|FILE")]
    systems: Vec<PathBuf>,
    /// A file of references for output files; repeat it for several.
    #[arg(long = "ref", value_name = "FILE")]
    refs: Vec<PathBuf>,
    /// Metrics of output files: bleu, chrf, chrf++, ter, rouge, squad [default: bleu,chrf].
    #[arg(long, value_delimiter = ',')]
    metric: Vec<String>,
    /// BLEU's tokenizer: 13a, intl, char, zh or none [default: 13a].
    #[arg(long, value_parser = ["13a", "intl", "char", "zh", "none"])]
    tokenize: Option<String>,
    /// The field or column of the outputs.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// The field or column of the references.
    #[arg(long, value_name = "NAME")]
    ref_field: Option<String>,
    #[command(flatten)]
    resampling: Resampling,
    /// How many changed items are listed.
    #[arg(long, default_value_t = 3, value_name = "N")]
    items: usize,
    /// Print a Markdown table only, and a line that says how it was made.
    #[arg(long)]
    markdown: bool,
    /// Also write a page with figures.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also draw the differences by item of the first metric and the second system (SVG).
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(command: Compare, printer: &mut Printer) -> Outcome {
    let sources = |paths: Vec<PathBuf>, field: &Option<String>| -> Vec<Source> {
        paths.into_iter().map(|path| Source { path, field: field.clone() }).collect()
    };
    let plan = command.resampling.plan()?;
    if command.systems.len() < 2 {
        return Err(Failure::usage(format!(
            "{}: compared with what?",
            command.systems[0].display()
        ))
        .hint("name two folders or files, or more"));
    }
    let contest = if are_folders(&command.systems)? {
        if let Some((option, what)) = for_files(&command) {
            return Err(Failure::usage(format!("{option}: folders hold their own {what}")));
        }
        of_folders(&command.systems)?
    } else {
        if command.refs.is_empty() {
            return Err(Failure::usage(
                "output files are compared with references: --ref is missing",
            ));
        }
        let tokenize = command.tokenize.as_deref().unwrap_or("13a");
        let names = if command.metric.is_empty() {
            vec!["bleu".into(), "chrf".into()]
        } else {
            command.metric
        };
        let metrics = names.iter().map(|name| metric(name, tokenize));
        let metrics = metrics.collect::<Outcome<Vec<Metric>>>()?;
        let systems = sources(command.systems, &command.field);
        of_files(&systems, &sources(command.refs, &command.ref_field), &metrics)?
    };
    let labels = match command.resampling.clusters() {
        Some(source) => Some(labels(&source, contest.parts[0].items.len())?),
        None => None,
    };
    let report = compare::run(&contest, labels.as_deref(), &plan, command.items)?;
    if let Some(path) = &command.html {
        let page = compare_page::html(&report)?;
        grimoire_format::write_atomic(path, page.as_bytes())?;
        printer.talk(&format!("wrote {}", path.display()));
    }
    if let Some(path) = &command.plot {
        figures::save(&compare_page::differences(&report.metrics[0], 1), path)?;
    }
    let markdown = command.markdown;
    printer.report(
        &report,
        |report| {
            if markdown { compare_page::markdown(report) } else { render(report) }
        },
    )
}

/// An option for output files that was given, and what it is about.
fn for_files(command: &Compare) -> Option<(&'static str, &'static str)> {
    [
        (!command.refs.is_empty(), "--ref", "references"),
        (!command.metric.is_empty(), "--metric", "metrics"),
        (command.tokenize.is_some(), "--tokenize", "metrics"),
        (command.field.is_some(), "--field", "outputs"),
        (command.ref_field.is_some(), "--ref-field", "references"),
    ]
    .into_iter()
    .find_map(|(given, option, what)| given.then_some((option, what)))
}

/// One label for each of `n` items.
fn labels(source: &Source, n: usize) -> Outcome<Vec<String>> {
    let labels = score::labels(source)?;
    let (name, found) = (source.path.display(), labels.len());
    if found == n {
        return Ok(labels);
    }
    Err(Failure::work(if found < n {
        format!("{name} ends after line {found}, there is an item {}", found + 1)
    } else {
        format!("{name}:{}: there are only {n} items", n + 1)
    }))
}

fn metric(name: &str, tokenize: &str) -> Outcome<Metric> {
    Ok(match name {
        "bleu" => Metric::Bleu(BleuOptions {
            tokenizer: Tokenizer::named(tokenize).unwrap_or_default(),
            ..BleuOptions::default()
        }),
        "chrf" => Metric::Chrf(ChrfOptions::default()),
        "chrf++" => Metric::Chrf(ChrfOptions::plus_plus()),
        "ter" => Metric::Ter(TerOptions::default()),
        "rouge" => Metric::Rouge(vec![Kind::N(1), Kind::N(2), Kind::L], RougeOptions::default()),
        "squad" => Metric::Squad,
        other => {
            return Err(Failure::usage(format!("there is no metric `{other}`"))
                .hint("bleu, chrf, chrf++, ter, rouge or squad"));
        }
    })
}

fn render(report: &CompareReport) -> String {
    let mut out = String::new();
    for comparison in &report.metrics {
        out.push_str(&render_measure(&comparison.measure));
        for conclusion in &comparison.conclusions {
            out.push_str(&format!("  {conclusion}\n"));
        }
        for (effect, system) in comparison.effect_sizes.iter().zip(&report.systems[1..]) {
            if let Some(effect) = effect {
                out.push_str(&format!(
                    "  effect size of {system}: {effect:+.2} standard deviations of the {}s' differences\n",
                    comparison.items.unit
                ));
            }
        }
        for item in &comparison.changed {
            let place = item.place.as_ref().map_or_else(String::new, |place| format!(" {place}"));
            let with = match report.systems.len() {
                0..=2 => String::new(),
                _ => format!(" with {}", item.system),
            };
            out.push_str(&format!(
                "  {} {}{place} ({}{with})\n",
                comparison.items.unit,
                item.item,
                signed(item.difference, 1)
            ));
            for (name, text) in
                [("first", &item.first), ("other", &item.output), ("reference", &item.reference)]
            {
                if !text.is_empty() {
                    out.push_str(&format!("    {name:<9}  {}\n", text.replace('\n', " ")));
                }
            }
        }
        out.push_str(&format!("  {}\n\n", comparison.signature));
    }
    for note in &report.notes {
        out.push_str(&format!("{note}\n"));
    }
    let lines = std::iter::once(compare_page::resampled(report)).chain(compare_page::made(report));
    lines.fold(out, |out, line| out + &line + "\n")
}
