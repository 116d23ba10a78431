//! Every family against `transformers` in f64 (`golden/models`): logits of all positions, the loss, and the
//! gradients of all parameters in full fine-tuning; the cache against the whole sequence at once.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_models::{Batch, Cache, Model, Naming};
use grimoire_tensor::ops::{cross_entropy, select_rows};
use grimoire_tensor::{Gradients, Params, Precision, Tape};
use grimoire_testkit::{close, golden, repository_root};
use serde_json::Value;

const FAMILIES: [&str; 10] = [
    "llama",
    "llama-bias",
    "llama3",
    "smollm",
    "rope-linear",
    "rope-yarn",
    "mistral",
    "qwen2",
    "qwen3",
    "gpt2",
];

struct Family {
    model: Model,
    naming: Naming,
    reference: Value,
}

fn family(name: &str) -> Family {
    let folder = repository_root().join("golden/models").join(name);
    let (model, checkpoint) = Model::open(&folder).unwrap();
    Family {
        model,
        naming: checkpoint.naming(),
        reference: golden::read(&format!("models/{name}/reference.json.gz")),
    }
}

fn ids(sequence: &Value) -> Vec<u32> {
    serde_json::from_value(sequence["ids"].clone()).unwrap()
}

fn logits(sequence: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(sequence["logits"].clone()).unwrap()
}

#[test]
fn logits_agree_with_transformers() {
    for name in FAMILIES {
        let Family { model, reference, .. } = family(name);
        let params = Params::default();
        let sequences = reference["sequences"].as_array().unwrap();
        // All sequences of a family packed into one batch: attention must not cross documents.
        let all: Vec<Vec<u32>> = sequences.iter().map(ids).collect();
        let tape = Tape::forward_only(&params);
        let hidden = model.hidden(&tape, &Batch::documents(&all));
        let ours = model.logits(&tape, &hidden);
        let expected: Vec<Vec<f64>> = sequences.iter().flat_map(logits).collect();
        let mut worst = 0.0f64;
        for (ours, expected) in ours.values().chunks(ours.width()).zip(&expected) {
            for (o, e) in ours.iter().zip(expected) {
                worst = worst.max((f64::from(*o) - e).abs());
            }
        }
        eprintln!("{name}: logits differ by at most {worst:.2e}");
        assert!(worst < 1e-4, "{name}: logits differ by {worst}");
    }
}

#[test]
fn the_cache_gives_the_logits_of_the_whole() {
    for name in FAMILIES {
        assert!(off_through_the_cache(name, Precision::F32) < 1e-4, "{name}");
    }
}

/// Keys and values in f16 move by up to 1/2,048 of themselves, and the logits by no more than a few times as much.
#[test]
fn a_cache_in_f16_moves_the_logits_by_thousandths() {
    for name in FAMILIES {
        let sequence = &family(name).reference["sequences"][0];
        let largest =
            logits(sequence).into_iter().flatten().fold(0.0, |top: f64, x| top.max(x.abs()));
        let off = off_through_the_cache(name, Precision::Fast) / largest;
        eprintln!("{name}: a cache in f16 moves logits by up to {off:.1e} of {largest:.1}");
        assert!(off < 4.0 / 2048.0, "{name}: {off}");
        assert!(off > 1e-6, "{name}: {off} is what f32 gives, so nothing was rounded");
    }
}

/// How far the logits of a family are from its reference at most, read piece by piece into a cache.
fn off_through_the_cache(name: &str, precision: Precision) -> f64 {
    let mut off = 0.0f64;
    let Family { model, reference, .. } = family(name);
    let params = Params::default();
    let sequence = &reference["sequences"][0];
    let (tokens, expected) = (ids(sequence), logits(sequence));
    let mut cache = Cache::new(model.config(), 2, tokens.len(), precision);
    // Sequence 1 reads a piece, then one token at a time; sequence 0 keeps it company.
    let mut read = 0;
    for piece in [5, 1, 1, 3, 1] {
        let added = &tokens[read..read + piece];
        let batch = cache.extend(&[(0, &tokens[..1]), (1, added)]);
        cache.truncate(0, 0);
        let tape = Tape::forward_only(&params);
        let hidden = model.hidden_cached(&tape, &batch, &mut cache);
        let logits = model.logits(&tape, &hidden);
        for (row, expected) in expected[read..read + piece].iter().enumerate() {
            let width = logits.width();
            let ours = &logits.values()[(row + 1) * width..(row + 2) * width];
            assert_eq!(ours.len(), expected.len());
            for (ours, expected) in ours.iter().zip(expected) {
                off = off.max((f64::from(*ours) - expected).abs());
            }
        }
        read += piece;
    }
    off
}

