//! Runs the model on items: writes answers, weighs options, scores texts; in batches, each kept in the cache
//! as soon as it is done. A batch is the same items whatever was cached, so that a run that goes on gives the
//! bytes of one that was never killed.

use super::EvalRequest;
use super::cache::{Cache, Stored};
use crate::app::answer::{chat_prompt, plain_prompt};
use crate::app::loading::Loaded;
use crate::app::perplexity::{Scoring, score};
use crate::failure::{Failure, Outcome};
use grimoire_eval::perplexity::Protocol;
use grimoire_eval::task::{Answer, Item, Task};
use grimoire_models::{Cache as KeyValues, Generation, generate};
use grimoire_tensor::ops::{select_rows, token_log_probs};
use grimoire_tensor::{Precision, Tape};
use grimoire_text::{EncodeOptions, Message};

/// Items for which answers are written at once.
const WRITTEN_TOGETHER: usize = 16;
/// Tokens of prompts that are read at once when options are weighed.
const READ_TOGETHER: usize = 2048;

/// A model with its cache.
pub(crate) struct Respondent<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) request: &'a EvalRequest,
    pub(crate) cache: Cache,
    /// How many items had to be cut from the left to fit the context.
    pub(crate) cut: usize,
    /// Answers that the cache had.
    pub(crate) remembered: usize,
}

