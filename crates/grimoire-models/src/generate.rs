//! Text out of a model: many prompts at once, each with its own run of the cache, its own stops and its own
//! draws. A finished sequence leaves the batch, the others go on.

use crate::cache::Cache;
use crate::error::ModelError;
use crate::model::Model;
use crate::sample::Sampling;
use grimoire_tensor::ops::select_rows;
use grimoire_tensor::{Params, Precision, Tape};
use grimoire_text::Tokenizer;

/// Tokens of a prompt read at once: bounds the memory of long prompts.
const PREFILL: usize = 512;

/// When and how to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// The number of the first prompt, where these prompts are a part of more: draws are a function of seed,
    /// prompt and step.
    pub first: u64,
    /// Most tokens to generate for a prompt.
    pub max_tokens: usize,
    /// Texts that end the answer; they are not part of it.
    pub stops: Vec<String>,
    /// Go on past the tokens that end an answer.
    pub ignore_end: bool,
    /// Whether products with quantised weights may be taken in integers.
    pub precision: Precision,
}

impl Default for Generation {
    fn default() -> Self {
        Self {
            sampling: Sampling::default(),
            first: 0,
            max_tokens: 256,
            stops: Vec::new(),
            ignore_end: false,
            precision: Precision::F32,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A token that ends answers.
    End,
    /// A stop text.
    Stop,
    /// The most tokens asked for.
    Length,
    /// The context is full.
    Context,
    /// Whoever listens had enough.
    Cancelled,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Generated tokens, the ending one included.
    pub tokens: Vec<u32>,
    /// Their text, without what ended it.
    pub text: String,
    /// Natural logarithm of the probability of each generated token under the model, at temperature one.
    pub log_probs: Vec<f32>,
    /// Why it ended.
    pub ending: Ending,
}

/// Generates for one sequence; a step of [`generate`].
struct Running<'t> {
    index: usize,
    prompt: Vec<u32>,
    answer: Answer,
    stream: Option<grimoire_text::StreamDecoder<'t>>,
    /// Text that may be the beginning of a stop.
    held: String,
    /// Logits of the next token.
    next: Vec<f32>,
}

/// Generates an answer to each prompt. `listen(prompt, text)` hears pieces of text as they become certain,
/// and returns whether to go on with that prompt.
///
/// # Errors
/// A prompt that is empty, too long for the context, or holds a token that the model lacks; logits that are
/// not finite.
pub fn generate(
    model: &Model,
    params: &Params,
    tokenizer: &Tokenizer,
    prompts: &[Vec<u32>],
    options: &Generation,
    listen: &mut dyn FnMut(usize, &str) -> bool,
) -> Result<Vec<Answer>, ModelError> {
    let (context, precision) = (model.config().context, options.precision);
    for prompt in prompts {
        model.check_tokens(prompt)?;
        if prompt.is_empty() {
            return Err(ModelError::EmptyPrompt);
        }
        if prompt.len() >= context {
            return Err(ModelError::TooLong { tokens: prompt.len() + 1, context });
        }
    }
    let longest = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let capacity = context.min(longest + options.max_tokens);
    let mut cache = Cache::new(model.config(), prompts.len(), capacity, precision);
    let mut running = Vec::new();
    for (index, prompt) in prompts.iter().enumerate() {
        let next = prefill(model, params, &mut cache, index, prompt, options.precision)?;
        running.push(Running {
            index,
            prompt: prompt.clone(),
            answer: Answer {
                tokens: Vec::new(),
                text: String::new(),
                log_probs: Vec::new(),
                ending: Ending::Length,
            },
            stream: Some(tokenizer.stream(true)),
            held: String::new(),
            next,
        });
    }
    let mut finished: Vec<Option<Answer>> = prompts.iter().map(|_| None).collect();
    let mut step = 0;
    while !running.is_empty() {
        let mut going = Vec::new();
        for mut sequence in running {
            match sequence.advance(options, tokenizer, step, capacity, listen) {
                Some(ending) => {
                    let index = sequence.index;
                    finished[index] = Some(sequence.finish(ending, options, listen));
                }
                None => going.push(sequence),
            }
        }
        running = going;
        step += 1;
        let last: Vec<(usize, [u32; 1])> = running
            .iter()
            .map(|s| (s.index, [s.answer.tokens[s.answer.tokens.len() - 1]]))
            .collect();
        let additions: Vec<(usize, &[u32])> = last.iter().map(|(i, t)| (*i, &t[..])).collect();
        if additions.is_empty() {
            break;
        }
        let batch = cache.extend(&additions);
        let tape = Tape::forward_only(params).with_precision(precision);
        let hidden = model.hidden_cached(&tape, &batch, &mut cache);
        let logits = model.logits(&tape, &hidden);
        for (sequence, next) in running.iter_mut().zip(logits.values().chunks(logits.width())) {
            check_finite(next)?;
            sequence.next.copy_from_slice(next);
        }
    }
    Ok(finished.into_iter().flatten().collect())
}

/// Reads a prompt into its run of the cache; returns the logits of the next token.
fn prefill(
    model: &Model,
    params: &Params,
    cache: &mut Cache,
    index: usize,
    prompt: &[u32],
    precision: Precision,
) -> Result<Vec<f32>, ModelError> {
    let mut logits = Vec::new();
    let mut pieces = prompt.chunks(PREFILL).peekable();
    while let Some(piece) = pieces.next() {
        let batch = cache.extend(&[(index, piece)]);
        let tape = Tape::forward_only(params).with_precision(precision);
        let hidden = model.hidden_cached(&tape, &batch, cache);
        if pieces.peek().is_none() {
            let last = select_rows(&tape, &hidden, &[piece.len() - 1]);
            logits = model.logits(&tape, &last).into_values();
        }
    }
    check_finite(&logits)?;
    Ok(logits)
}

fn check_finite(logits: &[f32]) -> Result<(), ModelError> {
    match logits.iter().find(|logit| !logit.is_finite()) {
        Some(value) => {
            Err(ModelError::NotFinite { activation: "logits".to_owned(), value: *value, row: 0 })
        }
        None => Ok(()),
    }
}

impl Running<'_> {
    /// Chooses the next token; returns why the answer ends with it, if it does.
    fn advance(
        &mut self,
        options: &Generation,
        tokenizer: &Tokenizer,
        step: u64,
        capacity: usize,
        listen: &mut dyn FnMut(usize, &str) -> bool,
    ) -> Option<Ending> {
        if options.max_tokens == 0 {
            return Some(Ending::Length);
        }
        let log_sum = log_sum_exp(&self.next);
        let plain =
            if options.sampling.repetition_penalty == 1.0 { None } else { Some(self.next.clone()) };
        let mut seen = Vec::new();
        if plain.is_some() {
            seen.extend(self.prompt.iter().chain(&self.answer.tokens));
        }
        let number = options.first + self.index as u64;
        let token = options.sampling.choose(&mut self.next, &seen, number, step);
        let logit = plain.as_ref().unwrap_or(&self.next)[token as usize];
        self.answer.log_probs.push((f64::from(logit) - log_sum) as f32);
        self.answer.tokens.push(token);
        if tokenizer.ends_generation(token) && !options.ignore_end {
            return Some(Ending::End);
        }
        if let Some(stream) = &mut self.stream {
            self.held.push_str(&stream.push(token));
        }
        if let Some(at) =
            options.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min()
        {
            self.held.truncate(at);
            return Some(Ending::Stop);
        }
        let certain = certain_length(&self.held, &options.stops);
        if !self.say(certain, listen) {
            return Some(Ending::Cancelled);
        }
        if self.answer.tokens.len() >= options.max_tokens {
            return Some(Ending::Length);
        }
        (self.prompt.len() + self.answer.tokens.len() > capacity).then_some(Ending::Context)
    }

