//! The header of a safetensors file, checked against the file to the byte.

use crate::cursor::Cursor;
use crate::error::quoted;
use crate::{Dtype, FormatError, Mapped, Result};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// The largest header that the format allows.
const LARGEST: u64 = 100_000_000;
/// The key that holds strings about the file instead of a tensor.
const METADATA: &str = "__metadata__";

/// What a checked header says.
pub(super) struct Header {
    pub(super) metadata: BTreeMap<String, String>,
    /// In the order of their data.
    pub(super) entries: Vec<Entry>,
}

/// A tensor: `range` is inside of the file and as long as type and shape say.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) dtype: ElementType,
    pub(super) shape: Vec<usize>,
    pub(super) range: Range<usize>,
}

/// Every type the format has; only three of them are weights here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementType {
    name: &'static str,
    bits: u64,
}

const TYPES: [(&str, u64); 22] = [
    ("F32", 32),
    ("F16", 16),
    ("BF16", 16),
    ("BOOL", 8),
    ("U8", 8),
    ("I8", 8),
    ("F8_E5M2", 8),
    ("F8_E4M3", 8),
    ("F8_E8M0", 8),
    ("F8_E4M3FNUZ", 8),
    ("F8_E5M2FNUZ", 8),
    ("I16", 16),
    ("U16", 16),
    ("I32", 32),
    ("U32", 32),
    ("I64", 64),
    ("U64", 64),
    ("F64", 64),
    ("C64", 64),
    ("F4", 4),
    ("F6_E2M3", 6),
    ("F6_E3M2", 6),
];

impl ElementType {
    fn find(name: &str) -> Option<Self> {
        TYPES.iter().find(|ty| ty.0 == name).map(|&(name, bits)| Self { name, bits })
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }

    /// The type as one that is read here.
    pub(super) fn stored(self) -> Option<Dtype> {
        Dtype::from_name(self.name)
    }

    /// Bytes of a tensor, `None` when they are not whole or do not fit.
    fn bytes(self, shape: &[usize]) -> Option<u64> {
        let mut bits = self.bits;
        for &dimension in shape {
            bits = bits.checked_mul(dimension as u64)?;
        }
        bits.is_multiple_of(8).then_some(bits / 8)
    }
}

impl Header {
    pub(super) fn read(file: &Mapped) -> Result<Self> {
        let mut cursor = Cursor::new(file);
        let length = cursor.u64("header length")?;
        if length > LARGEST {
            let expected = format!("at most {LARGEST} bytes");
            return Err(Cursor::new(file).malformed("header length", expected, length.to_string()));
        }
        let range = cursor.range(length, "header")?;
        let text = &file.bytes()[range];
        if text.first() != Some(&b'{') {
            let found = text.first().map_or("nothing".into(), |b| format!("byte {b:#04x}"));
            return Err(FormatError::malformed(file.path(), "byte 8, header", "'{'", found));
        }
        let parsed: Parsed = serde_json::from_slice(text).map_err(|e| {
            FormatError::malformed(
                file.path(),
                "header",
                "a map of names to tensors",
                e.to_string(),
            )
        })?;
        let data_start = cursor.position();
        let entries = place(file, parsed.tensors, data_start)?;
        Ok(Self { metadata: parsed.metadata, entries })
    }
}

/// Holds each tensor against the data: in order of offset they fill it exactly.
fn place(file: &Mapped, mut raw: Vec<(String, Raw)>, start: usize) -> Result<Vec<Entry>> {
    raw.sort_by(|a, b| (a.1.data_offsets, &a.0).cmp(&(b.1.data_offsets, &b.0)));
    let available = (file.bytes().len() - start) as u64;
    let mut filled = 0_u64;
    let mut entries = Vec::with_capacity(raw.len());
    for (name, tensor) in raw {
        let wrong = |expected: String, found: String| {
            FormatError::malformed(
                file.path(),
                format!("tensor {}", quoted(&name)),
                expected,
                found,
            )
        };
        let Raw { dtype, shape, data_offsets: (from, to) } = tensor;
        let Some(dtype) = ElementType::find(&dtype) else {
            return Err(wrong("a known element type".into(), quoted(&dtype)));
        };
        let Some(bytes) = dtype.bytes(&shape) else {
            return Err(wrong(
                "a size in whole bytes that fits 64 bits".into(),
                format!("{shape:?}"),
            ));
        };
        if from != filled {
            let found = if from < filled { "an overlap" } else { "a hole" };
            return Err(wrong(
                format!("data from byte {filled}"),
                format!("{found}, from byte {from}"),
            ));
        }
        if to.checked_sub(from) != Some(bytes) {
            let expected = format!("{bytes} bytes for {} {shape:?}", dtype.name());
            return Err(wrong(expected, format!("bytes {from} to {to}")));
        }
        if to > available {
            return Err(wrong(
                format!("data up to byte {to}"),
                format!("{available} bytes of data"),
            ));
        }
        filled = to;
        // Both ends fit a usize because `available` does.
        let range = start + from as usize..start + to as usize;
        entries.push(Entry { name, dtype, shape, range });
    }
    if filled != available {
        let expected = format!("{filled} bytes of data as the header says");
        return Err(FormatError::malformed(file.path(), "end", expected, format!("{available}")));
    }
    Ok(entries)
}

/// The JSON before the numbers in it are believed.
struct Parsed {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(String, Raw)>,
}

#[derive(serde::Deserialize)]
struct Raw {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ParsedVisitor)
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Parsed;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a map of names to tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Parsed, A::Error> {
        let mut seen = HashSet::new();
        let mut parsed = Parsed { metadata: BTreeMap::new(), tensors: Vec::new() };
        while let Some(name) = map.next_key::<String>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom(format!("duplicate key {}", quoted(&name))));
            }
            if name == METADATA {
                parsed.metadata = map.next_value::<Strings>()?.0;
            } else {
                parsed.tensors.push((name, map.next_value()?));
            }
        }
        Ok(parsed)
    }
}

/// A map of strings in which no key occurs twice.
struct Strings(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct StringsVisitor;
        impl<'de> Visitor<'de> for StringsVisitor {
            type Value = Strings;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a map of strings to strings")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Strings, A::Error> {
                let mut strings = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    if let Some(_earlier) = strings.insert(key.clone(), value) {
                        return Err(A::Error::custom(format!("duplicate key {}", quoted(&key))));
                    }
                }
                Ok(Strings(strings))
            }
        }
        deserializer.deserialize_map(StringsVisitor)
    }
}
