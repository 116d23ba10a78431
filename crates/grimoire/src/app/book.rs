//! The book: the entries of the field's glossary, one Markdown page each, embedded in the binary.
//! Finds a page by its name, its title or the short form in brackets in its title; renders nothing.

use serde::Serialize;

/// The pages of `book/` as (name, text), in order of their names; listed by `build.rs`.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/book_pages.rs"));

/// One entry of the book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    /// The name to ask for: `p-value`.
    pub(crate) name: &'static str,
    /// The title of the page: `P-value`.
    pub(crate) title: &'static str,
    /// Its first sentence.
    pub(crate) summary: String,
}

/// A page as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Page {
    #[serde(flatten)]
    pub(crate) entry: Entry,
    /// The Markdown text.
    pub(crate) text: &'static str,
}

/// All entries, in order of their titles.
pub(crate) fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = PAGES.iter().map(|(name, text)| entry(name, text)).collect();
    entries.sort_by_key(|entry| entry.title.to_lowercase());
    entries
}

/// The page of an entry, or of the only one whose name begins with the words asked for; else the names nearest to them,
/// at most three.
pub(crate) fn find(asked: &str) -> Result<Page, Vec<&'static str>> {
    let wanted = plain(asked);
    for (name, text) in PAGES {
        let entry = entry(name, text);
        if other_names(&entry).contains(&wanted) {
            return Ok(Page { entry, text });
        }
    }
    let begun = format!("{wanted}-");
    let answers = |(name, text): &&(&'static str, &'static str)| {
        let names = other_names(&entry(name, text));
        !wanted.is_empty() && names.iter().any(|name| name.starts_with(&begun))
    };
    let mut begin = PAGES.iter().filter(answers);
    if let (Some((name, text)), None) = (begin.next(), begin.next()) {
        return Ok(Page { entry: entry(name, text), text });
    }
    let mut near: Vec<(usize, &'static str)> = PAGES
        .iter()
        .filter_map(|(name, text)| {
            let names = other_names(&entry(name, text));
            let distance = names.iter().map(|other| distance(&wanted, other)).min()?;
            Some((distance, *name))
        })
        .collect();
    near.sort();
    near.retain(|(distance, _)| *distance <= wanted.chars().count() / 2 + 1);
    near.truncate(3);
    Err(near.into_iter().map(|(_, name)| name).collect())
}

fn entry(name: &'static str, text: &'static str) -> Entry {
    let title = text.lines().next().unwrap_or_default().trim_start_matches('#').trim();
    Entry { name, title, summary: summary(text) }
}

/// The first sentence of the first paragraph, without the marks of emphasis and without the targets of links.
fn summary(text: &str) -> String {
    let body = text.lines().skip(1).skip_while(|line| line.trim().is_empty());
    let paragraph: Vec<&str> = body.take_while(|line| !line.trim().is_empty()).collect();
    let paragraph = without_targets(&paragraph.join(" ")).replace(['*', '`'], "");
    let end = paragraph
        .match_indices(". ")
        .map(|(at, _)| at + 1)
        .find(|at| !ends_in_abbreviation(&paragraph[..*at]))
        .unwrap_or(paragraph.len());
    paragraph[..end].to_owned()
}

/// `[text](target)` as `text`.
fn without_targets(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, link)) = rest.split_once('[') {
        out.push_str(before);
        let parts = link.split_once(']').and_then(|(words, after)| {
            let (_, after) = after.strip_prefix('(')?.split_once(')')?;
            Some((words, after))
        });
        let (words, after) = parts.unwrap_or(("[", link));
        out.push_str(words);
        rest = after;
    }
    out + rest
}

fn ends_in_abbreviation(text: &str) -> bool {
    ["e.g.", "i.e.", "cf.", "vs.", "et al."].iter().any(|short| text.ends_with(short))
}

/// Every way to ask for an entry, in plain form: name, title, title without its bracket, the bracket.
fn other_names(entry: &Entry) -> Vec<String> {
    let mut names = vec![plain(entry.name), plain(entry.title)];
    if let Some((before, bracket)) = entry.title.split_once('(') {
        names.push(plain(before));
        names.push(plain(bracket));
    }
    // "Eigenvector, eigenvalue" answers to both of its parts.
    names.extend(entry.title.split([',', '/']).map(plain).filter(|part| part.len() > 1));
    names
}

/// Letters and digits in lower case, everything else as single hyphens; words in the singular and in American spelling.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(stem).collect::<Vec<_>>().join("-")
}

fn stem(word: &str) -> String {
    let word = word.replace("isation", "ization");
    let kept = word.len() < 4 || ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    if kept { word } else { word.strip_suffix('s').unwrap_or(&word).to_owned() }
}

/// Levenshtein's distance between two strings, in characters; 1 when one contains the other.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 2 && (a.contains(b) || b.contains(a)) {
        return 1;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_first_sentence() {
        let text = "# Title\n\nThe *share* of `x`, e.g. this,\nof a whole. More.\n\nNext.";
        assert_eq!(summary(text), "The share of x, e.g. this, of a whole.");
        assert_eq!(summary("# Only a title"), "");
        let linked = "# T\n\nThe mean [surprise](surprise.md) of [0, 1] and [L1](l1.md).";
        assert_eq!(summary(linked), "The mean surprise of [0, 1] and L1.");
    }

    #[test]
    fn entries_answer_to_names_titles_and_brackets() {
        let entry = |title| Entry { name: "x-y", title, summary: String::new() };
        let names = other_names(&entry("Exponential moving average (EMA)"));
        for asked in ["X Y", "exponential moving average", "ema"] {
            assert!(names.contains(&plain(asked)), "{asked}");
        }
        assert!(other_names(&entry("Eigenvector, eigenvalue")).contains(&"eigenvalue".to_owned()));
    }

    #[test]
    fn distances_are_levenshteins() {
        // The usual example: kitten to sitting takes three changes.
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("soft", "softmax"), 1);
        assert_eq!(distance("", "ab"), 2);
    }
}
