//! The twin of `bench/e2e_pytorch.py`: the same rows in the same order, the same measurements. Prints JSON:
//! losses by step, held-out loss before and after, seconds, greedy answers (BLEU is scored elsewhere).
//!
//! Run: `cargo run --release -p grimoire-tune --example e2e_nlg -- GGUF DATA_FOLDER OUT_FOLDER [STEPS [START]]`
//! from the root of the repository. START is a PEFT folder to begin from, such as the peer's first weights, or a number,
//! the seed of an adapter of our own (20 when there is none).

#![expect(clippy::print_stderr, reason = "an example tells the terminal how far it is")]

use flate2::read::MultiGzDecoder;
use grimoire_models::{Checkpoint, Generation, Model, generate};
use grimoire_nn::{AdamW, Decay, Schedule};
use grimoire_tensor::{Params, Precision};
use grimoire_text::{ChatTemplate, EncodeOptions, Message, RenderRequest, Tokenizer};
use grimoire_tune::adapter::{LoraSettings, attach, load, to_peft};
use grimoire_tune::{Plan, Sequence, Trainer, evaluate};
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

type Outcome<T> = Result<T, Box<dyn Error>>;

const HELD_OUT_ROWS: usize = 400;
/// Meaning representations that are answered, before and after.
const ANSWERS: (usize, usize) = (50, 315);
const MICRO_TOKENS: usize = 512;
/// Answers at once, as the command has it.
const AT_ONCE: usize = 16;

/// Pairs of meaning representation and text.
fn rows(path: &Path) -> Outcome<Vec<(String, String)>> {
    let file = MultiGzDecoder::new(std::fs::File::open(path)?);
    Ok(csv::Reader::from_reader(file).deserialize().collect::<Result<_, _>>()?)
}

/// Renders and encodes rows as the peer does.
struct Prompts {
    tokenizer: Tokenizer,
    template: ChatTemplate,
}

impl Prompts {
    fn ids(&self, messages: &[Message], asking: bool) -> Outcome<Vec<u32>> {
        let request =
            RenderRequest { messages, add_generation_prompt: asking, ..RenderRequest::default() };
        let text = self.template.render(&request)?;
        let text = if asking { &text } else { text.trim_end_matches('\n') };
        Ok(self.tokenizer.encode(text, EncodeOptions::TEMPLATED)?)
    }

    /// Trained on the assistant's turn with the token that ends it.
    fn sequence(&self, (mr, text): &(String, String)) -> Outcome<Sequence> {
        let turns = [Message::new("user", mr), Message::new("assistant", text)];
        let (prompt, ids) = (self.ids(&turns[..1], true)?.len(), self.ids(&turns, false)?);
        Ok(Sequence { scored: (0..ids.len()).map(|place| place >= prompt).collect(), ids })
    }
}

