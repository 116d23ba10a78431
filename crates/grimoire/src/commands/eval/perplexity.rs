//! `grimoire eval perplexity MODEL FILE`.

use crate::app::loading::{Loaded, load};
use crate::app::perplexity::{Scoring, default_begin, report, score};
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_eval::perplexity::{Begin, Protocol};
use grimoire_tensor::Precision;
use std::path::{Path, PathBuf};

/// Perplexity of a text under a model: per token, byte and word, with intervals.
#[derive(clap::Args)]
pub(crate) struct Perplexity {
    /// A .gguf file, a Hugging Face folder, org/name on the hub, `builtin`, or the folder of a run.
    model: String,
    /// Plain text (one document), or JSON Lines with a field `text` (a document a line).
    file: PathBuf,
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run.
    #[arg(long)]
    adapter: Option<PathBuf>,
    #[command(flatten)]
    windows: WindowArgs,
}

/// The window when none is asked for.
const WINDOW: usize = 1024;

/// The stride when none is asked for and the window is not shorter.
const STRIDE: usize = 1024;

/// How a text is cut into windows.
#[derive(clap::Args)]
pub(crate) struct WindowArgs {
    /// Most tokens of context.
    #[arg(long, default_value_t = WINDOW)]
    window: usize,
    /// Tokens from one window to the next; less than the window gives every token more context [default: 1024, or
    /// the window where that is shorter].
    #[arg(long)]
    stride: Option<usize>,
    /// Where the begin-of-sequence token stands: none, document (once before each) or window (before every
    /// window); as the model's tokenizer has it otherwise.
    #[arg(long, value_parser = ["none", "document", "window"], value_name = "RULE")]
    begin: Option<String>,
    /// The same as --begin window.
    #[arg(long, conflicts_with = "begin", overrides_with = "no_bos")]
    bos: bool,
    /// The same as --begin none.
    #[arg(long, conflicts_with = "begin", overrides_with = "bos")]
    no_bos: bool,
    /// Tokens computed at once; the figures do not depend on it.
    #[arg(long, default_value_t = 512, value_name = "TOKENS", value_parser = positive)]
    batch: usize,
    /// `f32` computes everything in f32; `auto` may take products with quantised weights in integers.
    #[arg(long, value_parser = ["auto", "f32"], default_value = "f32")]
    precision: String,
}

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("expected at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(error) => Err(format!("{error}")),
    }
}

impl WindowArgs {
    /// What is to be said where the window is longer than a model's context.
    pub(crate) fn clipped(&self, loaded: &Loaded) -> Option<String> {
        let context = loaded.model.config().context;
        (self.window > context && self.window != WINDOW).then(|| {
            format!(
                "warning: --window {}: the context of the model, {context}, is taken",
                self.window
            )
        })
    }

    /// The scoring for a model.
    pub(crate) fn scoring(&self, loaded: &Loaded) -> Scoring {
        let context = loaded.model.config().context;
        let begin = match self.begin.as_deref() {
            Some("none") => Begin::None,
            Some("document") => Begin::Document,
            Some(_) => Begin::Window,
            None if self.bos => Begin::Window,
            None if self.no_bos => Begin::None,
            None => default_begin(loaded),
        };
        let stride = self.stride.unwrap_or(self.window.min(STRIDE));
        let protocol =
            Protocol { window: self.window.min(context), stride: stride.min(context), begin };
        let precision = if self.precision == "f32" { Precision::F32 } else { Precision::Fast };
        Scoring { protocol, batch: self.batch, precision }
    }
}

/// Runs the command.
pub(crate) fn run(args: Perplexity, printer: &mut Printer) -> Outcome {
    let documents = read_documents(&args.file)?;
    let loaded = load(&args.model, args.adapter.as_deref(), printer)?;
    let scoring = args.windows.scoring(&loaded);
    args.windows.clipped(&loaded).iter().for_each(|warning| printer.talk(warning));
    let file = args.file.display().to_string();
    let bar = printer.bar(1000, "windows");
    let scored = score(&loaded, &documents, &scoring, &mut |share| {
        bar.set_position((share * 1000.0) as u64)
    })?;
    bar.finish_and_clear();
    let report = report(&loaded, &file, &documents, &scored, &scoring)?;
    printer.report(&report, |report| {
        let interval = match report.interval {
            Some([low, high]) => {
                format!("95 % interval {low:.4} to {high:.4}, clustered by {}", report.clusters)
            }
            None => "no interval: a single cluster".to_owned(),
        };
        let mut out = format!(
            "perplexity {:.4} ({interval})\n{:.6} nats per token over {} scored tokens of {}\n",
            report.perplexity, report.nll, report.scored, report.tokens
        );
        for figure in &report.per[1..] {
            let interval = figure.interval.as_ref().map_or_else(String::new, |interval| {
                format!(" [{:.4}, {:.4}]", interval.lower, interval.upper)
            });
            out.push_str(&format!(
                "per {} {:.4}{interval}: {:.4} bits over {} {}s\n",
                figure.unit.name(),
                figure.perplexity,
                figure.bits,
                figure.units,
                figure.unit.name()
            ));
        }
        out + &report.signature + "\n"
    })
}

/// The documents of a file.
pub(crate) fn read_documents(file: &Path) -> Outcome<Vec<String>> {
    let bytes = std::fs::read(file).map_err(|error| {
        let failure = Failure::work(format!("{}: {error}", file.display()));
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                failure.hint("expected a text file, or JSON Lines (.jsonl) with a field `text`")
            }
            _ => failure,
        }
    })?;
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
