//! The data of a run: read, checked, turned into tokens, split.

use super::request::TuneRequest;
use super::summary::{self, Part, Summary};
use crate::app::answer::template_date;
use crate::app::loading::Loaded;
use crate::failure::{Failure, Outcome};
use grimoire_tune::Sequence;
use grimoire_tune::data::{
    DataError, Encoder, Example, Fields, Marked, Row, Source, is_running_text, overlap, read_as,
    read_records, rows, split, split_end,
};
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Share of the rows that is held out.
const SHARE: f64 = 0.1;
/// At least and at most so many rows are held out.
const HELD: (usize, usize) = (16, 200);

/// Rows with the places that they come from.
type Rows = Vec<(Source, Row)>;

/// Rows ready to train on.
pub(crate) struct Dataset {
    pub(crate) train: Vec<Example>,
    pub(crate) held: Vec<Example>,
    pub(crate) summary: Summary,
}

impl Dataset {
    /// Sequences of the training rows, as the trainer takes them.
    pub(crate) fn sequences(examples: &[Example]) -> Vec<Sequence> {
        examples.iter().map(|example| example.sequence.clone()).collect()
    }
}

/// Reads and prepares the data of a request.
pub(crate) fn load(request: &TuneRequest, loaded: &Loaded) -> Outcome<Dataset> {
    let fields = Fields {
        prompt: request.prompt_field.clone(),
        completion: request.completion_field.clone(),
        text: request.text_field.clone(),
    };
    let read = |name: &str, path: &str| -> Outcome<(Rows, Option<String>)> {
        let records = builtin(path).unwrap_or_else(|| read_records(Path::new(path)));
        let records = records.map_err(fail)?;
        Ok((rows(name, &records, &fields).map_err(fail)?, read_as(&records, &fields)))
    };
    let (all, note) = read(&request.data, &request.data_here())?;
    let n_rows = all.len();
    let (train, held, from) = match request.eval.as_ref().zip(request.eval_here()) {
        Some((name, path)) => {
            let held = read(name, &path)?.0;
            (apart(request, name, all, &held)?, held, format!("of {name}, to measure on"))
        }
        None => {
            let (trained, held, from) = hold_out(request, &all);
            let pick =
                |which: &[usize]| which.iter().map(|index| all[*index].clone()).collect::<Vec<_>>();
            (pick(&trained), pick(&held), from)
        }
    };
    let (longest, limit) = request.longest_row(loaded.model.config().context);
    let encoder = Encoder {
        tokenizer: &loaded.tokenizer,
        template: if request.no_template { None } else { loaded.template()? },
        max_tokens: longest,
        whole: request.train_on_prompt,
        now: Some(template_date()),
    };
    let first = match train.first() {
        Some((source, row)) => encoder.marked(source, row).map_err(|e| misfit(loaded, row, e))?,
        None => Marked::new(),
    };
    let overlapping_rows = if request.eval.is_some() { n_rows - train.len() } else { 0 };
    let (train, train_part) = encode(&encoder, loaded, &train)?;
    let (held, held_part) = encode(&encoder, loaded, &held)?;
    let summary = Summary {
        train: train_part,
        held_out: held_part,
        held_out_from: from,
        overlapping_rows,
        read_as: note,
        first,
    };
    if train.is_empty() {
        return Err(Failure::work(format!(
            "{}: no row has a token to be trained on",
            request.data
        ))
        .hint(format!(
            "rows may be longer than {longest} tokens, {limit}, before their answer begins"
        )));
    }
    Ok(Dataset { train, held, summary })
}

/// The rows to train on and those held out, by index, and in what way: of a running text its end, which does not go
/// on in what is trained on.
fn hold_out(request: &TuneRequest, all: &Rows) -> (Vec<usize>, Vec<usize>, String) {
    let contents: Vec<Row> = all.iter().map(|(_, row)| row.clone()).collect();
    let least = HELD.0.min(all.len() / 4);
    if is_running_text(&request.data) {
        let (trained, held) = split_end(&contents, SHARE, least, HELD.1);
        let from = summary::end_of(&request.data, all.len(), &held);
        return (trained, held, from);
    }
    let (trained, held) = split(&contents, SHARE, least, HELD.1, request.seed);
    (trained, held, summary::apart_by(contents.iter()).to_owned())
}

