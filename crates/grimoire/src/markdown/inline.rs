//! The inside of a line: emphasis, code, links; and how to break it. Widths are in terminal columns.

use super::{Look, painted};

/// A piece of text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) style: Style,
}

/// How a span looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Bold,
    Italic,
    Code,
    Link,
    Faint,
}

impl Style {
    /// The escape code.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Italic => "3",
            Self::Code => "36",
            Self::Link => "4",
            Self::Faint => "2",
        }
    }
}

/// Splits a line into spans.
pub(super) fn parse(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let opened = marked(rest, before);
        let used = match opened {
            Some((found, used)) => {
                spans.extend(found);
                used
            }
            None => {
                let skipped = usize::from(c == '\\' && rest[1..].starts_with(is_markup));
                let shown = rest[skipped..].chars().next().unwrap_or(c);
                match spans.last_mut() {
                    Some(Span { text, style: Style::Plain }) => text.push(shown),
                    _ => spans.push(Span { text: shown.to_string(), style: Style::Plain }),
                }
                skipped + shown.len_utf8()
            }
        };
        before = rest[..used].chars().next_back().unwrap_or(' ');
        rest = &rest[used..];
    }
    spans
}

fn is_markup(c: char) -> bool {
    "\\`*_{}[]()#+-.!|<>".contains(c)
}

/// The spans that a mark at the start of `text` opens, and how many bytes they take.
fn marked(text: &str, before: char) -> Option<(Vec<Span>, usize)> {
    let span = |text: &str, style| vec![Span { text: text.to_owned(), style }];
    if text.starts_with('`') {
        let ticks = text.bytes().take_while(|b| *b == b'`').count();
        let inside = &text[ticks..];
        let end = inside.find(&text[..ticks])?;
        let code = if ticks > 1 { inside[..end].trim() } else { &inside[..end] };
        return Some((span(code, Style::Code), ticks * 2 + end));
    }
    for (mark, style) in [("**", Style::Bold), ("*", Style::Italic), ("_", Style::Italic)] {
        let Some(inside) = text.strip_prefix(mark) else { continue };
        if inside.starts_with(char::is_whitespace) || (mark == "_" && before.is_alphanumeric()) {
            return None;
        }
        let end = inside.match_indices(mark).map(|(at, _)| at).find(|at| {
            let after = inside[at + mark.len()..].chars().next().unwrap_or(' ');
            let closed = !inside[..*at].ends_with(char::is_whitespace) && *at > 0;
            closed && !(mark == "_" && after.is_alphanumeric())
        })?;
        // Emphasis inside emphasis keeps the outer style; code keeps its own.
        let inner = parse(&inside[..end]).into_iter().map(|mut inner| {
            if inner.style == Style::Plain {
                inner.style = style;
            }
            inner
        });
        return Some((inner.collect(), end + 2 * mark.len()));
    }
    let image = text.starts_with("![");
    let inside = text.strip_prefix(if image { "![" } else { "[" })?;
    let (label, target) = inside.split_once("](")?;
    let (target, _) = target.split_once(')')?;
    if label.contains(['[', ']']) {
        return None;
    }
    let used = label.len() + target.len() + 4 + usize::from(image);
    let mut spans = vec![Span { text: label.replace('`', ""), style: Style::Link }];
    if image || target.contains("://") {
        spans.push(Span { text: format!(" ({target})"), style: Style::Faint });
    }
    Some((spans, used))
}

/// Breaks spans into painted lines of at most `room` columns, at spaces. A word longer than the room
/// stands on a line of its own, whole, so that it can be copied.
pub(super) fn wrap(spans: &[Span], room: usize, look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = Line::default();
    for word in words(spans) {
        let width: usize = word.iter().map(|span| columns(&span.text)).sum();
        if line.width > 0 && line.width + 1 + width > room {
            lines.push(std::mem::take(&mut line).painted(look));
        }
        line.push(word, width);
    }
    if line.width > 0 {
        lines.push(line.painted(look));
    }
    lines
}

#[derive(Default)]
struct Line {
    spans: Vec<Span>,
    width: usize,
}

impl Line {
    fn push(&mut self, word: Vec<Span>, width: usize) {
        for (index, span) in word.into_iter().enumerate() {
            let gap = index == 0 && self.width > 0;
            match self.spans.last_mut() {
                // One escape sequence for a run of words in one style.
                Some(last) if last.style == span.style => {
                    last.text.push_str(if gap { " " } else { "" });
                    last.text.push_str(&span.text);
                }
                _ => {
                    if gap {
                        self.spans.push(Span { text: " ".to_owned(), style: Style::Plain });
                    }
                    self.spans.push(span);
                }
            }
            self.width += usize::from(gap);
        }
        self.width += width;
    }

    fn painted(self, look: Look) -> String {
        self.spans.iter().map(|span| painted(span, look)).collect()
    }
}

/// Words: spans between white space. Code is not broken inside unless it holds spaces.
fn words(spans: &[Span]) -> Vec<Vec<Span>> {
    let mut words: Vec<Vec<Span>> = vec![Vec::new()];
    for span in spans {
        for (index, piece) in span.text.split(' ').enumerate() {
            if index > 0 {
                words.push(Vec::new());
            }
            if let (false, Some(word)) = (piece.is_empty(), words.last_mut()) {
                word.push(Span { text: piece.to_owned(), style: span.style });
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Terminal columns that a text takes: two for wide East Asian characters and emoji, none for
/// combining marks (Unicode Standard Annex 11, in its coarse blocks).
pub(super) fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| match c as u32 {
            0x0300..=0x036F | 0x20D0..=0x20FF | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
            0x1100..=0x115F
            | 0x2E80..=0xA4CF
            | 0xAC00..=0xD7A3
            | 0xF900..=0xFAFF
            | 0xFE30..=0xFE4F
            | 0xFF00..=0xFF60
            | 0x1F300..=0x1FAFF
            | 0x20000..=0x3FFFD => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(String, Style)> {
        parse(text).into_iter().map(|span| (span.text, span.style)).collect()
    }

    #[test]
    fn emphasis_code_and_links() {
        let plain = |text: &str| (text.to_owned(), Style::Plain);
        assert_eq!(
            texts("a **b** *c* `d*e*`"),
            [
                plain("a "),
                ("b".to_owned(), Style::Bold),
                plain(" "),
                ("c".to_owned(), Style::Italic),
                plain(" "),
                ("d*e*".to_owned(), Style::Code)
            ]
        );
        assert_eq!(texts("x_i * y_i * z"), [plain("x_i * y_i * z")]);
        assert_eq!(texts("2 \\* 3"), [plain("2 * 3")]);
        assert_eq!(texts("[softmax](softmax.md)"), [("softmax".to_owned(), Style::Link)]);
        assert_eq!(texts("[open"), [plain("[open")]);
        assert_eq!(texts("`open"), [plain("`open")]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(columns("ab"), 2);
        assert_eq!(columns("日本"), 4);
        assert_eq!(columns("e\u{301}"), 1);
    }
}
