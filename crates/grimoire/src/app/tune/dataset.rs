//! The data of a run: read, checked, turned into tokens, split.

use super::request::TuneRequest;
use crate::app::answer::template_date;
use crate::app::loading::Loaded;
use crate::failure::{Failure, Outcome};
use grimoire_tune::Sequence;
use grimoire_tune::data::{
    DataError, Encoder, Example, Fields, Marked, Row, Schema, Source, overlap, read_as,
    read_records, rows, split,
};
use rayon::prelude::*;
use std::collections::BTreeMap;
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

/// What was read.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Summary {
    pub(crate) rows_by_schema: BTreeMap<Schema, usize>,
    pub(crate) train_rows: usize,
    pub(crate) held_out_rows: usize,
    /// Rows of `--eval`, or a part held out.
    pub(crate) held_out_from: String,
    /// Rows of the data that ask what a row of `--eval` asks, and are not trained on.
    pub(crate) overlapping_rows: usize,
    pub(crate) tokens: usize,
    pub(crate) trained_tokens: usize,
    /// Cut off because rows were longer than the maximum.
    pub(crate) lost_tokens: usize,
    pub(crate) cut_rows: usize,
    /// Rows with nothing left to train on.
    pub(crate) dropped_rows: usize,
    pub(crate) duplicates: usize,
    /// Conversations of which only the last answer is trained on.
    pub(crate) last_only_rows: usize,
    /// How columns of other names are read.
    pub(crate) read_as: Option<String>,
    pub(crate) longest: usize,
    #[serde(skip)]
    pub(crate) first: Marked,
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
            let contents: Vec<Row> = all.iter().map(|(_, row)| row.clone()).collect();
            let (trained, held) =
                split(&contents, SHARE, HELD.0.min(all.len() / 4), HELD.1, request.seed);
            let pick =
                |which: &[usize]| which.iter().map(|index| all[*index].clone()).collect::<Vec<_>>();
            (pick(&trained), pick(&held), "held out of the data by prompt".to_owned())
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
    let mut summary = Summary {
        rows_by_schema: BTreeMap::new(),
        train_rows: 0,
        held_out_rows: 0,
        held_out_from: from,
        overlapping_rows: if request.eval.is_some() { n_rows - train.len() } else { 0 },
        tokens: 0,
        trained_tokens: 0,
        lost_tokens: 0,
        cut_rows: 0,
        dropped_rows: 0,
        duplicates: 0,
        last_only_rows: 0,
        read_as: note,
        longest: 0,
        first: Marked::new(),
    };
    if let Some((source, row)) = train.first() {
        summary.first = encoder.marked(source, row).map_err(|e| misfit(loaded, row, e))?;
    }
    let train = encode(&encoder, loaded, &train, &mut summary)?;
    summary.train_rows = train.len();
    summary.tokens = train.iter().map(|e| e.sequence.ids.len()).sum();
    summary.trained_tokens = train.iter().map(|e| e.sequence.n_scored()).sum();
    let held = encode(&encoder, loaded, &held, &mut summary)?;
    summary.held_out_rows = held.len();
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

/// The rows of the data that ask nothing that a row of `held` asks.
fn apart(request: &TuneRequest, eval: &str, all: Rows, held: &Rows) -> Outcome<Rows> {
    let contents = |rows: &Rows| rows.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>();
    let same = overlap(&contents(&all), &contents(held));
    if same.len() == all.len() {
        let message = format!("{}: every row asks what a row of {eval} asks", request.data);
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
    summary: &mut Summary,
) -> Outcome<Vec<Example>> {
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
    for ((_, row), pieces) in encoded {
        *summary.rows_by_schema.entry(row.schema()).or_default() += 1;
        let mut tokens = 0;
        let mut ids = Vec::new();
        for example in pieces.map_err(|e| misfit(loaded, row, e))? {
            loaded.model.check_tokens(&example.sequence.ids)?;
            summary.lost_tokens += example.lost;
            summary.cut_rows += usize::from(example.lost > 0);
            summary.last_only_rows += usize::from(example.last_only);
            tokens += example.sequence.ids.len() + example.lost;
            ids.extend_from_slice(&example.sequence.ids);
            if example.sequence.n_scored() == 0 {
                summary.dropped_rows += 1;
            } else {
                examples.push(example);
            }
        }
        summary.longest = summary.longest.max(tokens);
        summary.duplicates += usize::from(!seen.insert(ids));
    }
    Ok(examples)
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
