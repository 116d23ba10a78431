//! Before and after: the loss of every held-out document, answers to held-out prompts, and what may be said
//! about the difference.

use super::dataset::Dataset;
use super::request::TuneRequest;
use crate::app::answer::answers;
use crate::app::broken::not_finite;
use crate::app::loading::Loaded;
use crate::app::tune_report::{DocumentChange, Estimate, HeldOut, Sample, Score};
use crate::failure::{Failure, Outcome};
use grimoire_eval::before_after;
use grimoire_eval::measure::Metric;
use grimoire_eval::perplexity::{DocumentNll, Unit, compare, summary};
use grimoire_eval::significance::Plan;
use grimoire_eval::text::bleu::BleuOptions;
use grimoire_eval::text::rouge::{Kind, RougeOptions};
use grimoire_models::Generation;
use grimoire_stats::Interval;
use grimoire_tune::data::Example;
use grimoire_tune::evaluate;
use serde::{Deserialize, Serialize};

/// Confidence of all intervals.
const LEVEL: f64 = 0.95;

/// What was measured with one set of weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Judged {
    /// Sum of losses and scored tokens of each held-out document.
    pub(crate) losses: Vec<(f64, u64)>,
    /// Answers to the chosen prompts.
    pub(crate) answers: Vec<String>,
}

/// The held-out examples whose answers are compared: one for each prompt, evenly spread.
pub(crate) fn asked(request: &TuneRequest, dataset: &Dataset) -> Vec<usize> {
    let mut seen = std::collections::HashSet::new();
    let distinct: Vec<usize> = (0..dataset.held.len())
        .filter(|index| {
            let example = &dataset.held[*index];
            example.question.is_some() && seen.insert(example.question.clone())
        })
        .collect();
    let wanted = request.answers.min(distinct.len());
    (0..wanted).map(|i| distinct[i * distinct.len() / wanted]).collect()
}

/// Measures the loaded model (with its current parameters); `say` hears how far it is.
pub(crate) fn judge(
    request: &TuneRequest,
    loaded: &Loaded,
    dataset: &Dataset,
    say: &mut dyn FnMut(&str, f64),
) -> Outcome<Judged> {
    let n = dataset.held.len().max(1) as f64;
    let sequences = Dataset::sequences(&dataset.held);
    let losses =
        evaluate(&loaded.model, &loaded.params, &sequences, request.micro_tokens, &mut |done| {
            say("held-out loss", done as f64 / n);
            true
        });
    if losses.iter().any(|loss| !loss.nll.is_finite()) {
        return Err(not_finite(loaded, &loaded.params, "held-out loss"));
    }
    let chosen = asked(request, dataset);
    let prompts: Vec<Vec<u32>> =
        chosen.iter().filter_map(|index| dataset.held[*index].question.clone()).collect();
    let context = loaded.model.config().context;
    let prompts: Vec<Vec<u32>> =
        prompts.into_iter().map(|p| p[..p.len().min(context - 1)].to_vec()).collect();
    let options = Generation {
        max_tokens: request.answer_tokens,
        precision: request.exactness(),
        ..Generation::default()
    };
    let total = prompts.len().max(1) as f64;
    let given = answers(loaded, &prompts, &options, &mut |_, _| true, &mut |done| {
        say("answers", done as f64 / total);
    })?;
    Ok(Judged {
        losses: losses.iter().map(|loss| (loss.nll, loss.tokens as u64)).collect(),
        answers: given.into_iter().map(|answer| answer.text.trim().to_owned()).collect(),
    })
}

/// The loss of one measurement with its interval.
pub(crate) fn loss_estimate(losses: &[(f64, u64)]) -> Outcome<Estimate> {
    let result = summary(&documents(losses), Unit::Token, LEVEL).map_err(Failure::work)?;
    let (lower, upper) = result
        .interval
        .map_or((result.nll, result.nll), |interval| (interval.lower.ln(), interval.upper.ln()));
    Ok(Estimate { value: result.nll, lower, upper })
}

fn documents(losses: &[(f64, u64)]) -> Vec<DocumentNll> {
    losses
        .iter()
        .map(|(nll_sum, tokens)| DocumentNll {
            nll_sum: *nll_sum,
            tokens: *tokens,
            ..Default::default()
        })
        .collect()
}