    /// Moves the first `length` bytes of the held text into the answer and tells the listener.
    fn say(&mut self, length: usize, listen: &mut dyn FnMut(usize, &str) -> bool) -> bool {
        if length == 0 {
            return true;
        }
        let rest = self.held.split_off(length);
        self.answer.text.push_str(&self.held);
        let go_on = listen(self.index, &self.held);
        self.held = rest;
        go_on
    }

    fn finish(
        mut self,
        ending: Ending,
        options: &Generation,
        listen: &mut dyn FnMut(usize, &str) -> bool,
    ) -> Answer {
        if ending != Ending::Stop {
            if let Some(stream) = self.stream.take() {
                self.held.push_str(&stream.finish());
            }
            if let Some(at) = options.stops.iter().filter_map(|s| self.held.find(s.as_str())).min()
            {
                self.held.truncate(at);
            }
        }
        let rest = self.held.len();
        self.say(rest, listen);
        self.answer.ending = ending;
        self.answer
    }
}

/// How many bytes of `text` cannot belong to a stop that is still to come.
fn certain_length(text: &str, stops: &[String]) -> usize {
    let mut length = text.len();
    for stop in stops {
        for (at, _) in stop.char_indices().skip(1) {
            if text.ends_with(&stop[..at]) {
                length = length.min(text.len() - at);
            }
        }
    }
    length
}

/// `ln Σ eˣ`, in f64.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - top).exp()).sum();
    f64::from(top) + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_may_begin_a_stop_is_held_back() {
        let stops = ["</s>".to_owned(), "\n\n".to_owned()];
        assert_eq!(certain_length("hello", &stops), 5);
        assert_eq!(certain_length("hello</", &stops), 5);
        assert_eq!(certain_length("hello\n", &stops), 5);
        assert_eq!(certain_length("<", &stops), 0);
    }
}
