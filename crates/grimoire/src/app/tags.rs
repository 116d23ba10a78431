//! Tag files side by side, sentence by sentence: one token a line, its tag in the last column (columns
//! apart by white space), sentences apart by an empty line; or whole lines; or a column of a table, or a field
//! of JSON Lines (a label, or a list of the tags of a sentence). Files are streamed and must have
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

/// What a line of a file without fields is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// A token with its tag in the last column.
    Tokens,
    /// The same or a label alone: where words stand before it, all files have the same ones.
    Labels,
    /// A label, spaces and all.
    Whole,
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
    /// None where records are fields.
    lines: Option<Lines>,
    /// What stands before the tag in its line, and whether the lines have more than one column.
    before: String,
    wide: Option<bool>,
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
        lines: Lines,
        known: Option<&[String]>,
    ) -> Outcome<Self> {
        texts::check_standard_input(systems.iter().chain([truth]))?;
        let files =
            std::iter::once(truth).chain(systems).map(|source| TagFile::open(source, lines));
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
            if expected == Next::Tag {
                self.same_words(at)?;
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

    /// Labels of several words look like tokens with tags, of which the last words alone would be compared.
    fn same_words(&self, at: usize) -> Outcome {
        let (truth, system) = (&self.files[0], &self.files[at]);
        let words = [&truth.before, &system.before];
        if truth.lines != Some(Lines::Labels)
            || words[0] == words[1]
            || words.iter().any(|words| words.is_empty())
        {
            return Ok(());
        }
        let (name, line) = (system.texts.name(), system.texts.line());
        Err(Failure::work(format!(
            "{name}:{line}: `{}` before the tag `{}`, where {}:{} has `{}`",
            system.before,
            system.tag,
            truth.texts.name(),
            truth.texts.line(),
            truth.before
        ))
        .hint(WHOLE))
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

const WHOLE: &str = "--whole-lines takes each line for one label, spaces and all";

impl TagFile {
    fn open(source: &Source, lines: Lines) -> Outcome<Self> {
        let texts = source.open_tags(lines == Lines::Tokens)?;
        let lines = (!texts.has_fields()).then_some(lines);
        let before = String::new();
        let (waiting, tag) = (VecDeque::new(), String::new());
        Ok(Self { texts, lines, before, wide: None, waiting, open: false, ends: false, tag })
    }

    /// Takes a line without fields.
    fn line(&mut self, line: &str, lines: Lines) -> Outcome {
        let line = line.trim();
        if line.is_empty() {
            self.ends = true;
            return Ok(());
        }
        let (before, tag) = match line.rsplit_once(char::is_whitespace) {
            Some((before, tag)) if lines != Lines::Whole => (before.trim_end(), tag),
            _ => ("", line),
        };
        let wide = !before.is_empty();
        if lines == Lines::Labels && *self.wide.get_or_insert(wide) != wide {
            let (name, at) = (self.texts.name(), self.texts.line());
            let (one, several) = ("one word", "several words");
            let (found, others) = if wide { (several, one) } else { (one, several) };
            let problem = format!("{name}:{at}: {found} where the lines before have {others}");
            return Err(Failure::work(problem).hint(WHOLE));
        }
        self.before.clear();
        self.before.push_str(before);
        self.waiting.push_back(tag.to_owned());
        Ok(())
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
            if let Some(lines) = self.lines {
                self.line(record.first().map(String::as_str).unwrap_or_default(), lines)?;
            } else {
                self.ends = self.texts.listed();
                if let Some(tag) = record.iter().find(|tag| tag.trim().is_empty()) {
                    let (name, line) = (self.texts.name(), self.texts.line());
                    return Err(Failure::work(format!(
                        "{name}:{line}: the label is empty (`{tag}`)"
                    )));
                }
                self.waiting.extend(record);
            }
        }
    }
}
