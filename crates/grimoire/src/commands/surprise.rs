//! `grimoire surprise MODEL FILE`: a text coloured by what each token surprised the model.

use super::eval::{WindowArgs, read_documents};
use crate::app::figures;
use crate::app::loading::load;
use crate::app::surprise::{SurpriseReport, TokenSurprise, measure, pieces, strength};
use crate::app::surprise_page;
use crate::failure::Outcome;
use crate::printer::{Colours, Printer};
use grimoire_format::write_atomic;
use std::path::PathBuf;

/// Show a text coloured by the surprise of each token under a model.
#[derive(clap::Args)]
pub(crate) struct Surprise {
    /// A .gguf file, a Hugging Face folder, org/name on the hub, or `builtin`.
    model: String,
    /// Plain text (one document), or JSON Lines with a field `text` (a document a line).
    file: PathBuf,
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run.
    #[arg(long)]
    adapter: Option<PathBuf>,
    #[command(flatten)]
    windows: WindowArgs,
    /// Also write the coloured text as a page that is one file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also draw how the surprises spread (SVG).
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Also write the tokens as JSON Lines: document, place, id, bytes, text, bits.
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
}

/// How strengths 1 to 6 look where there are 256 colours: from pale yellow to red, each seen on white and on black.
const MANY: [&str; 6] = [
    "48;5;229;38;5;16",
    "48;5;222;38;5;16",
    "48;5;215;38;5;16",
    "48;5;208;38;5;16",
    "48;5;202;38;5;16",
    "48;5;160;38;5;231",
];
/// The same where there are eight: underlined, then a ground of cyan, yellow, magenta and red.
const EIGHT: [&str; 6] = ["4", "46;30", "43;30", "1;45;37", "1;41;37", "1;4;41;37"];

/// Runs the command.
pub(crate) fn run(args: Surprise, printer: &mut Printer) -> Outcome {
    let documents = read_documents(&args.file)?;
    let loaded = load(&args.model, args.adapter.as_deref(), printer)?;
    let scoring = args.windows.scoring(&loaded);
    args.windows.clipped(&loaded).iter().for_each(|warning| printer.talk(warning));
    let file = args.file.display().to_string();
    let bar = printer.bar(1000, "windows");
    let report = measure(&loaded, &file, &documents, &scoring, &mut |share| {
        bar.set_position((share * 1000.0) as u64);
    })?;
    bar.finish_and_clear();
    if let Some(path) = &args.html {
        write_atomic(path, surprise_page::html(&report, &documents)?.as_bytes())?;
        printer.talk(&format!("wrote {}", path.display()));
    }
    if let Some(path) = &args.plot {
        figures::save(&surprise_page::spread(&report), path)?;
    }
    if let Some(path) = &args.tokens {
        let mut lines = String::new();
        for token in &report.tokens {
            lines.push_str(&serde_json::to_string(token)?);
            lines.push('\n');
        }
        write_atomic(path, lines.as_bytes())?;
        printer.talk(&format!("wrote {}", path.display()));
    }
    let colours = printer.colours();
    printer.report(&report, |report| {
        let body = match colours {
            Colours::None => table(report),
            Colours::Eight => coloured(report, &documents, &EIGHT),
            Colours::Many => coloured(report, &documents, &MANY),
        };
        body + &summary(report)
    })
}

/// The text with a look for each token.
fn coloured(report: &SurpriseReport, documents: &[String], looks: &[&str; 6]) -> String {
    let mut out = String::new();
    let mut rest = &report.tokens[..];
    for (index, document) in documents.iter().enumerate() {
        let n = rest.iter().take_while(|token| token.document == index + 1).count();
        let (own, others) = rest.split_at(n);
        rest = others;
        for piece in pieces(document, own) {
            match piece.bits.map(strength) {
                Some(step) if step > 0 => {
                    // A colour that ran over a line end would fill the line.
                    for (at, line) in piece.text.split('\n').enumerate() {
                        out.push_str(if at > 0 { "\n" } else { "" });
                        if !line.is_empty() {
                            let (look, text) = (looks[step - 1], shown(line));
                            out.push_str(&format!("\x1b[{look}m{text}\x1b[0m"));
                        }
                    }
                }
                _ => out.push_str(&shown(piece.text)),
            }
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out.push_str("\nbits: below 1 ");
    let names = ["1 to 2", "2 to 4", "4 to 8", "8 to 16", "16 to 32", "32 and more"];
    for (look, name) in looks.iter().zip(names) {
        out.push_str(&format!(" \x1b[{look}m {name} \x1b[0m"));
    }
    out + "\n"
}

/// A line for each token: bits, a bar of as many marks, the token.
fn table(report: &SurpriseReport) -> String {
    let several = report.tokens.last().is_some_and(|token| token.document > 1);
    let line = |token: &TokenSurprise| {
        let (bits, bar) = token.bits.map_or_else(
            || ("-".to_owned(), String::new()),
            |bits| (format!("{bits:.2}"), "#".repeat(bits.clamp(0.0, 24.0).round() as usize)),
        );
        let document = if several { format!("{:>4} ", token.document) } else { String::new() };
        format!("{document}{bits:>7}  {bar:<24}  {:?}\n", token.text)
    };
    let head = if several { " doc " } else { "" };
    let mut out = format!("{head}{:>7}  {:<24}  token\n", "bits", "");
    out.extend(report.tokens.iter().map(line));
    out + "\n"
}

/// Text of a stranger: what could steer a terminal is shown as U+FFFD.
fn shown(text: &str) -> String {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

fn summary(report: &SurpriseReport) -> String {
    let figures = &report.perplexity;
    let bits = figures.nll / std::f64::consts::LN_2;
    let interval = figures.interval.map_or_else(String::new, |[low, high]| {
        format!(", 95 % interval {low:.4} to {high:.4} clustered by {}", figures.clusters)
    });
    format!(
        "{bits:.4} bits a token over {} scored tokens of {}; perplexity {:.4}{interval}\n{}\n",
        figures.scored, figures.tokens, figures.perplexity, figures.signature
    )
}
