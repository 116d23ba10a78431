//! `grimoire compare`: is it better, or is it noise.

use crate::app::compare::{self, CompareReport, CompareRequest};
use crate::app::compare_page;
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

/// Compare outputs: differences with intervals, corrected p-values, and what may be concluded.
#[derive(Args)]
pub(crate) struct Compare {
    /// Output files; the first is the one to compare with. Text by line, .jsonl, .csv, .tsv, also .gz.
    #[arg(required = true, num_args = 2.., value_name = "FILE")]
    systems: Vec<PathBuf>,
    /// A file of references; repeat it for several.
    #[arg(long = "ref", value_name = "FILE", required = true)]
    refs: Vec<PathBuf>,
    /// Metrics: bleu, chrf, chrf++, ter, rouge, squad.
    #[arg(long, value_delimiter = ',', default_value = "bleu,chrf")]
    metric: Vec<String>,
    /// BLEU's tokenizer: 13a, intl, char, zh or none.
    #[arg(long, default_value = "13a", value_parser = ["13a", "intl", "char", "zh", "none"])]
    tokenize: String,
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
    /// Print a Markdown table only.
    #[arg(long)]
    markdown: bool,
    /// Also write a page with figures.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(command: Compare, printer: &mut Printer) -> Outcome {
    let sources = |paths: Vec<PathBuf>, field: &Option<String>| -> Vec<Source> {
        paths.into_iter().map(|path| Source { path, field: field.clone() }).collect()
    };
    let request = CompareRequest {
        metrics: command
            .metric
            .iter()
            .map(|name| metric(name, &command.tokenize))
            .collect::<Outcome<Vec<Metric>>>()?,
        systems: sources(command.systems, &command.field),
        references: sources(command.refs, &command.ref_field),
        clusters: command.resampling.clusters(),
        plan: command.resampling.plan()?,
        items: command.items,
    };
    let report = compare::run(&request)?;
    if let Some(path) = &command.html {
        let page = compare_page::html(&report)?;
        std::fs::write(path, page)
            .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
        printer.talk(&format!("wrote {}", path.display()));
    }
    let markdown = command.markdown;
    printer.report(
        &report,
        |report| {
            if markdown { compare_page::markdown(report) } else { render(report) }
        },
    )
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
        for item in &comparison.changed {
            out.push_str(&format!("  item {} ({:+.1})\n", item.item, item.difference));
            out.push_str(&format!("    first      {}\n", item.first));
            out.push_str(&format!("    other      {}\n", item.output));
            out.push_str(&format!("    reference  {}\n", item.reference));
        }
        out.push_str(&format!("  {}\n\n", comparison.signature));
    }
    out.push_str(&format!("{} items, {} resampled units\n", report.n, report.units));
    out
}
