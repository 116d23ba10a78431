//! What a text costs a model, token by token, and its perplexity: strided windows, each token scored once,
//! the begin-of-sequence rule in the signature, an interval clustered by document. Showing the tokens is
//! the business of [`super::surprise`].

use crate::app::broken::not_finite;
use crate::app::loading::Loaded;
use crate::failure::{Failure, Outcome};
use grimoire_eval::perplexity::{
    Begin, DocumentNll, Perplexity, Protocol, Unit, summary, summary_by_window,
};
use grimoire_tensor::ops::{select_rows, token_log_probs};
use grimoire_tensor::{Precision, Tape};
use grimoire_text::EncodeOptions;
use grimoire_tune::{Sequence, micro_batches};
use serde::Serialize;

/// The result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PerplexityReport {
    pub(crate) model: String,
    pub(crate) file: String,
    pub(crate) perplexity: f64,
    /// Mean negative log-likelihood per scored token, in nats.
    pub(crate) nll: f64,
    /// Tokens of the text.
    pub(crate) tokens: usize,
    /// Tokens that were scored.
    pub(crate) scored: u64,
    /// 95 % interval of the perplexity; none with a single cluster.
    pub(crate) interval: Option<[f64; 2]>,
    /// What the interval takes for independent.
    pub(crate) clusters: &'static str,
    pub(crate) documents: u64,
    /// Per token, per byte and per word, each with its interval.
    pub(crate) per: Vec<Perplexity>,
    pub(crate) signature: String,
}

/// How a text is cut and scored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scoring {
    pub(crate) protocol: Protocol,
    /// Tokens computed at once; the figures do not depend on it.
    pub(crate) batch: usize,
    pub(crate) precision: Precision,
}

/// A text, token by token.
#[derive(Debug, Clone)]
pub(crate) struct ScoredText {
    pub(crate) ids: Vec<u32>,
    /// −ln p of each token; none where it was not scored.
    pub(crate) nll: Vec<Option<f32>>,
    /// Tokens of each window that were scored: runs of `nll` that sum to one cluster.
    windows: Vec<std::ops::Range<usize>>,
}

/// The begin rule that a model's tokenizer implies.
pub(crate) fn default_begin(loaded: &Loaded) -> Begin {
    if loaded.tokenizer.special().add_bos { Begin::Window } else { Begin::None }
}

/// Scores texts; `done` hears the share that is done.
pub(crate) fn score(
    loaded: &Loaded,
    texts: &[impl AsRef<str>],
    scoring: &Scoring,
    done: &mut dyn FnMut(f64),
) -> Outcome<Vec<ScoredText>> {
    let Protocol { window, stride, begin } = scoring.protocol;
    let special = loaded.tokenizer.special();
    let bos = match begin {
        Begin::None => None,
        _ => Some(special.bos.or(special.eos).ok_or_else(|| {
            Failure::usage("--bos: the model has no begin-of-sequence token").hint("use --no-bos")
        })?),
    };
    let context = loaded.model.config().context;
    if window > context || window < 2 {
        return Err(Failure::usage(format!(
            "--window {window}: expected 2 to {context}, the context of the model"
        )));
    }
    if stride == 0 || stride > window {
        return Err(Failure::usage(format!(
            "--stride {stride}: expected 1 to the window of {window}"
        )));
    }
    let mut scored = Vec::with_capacity(texts.len());
    let mut sequences: Vec<Sequence> = Vec::new();
    for text in texts {
        let ids = loaded.tokenizer.encode(text.as_ref(), EncodeOptions::PLAIN)?;
        loaded.model.check_tokens(&ids)?;
        let (cut, windows) = cut(&ids, scoring.protocol, bos);
        sequences.extend(cut);
        scored.push(ScoredText { nll: vec![None; ids.len()], ids, windows });
    }
    let nll = token_nll(loaded, &sequences, scoring, done);
    if nll.iter().any(|nll| !nll.is_finite()) {
        return Err(not_finite(loaded, &loaded.params, "log-likelihood"));
    }
    let mut nll = nll.into_iter();
    for text in &mut scored {
        for window in &text.windows {
            for place in window.clone() {
                text.nll[place] = nll.next();
            }
        }
    }
    Ok(scored)
}

