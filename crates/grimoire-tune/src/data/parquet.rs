//! Parquet to records: the rows of a file as most hubs keep data sets, with the values that JSON Lines of the same
//! rows would give. Lists and structures stay nested; times and decimals become their text. The format itself is
//! read by Apache's `parquet` (no Arrow), to which pages come unpacked and weighed; nothing is written.

use super::DataError;
use super::parquet_pages::{RowGroup, most};
use super::read::{LIMIT, Record, place};
use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The four bytes at both ends of a file.
const MAGIC: &[u8] = b"PAR1";

/// Whether these bytes say that they are Parquet.
pub(super) fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The name of the thread that reads: a panic there is an error of the file, of which a program's hook says nothing.
pub const READER: &str = "reader of Parquet";

/// The rows of a file; the line of a record is the number of its row.
pub(super) fn records(name: &str, bytes: Vec<u8>) -> Result<Vec<Record>, DataError> {
    // The library trusts its files in places; what makes it panic ends this thread alone.
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name(READER.to_owned());
        let reader = reader
            .spawn_scoped(scope, || rows(name, bytes))
            .map_err(|source| DataError::Io { path: name.to_owned(), source })?;
        reader
            .join()
            .unwrap_or_else(|_| Err(place(name, 1, "a whole Parquet file", "a damaged one")))
    })
}

fn rows(name: &str, bytes: Vec<u8>) -> Result<Vec<Record>, DataError> {
    let wrong = |row: usize, error: ParquetError| {
        let found = match error {
            ParquetError::General(text) | ParquetError::EOF(text) | ParquetError::NYI(text) => text,
            other => other.to_string(),
        };
        place(
            name,
            row,
            "a Parquet file of plain, Snappy, gzip or Zstandard pages",
            &format!("an error: {found}"),
        )
    };
    let bytes = Arc::new(Bytes::from(bytes));
    let reader =
        SerializedFileReader::new(Bytes::clone(&bytes)).map_err(|error| wrong(1, error))?;
    let limit = LIMIT.min(most(bytes.len()));
    let room = Arc::new(AtomicU64::new(most(bytes.len())));
    let mut records = Vec::new();
    let mut size = 0;
    for metadata in reader.metadata().row_groups() {
        let group = RowGroup { bytes: Arc::clone(&bytes), metadata, room: Arc::clone(&room) };
        let rows = RowIter::from_row_group(None, &group);
        for row in rows.map_err(|error| wrong(records.len() + 1, error))? {
            let line = records.len() + 1;
            let row = row.map_err(|error| wrong(line, error))?;
            let mut fields = Map::new();
            for (column, field) in row.get_column_iter() {
                let value = value(field)
                    .ok_or_else(|| place(name, line, &format!("text in `{column}`"), "bytes"))?;
                size += column.len() as u64 + weight(&value);
                fields.insert(column.clone(), value);
            }
            if size > limit {
                let found = format!("more than {limit} bytes when unpacked");
                return Err(place(name, line, "rows that fit in memory", &found));
            }
            records.push(Record { line, fields });
        }
    }
    Ok(records)
}

/// The same in JSON; none for bytes that are no text.
fn value(field: &Field) -> Option<Value> {
    Some(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::from(*value),
        Field::Byte(value) => Value::from(*value),
        Field::Short(value) => Value::from(*value),
        Field::Int(value) => Value::from(*value),
        Field::Long(value) => Value::from(*value),
        Field::UByte(value) => Value::from(*value),
        Field::UShort(value) => Value::from(*value),
        Field::UInt(value) => Value::from(*value),
        Field::ULong(value) => Value::from(*value),
        Field::Float16(value) => Value::from(f64::from(value.to_f32())),
        Field::Float(value) => Value::from(f64::from(*value)),
        Field::Double(value) => Value::from(*value),
        Field::Str(text) => Value::from(text.as_str()),
        Field::Bytes(bytes) => Value::from(std::str::from_utf8(bytes.data()).ok()?),
        Field::Group(row) => {
            let inner =
                row.get_column_iter().map(|(name, field)| Some((name.clone(), value(field)?)));
            Value::Object(inner.collect::<Option<_>>()?)
        }
        Field::ListInternal(list) => list.elements().iter().map(value).collect::<Option<_>>()?,
        Field::MapInternal(map) => {
            let text = |key: &Field| match key {
                Field::Str(text) => text.clone(),
                other => other.to_string(),
            };
            let inner = map.entries().iter().map(|(key, field)| Some((text(key), value(field)?)));
            Value::Object(inner.collect::<Option<_>>()?)
        }
        Field::Decimal(_)
        | Field::Date(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::TimestampMillis(_)
        | Field::TimestampMicros(_) => Value::from(field.to_string()),
    })
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> u64 {
    16 + match value {
        Value::String(text) => text.len() as u64,
        Value::Array(values) => values.iter().map(weight).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| name.len() as u64 + weight(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