/// Held-out loss and greedy answers.
fn measure(
    model: &Model,
    params: &Params,
    prompts: &Prompts,
    test: &[(String, String)],
    answers: usize,
) -> Outcome<Value> {
    let sequences: Vec<Sequence> =
        test[..HELD_OUT_ROWS].iter().map(|row| prompts.sequence(row)).collect::<Result<_, _>>()?;
    let losses = evaluate(model, params, &sequences, MICRO_TOKENS, &mut |_| true);
    let nll: Vec<f64> = losses.iter().map(|loss| loss.nll).collect();
    let tokens: usize = losses.iter().map(|loss| loss.tokens).sum();
    let mut asked: Vec<&str> = Vec::new();
    for (mr, _) in test {
        if !asked.contains(&mr.as_str()) {
            asked.push(mr);
        }
    }
    let questions: Vec<Vec<u32>> = asked[..answers]
        .iter()
        .map(|mr| prompts.ids(&[Message::new("user", mr)], true))
        .collect::<Result<_, _>>()?;
    let precision = Precision::Fast;
    let options = Generation { max_tokens: 80, precision, ..Generation::default() };
    let mut answers = Vec::new();
    for some in questions.chunks(AT_ONCE) {
        let tokenizer = &prompts.tokenizer;
        answers.extend(generate(model, params, tokenizer, some, &options, &mut |_, _| true)?);
    }
    let answers: Vec<&str> = answers.iter().map(|answer| answer.text.trim()).collect();
    let loss = nll.iter().sum::<f64>() / tokens as f64;
    eprintln!("held-out loss {loss:.4} over {tokens} tokens");
    Ok(json!({ "loss": loss, "tokens": tokens, "nll_of_row": nll, "answers": answers }))
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let mut required = |what: &str| arguments.next().ok_or_else(|| format!("give {what}"));
    let (file, data) = (required("a GGUF file")?, required("the data folder")?);
    let out = required("a folder to write to")?;
    let steps = arguments.next().map_or(Ok(100), |n| n.to_string_lossy().parse::<usize>())?;
    std::fs::create_dir_all(&out)?;

    let checkpoint = Checkpoint::open(&file)?;
    let tokenizer = checkpoint.tokenizer()?;
    let source = checkpoint.chat_template()?.ok_or("the model has no chat template")?;
    let template = ChatTemplate::for_tokenizer(&source, &tokenizer)?;
    let prompts = Prompts { tokenizer, template };
    let test = rows(&data.join("testset-first315mr.csv.gz"))?;
    let train: Vec<Sequence> = rows(&data.join("devset.csv.gz"))?
        .iter()
        .map(|row| prompts.sequence(row))
        .collect::<Result<_, _>>()?;
    let order: Value = serde_json::from_slice(&std::fs::read("bench/e2e_rows.json")?)?;
    let order: Vec<Vec<usize>> = serde_json::from_value(order["steps"].clone())?;

    let (mut model, mut params) = (Model::load(&checkpoint)?, Params::default());
    // Fewer steps are for comparing losses with the peer's; only a whole run is measured.
    let whole = steps >= order.len();
    let measured = |model: &Model, params: &Params, answers: usize| {
        if whole { measure(model, params, &prompts, &test, answers) } else { Ok(Value::Null) }
    };
    let before = measured(&model, &params, ANSWERS.0)?;
    let settings = LoraSettings::default();
    let start = arguments.next().unwrap_or_else(|| "20".into());
    match start.to_string_lossy().parse() {
        Ok(seed) => attach(&mut model, &mut params, &settings, seed)?,
        Err(_) => load(&mut model, &mut params, &checkpoint, &start)?.layers,
    };
    let mut trainer = Trainer::new(params, plan());
    let (began, mut log) = (Instant::now(), Vec::new());
    for rows in order.iter().take(steps) {
        let batch: Vec<&Sequence> = rows.iter().map(|row| &train[*row]).collect();
        let report = trainer.step_on(&model, &batch)?;
        eprintln!(
            "step {}: loss {:.6}, gradient {:.6}",
            report.step, report.loss, report.gradient_norm
        );
        log.push(json!({ "loss": report.loss, "gradient_norm": report.gradient_norm, "trained_tokens": report.scored }));
    }
    let seconds = began.elapsed().as_secs_f64();
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    to_peft(&model, &trainer.params, &checkpoint, &settings, &name)?.write(out.join("adapter"))?;
    let after = measured(&model, &trainer.params, ANSWERS.1)?;
    let report = json!({
        "made_by": "crates/grimoire-tune/examples/e2e_nlg.rs",
        "before": before, "after": after, "training": log, "training_seconds": seconds,
    });
    std::fs::write(out.join("report.json"), serde_json::to_vec(&report)?)?;
    Ok(())
}

fn plan() -> Plan {
    Plan {
        batch: 16,
        micro_tokens: MICRO_TOKENS,
        rate: 5e-4,
        schedule: Schedule { warmup: 0, total: 100, decay: Decay::Constant },
        adamw: AdamW { decay: 0.01, ..AdamW::default() },
        clip: Some(1.0),
        ema: None,
        seed: 0,
        precision: Precision::Fast,
    }
}
