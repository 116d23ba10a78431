//! The tensor table of a GGUF file: names, shapes and types, and ranges that cannot lie.

use super::{FormatError, Mapped, Result, StoredTensor};
use crate::Dtype;
use crate::cursor::Cursor;
use crate::error::quoted;
use crate::tensor::data_bytes;
use std::collections::HashSet;
use std::ops::Range;

/// The least an entry can take: name length, number of dimensions, type, offset.
pub(super) const SMALLEST: usize = 8 + 4 + 4 + 8;
/// The specification says 64; some writers exceed it, none by far.
const LONGEST_NAME: u64 = 512;
/// The most dimensions that ggml knows.
const MOST_DIMENSIONS: u32 = 4;

/// An entry as read, before its place in the data is known to be good.
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    offset: u64,
    bytes: u64,
    /// Where in the file the entry was, for errors.
    at: usize,
}

/// Reads `count` entries and places each in the data that follow them.
pub(super) fn read(
    cursor: &mut Cursor,
    file: &Mapped,
    count: usize,
    alignment: usize,
) -> Result<Vec<StoredTensor>> {
    let mut entries = Vec::new();
    let mut names = HashSet::new();
    for index in 0..count {
        let start = cursor.clone();
        let entry = entry(cursor, index)?;
        if !names.insert(entry.name.clone()) {
            let place = format!("tensor {}", quoted(&entry.name));
            return Err(start.malformed(&place, "each name once", "it a second time"));
        }
        entries.push(entry);
    }
    let length = file.bytes().len();
    // The data start at the next multiple; a file without tensors may end before it.
    let data_start = cursor.position().next_multiple_of(alignment).min(length);
    let ranges = entries
        .iter()
        .map(|entry| place(entry, file, data_start, alignment))
        .collect::<Result<Vec<_>>>()?;
    refuse_overlaps(file, &entries, &ranges)?;
    Ok(entries
        .into_iter()
        .zip(ranges)
        .map(|(e, range)| StoredTensor::new(e.name, e.dtype, e.shape, file.clone(), range))
        .collect())
}

fn entry(cursor: &mut Cursor, index: usize) -> Result<Entry> {
    let at = cursor.position();
    let name = cursor.text(LONGEST_NAME, &format!("name of tensor {index}"))?;
    let place = format!("tensor {}", quoted(name));
    let start = cursor.clone();
    let n_dimensions = cursor.u32(&format!("{place}, number of dimensions"))?;
    if n_dimensions > MOST_DIMENSIONS {
        let expected = format!("at most {MOST_DIMENSIONS} dimensions");
        return Err(start.malformed(&place, expected, n_dimensions.to_string()));
    }
    let mut shape = Vec::new();
    for _ in 0..n_dimensions {
        let start = cursor.clone();
        let dimension = cursor.u64(&format!("{place}, dimension"))?;
        match usize::try_from(dimension) {
            Ok(dimension) if dimension > 0 => shape.push(dimension),
            _ => return Err(start.malformed(&place, "dimensions above 0", dimension.to_string())),
        }
    }
    shape.reverse();
    let code = cursor.u32(&format!("{place}, type"))?;
    let dtype = Dtype::from_ggml(code).ok_or_else(|| {
        let names: Vec<_> = Dtype::all().map(Dtype::name).collect();
        FormatError::unsupported(
            cursor.path(),
            format!("{} of {place}", Dtype::describe_ggml(code)),
            format!("the types read here are {}", names.join(", ")),
        )
    })?;
    let start = cursor.clone();
    let offset = cursor.u64(&format!("{place}, offset"))?;
    let bytes = data_bytes(dtype, &shape).ok_or_else(|| {
        let row = shape.last().copied().unwrap_or(1) as u64;
        if row.is_multiple_of(dtype.block_len()) {
            start.malformed(&place, "a size that fits 64 bits", format!("shape {shape:?}"))
        } else {
            let expected = format!("rows of whole {dtype} blocks of {} values", dtype.block_len());
            start.malformed(&place, expected, format!("rows of {row}"))
        }
    })?;
    Ok(Entry { name: name.to_owned(), dtype, shape, offset, bytes, at })
}

/// The range of the file that holds the data of `entry`.
fn place(entry: &Entry, file: &Mapped, start: usize, alignment: usize) -> Result<Range<usize>> {
    let wrong = |expected: String, found: String| {
        let place = format!("byte {}, tensor {}", entry.at, quoted(&entry.name));
        FormatError::malformed(file.path(), place, expected, found)
    };
    if !entry.offset.is_multiple_of(alignment as u64) {
        let expected = format!("an offset that is a multiple of {alignment}");
        return Err(wrong(expected, entry.offset.to_string()));
    }
    let available = (file.bytes().len() - start) as u64;
    match entry.offset.checked_add(entry.bytes) {
        // Both fit a usize because `available` does.
        Some(end) if end <= available => Ok(start + entry.offset as usize..start + end as usize),
        _ => Err(wrong(
            format!("{} bytes of data at offset {}", entry.bytes, entry.offset),
            format!("{available} bytes of data in the file"),
        )),
    }
}

fn refuse_overlaps(file: &Mapped, entries: &[Entry], ranges: &[Range<usize>]) -> Result<()> {
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_by_key(|&index| ranges[index].start);
    for pair in order.windows(2) {
        let (first, second) = (pair[0], pair[1]);
        if ranges[second].start < ranges[first].end {
            return Err(FormatError::malformed(
                file.path(),
                format!("tensor {}", quoted(&entries[second].name)),
                format!("data after byte {}", ranges[first].end),
                format!(
                    "data at byte {}, inside of tensor {}",
                    ranges[second].start,
                    quoted(&entries[first].name)
                ),
            ));
        }
    }
    Ok(())
}
