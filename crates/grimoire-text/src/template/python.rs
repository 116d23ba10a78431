//! Values written as Python writes them, because templates were written for Python: `None`, `True`
//! and lists when printed, and `json.dumps` for the `tojson` filter. Nested no deeper than a limit.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

/// Deeper nesting than any message or tool has.
const DEEPEST: usize = 64;

/// The longest text that printing one value may make.
pub(super) const LONGEST: usize = 64 << 20;

/// The widths of all fields of one `str.format` together.
const WIDEST: usize = 1 << 20;

pub(super) fn too_long() -> Error {
    Error::new(ErrorKind::OutOfFuel, format!("a value takes more than {LONGEST} bytes to print"))
}

fn too_deep() -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("a value is nested deeper than {DEEPEST}"))
}

/// Takes from `budget` what a value is worth, its items as often as they stand in it.
///
/// # Errors
/// When the budget is spent, or the value is nested too deep.
pub(crate) fn charge(value: &Value, budget: &mut usize) -> Result<(), Error> {
    fn walk(value: &Value, depth: usize, budget: &mut usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        let worth = 1 + value.as_str().map_or(0, |text| text.len() / 64);
        *budget = budget
            .checked_sub(worth)
            .ok_or_else(|| Error::new(ErrorKind::OutOfFuel, "a stored value grew too large"))?;
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                for item in value.try_iter()? {
                    walk(&item, depth + 1, budget)?;
                }
            }
            ValueKind::Map if is_plain_map(value) => {
                for key in value.try_iter()? {
                    walk(&value.get_item(&key)?, depth + 1, budget)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
    walk(value, 0, budget)
}

/// Holds the widths and precisions in a text for `str.format` against a limit, as the engine pads without one.
///
/// # Errors
/// When its numbers come to more than a message needs.
pub(crate) fn charge_widths(pattern: &Value) -> Result<(), Error> {
    let numbers = pattern.as_str().unwrap_or_default().split(|c: char| !c.is_ascii_digit());
    let widths = numbers.filter(|number| !number.is_empty()).try_fold(0_usize, |sum, number| {
        sum.checked_add(number.parse().ok()?).filter(|sum| *sum <= WIDEST)
    });
    let too_wide = || Error::new(ErrorKind::OutOfFuel, format!("a format wider than {WIDEST}"));
    widths.map(|_| ()).ok_or_else(too_wide)
}

/// `str(value)`.
pub(crate) fn display(value: &Value, out: &mut String) -> Result<(), Error> {
    match value.as_str() {
        Some(text) => out.push_str(text),
        None => repr(value, 0, out)?,
    }
    Ok(())
}

/// `str(value)` as a text of its own.
pub(super) fn text_of(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    display(value, &mut text)?;
    Ok(text)
}

/// `repr(value)`.
fn repr(value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(too_deep());
    }
    if out.len() > LONGEST {
        return Err(too_long());
    }
    match value.kind() {
        ValueKind::None => out.push_str("None"),
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => out.push_str(&number(value, ["inf", "-inf", "nan"])),
        ValueKind::String => quote(value.as_str().unwrap_or_default(), out),
        ValueKind::Seq | ValueKind::Iterable if value.is_tuple() => {
            out.push('(');
            let count = list(value, depth, out)?;
            out.push_str(if count == 1 { ",)" } else { ")" });
        }
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            list(value, depth, out)?;
            out.push(']');
        }
        ValueKind::Map if is_plain_map(value) => {
            out.push('{');
            for (index, key) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                repr(&key, depth + 1, out)?;
                out.push_str(": ");
                repr(&value.get_item(&key)?, depth + 1, out)?;
            }
            out.push('}');
        }
        _ => out.push_str(&value.to_string()),
    }
    Ok(())
}

/// Dictionaries, as against objects such as `loop` that only look like them.
fn is_plain_map(value: &Value) -> bool {
    value.len().is_some()
}