/// The rows of the data that ask nothing that a row of `held` asks.
fn apart(request: &TuneRequest, eval: &str, all: Rows, held: &Rows) -> Outcome<Rows> {
    let contents = |rows: &Rows| rows.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>();
    let same = overlap(&contents(&all), &contents(held));
    if same.len() == all.len() {
        let texts = all.iter().all(|(_, row)| matches!(row, Row::Text(_)));
        let same = if texts { "is the same text as a" } else { "asks what a" };
        let asks = if texts { "" } else { " asks" };
        let message = format!("{}: every row {same} row of {eval}{asks}", request.data);
        return Err(Failure::work(message)
            .hint("measure on other rows: without --eval, a part of the data is held out"));
    }
    let mut kept = all;
    let mut index = 0..;
    kept.retain(|_| index.next().is_some_and(|index| same.binary_search(&index).is_err()));
    Ok(kept)
}

fn builtin(path: &str) -> Option<Result<Vec<grimoire_tune::data::Record>, DataError>> {
    crate::app::builtin::data(path)
}

/// Rows that are encoded before the first of them is looked at.
const BLOCK: usize = 1024;

fn encode(
    encoder: &Encoder<'_>,
    loaded: &Loaded,
    rows: &[(Source, Row)],
) -> Outcome<(Vec<Example>, Part)> {
    let mut part = Part::default();
    let mut examples = Vec::with_capacity(rows.len());
    let mut seen = std::collections::HashSet::new();
    // Rows are independent of each other; those of a block are encoded at once and counted in their order.
    let encoded = rows.chunks(BLOCK).flat_map(|block| {
        // Behind a row that cannot be encoded no other is begun: a template that runs away does so once a thread.
        let bad = AtomicUsize::new(usize::MAX);
        let pieces: Vec<_> = block
            .par_iter()
            .enumerate()
            .map(|(at, (source, row))| {
                if at > bad.load(Ordering::Relaxed) {
                    return Ok(Vec::new());
                }
                let pieces = encoder.encode_pieces(source, row);
                if pieces.is_err() {
                    bad.fetch_min(at, Ordering::Relaxed);
                }
                pieces
            })
            .collect();
        block.iter().zip(pieces)
    });
    for ((source, row), pieces) in encoded {
        let (mut tokens, mut lost, mut last_only) = (0, 0, false);
        let mut ids = Vec::new();
        let before = examples.len();
        for example in pieces.map_err(|e| misfit(loaded, row, e))? {
            loaded.model.check_tokens(&example.sequence.ids)?;
            lost += example.lost;
            last_only |= example.last_only;
            tokens += example.sequence.ids.len();
            ids.extend_from_slice(&example.sequence.ids);
            if example.sequence.n_scored() > 0 {
                examples.push(example);
            }
        }
        if lost > 0 {
            part.cut(source, lost);
        }
        part.last_only_rows += usize::from(last_only);
        part.longest = part.longest.max(tokens + lost);
        part.duplicates += usize::from(!seen.insert(ids));
        if examples.len() == before {
            part.dropped_rows += 1;
        } else {
            part.rows += 1;
            *part.rows_by_schema.entry(row.schema()).or_default() += 1;
        }
    }
    part.pieces = examples.len();
    part.tokens = examples.iter().map(|e| e.sequence.ids.len()).sum();
    part.scored_tokens = examples.iter().map(|e| e.sequence.n_scored()).sum();
    Ok((examples, part))
}

/// A row that the tokenizer or the template of the model does not take: both are named.
fn misfit(loaded: &Loaded, row: &Row, error: DataError) -> Failure {
    let DataError::Text { path, line, source } = error else { return fail(error) };
    let failure = Failure::work(format!("{}: {source}, for {path}:{line}", loaded.name));
    match row {
        Row::Messages { .. } => failure,
        _ => failure.hint("--no-template joins prompt and answer as plain text"),
    }
}

/// What is wrong with data, with what to do about it.
fn fail(error: DataError) -> Failure {
    let hint = match &error {
        DataError::Schema { .. } => Some(
            "rows have messages; prompt and completion; or text (other names: --prompt-field, --completion-field, --text-field)",
        ),
        DataError::Place { found, .. } if found == "a row of preferences" => Some(
            "preferences are for alignment, not for tuning: give rows with a completion to imitate",
        ),
        DataError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Some(
            "paths are taken from the folder in which the command is run; `builtin` is the data inside the program",
        ),
        _ => None,
    };
    let failure = Failure::work(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}
