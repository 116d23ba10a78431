//! Filters that Jinja2 has and the engine does not, or takes other arguments for: `center`, `truncate`, `wordcount` and `urlencode`, as Jinja2 3.1
//! does them, errors included. What they make is held against the limit for printed values.
//!
//! Not here: `tojson` and `string`, which print values (`python`), and the filters for web pages (`urlize`, `xmlattr`,
//! `striptags`), which no chat needs.

use super::python::{self, LONGEST, text_of};
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};
use regex::Regex;
use std::sync::LazyLock;

/// What Jinja2 lets a text be longer than asked before `truncate` cuts it.
const LEEWAY: i64 = 5;

/// Makes them known to the engine.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("center", center);
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordcount", word_count);
    environment.add_filter("urlencode", url_encode);
}

fn wrong(reason: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason)
}

/// The argument at this place or of this name.
fn argument(
    given: &[Value],
    named: &Kwargs,
    place: usize,
    name: &str,
) -> Result<Option<Value>, Error> {
    match (given.get(place), named.has(name)) {
        (Some(_), true) => Err(wrong(format!("two values for {name}"))),
        (Some(value), false) => Ok(Some(value.clone())),
        (None, true) => named.get(name).map(Some),
        (None, false) => Ok(None),
    }
}

/// An argument that is a whole number.
fn whole(argument: Option<Value>, otherwise: i64) -> Result<i64, Error> {
    argument.map_or(Ok(otherwise), i64::try_from)
}

/// `str.center`: the odd space stands on the right, but on the left where the width is odd and the text is not.
fn center(value: &Value, given: Rest<Value>, named: Kwargs) -> Result<String, Error> {
    let width = whole(argument(&given, &named, 0, "width")?, 80)?;
    named.assert_all_used()?;
    let text = text_of(value)?;
    let length = text.chars().count();
    let width = usize::try_from(width).unwrap_or(0);
    if width > LONGEST {
        return Err(python::too_long());
    }
    let spaces = width.saturating_sub(length);
    let left = spaces / 2 + (spaces & width & 1);
    Ok(format!("{}{text}{}", " ".repeat(left), " ".repeat(spaces - left)))
}

/// The first characters of a text that is longer, up to the last space before the limit unless words may be cut, and
/// a mark that something is missing.
fn truncate(value: &Value, given: Rest<Value>, named: Kwargs) -> Result<Value, Error> {
    let length = whole(argument(&given, &named, 0, "length")?, 255)?;
    let cut_words = argument(&given, &named, 1, "killwords")?.is_some_and(|value| value.is_true());
    let end =
        argument(&given, &named, 2, "end")?.map_or(Ok("...".to_owned()), |end| text_of(&end))?;
    let leeway = argument(&given, &named, 3, "leeway")?.filter(|value| !value.is_none());
    let leeway = whole(leeway, LEEWAY)?;
    named.assert_all_used()?;
    let marks = end.chars().count();
    let room = usize::try_from(length).ok().and_then(|length| length.checked_sub(marks));
    let room =
        room.ok_or_else(|| wrong(format!("truncate: expected length >= {marks}, got {length}")))?;
    if leeway < 0 {
        return Err(wrong(format!("truncate: expected leeway >= 0, got {leeway}")));
    }
    let longest = usize::try_from(length.saturating_add(leeway)).unwrap_or(usize::MAX);
    let Some(text) = value.as_str() else {
        // Python asks for the length alone before it cuts, which a short list has too.
        return match value.len() {
            Some(n) if n <= longest => Ok(value.clone()),
            _ => Err(wrong(format!("truncate: expected a text, got {}", value.kind()))),
        };
    };
    if text.chars().count() <= longest {
        return Ok(value.clone());
    }
    let cut = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let kept = &text[..cut];
    let kept = if cut_words { kept } else { kept.rsplit_once(' ').map_or(kept, |(a, _)| a) };
    Ok(Value::from(format!("{kept}{end}")))
}

/// How many runs of letters, digits and underscores there are; marks on letters end a run, as Python's `\w` has it.
fn word_count(value: &Value) -> Result<usize, Error> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[\p{L}\p{N}_]+").expect("the pattern is constant"));
    Ok(WORD.find_iter(&text_of(value)?).count())
}

/// A text quoted for the path of an address; pairs, or a dictionary, as its query.
fn url_encode(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    if !matches!(value.kind(), ValueKind::Map | ValueKind::Seq | ValueKind::Iterable) {
        quote(&text_of(value)?, b"/", &mut out)?;
        return Ok(out);
    }
    let is_map = value.kind() == ValueKind::Map;
    for (index, item) in value.try_iter()?.enumerate() {
        let (key, of_key) = if is_map {
            let of_key = value.get_item(&item)?;
            (item, of_key)
        } else {
            let mut pair = item.try_iter()?;
            match (pair.next(), pair.next(), pair.next()) {
                (Some(key), Some(of_key), None) => (key, of_key),
                _ => return Err(wrong("urlencode: expected pairs of a name and a value".into())),
            }
        };
        if index > 0 {
            out.push('&');
        }
        for (mark, part) in [("", key), ("=", of_key)] {
            out.push_str(mark);
            let mut quoted = String::new();
            quote(&text_of(&part)?, b"", &mut quoted)?;
            out.push_str(&quoted.replace("%20", "+"));
        }
    }
    Ok(out)
}

fn quote(text: &str, safe: &[u8], out: &mut String) -> Result<(), Error> {
    if text.len() > LONGEST / 3 {
        return Err(python::too_long());
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) || safe.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(())
}
