//! From what a model wrote to what is judged: a pattern whose first or last match is the answer, and
//! normalisations that both sides of a comparison go through.

use fancy_regex::Regex;

/// Which match of a pattern is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The first.
    First,
    /// The last.
    Last,
}

/// What becomes of a text before it is judged.
#[derive(Debug, Clone)]
pub struct Extract {
    /// The answer is the first group that took part in the match (the whole of it without groups).
    pub pattern: Option<Regex>,
    /// Which match.
    pub take: Take,
    /// What is deleted on both sides.
    pub ignore: Vec<Regex>,
    /// Whether capitals count.
    pub case: bool,
}

impl Default for Extract {
    fn default() -> Self {
        Self { pattern: None, take: Take::First, ignore: Vec::new(), case: true }
    }
}

impl Extract {
    /// The answer in a text; `None` where the pattern finds none.
    pub fn answer(&self, text: &str) -> Option<String> {
        let Some(pattern) = &self.pattern else { return Some(text.trim().to_owned()) };
        // A match that runs out of steps counts as none.
        let mut matches = pattern.captures_iter(text).filter_map(Result::ok);
        let found = match self.take {
            Take::First => matches.next(),
            Take::Last => matches.last(),
        }?;
        let group = (1..found.len()).find_map(|group| found.get(group));
        Some(group.or_else(|| found.get(0))?.as_str().trim().to_owned())
    }

    /// A text as it is compared.
    pub fn normal(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for pattern in &self.ignore {
            text = pattern.replace_all(&text, "").into_owned();
        }
        if self.case { text } else { text.to_lowercase() }
    }
}

/// The last number in a text, read as people write it: `$1,234.50` is 1234.5.
pub(super) fn last_number(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let mut end = bytes.len();
    while end > 0 {
        if !bytes[end - 1].is_ascii_digit() {
            end -= 1;
            continue;
        }
        let mut start = end;
        while start > 0
            && (bytes[start - 1].is_ascii_digit() || matches!(bytes[start - 1], b',' | b'.'))
        {
            start -= 1;
        }
        let digits: String = text[start..end].trim_start_matches([',', '.']).replace(',', "");
        // A minus belongs to the number unless it follows a word or another number: "5-3".
        let before = text[..start].trim_end_matches('$');
        let negative = before.strip_suffix(['-', '−']).is_some_and(|rest| {
            !rest.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == ')')
        });
        // `1.2.3` is a number to nobody: the last two parts are read.
        let value = match digits.matches('.').count() {
            0 | 1 => digits.parse::<f64>().ok(),
            _ => digits.rsplit('.').next().and_then(|last| last.parse().ok()),
        };
        if let Some(value) = value {
            return Some(if negative { -value } else { value });
        }
        end = start;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_is_read_as_people_write_it() {
        let cases = [
            ("so 3 + 4 = 7 apples.", Some(7.0)),
            ("He pays $1,234.50.", Some(1234.5)),
            ("it is -3", Some(-3.0)),
            ("it is −3 degrees", Some(-3.0)),
            ("between 5-3", Some(3.0)),
            ("costs -$20", Some(-20.0)),
            ("#### 18", Some(18.0)),
            ("51.0", Some(51.0)),
            ("1/2", Some(2.0)),
            ("no number, only words...", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(last_number(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_pattern_takes_its_first_or_last_match() {
        let first = Extract {
            pattern: Some(Regex::new(r"#### (-?[0-9.,]+)").unwrap()),
            ..Extract::default()
        };
        assert_eq!(first.answer("x #### 12 y #### 13").as_deref(), Some("12"));
        assert_eq!(first.answer("12"), None);
        let last = Extract {
            pattern: Some(Regex::new(r"(-?[$0-9.,]{2,})|(-?[0-9]+)").unwrap()),
            take: Take::Last,
            ignore: vec![Regex::new(",").unwrap(), Regex::new(r"\.$").unwrap()],
            case: false,
        };
        assert_eq!(last.answer("from 7 to 1,000.").as_deref(), Some("1,000."));
        assert_eq!(last.normal("1,000."), "1000");
        assert_eq!(last.normal("YES"), "yes");
    }
}
