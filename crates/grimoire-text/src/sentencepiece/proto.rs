//! The message of a SentencePiece model, read field by field from protocol-buffer bytes. Only the fields
//! that encoding needs are kept; others are stepped over. Not a general reader: no groups, no reflection.

use super::broken;
use crate::error::TextError;

pub(super) const UNIGRAM: u64 = 1;
pub(super) const BPE: u64 = 2;

/// What a piece is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Byte,
    Unused,
}

#[derive(Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) score: f32,
    pub(super) kind: Type,
}

/// How text is rewritten before it is cut.
#[derive(Debug)]
pub(super) struct Rules {
    /// A trie of what is replaced, and the replacements; empty for none.
    pub(super) character_map: Vec<u8>,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_whitespaces: bool,
    pub(super) escape_whitespaces: bool,
    pub(super) whitespace_as_suffix: bool,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) pieces: Vec<Piece>,
    pub(super) algorithm: u64,
    pub(super) byte_fallback: bool,
    pub(super) normaliser: Rules,
}

impl Model {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, TextError> {
        let mut model = Self {
            pieces: Vec::new(),
            algorithm: UNIGRAM,
            byte_fallback: false,
            normaliser: Rules {
                character_map: Vec::new(),
                add_dummy_prefix: true,
                remove_extra_whitespaces: true,
                escape_whitespaces: true,
                whitespace_as_suffix: false,
            },
        };
        let mut fields = Fields::new(bytes);
        while let Some((number, value)) = fields.next()? {
            match number {
                1 => model.pieces.push(piece(value.bytes()?, model.pieces.len())?),
                2 => model.trainer(value.bytes()?)?,
                3 => model.normaliser.read(value.bytes()?)?,
                _ => {}
            }
        }
        if model.pieces.is_empty() {
            return Err(broken("it has no pieces"));
        }
        Ok(model)
    }

    fn trainer(&mut self, bytes: &[u8]) -> Result<(), TextError> {
        let mut fields = Fields::new(bytes);
        while let Some((number, value)) = fields.next()? {
            match number {
                3 => self.algorithm = value.number()?,
                24 => self.normaliser.whitespace_as_suffix = value.number()? != 0,
                35 => self.byte_fallback = value.number()? != 0,
                _ => {}
            }
        }
        Ok(())
    }
}

impl Rules {
    fn read(&mut self, bytes: &[u8]) -> Result<(), TextError> {
        let mut fields = Fields::new(bytes);
        while let Some((number, value)) = fields.next()? {
            match number {
                2 => self.character_map = value.bytes()?.to_vec(),
                3 => self.add_dummy_prefix = value.number()? != 0,
                4 => self.remove_extra_whitespaces = value.number()? != 0,
                5 => self.escape_whitespaces = value.number()? != 0,
                _ => {}
            }
        }
        Ok(())
    }
}

fn piece(bytes: &[u8], id: usize) -> Result<Piece, TextError> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: Type::Normal };
    let mut fields = Fields::new(bytes);
    while let Some((number, value)) = fields.next()? {
        match number {
            1 => {
                let text = std::str::from_utf8(value.bytes()?);
                piece.text =
                    text.map_err(|_| broken(format!("piece {id} is not UTF-8")))?.to_owned();
            }
            2 => piece.score = value.float()?,
            3 => {
                piece.kind = match value.number()? {
                    1 => Type::Normal,
                    2 => Type::Unknown,
                    3 => Type::Control,
                    4 => Type::UserDefined,
                    5 => Type::Unused,
                    6 => Type::Byte,
                    other => {
                        return Err(broken(format!(
                            "piece {id} is of type {other}, expected 1 to 6"
                        )));
                    }
                };
            }
            _ => {}
        }
    }
    if piece.text.is_empty() || !piece.score.is_finite() {
        return Err(broken(format!("piece {id} is empty or its score is not finite")));
    }
    Ok(piece)
}

/// The fields of a message, one after another.
pub(super) struct Fields<'b> {
    rest: &'b [u8],
}

/// One field's value, by wire type.
pub(super) enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
    Four([u8; 4]),
    Eight,
}

impl<'b> Fields<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The number and value of the next field; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value<'b>)>, TextError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Eight
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| cut_short())?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Four(self.take(4)?.try_into().map_err(|_| cut_short())?),
            other => {
                return Err(broken(format!(
                    "it is no protocol-buffer message (wire type {other})"
                )));
            }
        };
        Ok(Some((key >> 3, value)))
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], TextError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(cut_short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, TextError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(broken("it is no protocol-buffer message (a number without an end)"))
    }
}

impl<'b> Value<'b> {
    fn bytes(&self) -> Result<&'b [u8], TextError> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(other_type()) }
    }

    fn number(&self) -> Result<u64, TextError> {
        if let Self::Number(number) = self { Ok(*number) } else { Err(other_type()) }
    }

    fn float(&self) -> Result<f32, TextError> {
        if let Self::Four(bytes) = self {
            Ok(f32::from_le_bytes(*bytes))
        } else {
            Err(other_type())
        }
    }
}

fn cut_short() -> TextError {
    broken("it ends inside a field")
}

fn other_type() -> TextError {
    broken("a field is of another type than in a SentencePiece model")
}
