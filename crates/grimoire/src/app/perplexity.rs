//! Perplexity of a text under a model: strided windows, each token scored once, with the begin-of-sequence
//! rule in the signature and an interval clustered by document.

use crate::app::broken::not_finite;
use crate::app::loading::Loaded;
use crate::failure::{Failure, Outcome};
use grimoire_eval::perplexity::{Begin, DocumentNll, Protocol, Unit, summary};
use grimoire_text::EncodeOptions;
use grimoire_tune::{Sequence, evaluate};
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
    pub(crate) signature: String,
}

/// What to measure.
pub(crate) struct Request<'a> {
    pub(crate) file: &'a str,
    /// Documents; a plain text is one.
    pub(crate) documents: &'a [String],
    pub(crate) window: usize,
    pub(crate) stride: usize,
    /// Whether each window begins with the begin-of-sequence token; none as the tokenizer says.
    pub(crate) bos: Option<bool>,
}

/// Measures; `done` hears the share that is done.
pub(crate) fn measure(
    loaded: &Loaded,
    request: &Request<'_>,
    done: &mut dyn FnMut(f64),
) -> Outcome<PerplexityReport> {
    let special = loaded.tokenizer.special();
    let bos = match request.bos.unwrap_or(special.add_bos) {
        false => None,
        true => Some(special.bos.or(special.eos).ok_or_else(|| {
            Failure::usage("--bos: the model has no begin-of-sequence token").hint("use --no-bos")
        })?),
    };
    let context = loaded.model.config().context;
    if request.window > context || request.window < 2 {
        return Err(Failure::usage(format!(
            "--window {}: expected 2 to {context}, the context of the model",
            request.window
        )));
    }
    if request.stride == 0 || request.stride > request.window {
        return Err(Failure::usage(format!(
            "--stride {}: expected 1 to the window of {}",
            request.stride, request.window
        )));
    }
    let mut windows: Vec<Sequence> = Vec::new();
    let mut owner = Vec::new();
    let mut tokens = 0;
    for (document, text) in request.documents.iter().enumerate() {
        let ids = loaded.tokenizer.encode(text, EncodeOptions::PLAIN)?;
        tokens += ids.len();
        for window in cut(&ids, request.window, request.stride, bos) {
            windows.push(window);
            owner.push(document);
        }
    }
    let n = windows.len().max(1);
    let losses = evaluate(
        &loaded.model,
        &loaded.params,
        &windows,
        request.window.max(512),
        &mut |finished| {
            done(finished as f64 / n as f64);
            true
        },
    );
    if losses.iter().any(|loss| !loss.nll.is_finite()) {
        return Err(not_finite(loaded, &loaded.params, "log-likelihood"));
    }
    // A single document is clustered by its windows.
    let single = request.documents.len() == 1;
    let mut clusters: Vec<DocumentNll> = Vec::new();
    let mut last = usize::MAX;
    for (window, loss) in losses.iter().enumerate() {
        let cluster = if single { window } else { owner[window] };
        if cluster != last || clusters.is_empty() {
            clusters.push(DocumentNll::default());
            last = cluster;
        }
        if let Some(cluster) = clusters.last_mut() {
            cluster.nll_sum += loss.nll;
            cluster.tokens += loss.tokens as u64;
        }
    }
    clusters.retain(|cluster| cluster.tokens > 0);
    let result = summary(&clusters, Unit::Token, 0.95)
        .map_err(|error| Failure::work(format!("{}: {error}", request.file)))?;
    let protocol = Protocol {
        window: request.window,
        stride: request.stride,
        begin: if bos.is_some() { Begin::Window } else { Begin::None },
    };
    Ok(PerplexityReport {
        model: loaded.name.clone(),
        file: request.file.to_owned(),
        perplexity: result.perplexity,
        nll: result.nll,
        tokens,
        scored: result.units,
        interval: result.interval.map(|interval| [interval.lower, interval.upper]),
        clusters: if single { "windows" } else { "documents" },
        documents: request.documents.len() as u64,
        signature: protocol.to_string(),
    })
}

/// Windows of at most `window` tokens, `stride` apart; each scores what the one before did not.
fn cut(ids: &[u32], window: usize, stride: usize, bos: Option<u32>) -> Vec<Sequence> {
    let room = window - usize::from(bos.is_some());
    let stride = stride.min(room);
    let mut windows = Vec::new();
    let (mut start, mut scored_to) = (0, 0);
    while scored_to < ids.len() {
        let end = ids.len().min(start + room);
        let mut sequence = Sequence {
            ids: bos.into_iter().collect(),
            scored: vec![false; usize::from(bos.is_some())],
        };
        sequence.ids.extend_from_slice(&ids[start..end]);
        sequence.scored.extend((start..end).map(|place| place >= scored_to));
        windows.push(sequence);
        scored_to = end;
        start += stride;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(ids: usize, window: usize, stride: usize, bos: Option<u32>) -> (usize, usize) {
        let ids: Vec<u32> = (0..ids as u32).collect();
        let windows = cut(&ids, window, stride, bos);
        (windows.len(), windows.iter().map(Sequence::n_scored).sum())
    }

    /// Ten tokens in windows of four: without a begin token the first of each disjoint window has no context;
    /// with overlap only the first of all; with a begin token none is lost.
    #[test]
    fn every_token_with_a_context_is_scored_once() {
        assert_eq!(scored(10, 4, 4, None), (3, 7));
        assert_eq!(scored(10, 4, 2, None), (4, 9));
        assert_eq!(scored(10, 4, 4, Some(99)), (4, 10));
        assert_eq!(scored(1, 4, 4, None), (1, 0));
        assert_eq!(scored(0, 4, 4, None), (0, 0));
    }
}
