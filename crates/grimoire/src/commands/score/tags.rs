//! What `grimoire score entities` and `grimoire score accuracy` share on the command line: the files, and
//! systems against the first.

use super::input::Resampling;
use crate::app::tag_scores::TagRequest;
use crate::app::texts::Source;
use crate::failure::Outcome;
use clap::Args;
use std::path::PathBuf;

/// Files and resampling.
#[derive(Args)]
pub(crate) struct TagInput {
    /// The predicted tags: the last column of each line, or a field of .jsonl, .csv or .tsv; each also .gz;
    /// `-` is standard input.
    #[arg(long, value_name = "FILE")]
    hyp: PathBuf,
    /// The true tags, in the same form.
    #[arg(long = "ref", value_name = "FILE")]
    reference: PathBuf,
    /// Further predictions to test against the first.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    paired: Vec<PathBuf>,
    /// The field or column of the predictions: a label, or in .jsonl a list of the tags of a sentence.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
    /// The field or column of the truth.
    #[arg(long, value_name = "NAME")]
    ref_field: Option<String>,
    /// All labels (of entities: types) there are; any other is an error.
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    labels: Option<Vec<String>>,
    #[command(flatten)]
    resampling: Resampling,
}

impl TagInput {
    /// The request, checked.
    pub(crate) fn request(self) -> Outcome<TagRequest> {
        let field = &self.field;
        Ok(TagRequest {
            truth: Source { path: self.reference, field: self.ref_field },
            systems: std::iter::once(self.hyp)
                .chain(self.paired)
                .map(|path| Source { path, field: field.clone() })
                .collect(),
            labels: self.labels,
            clusters: self.resampling.clusters(),
            plan: self.resampling.plan()?,
        })
    }
}