impl Respondent<'_> {
    /// The answer to every item, in order; `done` hears how many there are.
    pub(crate) fn respond(
        &mut self,
        task: &Task,
        items: &[Item],
        done: &mut dyn FnMut(usize),
    ) -> Outcome<Vec<Stored>> {
        match &task.answer {
            Answer::Generate { tokens, stop } => self.write(items, *tokens, stop, done),
            Answer::Choose { .. } => self.weigh(items, done),
            Answer::Score { window, stride, begin } => {
                let context = self.loaded.model.config().context;
                let (window, stride) = (*window.min(&context), *stride.min(&context));
                self.rate(items, Protocol { window, stride, begin: *begin }, done)
            }
        }
    }

    fn precision(&self) -> Precision {
        if self.request.f32 { Precision::F32 } else { Precision::Fast }
    }

    /// The prompt's tokens, cut from the left to leave `room`.
    fn prompt(&mut self, text: &str, room: usize) -> Outcome<Vec<u32>> {
        let mut ids = if self.request.chat {
            chat_prompt(self.loaded, &[Message::new("user", text)])?
        } else {
            plain_prompt(self.loaded, text)?
        };
        self.loaded.model.check_tokens(&ids)?;
        let most = self.loaded.model.config().context.saturating_sub(room).max(1);
        if ids.len() > most {
            self.cut += 1;
            ids.drain(..ids.len() - most);
        }
        Ok(ids)
    }

    /// Keeps the answers of a batch that were not there, and hands out all of them.
    fn keep(&mut self, fresh: Vec<Stored>, keys: &[String]) -> Outcome<Vec<Stored>> {
        self.remembered += keys.len() - fresh.len();
        self.cache.put(fresh)?;
        let all: Option<Vec<Stored>> =
            keys.iter().map(|key| self.cache.get(key).cloned()).collect();
        all.ok_or_else(|| Failure::work("an answer was lost on its way into the cache"))
    }

    fn write(
        &mut self,
        items: &[Item],
        tokens: usize,
        stop: &[String],
        done: &mut dyn FnMut(usize),
    ) -> Outcome<Vec<Stored>> {
        let options = Generation {
            max_tokens: tokens,
            stops: stop.to_vec(),
            precision: self.precision(),
            ..Generation::default()
        };
        let how = serde_json::to_string(&("generate", tokens, stop))?;
        let mut all = Vec::with_capacity(items.len());
        for some in items.chunks(WRITTEN_TOGETHER) {
            let prompts = some
                .iter()
                .map(|item| self.prompt(&item.prompt, tokens))
                .collect::<Outcome<Vec<_>>>()?;
            let keys: Vec<String> =
                prompts.iter().map(|ids| self.cache.key(&how, &[ids.as_slice()])).collect();
            let missing: Vec<usize> =
                (0..some.len()).filter(|i| self.cache.get(&keys[*i]).is_none()).collect();
            let asked: Vec<Vec<u32>> = missing.iter().map(|i| prompts[*i].clone()).collect();
            let Loaded { model, params, tokenizer, .. } = self.loaded;
            let answers = generate(model, params, tokenizer, &asked, &options, &mut |_, _| true)?;
            let fresh = missing.iter().zip(answers).map(|(i, answer)| Stored {
                text: Some(answer.text),
                read: prompts[*i].len() as u64,
                written: answer.tokens.len() as u64,
                ..Stored::new(&keys[*i])
            });
            all.extend(self.keep(fresh.collect(), &keys)?);
            done(all.len());
        }
        Ok(all)
    }

    fn weigh(&mut self, items: &[Item], done: &mut dyn FnMut(usize)) -> Outcome<Vec<Stored>> {
        let questions =
            items.iter().map(|item| self.question(item)).collect::<Outcome<Vec<_>>>()?;
        let mut all = Vec::with_capacity(items.len());
        let mut rest = &questions[..];
        while !rest.is_empty() {
            let mut read = 0;
            let fit = rest.iter().take_while(|question| {
                read += question.prompt.len();
                read <= READ_TOGETHER
            });
            let (some, after) = rest.split_at(fit.count().max(1));
            rest = after;
            let keys: Vec<String> = some
                .iter()
                .map(|question| {
                    let tokens: Vec<&[u32]> = std::iter::once(&question.prompt)
                        .chain(&question.options)
                        .map(Vec::as_slice)
                        .collect();
                    self.cache.key("choose", &tokens)
                })
                .collect();
            let missing: Vec<usize> =
                (0..some.len()).filter(|i| self.cache.get(&keys[*i]).is_none()).collect();
            let asked: Vec<&Question> = missing.iter().map(|i| &some[*i]).collect();
            let weighed = option_log_probs(self.loaded, &asked, self.precision());
            let fresh = missing.iter().zip(weighed).map(|(i, log_probs)| Stored {
                log_probs,
                read: some[*i].prompt.len() as u64,
                written: some[*i].options.iter().map(Vec::len).sum::<usize>() as u64,
                ..Stored::new(&keys[*i])
            });
            all.extend(self.keep(fresh.collect(), &keys)?);
            done(all.len());
        }
        Ok(all)
    }

    /// A prompt and its options as tokens. Spaces that end the prompt belong to the option, and prompt and
    /// option are encoded as one text, so that no token is cut where a reader would not cut it.
    fn question(&mut self, item: &Item) -> Outcome<Question> {
        let tokenizer = &self.loaded.tokenizer;
        if self.request.chat {
            // The template says what stands before an answer; a separator is for texts without one.
            let encode = |text: &String| tokenizer.encode(text.trim_start(), EncodeOptions::PLAIN);
            let options = item.options.iter().map(encode).collect::<Result<Vec<_>, _>>()?;
            own_tokens(item, &options)?;
            let longest = options.iter().map(Vec::len).max().unwrap_or(0);
            return Ok(Question { prompt: self.prompt(&item.prompt, longest)?, options });
        }
        let text = item.prompt.trim_end_matches(' ');
        let spaces = &item.prompt[text.len()..];
        let alone = tokenizer.encode(text, EncodeOptions::PLAIN)?.len();
        let options = item
            .options
            .iter()
            .map(|option| {
                let whole =
                    tokenizer.encode(&format!("{text}{spaces}{option}"), EncodeOptions::PLAIN)?;
                Ok(whole[alone.min(whole.len())..].to_vec())
            })
            .collect::<Outcome<Vec<_>>>()?;
        own_tokens(item, &options)?;
        let longest = options.iter().map(Vec::len).max().unwrap_or(0);
        Ok(Question { prompt: self.prompt(text, longest)?, options })
    }

    fn rate(
        &mut self,
        items: &[Item],
        protocol: Protocol,
        done: &mut dyn FnMut(usize),
    ) -> Outcome<Vec<Stored>> {
        let scoring =
            Scoring { protocol, batch: protocol.window.max(512), precision: self.precision() };
        let how = format!("score {protocol}");
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            let text = item.references[0].as_str();
            let bytes: Vec<u32> = text.bytes().map(u32::from).collect();
            let key = self.cache.key(&how, &[bytes.as_slice()]);
            let mut fresh = Vec::new();
            if self.cache.get(&key).is_none() {
                let scored = score(self.loaded, &[text], &scoring, &mut |_| {})?;
                let total = scored[0].total(self.loaded, text);
                fresh.push(Stored {
                    nll: Some(total.nll_sum),
                    bytes: total.bytes,
                    words: total.words,
                    read: scored[0].ids.len() as u64,
                    written: total.tokens,
                    ..Stored::new(&key)
                });
            }
            all.extend(self.keep(fresh, &[key])?);
            done(all.len());
        }
        Ok(all)
    }
}