fn list(value: &Value, depth: usize, out: &mut String) -> Result<usize, Error> {
    let mut count = 0;
    for item in value.try_iter()? {
        if count > 0 {
            out.push_str(", ");
        }
        repr(&item, depth + 1, out)?;
        count += 1;
    }
    Ok(count)
}

/// A string literal: in single quotes unless it holds some and no double ones.
fn quote(text: &str, out: &mut String) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => out.extend(['\\', c]),
            c if (c as u32) < 0x20 || (0x7f..0xa1).contains(&(c as u32)) || c == '\u{ad}' => {
                out.push_str(&format!("\\x{:02x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push(mark);
}

/// A number; `special` are the words for the infinities and for what is no number.
fn number(value: &Value, special: [&str; 3]) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    let Ok(float) = f64::try_from(value.clone()) else { return value.to_string() };
    if float.is_nan() {
        return special[2].into();
    }
    if float.is_infinite() {
        return special[usize::from(float < 0.0)].into();
    }
    // The shortest digits that read back, in Python's layout: an exponent of at least two digits
    // from 1e16 upwards and below 1e-4.
    let text = format!("{float:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&power) || float == 0.0 {
        let plain = float.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

/// `json.dumps`, with the settings that Hugging Face's filter takes.
pub(crate) fn to_json(value: &Value, options: &Kwargs) -> Result<String, Error> {
    let indent: Option<Value> = options.get("indent")?;
    let indent = match indent {
        None => None,
        Some(text) if text.as_str().is_some() => text.as_str().map(str::to_string),
        Some(width) if width.is_none() => None,
        Some(width) => Some(" ".repeat(usize::try_from(width)?.min(80))),
    };
    let separators: Option<Vec<String>> = match options.get::<Option<Value>>("separators")? {
        Some(pair) if !pair.is_none() => {
            Some(pair.try_iter()?.map(|item| item.to_string()).collect())
        }
        _ => None,
    };
    let (item, key) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        Some(_) => {
            let reason = "tojson: `separators` takes two texts";
            return Err(Error::new(ErrorKind::InvalidOperation, reason));
        }
        None => (if indent.is_some() { "," } else { ", " }.into(), ": ".into()),
    };
    let mut writer = JsonWriter {
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
        indent,
        item,
        key,
        out: String::new(),
    };
    options.assert_all_used()?;
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct JsonWriter {
    ascii: bool,
    sorted: bool,
    indent: Option<String>,
    item: String,
    key: String,
    out: String,
}

impl JsonWriter {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(too_deep());
        }
        if self.out.len() > LONGEST {
            return Err(too_long());
        }
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => {
                self.out.push_str(&number(value, ["Infinity", "-Infinity", "NaN"]));
            }
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                self.collection('[', ']', value.try_iter()?, depth, |writer, item| {
                    writer.value(&item, depth + 1)
                })?;
            }
            ValueKind::Map if is_plain_map(value) => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.collection('{', '}', keys.into_iter(), depth, |writer, key| {
                    match key.as_str() {
                        Some(text) => writer.string(text),
                        None => writer.string(&key.to_string()),
                    }
                    writer.out.push_str(&writer.key.clone());
                    writer.value(&value.get_item(&key)?, depth + 1)
                })?;
            }
            kind => {
                return Err(Error::new(
                    ErrorKind::BadSerialization,
                    format!("tojson: {kind} has no JSON form"),
                ));
            }
        }
        Ok(())
    }

    fn collection(
        &mut self,
        open: char,
        close: char,
        items: impl Iterator<Item = Value>,
        depth: usize,
        mut write: impl FnMut(&mut Self, Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.out.push(open);
        let mut empty = true;
        for item in items {
            if !std::mem::replace(&mut empty, false) {
                self.out.push_str(&self.item.clone());
            }
            self.line(depth + 1);
            write(self, item)?;
        }
        if !empty {
            self.line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if (c as u32) < 0x20 || self.ascii && !c.is_ascii() => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        self.out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}
