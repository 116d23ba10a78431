//! `grimoire score bleu`.

use super::input::Input;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use clap::Args;
use grimoire_eval::measure::Metric;
use grimoire_eval::text::bleu::{BleuOptions, Smoothing};
use grimoire_eval::text::tokenize::Tokenizer;
use grimoire_text::{EncodeOptions, SentencePiece};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// BLEU as sacreBLEU 2.6 computes it.
#[derive(Args)]
pub(crate) struct Bleu {
    #[command(flatten)]
    input: Input,
    /// How text is cut: 13a, intl, char, zh or none.
    #[arg(long, default_value = "13a")]
    tokenize: String,
    /// Cut text into the pieces of this tokenizer instead: a SentencePiece `.model`, or a `tokenizer.json`.
    #[arg(long, value_name = "FILE", conflicts_with = "tokenize")]
    tokenizer_model: Option<PathBuf>,
    /// Orders without a match: exp, floor, add-k or none.
    #[arg(long, default_value = "exp", value_parser = ["exp", "floor", "add-k", "none"])]
    smooth: String,
    /// The value of floor (0.1) or add-k (1).
    #[arg(long, value_name = "X")]
    smooth_value: Option<f64>,
    /// Leave out orders longer than the output; for single sentences.
    #[arg(long)]
    effective_order: bool,
    /// Ignore case.
    #[arg(long)]
    lowercase: bool,
}

/// Runs the command.
pub(crate) fn run(command: Bleu, printer: &mut Printer) -> Outcome {
    let value = command.smooth_value;
    if value.is_some_and(|value| !(value > 0.0 && value.is_finite())) {
        return Err(Failure::usage("--smooth-value must be above 0"));
    }
    if value.is_some() && !matches!(command.smooth.as_str(), "floor" | "add-k") {
        return Err(Failure::usage(format!(
            "--smooth-value: smoothing {} has none",
            command.smooth
        ))
        .hint("--smooth floor and --smooth add-k have a value"));
    }
    let options = BleuOptions {
        tokenizer: match &command.tokenizer_model {
            Some(path) => pieces(path)?,
            None => Tokenizer::named(&command.tokenize)
                .ok_or_else(|| no_tokenizer(&command.tokenize))?,
        },
        lowercase: command.lowercase,
        smoothing: match command.smooth.as_str() {
            "floor" => Smoothing::Floor(value.unwrap_or(0.1)),
            "add-k" => Smoothing::AddK(value.unwrap_or(1.0)),
            "none" => Smoothing::None,
            _ => Smoothing::Exponential,
        },
        effective_order: command.effective_order,
    };
    command.input.run(Metric::Bleu(options), printer)
}

fn no_tokenizer(name: &str) -> Failure {
    Failure::usage(format!("there is no tokenizer `{name}`: 13a, intl, char, zh or none")).hint(
        "the pieces of a SentencePiece model, such as those of spm and flores200, are counted with \
         --tokenizer-model FILE",
    )
}

/// Eight digits that another file does not share.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The pieces of a tokenizer file; the signature names it by its file and a hash of its bytes.
fn pieces(path: &Path) -> Outcome<Tokenizer> {
    let wrong = |problem: &dyn std::fmt::Display| {
        Failure::work(format!("{}: {problem}", path.display()))
            .hint("expected a SentencePiece model (.model) or a tokenizer.json")
    };
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::work(format!("{}: {error}", path.display())))?;
    let name =
        path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let name = format!("spm.{name}.{}", hash(&bytes));
    if bytes.first() != Some(&b'{') {
        let model = SentencePiece::from_bytes(&bytes).map_err(|error| wrong(&error))?;
        return Ok(Tokenizer::Pieces {
            name,
            encode: Arc::new(move |text: &str| model.pieces(text)),
        });
    }
    let tokenizer =
        grimoire_text::Tokenizer::from_tokenizer_json(&bytes).map_err(|error| wrong(&error))?;
    let encode = move |text: &str| {
        let ids = tokenizer.encode(text, EncodeOptions::default()).unwrap_or_default();
        ids.into_iter().filter_map(|id| tokenizer.token_text(id).map(str::to_owned)).collect()
    };
    Ok(Tokenizer::Pieces { name, encode: Arc::new(encode) })
}
