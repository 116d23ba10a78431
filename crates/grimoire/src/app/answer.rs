//! Answers of a model to prompts: plain or through its chat template, one or many.

use crate::app::broken::not_finite;
use crate::app::loading::Loaded;
use crate::failure::{Failure, Outcome};
use grimoire_models::{Answer, Ending, Generation, ModelError, generate};
use grimoire_text::{EncodeOptions, Message, Moment, RenderRequest};
use serde::Serialize;

/// Prompts generated for at once: bounds the memory of the caches.
const TOGETHER: usize = 16;

/// An answer as it is reported.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Completion {
    pub(crate) prompt: String,
    pub(crate) completion: String,
    pub(crate) prompt_tokens: usize,
    pub(crate) tokens: usize,
    /// `end`, `stop`, `length` or `context`.
    pub(crate) ending: &'static str,
    /// Mean natural logarithm of the probability of the generated tokens.
    pub(crate) mean_log_prob: f64,
}

/// The tokens of a prompt taken as it is: with the tokens that begin a text, without those that end one.
pub(crate) fn plain_prompt(loaded: &Loaded, prompt: &str) -> Outcome<Vec<u32>> {
    let mut ids = loaded.tokenizer.encode(prompt, EncodeOptions::PLAIN)?;
    let special = loaded.tokenizer.special();
    if let (true, Some(bos)) = (special.add_bos, special.bos) {
        ids.insert(0, bos);
    }
    if ids.is_empty() {
        let begin =
            special.bos.or(special.eos).ok_or_else(|| Failure::usage("the prompt is empty"))?;
        ids.push(begin);
    }
    Ok(ids)
}

/// The tokens of a conversation that the model is to go on with.
pub(crate) fn chat_prompt(loaded: &Loaded, messages: &[Message]) -> Outcome<Vec<u32>> {
    let Some(template) = loaded.template()? else {
        return Err(Failure::work(format!("{}: the model has no chat template", loaded.name))
            .hint("a base model continues text: use `grimoire generate` without --chat"));
    };
    let request = RenderRequest {
        messages,
        add_generation_prompt: true,
        now: Some(template_date()),
        ..RenderRequest::default()
    };
    let text = template.render(&request).map_err(|error| {
        let file = loaded.checkpoint.chat_template_file();
        Failure::work(format!("{}: {error}", file.display()))
    })?;
    Ok(loaded.tokenizer.encode(&text, EncodeOptions::TEMPLATED)?)
}

/// The date that every chat template sees, in training and in generation alike: the first of January 2025. The
/// clock decides nothing, so that the same request gives the same bytes on any day.
pub(crate) fn template_date() -> Moment {
    Moment::from_unix_seconds(1_735_689_600)
}

/// Refuses a prompt that leaves no room for an answer; `place` is where it comes from.
pub(crate) fn check_length(loaded: &Loaded, place: &str, prompt: &[u32]) -> Outcome {
    let context = loaded.model.config().context;
    if prompt.len() < context {
        return Ok(());
    }
    let tokens = prompt.len();
    Err(Failure::work(format!(
        "{place}: the prompt has {tokens} tokens, and the context of {} is {context}",
        loaded.name
    ))
    .hint("shorten the prompt: the context must hold it and the answer"))
}

/// Answers to many prompts, in batches; `done` hears how many are finished.
pub(crate) fn answers(
    loaded: &Loaded,
    prompts: &[Vec<u32>],
    options: &Generation,
    listen: &mut dyn FnMut(usize, &str) -> bool,
    done: &mut dyn FnMut(usize),
) -> Outcome<Vec<Answer>> {
    let mut all = Vec::with_capacity(prompts.len());
    for (batch, some) in prompts.chunks(TOGETHER).enumerate() {
        let first = batch * TOGETHER;
        // A prompt's draws depend on the seed and on its place among all, not on how they are cut.
        let options = Generation { first: first as u64, ..options.clone() };
        let mut hear = |index: usize, text: &str| listen(first + index, text);
        let (model, params, tokenizer) = (&loaded.model, &loaded.params, &loaded.tokenizer);
        let given = generate(model, params, tokenizer, some, &options, &mut hear);
        all.extend(given.map_err(|error| match error {
            ModelError::NotFinite { .. } => not_finite(loaded, params, "next token's probability"),
            error => error.into(),
        })?);
        done(all.len());
    }
    Ok(all)
}

/// The report of an answer.
pub(crate) fn completion(prompt: &str, prompt_tokens: usize, answer: Answer) -> Completion {
    let n = answer.log_probs.len().max(1) as f64;
    let sum: f64 = answer.log_probs.iter().map(|p| f64::from(*p)).sum();
    Completion {
        prompt: prompt.to_owned(),
        completion: answer.text,
        prompt_tokens,
        tokens: answer.tokens.len(),
        ending: match answer.ending {
            Ending::End => "end",
            Ending::Stop => "stop",
            Ending::Length => "length",
            Ending::Context => "context",
            Ending::Cancelled => "cancelled",
        },
        mean_log_prob: sum / n,
    }
}
