//! How much room the values of a page will take, asked before the library makes it: a page of a few bytes may say of
//! itself that it holds a thousand million values, in its header or inside of a delta encoding, and the library
//! believes both. Only counts and lengths are read here; values are the library's to decode.

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};
use parquet::record::Field;
use parquet::schema::types::ColumnDescriptor;
use serde_json::Value;

/// What a value takes while rows are made of it: as the library gives it, and as this project keeps it.
const VALUE: u64 = (size_of::<Field>() + size_of::<Value>()) as u64;

/// How many bytes of memory the values of a page claim, beyond its own; an error where the page contradicts itself, or
/// where texts that repeat the beginnings of others would take more than `most`.
pub(super) fn claimed(page: &Page, column: &ColumnDescriptor, most: u64) -> Result<u64> {
    let values = u64::from(page.num_values());
    if let Page::DictionaryPage { buf, .. } = page {
        // Every value of a dictionary has a byte at the least.
        if values > buf.len() as u64 {
            return Err(wrong(format!("a dictionary of {values} values in {} bytes", buf.len())));
        }
        return Ok(values * VALUE);
    }
    let mut repeated = 0;
    match page.encoding() {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => {
            Deltas::new(behind_levels(page, column)?, values)?;
        }
        Encoding::DELTA_BYTE_ARRAY => {
            // How many letters each text has in common with the one before, and then the lengths of the rest.
            let bytes = behind_levels(page, column)?;
            let mut common = Deltas::new(bytes, values)?;
            while let Some(length) = common.next()? {
                repeated += u64::try_from(length).unwrap_or(0);
                if repeated > most {
                    return Err(wrong("texts that repeat one another beyond measure".to_owned()));
                }
            }
            Deltas::new(common.rest()?, values)?;
        }
        _ => {}
    }
    Ok(values * VALUE + repeated)
}

fn wrong(found: String) -> ParquetError {
    ParquetError::General(format!("a damaged page: {found}"))
}

/// What follows the levels of a data page.
fn behind_levels<'a>(page: &'a Page, column: &ColumnDescriptor) -> Result<&'a [u8]> {
    let mut bytes: &[u8] = page.buffer();
    let short = || wrong("levels longer than the page".to_owned());
    match page {
        Page::DataPage { num_values, def_level_encoding, rep_level_encoding, .. } => {
            let repetition = (column.max_rep_level(), *rep_level_encoding);
            let definition = (column.max_def_level(), *def_level_encoding);
            for (highest, encoding) in [repetition, definition] {
                if highest == 0 {
                    continue;
                }
                let length = if encoding == Encoding::RLE {
                    let (length, after) = bytes.split_first_chunk().ok_or_else(short)?;
                    bytes = after;
                    u32::from_le_bytes(*length) as usize
                } else {
                    // Packed bits, of old files.
                    let bits = (i16::BITS - highest.leading_zeros()) as usize;
                    (*num_values as usize * bits).div_ceil(8)
                };
                bytes = bytes.get(length..).ok_or_else(short)?;
            }
        }
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            let length = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
            bytes = bytes.get(length..).ok_or_else(short)?;
        }
        Page::DictionaryPage { .. } => {}
    }
    Ok(bytes)
}

/// Numbers in `DELTA_BINARY_PACKED`, one after the other.
///
/// Source: Apache Parquet, Encodings, "Delta Encoding": a header (values of a block, parts of a block, values in all,
/// the first value), then blocks (least delta, the bits of each part, the parts).
struct Deltas<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Values of a part, and parts of a block.
    part: usize,
    parts: usize,
    left: u64,
    last: i64,
    first: bool,
    least: i64,
    /// The bits of the parts of this block, the part read now, and where it ends and how much of it was read.
    widths: &'a [u8],
    within: usize,
    read: usize,
}

impl<'a> Deltas<'a> {
    /// An error if there are more than `most` numbers.
    fn new(bytes: &'a [u8], most: u64) -> Result<Self> {
        let mut at = 0;
        let block = varint(bytes, &mut at)?;
        let parts = varint(bytes, &mut at)?;
        let left = varint(bytes, &mut at)?;
        let last = zigzag(varint(bytes, &mut at)?);
        if left > most {
            return Err(wrong(format!("{left} lengths for {most} values")));
        }
        // As the format asks, and the library.
        if parts == 0 || block % 128 != 0 || block % parts != 0 || block / parts % 32 != 0 {
            return Err(wrong(format!("blocks of {block} lengths in {parts} parts")));
        }
        let (part, parts) = (usize::try_from(block / parts)?, usize::try_from(parts)?);
        let widths = &bytes[..0];
        let first = true;
        Ok(Self { bytes, at, part, parts, left, last, first, least: 0, widths, within: 0, read: 0 })
    }

    /// The next number; `None` behind the last one.
    fn next(&mut self) -> Result<Option<i64>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        if std::mem::take(&mut self.first) {
            return Ok(Some(self.last));
        }
        if self.widths.is_empty() || self.read == self.part {
            self.next_part()?;
        }
        let width = usize::from(self.widths[self.within]);
        let from = self.read * width;
        let mut delta = 0;
        // Bits from the lowest on, and bytes likewise.
        for bit in 0..width {
            let place = from + bit;
            let byte = self.bytes.get(self.at + place / 8).copied();
            let byte = byte.ok_or_else(|| wrong("lengths that end too early".to_owned()))?;
            delta |= i64::from(byte >> (place % 8) & 1) << bit;
        }
        self.read += 1;
        // The library's numbers have 32 bits and wrap around.
        self.last = i64::from(self.last.wrapping_add(self.least).wrapping_add(delta) as i32);
        Ok(Some(self.last))
    }

    fn next_part(&mut self) -> Result<()> {
        let short = || wrong("lengths that end too early".to_owned());
        self.at += self.part_bytes();
        self.read = 0;
        self.within += 1;
        if self.within >= self.widths.len() {
            self.least = zigzag(varint(self.bytes, &mut self.at)?);
            let widths = self.bytes.get(self.at..).and_then(|bytes| bytes.get(..self.parts));
            self.widths = widths.ok_or_else(short)?;
            self.at += self.parts;
            self.within = 0;
        }
        if self.widths[self.within] > 32 {
            return Err(wrong(format!("lengths of {} bits", self.widths[self.within])));
        }
        Ok(())
    }

    /// The bytes of the part read now.
    fn part_bytes(&self) -> usize {
        let width = self.widths.get(self.within).copied().unwrap_or(0);
        (self.part / 8).saturating_mul(usize::from(width))
    }

    /// What follows the last part in which there are numbers; later parts of its block are left out.
    fn rest(&self) -> Result<&'a [u8]> {
        let rest = self.bytes.get(self.at.saturating_add(self.part_bytes())..);
        rest.ok_or_else(|| wrong("lengths that end too early".to_owned()))
    }
}

/// A number of seven bits a byte, the lowest first.
fn varint(bytes: &[u8], at: &mut usize) -> Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.get(*at).copied();
        let byte = byte.ok_or_else(|| wrong("a number that ends too early".to_owned()))?;
        *at += 1;
        number |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Ok(number);
        }
    }
    Err(wrong("a number without end".to_owned()))
}

/// Signed: even numbers are those from zero up, odd ones those below.
fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}
