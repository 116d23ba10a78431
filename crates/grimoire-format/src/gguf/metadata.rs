//! The typed key-value pairs of a GGUF file.
//!
//! A value stays in the mapped file as a checked range; asking for it decodes it. So a vocabulary of
//! a quarter of a million tokens costs nothing until somebody wants it.

use crate::cursor::Cursor;
use crate::error::{FormatError, quoted};
use crate::{Mapped, Result};
use std::collections::HashMap;
use std::ops::Range;

/// The least a pair can take: key length, value type, one byte of value.
pub(super) const SMALLEST: usize = 8 + 4 + 1;
/// The longest key the specification allows.
const LONGEST_KEY: u64 = 65_535;
/// Arrays of arrays of arrays occur nowhere; a file that nests deeper is an attack on the stack.
const DEEPEST: usize = 4;

/// The type of a value, with its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the names of the format")]
#[repr(u32)]
pub enum ValueType {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

impl ValueType {
    const ALL: [Self; 13] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::F32,
        Self::Bool,
        Self::String,
        Self::Array,
        Self::U64,
        Self::I64,
        Self::F64,
    ];

    /// Bytes of a value of fixed size; for the others the least they take.
    const fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::String => 8,
            Self::Array => 12,
        }
    }

    fn read(cursor: &mut Cursor, what: &str) -> Result<Self> {
        let start = cursor.clone();
        let code = cursor.u32(what)?;
        Self::ALL
            .into_iter()
            .find(|ty| *ty as u32 == code)
            .ok_or_else(|| start.malformed(what, "a value type from 0 to 12", code.to_string()))
    }

    /// What an error calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Array => "array",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F64 => "f64",
        }
    }
}

/// The pairs of a file, in its order.
#[derive(Clone, Debug)]
pub struct Metadata {
    file: Mapped,
    entries: Vec<Entry>,
    by_key: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    ty: ValueType,
    /// The bytes of the value as they lie in the file, its lengths included.
    range: Range<usize>,
}

impl Metadata {
    /// Reads `n_pairs` pairs and checks each value to its end.
    pub(super) fn read(cursor: &mut Cursor, file: &Mapped, n_pairs: usize) -> Result<Self> {
        let mut metadata = Self { file: file.clone(), entries: Vec::new(), by_key: HashMap::new() };
        for pair in 0..n_pairs {
            let start = cursor.clone();
            let key = cursor.text(LONGEST_KEY, &format!("key of metadata pair {pair}"))?;
            let place = format!("metadata key {}", quoted(key));
            if metadata.by_key.insert(key.to_owned(), pair).is_some() {
                return Err(start.malformed(&place, "each key once", "it a second time"));
            }
            let ty = ValueType::read(cursor, &place)?;
            let from = cursor.position();
            skip(cursor, ty, &place, 0)?;
            let range = from..cursor.position();
            metadata.entries.push(Entry { key: key.to_owned(), ty, range });
        }
        Ok(metadata)
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The keys in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// The value of `key`, where there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        let entry = &self.entries[*self.by_key.get(key)?];
        Value::decode(entry.ty, &self.file.bytes()[entry.range.clone()])
    }

    /// The value of `key` as a `T`; an integer of any width that fits is one.
    ///
    /// # Errors
    /// When there is none, or it has another type or does not fit; names file, key and expectation.
    pub fn require<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<T> {
        self.optional(key)?
            .ok_or_else(|| FormatError::missing(self.file.path(), "metadata key", key, T::EXPECTED))
    }

    /// As [`Metadata::require`], but `None` where the key is absent.
    ///
    /// # Errors
    /// When it has another type or does not fit.
    pub fn optional<'a, T: FromValue<'a>>(&'a self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match T::from_value(&value) {
            Some(it) => Ok(Some(it)),
            None => Err(FormatError::malformed(
                self.file.path(),
                format!("metadata key {key:?}"),
                T::EXPECTED,
                value.describe(),
            )),
        }
    }

    /// Type and bytes of a value as they lie in the file, to be copied into another.
    pub(super) fn raw(&self, key: &str) -> Option<(ValueType, &[u8])> {
        let entry = &self.entries[*self.by_key.get(key)?];
        Some((entry.ty, &self.file.bytes()[entry.range.clone()]))
    }
}

/// Moves past a value, checking every length, string and flag in it.
fn skip(cursor: &mut Cursor, ty: ValueType, place: &str, depth: usize) -> Result<()> {
    match ty {
        ValueType::String => cursor.text(u64::MAX, place).map(|_| ()),
        ValueType::Bool => flags(cursor, 1, place),
        ValueType::Array => {
            if depth == DEEPEST {
                return Err(cursor.malformed(
                    place,
                    format!("arrays nested at most {DEEPEST} deep"),
                    "deeper",
                ));
            }
            let ty = ValueType::read(cursor, &format!("{place}, element type"))?;
            let count = cursor.count(ty.size(), &format!("{place}, array length"))?;
            match ty {
                ValueType::String | ValueType::Array => {
                    (0..count).try_for_each(|_| skip(cursor, ty, place, depth + 1))
                }
                ValueType::Bool => flags(cursor, count, place),
                // `count` was held against what is left, so the product is no larger than that.
                _ => cursor.range((count * ty.size()) as u64, place).map(|_| ()),
            }
        }
        _ => cursor.range(ty.size() as u64, place).map(|_| ()),
    }
}