/// Refuses an option without tokens.
fn own_tokens(item: &Item, options: &[Vec<u32>]) -> Outcome {
    let Some(empty) = options.iter().position(Vec::is_empty) else { return Ok(()) };
    let option = item.options[empty].trim();
    Err(Failure::work(format!("the option `{option}` has no token of its own")))
}

/// A prompt and what may follow it.
struct Question {
    prompt: Vec<u32>,
    options: Vec<Vec<u32>>,
}

/// ln p of every option after its prompt: each prompt is read once, and its keys and values serve all options.
fn option_log_probs(
    loaded: &Loaded,
    questions: &[&Question],
    precision: Precision,
) -> Vec<Vec<f64>> {
    let Loaded { model, params, .. } = loaded;
    let longest = |q: &&&Question| {
        q.prompt.len() + q.options.iter().map(|option| option.len() - 1).max().unwrap_or(0)
    };
    let capacity = questions.iter().map(|q| longest(&q)).max().unwrap_or(0);
    let mut keys = KeyValues::new(model.config(), questions.len(), capacity, precision);
    let tape = || Tape::forward_only(params).with_precision(precision);
    let mut log_probs: Vec<Vec<f64>> = Vec::with_capacity(questions.len());
    if questions.is_empty() {
        return log_probs;
    }
    // The first token of every option, from the last row of its prompt.
    let additions: Vec<(usize, &[u32])> =
        questions.iter().enumerate().map(|(i, q)| (i, &q.prompt[..])).collect();
    let batch = keys.extend(&additions);
    let (read, mut end) = (tape(), 0);
    let hidden = model.hidden_cached(&read, &batch, &mut keys);
    for question in questions {
        end += question.prompt.len();
        let firsts: Vec<u32> = question.options.iter().map(|option| option[0]).collect();
        let rows = select_rows(&read, &hidden, &vec![end - 1; firsts.len()]);
        let nll = token_log_probs(&read, &rows, model.head(), &firsts);
        log_probs.push(nll.iter().map(|nll| -f64::from(*nll)).collect());
    }
    // The rest of each option, one option of every question at a time.
    let most = questions.iter().map(|q| q.options.len()).max().unwrap_or(0);
    #[expect(clippy::needless_range_loop, reason = "a place is one of options, not of questions")]
    for place in 0..most {
        let long: Vec<(usize, &[u32])> = questions
            .iter()
            .enumerate()
            .filter_map(|(i, q)| Some((i, q.options.get(place)?.as_slice())))
            .filter(|(_, option)| option.len() > 1)
            .collect();
        if long.is_empty() {
            continue;
        }
        let read: Vec<(usize, &[u32])> =
            long.iter().map(|(i, option)| (*i, &option[..option.len() - 1])).collect();
        let targets: Vec<u32> =
            long.iter().flat_map(|(_, option)| option[1..].iter().copied()).collect();
        let tape = tape();
        let batch = keys.extend(&read);
        let hidden = model.hidden_cached(&tape, &batch, &mut keys);
        let mut nll = token_log_probs(&tape, &hidden, model.head(), &targets).into_iter();
        for (i, option) in &long {
            let rest: f64 = nll.by_ref().take(option.len() - 1).map(f64::from).sum();
            log_probs[*i][place] -= rest;
            keys.truncate(*i, questions[*i].prompt.len());
        }
    }
    log_probs
}
