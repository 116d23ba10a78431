//! SmolLM2-135M-Instruct, the Q4_1 file, against `transformers` in f32 over the same decoded weights:
//! logits, log-probabilities of a text, and greedy continuations token by token.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_models::{Batch, Generation, Model, generate};
use grimoire_tensor::ops::{select_rows, token_log_probs};
use grimoire_tensor::{Params, Tape};
use grimoire_testkit::{golden, models_dir};
use serde_json::Value;

fn reference() -> Value {
    golden::read("models/smollm2.json.gz")
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn reals(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn logits_agree_with_transformers() {
    let Some(file) = models_dir("smollm2 logits", "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let (model, _) = Model::open(&file).unwrap();
    let params = Params::default();
    let mut worst = 0.0f64;
    for prompt in reference()["prompts"].as_array().unwrap() {
        let tokens = ids(&prompt["ids"]);
        let tape = Tape::forward_only(&params);
        let hidden = model.hidden(&tape, &Batch::documents(&[tokens]));
        for entry in prompt["logits"].as_array().unwrap() {
            let position = entry["position"].as_u64().unwrap() as usize;
            let stride = entry["stride"].as_u64().unwrap() as usize;
            let row = select_rows(&tape, &hidden, &[position]);
            let logits = model.logits(&tape, &row);
            for (index, expected) in reals(&entry["sample_f32"]).into_iter().enumerate() {
                let ours = f64::from(logits.values()[index * stride]);
                worst = worst.max((ours - expected).abs());
            }
        }
    }
    eprintln!("logits differ by at most {worst:.2e}");
    assert!(worst < 1e-4, "logits differ by {worst}");
}

#[test]
fn log_probabilities_of_a_text_agree() {
    let Some(file) = models_dir("smollm2 text", "SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    let (model, _) = Model::open(&file).unwrap();
    let reference = &reference()["log_probabilities"];
    let tokens = ids(&reference["ids"]);
    let params = Params::default();
    let tape = Tape::forward_only(&params);
    let hidden = model.hidden(&tape, &Batch::documents(&[&tokens[..tokens.len() - 1]]));
    let ours = token_log_probs(&tape, &hidden, model.head(), &tokens[1..]);
    let ours: Vec<f64> = ours.into_iter().map(|nll| -f64::from(nll)).collect();
    grimoire_testkit::all_close(&ours, &reals(&reference["log_probability_f64"]), 0.0, 1e-4);
}

#[test]
fn greedy_text_is_that_of_transformers() {
    let Some(file) = models_dir("smollm2 greedy", "SmolLM2-135M-Instruct.Q4_1.gguf") else {
        return;
    };
    let (model, checkpoint) = Model::open(&file).unwrap();
    let tokenizer = checkpoint.tokenizer().unwrap();
    let params = Params::default();
    let reference = reference();
    let cases = reference["greedy"].as_array().unwrap();
    let prompts: Vec<Vec<u32>> = cases.iter().map(|case| ids(&case["ids"])).collect();
    let longest = cases.iter().map(|case| ids(&case["continuation"]).len()).max().unwrap();
    let options = Generation { max_tokens: longest, ..Generation::default() };
    let answers =
        generate(&model, &params, &tokenizer, &prompts, &options, &mut |_, _| true).unwrap();
    for (answer, case) in answers.iter().zip(cases) {
        let expected = ids(&case["continuation"]);
        assert_eq!(answer.tokens[..expected.len()], expected, "{}", case["text"]);
    }
}
