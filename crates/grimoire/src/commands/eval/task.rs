//! `grimoire eval MODEL TASK`: a built-in task or a TOML file.

use crate::app::digits::counted;
use crate::app::eval::{self, EvalReport, EvalRequest};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_eval::task::builtin;
use serde::Serialize;
use std::path::PathBuf;

/// The format of a task, for `--help`.
pub(super) const FORMAT: &str = "\
A task is a TOML file:
  name, about, source    what it is and where its data come from
  data                   the file of the rows, beside the task (--data says otherwise):
                         JSON Lines, JSON, CSV, TSV, text, each also .gz, or Parquet; or org/name or
                         org/name/file[@revision] among the data sets of a hub
  rows                   where rows are in a nested document: \"data.paragraphs.qas\"
  fields                 other names of fields: { mr = \"meaning_representation\" }
  group                  rows with the same value of this field are one item
  cluster                items with the same value of this field are resampled together
  prompt                 what the model reads: Jinja over the fields of a row
  truth | references     what is right: a template, or a path to texts: \"answers.text\"
  separator              between prompt and answer in examples and options (\" \")
One of
  [generate]  tokens = 256, stop = [\"\\n\"]                      the model writes
  [choose]    options = [\"no\", \"yes\"] or a path, option = \"({{ option }}\",
              key = \"text\" | \"index\" | \"letter\"               it finds an option likeliest
  [score]     window, stride, begin = \"none\" | \"document\" | \"window\"   it rates the truth as a text
Examples before each question
  [examples]  count = 5, between = \"\\n\\n\", rows = [{ … }] or data = a file (or --examples)
And how answers are judged, one or more
  [[metric]]  kind = \"exact\" | \"number\" | \"squad\" | \"bleu\" | \"chrf\" | \"rouge\"   of what is written
              kind = \"accuracy\" | \"accuracy-per-byte\" | \"macro-f1\"           of a choice
              kind = \"perplexity\", per = \"token\" | \"byte\" | \"word\"           of a text
              pattern = 'regex', take = \"first\" | \"last\"   the answer in what was written
              ignore = ['regex'], case = false              deleted on both sides; lower case
`grimoire eval --show gsm8k` prints a built-in task to start from.";

#[derive(clap::Args)]
pub(crate) struct TaskArgs {
    /// A .gguf file, a Hugging Face folder, org/name on the hub, or `builtin`.
    #[arg(required_unless_present_any = ["list", "show"])]
    model: Option<String>,
    /// A built-in task (see --list) or a .toml file.
    #[arg(required_unless_present_any = ["list", "show"])]
    task: Option<String>,
    /// The data: a file of rows, or org/name or org/name/file[@revision] among the data sets of a hub (default:
    /// what the task names, see --list).
    #[arg(long, value_name = "FILE|NAME")]
    data: Option<String>,
    /// A file of rows, here or on a hub, from which the first are shown before each question (default: what the task
    /// names).
    #[arg(long, value_name = "FILE|NAME")]
    examples: Option<String>,
    /// How many examples are shown; the task says how many otherwise.
    #[arg(long, value_name = "N")]
    shots: Option<usize>,
    /// The first so many items alone.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// A folder for the report and a record of every item.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run.
    #[arg(long)]
    adapter: Option<PathBuf>,
    /// Ask through the model's chat template.
    #[arg(long)]
    chat: bool,
    /// `f32` computes everything in f32.
    #[arg(long, value_parser = ["auto", "f32"], default_value = "auto")]
    precision: String,
    /// Where answers are kept, so that none is asked twice (default: grimoire/eval in the user's cache).
    #[arg(long, value_name = "FOLDER")]
    cache: Option<PathBuf>,
    /// Keep no answers and use none that were kept.
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,
    /// List the built-in tasks.
    #[arg(long)]
    list: bool,
    /// Print the TOML of a built-in task.
    #[arg(long, value_name = "TASK")]
    show: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: TaskArgs, printer: &mut Printer) -> Outcome {
    if args.list {
        return list(printer);
    }
    if let Some(name) = &args.show {
        let text = builtin::source(name).ok_or_else(|| {
            Failure::usage(format!("there is no built-in task `{name}`"))
                .hint("`grimoire eval --list` lists them")
        })?;
        return printer.data(text);
    }
    let (Some(model), Some(task)) = (args.model, args.task) else {
        return Err(Failure::usage("expected MODEL and TASK"));
    };
    let request = EvalRequest {
        model,
        adapter: args.adapter,
        task,
        data: args.data,
        examples: args.examples,
        shots: args.shots,
        limit: args.limit,
        chat: args.chat,
        f32: args.precision == "f32",
        out: args.out,
        cache: args.cache,
        no_cache: args.no_cache,
    };
    let bar = printer.bar(1, "items");
    let report = eval::run(&request, printer, &mut |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    for warning in &report.warnings {
        printer.talk(&format!("warning: {warning}"));
    }
    printer.report(&report, render)
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    about: String,
    source: String,
    /// Where the data are found unless --data says otherwise.
    data: Option<String>,
}

fn list(printer: &mut Printer) -> Outcome {
    let listed = builtin::names()
        .filter_map(|name| Some((name, builtin::task(name)?.ok()?)))
        .map(|(name, task)| Listed {
            name,
            about: task.about,
            source: task.source,
            data: task.data,
        })
        .collect::<Vec<_>>();
    printer.report(&listed, |listed| {
        let line = |task: &Listed| {
            let hub = task.data.as_deref().unwrap_or("none: give a file with --data");
            format!(
                "{:<12}{}\n{:<12}source: {}\n{:<12}on the hub: {hub}\n",
                task.name, task.about, "", task.source, ""
            )
        };
        listed.iter().map(line).collect()
    })
}

fn render(report: &EvalReport) -> String {
    let width = report.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
    let clusters =
        report.clusters.map_or_else(String::new, |n| format!(" in {}", counted(n, "cluster")));
    let items = counted(report.n, "item");
    let mut out = format!("{}: {items}{clusters} of {}\n", report.task, report.data);
    for figure in &report.figures {
        let interval = figure.interval.as_ref().map_or_else(
            || match report.n {
                1 => "  one item: no interval".to_owned(),
                _ if report.clusters == Some(1) => "  one cluster: no interval".to_owned(),
                _ => "  no interval: all items alike".to_owned(),
            },
            |bounds| format!(" [{:.2}, {:.2}]  {}", bounds.lower, bounds.upper, bounds.method),
        );
        out.push_str(&format!("  {:<width$}  {:.2}{interval}\n", figure.name, figure.value));
    }
    for figure in &report.figures {
        out.push_str(&format!("{}: {}\n", figure.name, figure.signature));
    }
    out.push_str(&format!(
        "{} examples; {} tokens read, {} written or weighed; {} of {} answers were known\n",
        report.shots, report.tokens.read, report.tokens.written, report.remembered, report.n
    ));
    out
}