/// −ln p of every scored token of the sequences, in order.
fn token_nll(
    loaded: &Loaded,
    sequences: &[Sequence],
    scoring: &Scoring,
    done: &mut dyn FnMut(f64),
) -> Vec<f32> {
    let all: Vec<&Sequence> = sequences.iter().collect();
    let (mut nll, mut finished) = (Vec::new(), 0);
    for micro in micro_batches(&all, scoring.batch) {
        let tape = Tape::forward_only(&loaded.params).with_precision(scoring.precision);
        let hidden = loaded.model.hidden(&tape, &micro.batch);
        let rows = select_rows(&tape, &hidden, &micro.rows);
        nll.extend(token_log_probs(&tape, &rows, loaded.model.head(), &micro.targets));
        finished += micro.by_document.len();
        done(finished as f64 / all.len() as f64);
    }
    nll
}

/// Windows of at most `window` tokens, `stride` apart, each scoring what the one before did not; and where
/// in the text the scored tokens of each are. A token without any context is not scored.
fn cut(
    ids: &[u32],
    protocol: Protocol,
    bos: Option<u32>,
) -> (Vec<Sequence>, Vec<std::ops::Range<usize>>) {
    let Protocol { window, stride, begin } = protocol;
    let every = bos.filter(|_| begin == Begin::Window);
    let once = bos.filter(|_| begin == Begin::Document);
    // With a token before the document, places count it too.
    let stream: Vec<u32> = once.into_iter().chain(ids.iter().copied()).collect();
    let before = stream.len() - ids.len();
    let room = window - usize::from(every.is_some());
    let stride = stride.min(room);
    let (mut sequences, mut scored) = (Vec::new(), Vec::new());
    let (mut start, mut scored_to) = (0, before);
    while scored_to < stream.len() {
        let end = stream.len().min(start + room);
        let mut sequence = Sequence {
            ids: every.into_iter().collect(),
            scored: vec![false; usize::from(every.is_some())],
        };
        sequence.ids.extend_from_slice(&stream[start..end]);
        sequence.scored.extend((start..end).map(|place| place >= scored_to));
        // The first token of a sequence is never a target.
        let first = scored_to.max(start + usize::from(every.is_none()));
        if first < end {
            scored.push(first - before..end - before);
            sequences.push(sequence);
        }
        scored_to = end.max(scored_to);
        start += stride;
    }
    (sequences, scored)
}

impl ScoredText {
    /// What the whole text cost, and how long the scored part of it is.
    pub(crate) fn total(&self, loaded: &Loaded, text: &str) -> DocumentNll {
        let parts = self.parts(loaded, text, std::iter::once(0..self.ids.len()));
        parts.into_iter().next().unwrap_or_default()
    }

    /// The same for each window.
    fn by_window(&self, loaded: &Loaded, text: &str) -> Vec<DocumentNll> {
        self.parts(loaded, text, self.windows.iter().cloned())
    }

    /// The same for runs of tokens in order. Bytes of tokens come from the vocabulary; what a tokenizer
    /// puts before a text or loses of it is settled with the last token.
    fn parts(
        &self,
        loaded: &Loaded,
        text: &str,
        runs: impl Iterator<Item = std::ops::Range<usize>>,
    ) -> Vec<DocumentNll> {
        let spans = spans(loaded, text, &self.ids);
        let starts = word_starts(text);
        runs.map(|run| {
            let mut part = DocumentNll::default();
            for place in run {
                let Some(nll) = self.nll[place] else { continue };
                part.nll_sum += f64::from(nll);
                part.tokens += 1;
                let span = &spans[place];
                part.bytes += span.len() as u64;
                let words = starts.partition_point(|at| *at < span.end)
                    - starts.partition_point(|at| *at < span.start);
                part.words += words as u64;
            }
            part
        })
        .collect()
    }
}

/// Where each token lies in its text, in bytes.
pub(crate) fn spans(loaded: &Loaded, text: &str, ids: &[u32]) -> Vec<std::ops::Range<usize>> {
    let lengths: Vec<usize> =
        ids.iter().map(|id| loaded.tokenizer.token_bytes(*id).map_or(0, |b| b.len())).collect();
    // Some tokenizers put a space before every text.
    let mut extra = lengths.iter().sum::<usize>().saturating_sub(text.len());
    let mut at = 0;
    let mut spans: Vec<std::ops::Range<usize>> = lengths
        .iter()
        .map(|length| {
            let taken = extra.min(*length);
            extra -= taken;
            let start = at;
            at = text.len().min(start + length - taken);
            start..at
        })
        .collect();
    if let Some(last) = spans.last_mut() {
        last.end = text.len();
    }
    spans
}

