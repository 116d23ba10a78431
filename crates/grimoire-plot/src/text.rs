//! How wide a text will be, without a font: the advance widths of Helvetica for ASCII, rough classes
//! beyond it. Scaled to the broadest fallback font of the style sheet, so that nothing runs out of the picture.

/// Advance widths of Helvetica in thousandths of the size, U+0020 to U+007E (Adobe's metrics).
const ASCII: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// The broadest font that the style sheet may fall back on (DejaVu Sans) against Helvetica.
const BROADEST: f64 = 1.15;

/// Width of `text` in pixels at `size` pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| f64::from(advance(c))).sum::<f64>() * size / 1000.0 * BROADEST
}

fn advance(c: char) -> u16 {
    match c as u32 {
        code @ 0x20..=0x7E => ASCII[(code - 0x20) as usize],
        0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F => 0,
        0x2009 | 0x202F => 200,
        0x2070..=0x209F | 0x00B2 | 0x00B3 | 0x00B9 => 350,
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE4F
        | 0xFF00..=0xFF60
        | 0x1F000..=0x3FFFF => 1000,
        _ => 600,
    }
}

/// Cuts `text` into lines of at most `room` pixels, at spaces where there are any.
pub(crate) fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let candidate = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&candidate, size) <= room {
            line = candidate;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if !line.is_empty()
                && width(&line, size) + width(c.encode_utf8(&mut [0; 4]), size) > room
            {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// `text` if it fits in `room` pixels, else its beginning and an ellipsis.
pub(crate) fn shorten(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width(&out, size) + width("…", size) > room {
            out.pop();
            break;
        }
    }
    out.truncate(out.trim_end().len());
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_spaces_and_breaks_words_that_are_too_long() {
        let lines = wrap("one two three four", 10.0, 45.0);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 10.0) <= 45.0), "{lines:?}");
        assert!(wrap("aaaaaaaaaaaaaaaaaaaaaaaa", 10.0, 45.0).len() > 2);
        assert!(wrap("  ", 10.0, 45.0).is_empty());
    }

    #[test]
    fn shortens_to_the_room() {
        assert_eq!(shorten("short", 10.0, 100.0), "short");
        let cut = shorten("a rather long label that will not fit", 10.0, 60.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 60.0, "{cut}");
    }
}
