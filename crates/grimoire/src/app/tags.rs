//! Tag files side by side, sentence by sentence: one token a line, its tag in the last column (columns
//! apart by white space), sentences apart by an empty line; or, where a field is named, a column of a table
//! or a field of JSON Lines (a label, or a list of the tags of a sentence). Files are streamed and must have
//! the same sentences. What is counted from tags is in [`super::tag_scores`].

use super::texts::{self, Source, Texts};
use crate::failure::{Failure, Outcome};
use std::collections::{HashSet, VecDeque};

/// The truth and the systems' predictions, all open.
pub(crate) struct TagFiles {
    /// The truth first.
    files: Vec<TagFile>,
    known: Option<HashSet<String>>,
}

/// One sentence of every file.
#[derive(Default)]
pub(crate) struct Sentence {
    /// `tags[file][token]`, the truth first.
    pub(crate) tags: Vec<Vec<String>>,
    /// The line of each tag, in the same shape.
    pub(crate) lines: Vec<Vec<u64>>,
}

/// What a file has next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Tag,
    SentenceEnd,
    End,
}

struct TagFile {
    texts: Texts,
    /// Whether records are fields; else lines with columns.
    fields: bool,
    waiting: VecDeque<String>,
    /// Whether a sentence has begun, and whether it ends when what waits is used up.
    open: bool,
    ends: bool,
    tag: String,
}

impl TagFiles {
    /// Opens the truth and every system. Where `known` is given, a tag whose type (or, without a hyphen,
    /// which itself) is not among them is an error.
    pub(crate) fn open(
        truth: &Source,
        systems: &[Source],
        known: Option<&[String]>,
    ) -> Outcome<Self> {
        texts::check_standard_input(systems.iter().chain([truth]))?;
        let files = std::iter::once(truth).chain(systems).map(TagFile::open);
        let known = known.map(|labels| labels.iter().cloned().collect());
        Ok(Self { files: files.collect::<Outcome<_>>()?, known })
    }

    /// What errors and reports call a file; 0 is the truth.
    pub(crate) fn name(&self, file: usize) -> &str {
        self.files[file].texts.name()
    }

    /// How many systems there are.
    pub(crate) fn n_systems(&self) -> usize {
        self.files.len() - 1
    }

    /// Reads the next tag of every file into `sentence`; `None` at the end of the files, `Some(false)` at the
    /// end of a sentence.
    pub(crate) fn step(&mut self, sentence: &mut Sentence) -> Outcome<Option<bool>> {
        sentence.tags.resize_with(self.files.len(), Vec::new);
        sentence.lines.resize_with(self.files.len(), Vec::new);
        let expected = self.files[0].next()?;
        for at in 1..self.files.len() {
            let found = self.files[at].next()?;
            if found != expected {
                return Err(self.uneven(at, expected, found));
            }
        }
        if expected != Next::Tag {
            return Ok((expected == Next::SentenceEnd).then_some(false));
        }
        for (file, (tags, lines)) in
            self.files.iter_mut().zip(sentence.tags.iter_mut().zip(&mut sentence.lines))
        {
            let tag = std::mem::take(&mut file.tag);
            if let Some(known) = &self.known {
                check_known(&tag, known, &file.texts)?;
            }
            tags.push(tag);
            lines.push(file.texts.line());
        }
        Ok(Some(true))
    }

    fn uneven(&self, at: usize, expected: Next, found: Next) -> Failure {
        let has = |file: &TagFile, next: Next| match next {
            Next::Tag => format!("has the tag `{}`", file.tag),
            Next::SentenceEnd => "ends the sentence".to_owned(),
            Next::End => "is at its end".to_owned(),
        };
        let (truth, system) = (&self.files[0], &self.files[at]);
        Failure::work(format!(
            "{}:{}: {} where {}:{} {}",
            system.texts.name(),
            system.texts.line(),
            has(system, found),
            truth.texts.name(),
            truth.texts.line(),
            has(truth, expected)
        ))
        .hint("both files need the same tokens and empty lines between the same sentences")
    }
}

impl Sentence {
    /// Forgets its tags and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.tags.iter_mut().for_each(Vec::clear);
        self.lines.iter_mut().for_each(Vec::clear);
    }

    /// The tags of one file; 0 is the truth.
    pub(crate) fn of(&self, file: usize) -> Vec<&str> {
        self.tags[file].iter().map(String::as_str).collect()
    }
}

fn check_known(tag: &str, known: &HashSet<String>, texts: &Texts) -> Outcome {
    let label = tag.split_once('-').map_or(tag, |(_, label)| label);
    if tag == "O" || known.contains(tag) || known.contains(label) {
        return Ok(());
    }
    let mut names: Vec<&str> = known.iter().map(String::as_str).collect();
    names.sort_unstable();
    Err(Failure::work(format!("{}:{}: unknown label `{tag}`", texts.name(), texts.line()))
        .hint(format!("--labels has {}", names.join(", "))))
}

impl TagFile {
    fn open(source: &Source) -> Outcome<Self> {
        let fields = source.has_fields();
        let texts = if fields { source.open()? } else { source.open_plain()? };
        let (waiting, tag) = (VecDeque::new(), String::new());
        Ok(Self { texts, fields, waiting, open: false, ends: false, tag })
    }

    fn next(&mut self) -> Outcome<Next> {
        loop {
            if let Some(tag) = self.waiting.pop_front() {
                self.tag = tag;
                self.open = true;
                return Ok(Next::Tag);
            }
            if std::mem::take(&mut self.ends) && std::mem::take(&mut self.open) {
                return Ok(Next::SentenceEnd);
            }
            let Some(record) = self.texts.next()? else {
                let open = std::mem::take(&mut self.open);
                return Ok(if open { Next::SentenceEnd } else { Next::End });
            };
            if self.fields {
                self.ends = self.texts.listed();
                if let Some(tag) = record.iter().find(|tag| tag.trim().is_empty()) {
                    let (name, line) = (self.texts.name(), self.texts.line());
                    return Err(Failure::work(format!(
                        "{name}:{line}: the label is empty (`{tag}`)"
                    )));
                }
                self.waiting.extend(record);
            } else {
                let line = record.first().map(String::as_str).unwrap_or_default();
                match line.split_whitespace().next_back() {
                    Some(tag) => self.waiting.push_back(tag.to_owned()),
                    None => self.ends = true,
                }
            }
        }
    }
}
