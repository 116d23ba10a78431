//! Writes SVG elements: attributes escaped, coordinates rounded, characters that XML forbids replaced.
//! Knows nothing of figures.

use crate::number::coordinate;

/// A growing piece of an SVG document.
#[derive(Default)]
pub(crate) struct Svg {
    out: String,
}

impl Svg {
    /// Starts an element; nothing is closed until one of [`Element`]'s last methods is called.
    pub(crate) fn element(&mut self, tag: &'static str) -> Element<'_> {
        self.out.push('<');
        self.out.push_str(tag);
        Element { svg: self, tag }
    }

    /// Ends an element that was left open.
    pub(crate) fn close(&mut self, tag: &'static str) {
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push_str(">\n");
    }

    /// A straight line with a class.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.element("line")
            .set("class", class)
            .at("x1", from.0)
            .at("y1", from.1)
            .at("x2", to.0)
            .at("y2", to.1)
            .empty();
    }

    /// A line of text with a class; `anchor` is `start`, `middle` or `end`.
    pub(crate) fn text(&mut self, class: &str, anchor: &str, at: (f64, f64), text: &str) {
        self.element("text")
            .set("class", class)
            .set("text-anchor", anchor)
            .at("x", at.0)
            .at("y", at.1)
            .text(text);
    }

    /// Appends finished SVG.
    pub(crate) fn append(&mut self, other: &Svg) {
        self.out.push_str(&other.out);
    }

    /// Text that is neither escaped nor closed: the style sheet.
    pub(crate) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// The text so far.
    pub(crate) fn finish(self) -> String {
        self.out
    }
}

/// An element whose attributes are being written.
pub(crate) struct Element<'a> {
    svg: &'a mut Svg,
    tag: &'static str,
}

impl Element<'_> {
    /// An attribute in pixels.
    pub(crate) fn at(self, name: &str, value: f64) -> Self {
        self.set(name, &coordinate(value))
    }

    /// An attribute of text, escaped.
    pub(crate) fn set(self, name: &str, value: &str) -> Self {
        let out = &mut self.svg.out;
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape(value, out);
        out.push('"');
        self
    }

    /// Ends an element without content.
    pub(crate) fn empty(self) {
        self.svg.out.push_str("/>\n");
    }

    /// Ends an element that holds only a hover text.
    pub(crate) fn titled(self, title: &str) {
        if title.is_empty() {
            return self.empty();
        }
        self.svg.out.push_str("><title>");
        escape(title, &mut self.svg.out);
        self.svg.out.push_str("</title></");
        self.svg.out.push_str(self.tag);
        self.svg.out.push_str(">\n");
    }

    /// Ends an element that holds only text.
    pub(crate) fn text(self, text: &str) {
        self.svg.out.push('>');
        escape(text, &mut self.svg.out);
        self.svg.close(self.tag);
    }

    /// Leaves the element open for children; [`Svg::close`] ends it.
    pub(crate) fn open(self) {
        self.svg.out.push_str(">\n");
    }
}

/// Appends `text` with the five characters of markup escaped, white space as spaces, and characters
/// that XML 1.0 forbids (section 2.2, `Char`) as U+FFFD.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
}

/// The `d` of a path, written point by point.
#[derive(Default)]
pub(crate) struct Path {
    d: String,
}

impl Path {
    /// Starts a new piece.
    pub(crate) fn move_to(&mut self, at: (f64, f64)) {
        self.push('M', at);
    }

    /// A straight line to a point.
    pub(crate) fn line_to(&mut self, at: (f64, f64)) {
        self.push('L', at);
    }

    /// A straight line back to the start of the piece.
    pub(crate) fn close(&mut self) {
        self.d.push('Z');
    }

    /// The text of the attribute.
    pub(crate) fn finish(self) -> String {
        self.d
    }

    fn push(&mut self, letter: char, (x, y): (f64, f64)) {
        self.d.push(letter);
        self.d.push_str(&coordinate(x));
        self.d.push(' ');
        self.d.push_str(&coordinate(y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_forbidden_characters_are_escaped() {
        let mut svg = Svg::default();
        svg.element("text").set("class", "a\"b").text("<&>'\u{1}\n\u{FFFF}é");
        assert_eq!(
            svg.finish(),
            "<text class=\"a&quot;b\">&lt;&amp;&gt;&#39;\u{FFFD} \u{FFFD}é</text>\n"
        );
    }
}
