//! `grimoire generate MODEL --prompt TEXT`: the continuation and nothing else on standard output; or answers to
//! many prompts as JSON Lines.

use crate::app::answer::{
    Completion, answers, chat_prompt, check_length, completion, plain_prompt,
};
use crate::app::loading::{Loaded, load};
use crate::app::texts;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use grimoire_models::{Generation, Precision, Sampling};
use grimoire_text::Message;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Continue a text, or answer many prompts.
#[derive(clap::Args)]
pub(crate) struct Generate {
    /// A .gguf file, a Hugging Face folder, org/name on the hub, or `builtin`.
    model: String,
    /// The text to continue; `-` reads standard input.
    #[arg(long, short)]
    prompt: Option<String>,
    /// JSON Lines with a field `prompt` or `messages`: one answer each, as JSON Lines.
    #[arg(long, conflicts_with = "prompt")]
    prompts: Option<PathBuf>,
    /// Send the prompt through the model's chat template, as a user's turn.
    #[arg(long)]
    chat: bool,
    #[command(flatten)]
    options: Options,
}

/// How to generate.
#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    /// A PEFT folder, a GGUF-LoRA file, or the folder of a run.
    #[arg(long)]
    pub(crate) adapter: Option<PathBuf>,
    /// Most tokens to generate.
    #[arg(long, short = 'n', default_value_t = 256)]
    max_tokens: usize,
    /// Zero takes the likeliest token each time.
    #[arg(long, short, default_value_t = 0.0)]
    temperature: f64,
    /// Keep the likeliest so many tokens; 0 keeps all.
    #[arg(long, default_value_t = 0)]
    top_k: usize,
    /// Keep the likeliest tokens that together have this probability.
    #[arg(long, default_value_t = 1.0)]
    top_p: f64,
    /// Keep tokens at least this likely, relative to the likeliest.
    #[arg(long, default_value_t = 0.0)]
    min_p: f64,
    /// Above one, tokens that occurred become less likely.
    #[arg(long, default_value_t = 1.0)]
    repetition_penalty: f64,
    /// A text that ends the answer; may be given several times.
    #[arg(long)]
    stop: Vec<String>,
    /// Seed of the draws: the same seed, the same text.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// `f32` computes everything in f32; `auto` takes products with quantised weights in integers.
    #[arg(long, value_parser = ["auto", "f32"], default_value = "auto")]
    precision: String,
}

impl Options {
    /// Checks ranges and puts the options in the library's form.
    pub(crate) fn generation(&self) -> Outcome<Generation> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(Failure::usage(format!("--{name} {value}: expected {low} to {high}")))
        };
        within("temperature", self.temperature, 0.0, 100.0)?;
        within("top-p", self.top_p, 0.0, 1.0)?;
        within("min-p", self.min_p, 0.0, 1.0)?;
        within("repetition-penalty", self.repetition_penalty, 0.01, 100.0)?;
        if self.stop.iter().any(String::is_empty) {
            return Err(Failure::usage("--stop: an empty text would end every answer at once"));
        }
        Ok(Generation {
            sampling: Sampling {
                temperature: self.temperature,
                top_k: self.top_k,
                top_p: self.top_p,
                min_p: self.min_p,
                repetition_penalty: self.repetition_penalty,
                seed: self.seed,
            },
            first: 0,
            max_tokens: self.max_tokens,
            stops: self.stop.clone(),
            ignore_end: false,
            precision: precision(&self.precision),
        })
    }
}

/// The precision of that name.
pub(crate) fn precision(name: &str) -> Precision {
    if name == "f32" { Precision::F32 } else { Precision::Fast }
}

/// Runs the command.
pub(crate) fn run(args: Generate, printer: &mut Printer) -> Outcome {
    let options = args.options.generation()?;
    if args.prompt.is_none() && args.prompts.is_none() {
        return Err(Failure::usage("no prompt")
            .hint("give --prompt TEXT, --prompt - or --prompts FILE.jsonl"));
    }
    let loaded = load(&args.model, args.options.adapter.as_deref(), printer)?;
    if let Some(file) = &args.prompts {
        return many(&args, &loaded, file, &options, printer);
    }
    let mut prompt = args.prompt.clone().unwrap_or_default();
    if prompt == "-" {
        prompt.clear();
        std::io::stdin()
            .read_to_string(&mut prompt)
            .map_err(|error| Failure::work(format!("standard input, for --prompt -: {error}")))?;
    }
    let ids = if args.chat {
        chat_prompt(&loaded, &[Message::new("user", &prompt)])?
    } else {
        plain_prompt(&loaded, &prompt)?
    };
    check_length(&loaded, "--prompt", &ids)?;
    let streams = !printer.json();
    let mut failure = None;
    let mut listen = |_: usize, text: &str| {
        if streams && let Err(error) = printer.data(text) {
            failure = Some(error);
            return false;
        }
        true
    };
    let answer = answers(&loaded, std::slice::from_ref(&ids), &options, &mut listen, &mut |_| {})?
        .pop()
        .ok_or_else(|| Failure::work("no answer"))?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    if streams {
        return printer.data("\n");
    }
    printer.report(&completion(&prompt, ids.len(), answer), |answer| answer.completion.clone())
}

fn many(
    args: &Generate,
    loaded: &Loaded,
    file: &Path,
    options: &Generation,
    printer: &mut Printer,
) -> Outcome {
    let text = texts::read_all(file)?;
    let name = texts::name_of(file);
    let (mut prompts, mut ids) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{name}:{}", index + 1);
        let row: serde_json::Value = serde_json::from_str(line)
            .map_err(|error| Failure::work(format!("{place}: expected a JSON object: {error}")))?;
        if let Some(messages) = row.get("messages") {
            let messages: Vec<Message> = serde_json::from_value(messages.clone())
                .map_err(|error| Failure::work(format!("{place}: messages: {error}")))?;
            ids.push(chat_prompt(loaded, &messages)?);
            prompts.push(messages.last().and_then(Message::content).unwrap_or_default().to_owned());
        } else if let Some(prompt) = row.get("prompt").and_then(serde_json::Value::as_str) {
            ids.push(if args.chat {
                chat_prompt(loaded, &[Message::new("user", prompt)])?
            } else {
                plain_prompt(loaded, prompt)?
            });
            prompts.push(prompt.to_owned());
        } else {
            return Err(Failure::work(format!(
                "{place}: expected a field prompt (a string) or messages"
            )));
        }
        if let Some(ids) = ids.last() {
            check_length(loaded, &place, ids)?;
        }
    }
    if ids.is_empty() {
        return Err(Failure::work(format!("{name}: there are no prompts")));
    }
    let bar = printer.bar(ids.len() as u64, "answers");
    let all = answers(loaded, &ids, options, &mut |_, _| true, &mut |done| {
        bar.set_position(done as u64)
    })?;
    bar.finish_and_clear();
    let completions: Vec<Completion> = prompts
        .iter()
        .zip(&ids)
        .zip(all)
        .map(|((prompt, ids), answer)| completion(prompt, ids.len(), answer))
        .collect();
    if printer.json() {
        return printer.report(&completions, |_| String::new());
    }
    for completion in &completions {
        printer.data(&(serde_json::to_string(completion)? + "\n"))?;
    }
    Ok(())
}