#[test]
fn gradients_agree_with_transformers() {
    for name in FAMILIES {
        let Family { mut model, naming, reference } = family(name);
        let mut params = Params::default();
        model.train_all(&mut params);
        let sequences: Vec<Vec<u32>> =
            reference["sequences"].as_array().unwrap().iter().map(ids).collect();
        let batch = Batch::documents(&sequences);
        // Each position predicts the next of its document; the last of a document predicts nothing.
        let scored: usize = sequences.iter().map(|s| s.len() - 1).sum();
        let (mut targets, mut weights) = (Vec::new(), Vec::new());
        for sequence in &sequences {
            targets.extend(sequence[1..].iter().chain([&0]));
            weights.extend(
                (1..=sequence.len())
                    .map(|i| if i < sequence.len() { 1.0 / scored as f32 } else { 0.0 }),
            );
        }
        let tape = Tape::new(&params);
        let hidden = model.hidden(&tape, &batch);
        let loss = cross_entropy(&tape, &hidden, model.head(), &targets, &weights);
        let mean = reference["mean_cross_entropy"].as_f64().unwrap();
        close(f64::from(loss.total.values()[0]), mean, 1e-5, 0.0);
        let mut gradients = Gradients::zeros(&params);
        tape.backward(&loss.total, vec![1.0], &mut gradients);
        let expected = reference["gradients"].as_object().unwrap();
        let mut found = 0;
        for param in params.iter() {
            let (path, kind) = match param.name.strip_suffix(".bias") {
                Some(path) => (path, "bias"),
                None => (param.name, "weight"),
            };
            let theirs = format!("{}.{kind}", naming.of(path).unwrap());
            let Some(entry) =
                expected.get(&theirs).or_else(|| expected.get(&format!("transformer.{theirs}")))
            else {
                panic!("{name}: no recorded gradient of {theirs}");
            };
            compare(name, &theirs, entry, param.shape, gradients.of(param.id));
            found += 1;
        }
        assert_eq!(
            found,
            expected.len(),
            "{name}: parameters and recorded gradients differ in number"
        );
    }
}

/// Our gradient against the recorded one: its norm, and every recorded entry relative to the norm.
fn compare(family: &str, name: &str, entry: &Value, shape: &[usize], ours: &[f32]) {
    let theirs: Vec<usize> = serde_json::from_value(entry["shape"].clone()).unwrap();
    let norm = entry["norm"].as_f64().unwrap();
    let stride = entry["stride"].as_u64().unwrap() as usize;
    let values: Vec<f64> = serde_json::from_value(entry["values"].clone()).unwrap();
    let our_norm = ours.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    let conv = family == "gpt2" && theirs.len() == 2 && name.contains("h.");
    let same = if conv { theirs[0] == shape[1] && theirs[1] == shape[0] } else { theirs == shape };
    assert!(same, "{family} {name}: {shape:?} is not {theirs:?}");
    // f32 against f64: rounding of some thousand products, relative to the size of the gradient.
    assert!(
        (our_norm - norm).abs() <= 3e-5 * norm,
        "{family} {name}: norm {our_norm} is not {norm}"
    );
    let typical = norm / (ours.len() as f64).sqrt();
    for (index, value) in values.iter().enumerate() {
        let at = index * stride;
        let at = if conv { at % theirs[1] * shape[1] + at / theirs[1] } else { at };
        let error = (f64::from(ours[at]) - value).abs();
        assert!(
            error <= 1e-4 * (typical + value.abs()),
            "{family} {name}[{at}]: {} is not {value}",
            ours[at]
        );
    }
}

/// Loss of the tokens after a shared beginning, and the gradients of all weights.
fn learned(model: &Model, params: &Params, batch: &Batch, rows: &[usize]) -> (f32, Gradients) {
    let tape = Tape::new(params);
    let hidden = select_rows(&tape, &model.hidden(&tape, batch), rows);
    let targets: Vec<u32> = (0..rows.len() as u32).map(|row| 3 + row % 11).collect();
    let weights = vec![1.0 / rows.len() as f32; rows.len()];
    let loss = cross_entropy(&tape, &hidden, model.head(), &targets, &weights);
    let mut gradients = Gradients::zeros(params);
    tape.backward(&loss.total, vec![1.0], &mut gradients);
    (loss.total.values()[0], gradients)
}

#[test]
fn a_shared_beginning_read_once_gives_the_loss_and_gradients_of_whole_documents() {
    for name in FAMILIES {
        let Family { mut model, reference, .. } = family(name);
        let mut params = Params::default();
        model.train_all(&mut params);
        let longest = reference["sequences"].as_array().unwrap().iter().map(ids);
        let longest = longest.max_by_key(Vec::len).unwrap();
        let (beginning, rest) = longest.split_at(longest.len() / 2);
        // Of unlike length, and the second repeats the beginning.
        let rests = [rest, beginning, &rest[..1]];
        let whole: Vec<Vec<u32>> = rests.iter().map(|rest| [beginning, rest].concat()).collect();
        let (mut rows, mut shared_rows) = (Vec::new(), Vec::new());
        let (mut start, mut shared_start) = (0, beginning.len());
        for rest in rests {
            rows.extend((0..rest.len()).map(|row| start + beginning.len() + row));
            shared_rows.extend((0..rest.len()).map(|row| shared_start + row));
            start += beginning.len() + rest.len();
            shared_start += rest.len();
        }
        let expected = learned(&model, &params, &Batch::documents(&whole), &rows);
        let batch = Batch::after(beginning, &rests);
        assert_eq!(batch.len(), shared_start);
        let shared = learned(&model, &params, &batch, &shared_rows);
        close(shared.0.into(), expected.0.into(), 1e-6, 0.0);
        for param in params.iter() {
            let (ours, whole) = (shared.1.of(param.id), expected.1.of(param.id));
            let largest = whole.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            let off = ours.iter().zip(whole).map(|(one, other)| (one - other).abs());
            let off = off.fold(0.0_f32, f32::max);
            assert!(off <= 2e-5 * largest.max(1e-6), "{name} {}: {off} of {largest}", param.name);
        }
    }
}