/// Where the words of a text (runs without white space) begin.
fn word_starts(text: &str) -> Vec<usize> {
    let mut before = true;
    let mut starts = Vec::new();
    for (at, c) in text.char_indices() {
        if before && !c.is_whitespace() {
            starts.push(at);
        }
        before = c.is_whitespace();
    }
    starts
}

/// What the windows of a single document are called where they are the sample.
const WINDOWS: &str = "windows";

/// Documents or windows of a measurement: what it takes for independent, and its name.
fn clusters(
    loaded: &Loaded,
    texts: &[impl AsRef<str>],
    scored: &[ScoredText],
) -> (&'static str, Vec<DocumentNll>) {
    // A single document is clustered by its windows.
    let (name, mut clusters) = match (texts, scored) {
        ([text], [only]) => (WINDOWS, only.by_window(loaded, text.as_ref())),
        _ => {
            let pairs = scored.iter().zip(texts);
            ("documents", pairs.map(|(one, text)| one.total(loaded, text.as_ref())).collect())
        }
    };
    clusters.retain(|cluster| cluster.tokens > 0);
    (name, clusters)
}

/// The report of texts that were scored.
pub(crate) fn report(
    loaded: &Loaded,
    file: &str,
    texts: &[impl AsRef<str>],
    scored: &[ScoredText],
    scoring: &Scoring,
) -> Outcome<PerplexityReport> {
    let (name, clusters) = clusters(loaded, texts, scored);
    let summarise = if name == WINDOWS { summary_by_window } else { summary };
    if clusters.is_empty() {
        return Err(Failure::work(format!(
            "{file}: no token has another before it, and so none can be scored"
        ))
        .hint("longer documents, or --bos, which puts a token before each"));
    }
    let precision = if scoring.precision == Precision::F32 { "f32" } else { "auto" };
    let per = [Unit::Token, Unit::Byte, Unit::Word]
        .into_iter()
        .map(|unit| summarise(&clusters, unit, 0.95))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::work(format!("{file}: {error}")))?;
    Ok(PerplexityReport {
        model: loaded.name.clone(),
        file: file.to_owned(),
        perplexity: per[0].perplexity,
        nll: per[0].nll,
        tokens: scored.iter().map(|text| text.ids.len()).sum(),
        scored: per[0].units,
        interval: per[0].interval.as_ref().map(|interval| [interval.lower, interval.upper]),
        clusters: name,
        documents: texts.len() as u64,
        per,
        signature: format!("{}|precision:{precision}", scoring.protocol),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(ids: usize, window: usize, stride: usize, begin: Begin) -> (usize, usize) {
        let ids: Vec<u32> = (0..ids as u32).collect();
        let bos = (begin != Begin::None).then_some(99);
        let (windows, places) = cut(&ids, Protocol { window, stride, begin }, bos);
        let n: usize = windows.iter().map(Sequence::n_scored).sum();
        assert_eq!(places.iter().map(std::ops::Range::len).sum::<usize>(), n);
        (windows.len(), n)
    }

    /// Ten tokens in windows of four: without a begin token the first of each disjoint window has no context;
    /// with overlap only the first of all; with a begin token none is lost.
    #[test]
    fn every_token_with_a_context_is_scored_once() {
        assert_eq!(scored(10, 4, 4, Begin::None), (3, 7));
        assert_eq!(scored(10, 4, 2, Begin::None), (4, 9));
        assert_eq!(scored(10, 4, 4, Begin::Window), (4, 10));
        assert_eq!(scored(10, 4, 3, Begin::Document), (4, 10));
        assert_eq!(scored(1, 4, 4, Begin::None), (0, 0));
        assert_eq!(scored(0, 4, 4, Begin::Document), (0, 0));
    }

    #[test]
    fn words_begin_after_white_space() {
        assert_eq!(word_starts("  ab c\n\nd"), [2, 5, 8]);
        assert!(word_starts(" \n").is_empty());
    }
}
