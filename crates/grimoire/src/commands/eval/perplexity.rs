//! `grimoire eval perplexity MODEL FILE`.

use crate::app::loading::load;
use crate::app::perplexity::{Request, measure};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use std::path::{Path, PathBuf};

/// Perplexity of a text under a model, with its interval.
#[derive(clap::Args)]
pub(crate) struct Perplexity {
    /// A .gguf file, a Hugging Face folder, org/name on the hub, `builtin`, or the folder of a run.
    model: String,
    /// Plain text (one document), or JSON Lines with a field `text` (a document a line).
    file: PathBuf,
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run.
    #[arg(long)]
    adapter: Option<PathBuf>,
    /// Most tokens of context.
    #[arg(long, default_value_t = 1024)]
    window: usize,
    /// Tokens from one window to the next; less than the window gives every token more context.
    #[arg(long, default_value_t = 1024)]
    stride: usize,
    /// Begin every window with the begin-of-sequence token.
    #[arg(long, overrides_with = "no_bos")]
    bos: bool,
    /// Do not.
    #[arg(long, overrides_with = "bos")]
    no_bos: bool,
    /// Both are the same here: losses are always computed in f32.
    #[arg(long, value_parser = ["auto", "f32"], default_value = "auto")]
    precision: String,
}

/// Runs the command.
pub(crate) fn run(args: Perplexity, printer: &mut Printer) -> Outcome {
    let documents = read(&args.file)?;
    let loaded = load(&args.model, args.adapter.as_deref(), printer)?;
    let context = loaded.model.config().context;
    let file = args.file.display().to_string();
    let request = Request {
        file: &file,
        documents: &documents,
        window: args.window.min(context),
        stride: args.stride.min(context),
        bos: if args.bos {
            Some(true)
        } else if args.no_bos {
            Some(false)
        } else {
            None
        },
    };
    let bar = printer.bar(1000, "windows");
    let report =
        measure(&loaded, &request, &mut |share| bar.set_position((share * 1000.0) as u64))?;
    bar.finish_and_clear();
    printer.report(&report, |report| {
        let interval = match report.interval {
            Some([low, high]) => {
                format!("95 % interval {low:.4} to {high:.4}, clustered by {}", report.clusters)
            }
            None => "no interval: a single cluster".to_owned(),
        };
        format!(
            "perplexity {:.4} ({interval})\n{:.6} nats per token over {} scored tokens of {}\n{}\n",
            report.perplexity, report.nll, report.scored, report.tokens, report.signature
        )
    })
}

/// The documents of a file.
fn read(file: &Path) -> Outcome<Vec<String>> {
    let bytes = std::fs::read(file)
        .map_err(|error| Failure::work(format!("{}: {error}", file.display())))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::work(format!("{}: byte {at}: expected UTF-8 text", file.display()))
    })?;
    if text.trim().is_empty() {
        return Err(Failure::work(format!("{}: the file is empty", file.display())));
    }
    if file.extension().is_none_or(|extension| extension != "jsonl") {
        return Ok(vec![text]);
    }
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            let place = format!("{}:{}", file.display(), index + 1);
            let row: serde_json::Value = serde_json::from_str(line).map_err(|error| {
                Failure::work(format!("{place}: expected a JSON object: {error}"))
            })?;
            row["text"].as_str().map(str::to_owned).ok_or_else(|| {
                Failure::work(format!("{place}: expected a field text with a string"))
            })
        })
        .collect()
}