/// What may be said about the held-out loss.
pub(crate) fn held_out(
    request: &TuneRequest,
    examples: &[Example],
    before: &Judged,
    after: &Judged,
) -> Outcome<Option<HeldOut>> {
    if examples.is_empty() {
        return Ok(None);
    }
    let (first, second) = (documents(&before.losses), documents(&after.losses));
    let record =
        compare(&first, &second, Unit::Token, LEVEL, request.seed).map_err(Failure::work)?;
    let (loss_before, loss_after) = (loss_estimate(&before.losses)?, loss_estimate(&after.losses)?);
    let exp =
        |e: Estimate| Estimate { value: e.value.exp(), lower: e.lower.exp(), upper: e.upper.exp() };
    let value = record.estimate.unwrap_or(loss_after.value - loss_before.value);
    let (lower, upper) = record.interval.as_ref().map_or((value, value), |i| (i.lower, i.upper));
    Ok(Some(HeldOut {
        level: LEVEL,
        tokens: first.iter().map(|document| document.tokens).sum(),
        loss_before,
        loss_after,
        perplexity_before: exp(loss_before),
        perplexity_after: exp(loss_after),
        difference: Estimate { value, lower, upper },
        p_value: record.p_value.unwrap_or(1.0),
        method: record.method.to_string(),
        documents: examples
            .iter()
            .zip(before.losses.iter().zip(&after.losses))
            .map(|(example, ((before, tokens), (after, _)))| DocumentChange {
                name: format!("{}:{}", example.source.path, example.source.line),
                tokens: *tokens,
                before: before / (*tokens).max(1) as f64,
                after: after / (*tokens).max(1) as f64,
            })
            .collect(),
    }))
}

/// BLEU and ROUGE-L of the answers against every reference of the same prompt, and what may be said about the
/// difference: prompts are resampled whole, before and after together.
pub(crate) fn scores(
    request: &TuneRequest,
    dataset: &Dataset,
    before: &Judged,
    after: &Judged,
) -> Outcome<Vec<Score>> {
    let chosen = asked(request, dataset);
    if chosen.is_empty() || [before, after].iter().any(|j| j.answers.len() != chosen.len()) {
        return Ok(Vec::new());
    }
    let references: Vec<Vec<&str>> =
        chosen.iter().map(|index| references(dataset, *index)).collect();
    let metrics = [
        ("BLEU", Metric::Bleu(BleuOptions::default())),
        ("ROUGE-L", Metric::Rouge(vec![Kind::L], RougeOptions::default())),
    ];
    let plan = Plan { level: LEVEL, seed: request.seed, ..Plan::default() };
    metrics
        .into_iter()
        .map(|(name, metric)| score(name, &metric, &references, before, after, &plan))
        .collect()
}

/// Every answer that the held-out rows have to the question of one of them.
fn references(dataset: &Dataset, index: usize) -> Vec<&str> {
    let same = dataset.held.iter().filter(|e| e.question == dataset.held[index].question);
    same.filter_map(|example| example.answer.as_deref()).collect()
}

fn score(
    name: &str,
    metric: &Metric,
    references: &[Vec<&str>],
    before: &Judged,
    after: &Judged,
    plan: &Plan,
) -> Outcome<Score> {
    let [first, second]: [Vec<&str>; 2] =
        [before, after].map(|judged| judged.answers.iter().map(String::as_str).collect());
    let found = before_after::compare(metric, &first, &second, references, plan)?.swap_remove(0);
    let estimate = |value: f64, interval: &Option<Interval>| {
        let (lower, upper) = interval.as_ref().map_or((value, value), |i| (i.lower, i.upper));
        Estimate { value, lower, upper }
    };
    let versus = found.after.versus.as_ref().filter(|versus| versus.interval.is_some());
    Ok(Score {
        metric: name.to_owned(),
        signature: found.signature,
        before: estimate(found.before.score, &found.before.interval),
        after: estimate(found.after.score, &found.after.interval),
        difference: versus.map(|versus| estimate(versus.difference, &versus.interval)),
        p_value: versus.map(|versus| versus.p_value),
        n: found.n,
    })
}

/// All answers side by side, with what `grimoire compare` needs to score them again.
pub(crate) fn samples(
    request: &TuneRequest,
    dataset: &Dataset,
    before: &Judged,
    after: &Judged,
) -> Vec<Sample> {
    asked(request, dataset)
        .into_iter()
        .zip(before.answers.iter().zip(&after.answers))
        .map(|(index, (before, after))| Sample {
            prompt: dataset.held[index].prompt.clone().unwrap_or_default(),
            expected: dataset.held[index].answer.clone(),
            references: references(dataset, index).into_iter().map(str::to_owned).collect(),
            before: before.clone(),
            after: after.clone(),
        })
        .collect()
}
