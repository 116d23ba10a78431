//! Markdown for the terminal: headings, paragraphs, lists, quotes, tables and code, broken at the width
//! of the window. Knows the subset that the book's pages use; HTML passes through as text.

mod inline;
mod table;

use inline::{Span, wrap};

/// How the terminal takes text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Columns to use.
    pub(crate) width: usize,
    /// Whether escape sequences are welcome.
    pub(crate) colour: bool,
}

/// The indent of everything that is not a heading.
const INDENT: &str = "  ";

impl Look {
    /// Bold.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() && !code.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The text as it stands in the terminal.
pub(crate) fn render(text: &str, look: Look) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let used = if line.trim().is_empty() {
            1
        } else if let Some(fence) = fence(line) {
            code(&lines[at..], fence, look, &mut out)
        } else if let Some((level, title)) = heading(line) {
            head(level, title, look, &mut out);
            1
        } else if is_rule(line) {
            out.push_str(&look.paint("2", &"─".repeat(look.width)));
            out.push_str("\n\n");
            1
        } else if table::is_table(&lines[at..]) {
            table::render(&lines[at..], look, &mut out)
        } else if line.starts_with("    ") {
            indented(&lines[at..], look, &mut out)
        } else if line.starts_with('>') {
            quote(&lines[at..], look, &mut out)
        } else if item(line).is_some() {
            list(&lines[at..], look, &mut out)
        } else {
            paragraph(&lines[at..], look, &mut out)
        };
        at += used;
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// `text` if it fits in `room` columns, else its beginning and an ellipsis.
pub(crate) fn shortened(text: &str, room: usize) -> String {
    if inline::columns(text) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    for word in text.split(' ') {
        if inline::columns(&out) + inline::columns(word) + 2 > room {
            break;
        }
        out.push_str(word);
        out.push(' ');
    }
    out.trim_end().trim_end_matches([',', ':', ';']).to_owned() + " …"
}

fn fence(line: &str) -> Option<&str> {
    let rest = line.trim_start();
    ["```", "~~~"].into_iter().find(|mark| rest.starts_with(mark))
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let title = line[level..].strip_prefix(' ')?;
    (1..=6).contains(&level).then_some((level, title.trim()))
}

fn is_rule(line: &str) -> bool {
    let marks: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    marks.len() >= 3 && ['-', '*', '_'].iter().any(|mark| marks.chars().all(|c| c == *mark))
}

/// The indent, the marker and the text of a list item.
fn item(line: &str) -> Option<(usize, String, &str)> {
    let rest = line.trim_start();
    let indent = line.len() - rest.len();
    for bullet in ["- ", "* ", "+ "] {
        if let Some(text) = rest.strip_prefix(bullet) {
            return Some((indent, "•".to_owned(), text));
        }
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let text = rest[digits..].strip_prefix(". ")?;
    (1..=4).contains(&digits).then(|| (indent, rest[..=digits].to_owned(), text))
}

fn head(level: usize, title: &str, look: Look, out: &mut String) {
    let spans = inline::parse(title);
    let plain: String = spans.iter().map(|span| span.text.as_str()).collect();
    let (code, line) = match level {
        1 => ("1;35", Some('═')),
        2 => ("1;34", Some('─')),
        _ => ("1", None),
    };
    out.push_str(&look.paint(code, &plain));
    out.push('\n');
    if let Some(line) = line {
        let rule: String = std::iter::repeat_n(line, inline::columns(&plain)).collect();
        out.push_str(&look.paint("2", &rule));
        out.push('\n');
        if level == 1 {
            out.push('\n');
        }
    }
}

/// A fenced block, set in; in a `console` block the commands stand out from what they print.
fn code(lines: &[&str], fence: &str, look: Look, out: &mut String) -> usize {
    let console = lines[0].trim_start()[fence.len()..].trim_start().starts_with("console");
    let mut used = 1;
    for line in &lines[1..] {
        used += 1;
        if line.trim_start().starts_with(fence) {
            break;
        }
        code_line(line, console, look, out);
    }
    out.push('\n');
    used
}

fn code_line(line: &str, console: bool, look: Look, out: &mut String) {
    if line.is_empty() {
        out.push('\n');
        return;
    }
    let painted = match line.strip_prefix("$ ") {
        Some(command) if console => {
            format!("{} {}", look.paint("2", "$"), look.paint("1;32", command))
        }
        _ if console => line.to_owned(),
        _ => look.paint("36", line),
    };
    out.push_str(INDENT);
    out.push_str(INDENT);
    out.push_str(&painted);
    out.push('\n');
}

/// Lines set in by four spaces: equations and code.
fn indented(lines: &[&str], look: Look, out: &mut String) -> usize {
    let used = lines.iter().take_while(|line| line.starts_with("    ")).count();
    lines[..used].iter().for_each(|line| code_line(&line[4..], false, look, out));
    out.push('\n');
    used
}

fn quote(lines: &[&str], look: Look, out: &mut String) -> usize {
    let used = lines.iter().take_while(|line| line.starts_with('>')).count();
    let text: Vec<&str> = lines[..used].iter().map(|line| line[1..].trim()).collect();
    let bar = format!("{INDENT}{} ", look.paint("2", "│"));
    for line in wrap(&inline::parse(&text.join(" ")), look.width.saturating_sub(4), look) {
        out.push_str(&format!("{bar}{line}\n"));
    }
    out.push('\n');
    used
}

fn paragraph(lines: &[&str], look: Look, out: &mut String) -> usize {
    let used = lines.iter().take_while(continues).count().max(1);
    let text = joined(&lines[..used]);
    for line in wrap(&inline::parse(&text), look.width.saturating_sub(INDENT.len()), look) {
        out.push_str(&format!("{INDENT}{line}\n"));
    }
    out.push('\n');
    used
}

/// Whether a line goes on with the paragraph before it.
fn continues(line: &&&str) -> bool {
    let line: &str = line;
    !line.trim().is_empty()
        && fence(line).is_none()
        && heading(line).is_none()
        && !line.starts_with('>')
        && item(line).is_none()
        && !line.starts_with('|')
}

fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Items with hanging indents; a nested list is set in by its own indent in the source.
fn list(lines: &[&str], look: Look, out: &mut String) -> usize {
    let mut used = 0;
    while used < lines.len() {
        let Some((indent, marker, first)) = item(lines[used]) else { break };
        let rest = &lines[used + 1..];
        let more = rest.iter().take_while(continues).count();
        let text = format!("{first} {}", joined(&rest[..more]));
        let lead = format!("{INDENT}{}{marker} ", " ".repeat(indent));
        let columns = inline::columns(&lead);
        let wrapped = wrap(&inline::parse(&text), look.width.saturating_sub(columns), look);
        for (number, line) in wrapped.into_iter().enumerate() {
            let before = if number == 0 { lead.clone() } else { " ".repeat(columns) };
            out.push_str(&format!("{before}{line}\n"));
        }
        used += 1 + more;
        // A blank line between two items of one list.
        if lines.get(used).is_some_and(|line| line.trim().is_empty())
            && lines.get(used + 1).is_some_and(|line| item(line).is_some())
        {
            used += 1;
        }
    }
    out.push('\n');
    used
}

fn painted(span: &Span, look: Look) -> String {
    look.paint(span.style.code(), &span.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { width: 40, colour: false };

    #[test]
    fn blocks_are_set_in_and_broken_at_the_width() {
        let text = "# Title\n\nA *paragraph* with `code` that is longer\nthan forty columns.\n\n\
                    ## Part\n\n- one\n- two that goes on and on and on\n  and then ends\n\n\
                    ```console\n$ run it\nout\n```\n\n    y = x²\n\n> said\n> so\n\n1. first\n2. second\n";
        let expected = "Title\n═════\n\n  A paragraph with code that is longer\n  than forty columns.\n\n\
                        Part\n────\n  • one\n  • two that goes on and on and on and\n    then ends\n\n    \
                        $ run it\n    out\n\n    y = x²\n\n  │ said so\n\n  1. first\n  2. second\n";
        assert_eq!(render(text, PLAIN), expected);
    }

    #[test]
    fn no_line_is_wider_than_the_window() {
        let text = "Some words, **bold ones too**, and a [link](https://example.org/a/very/long/path) \
                    to break.\n\n| a | b |\n|---|---|\n| a long cell that must be broken | another long cell |\n";
        for width in [30, 40, 80] {
            let shown = render(text, Look { width, colour: false });
            for line in shown.lines() {
                let link = line.contains("https://");
                assert!(link || inline::columns(line) <= width, "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn colour_adds_only_escapes() {
        let text = "# T\n\n**b** *i* `c` [l](x.md)\n\n```console\n$ a\n```\n";
        let coloured = render(text, Look { width: 60, colour: true });
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some(at) = rest.find('\x1b') {
            plain.push_str(&rest[..at]);
            rest = &rest[at + rest[at..].find('m').unwrap() + 1..];
        }
        plain.push_str(rest);
        assert_eq!(plain, render(text, Look { width: 60, colour: false }));
        assert!(coloured.contains("\x1b[1m") && coloured.contains("\x1b[3m"));
    }

    #[test]
    fn long_summaries_end_in_an_ellipsis() {
        assert_eq!(shortened("one two three", 20), "one two three");
        assert_eq!(shortened("one two, three", 10), "one two …");
    }
}