fn flags(cursor: &mut Cursor, count: usize, place: &str) -> Result<()> {
    let start = cursor.clone();
    let range = cursor.range(count as u64, place)?;
    match cursor.bytes()[range].iter().find(|byte| **byte > 1) {
        Some(byte) => Err(start.malformed(place, "a bool, 0 or 1", byte.to_string())),
        None => Ok(()),
    }
}

/// A value as found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Any integer type.
    Integer(ValueType, i128),
    /// f32 or f64.
    Float(ValueType, f64),
    /// 0 or 1.
    Bool(bool),
    /// UTF-8.
    String(&'a str),
    /// Many of one type.
    Array(Array<'a>),
}

impl<'a> Value<'a> {
    /// `None` only for bytes that changed after they were checked.
    fn decode(ty: ValueType, bytes: &'a [u8]) -> Option<Self> {
        let integer = |value: i128| Some(Self::Integer(ty, value));
        match ty {
            ValueType::U8 => integer(u8::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::I8 => integer(i8::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::U16 => integer(u16::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::I16 => integer(i16::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::U32 => integer(u32::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::I32 => integer(i32::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::U64 => integer(u64::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::I64 => integer(i64::from_le_bytes(bytes.try_into().ok()?).into()),
            ValueType::F32 => {
                Some(Self::Float(ty, f32::from_le_bytes(bytes.try_into().ok()?).into()))
            }
            ValueType::F64 => Some(Self::Float(ty, f64::from_le_bytes(bytes.try_into().ok()?))),
            ValueType::Bool => Some(Self::Bool(*bytes.first()? != 0)),
            ValueType::String => Some(Self::String(std::str::from_utf8(bytes.get(8..)?).ok()?)),
            ValueType::Array => {
                let (ty, rest) = bytes.split_first_chunk::<4>()?;
                let (len, bytes) = rest.split_first_chunk::<8>()?;
                let code = u32::from_le_bytes(*ty);
                let ty = ValueType::ALL.into_iter().find(|ty| *ty as u32 == code)?;
                let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
                Some(Self::Array(Array { ty, len, bytes }))
            }
        }
    }

    /// Type and, when short, value: for errors.
    fn describe(&self) -> String {
        match self {
            Self::Integer(ty, value) => format!("{} {value}", ty.name()),
            Self::Float(ty, value) => format!("{} {value}", ty.name()),
            Self::Bool(value) => format!("bool {value}"),
            Self::String(text) => format!("string {}", quoted(text)),
            Self::Array(array) => format!("array of {} {}", array.len, array.ty.name()),
        }
    }
}

/// An array as found: its elements are decoded on the way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Array<'a> {
    ty: ValueType,
    len: usize,
    bytes: &'a [u8],
}

impl<'a> Array<'a> {
    /// The type of every element.
    #[must_use]
    pub fn ty(&self) -> ValueType {
        self.ty
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The elements in order; arrays within arrays are not among them.
    pub fn values(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let (ty, mut rest) = (self.ty, self.bytes);
        let mut left = if ty == ValueType::Array { 0 } else { self.len };
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let size = match ty {
                ValueType::String => {
                    let length = u64::from_le_bytes(*rest.first_chunk::<8>()?);
                    usize::try_from(length).ok()?.checked_add(8)?
                }
                _ => ty.size(),
            };
            let (value, after) = rest.split_at_checked(size)?;
            rest = after;
            Value::decode(ty, value)
        })
    }
}

/// A Rust type that a value can be asked for as.
pub trait FromValue<'a>: Sized {
    /// What an error says was expected.
    const EXPECTED: &'static str;
    /// The value as this type, `None` when it is not one.
    fn from_value(value: &Value<'a>) -> Option<Self>;
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        impl FromValue<'_> for $ty {
            const EXPECTED: &'static str = concat!("an integer that fits ", stringify!($ty));
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Integer(_, value) => (*value).try_into().ok(),
                    _ => None,
                }
            }
        }
        impl FromValue<'_> for Vec<$ty> {
            const EXPECTED: &'static str = concat!("an array of integers that fit ", stringify!($ty));
            fn from_value(value: &Value) -> Option<Self> {
                elements(value)
            }
        }
    )*};
}
integers!(u8 i32 u32 i64 u64 usize);

impl FromValue<'_> for f32 {
    const EXPECTED: &'static str = "a float";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(_, value) => Some(*value as f32),
            _ => None,
        }
    }
}

impl FromValue<'_> for Vec<f32> {
    const EXPECTED: &'static str = "an array of floats";
    fn from_value(value: &Value) -> Option<Self> {
        elements(value)
    }
}

impl FromValue<'_> for bool {
    const EXPECTED: &'static str = "a bool";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl<'a> FromValue<'a> for &'a str {
    const EXPECTED: &'static str = "a string";
    fn from_value(value: &Value<'a>) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
}

impl<'a> FromValue<'a> for Vec<&'a str> {
    const EXPECTED: &'static str = "an array of strings";
    fn from_value(value: &Value<'a>) -> Option<Self> {
        elements(value)
    }
}

/// Every element of an array as a `T`, or nothing.
fn elements<'a, T: FromValue<'a>>(value: &Value<'a>) -> Option<Vec<T>> {
    let Value::Array(array) = value else { return None };
    if array.ty == ValueType::Array {
        return None;
    }
    let all: Vec<T> = array.values().map(|value| T::from_value(&value)).collect::<Option<_>>()?;
    (all.len() == array.len).then_some(all)
}
