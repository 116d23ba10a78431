//! The pages of a Parquet file, unpacked and weighed before the library behind them looks at any. It is told that they
//! are plain; what Snappy, gzip or Zstandard packed is unpacked here, in pure Rust, within limits. Whether the counts
//! inside of a page can be true is asked in `parquet_counts`.
//!
//! A file says of every column of a row group how large its pages are when unpacked: no page may hold more than what
//! is left of that, whatever its own header says. And all pages of a file together may hold no more than gzip could
//! have put into as many bytes, since Zstandard can put a thousand million letters into thirty thousand, and a few
//! bytes of a run can stand for as many values.

use super::parquet_counts::claimed;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::{ColumnDescPtr, Type as SchemaType};
use ruzstd::decoding::StreamingDecoder;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most bytes that a byte of gzip stands for (RFC 1951: 258 for two bits).
const RATIO: u64 = 1032;
/// What a file may hold however small it is.
const ALWAYS: u64 = 256 << 20;

/// How many bytes may be unpacked from a file of that many.
pub(super) fn most(bytes: usize) -> u64 {
    (bytes as u64).saturating_mul(RATIO).max(ALWAYS)
}

/// A row group whose pages are unpacked and weighed here.
pub(super) struct RowGroup<'a> {
    pub(super) bytes: Arc<Bytes>,
    pub(super) metadata: &'a RowGroupMetaData,
    /// What is left of [`most`] for the whole file.
    pub(super) room: Arc<AtomicU64>,
}

impl RowGroupReader for RowGroup<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.metadata
    }

    fn num_columns(&self) -> usize {
        self.metadata.num_columns()
    }

    fn get_column_page_reader(&self, column: usize) -> Result<Box<dyn PageReader>> {
        let column = self.metadata.column(column);
        let packed = match column.compression() {
            Compression::UNCOMPRESSED => None,
            Compression::SNAPPY => Some(Packed::Snappy),
            Compression::GZIP(_) => Some(Packed::Gzip),
            Compression::ZSTD(_) => Some(Packed::Zstandard),
            other => return Err(ParquetError::NYI(format!("pages packed by {other}"))),
        };
        let plain = column.clone().into_builder();
        let plain = plain.set_compression(Compression::UNCOMPRESSED).build()?;
        let rows = usize::try_from(self.metadata.num_rows())?;
        Ok(Box::new(Pages {
            pages: SerializedPageReader::new(Arc::clone(&self.bytes), &plain, rows, None)?,
            packed,
            column: column.column_descr_ptr(),
            left: u64::try_from(column.uncompressed_size())?,
            room: Arc::clone(&self.room),
        }))
    }

    fn get_column_bloom_filter(&self, _column: usize) -> Option<&Sbbf> {
        None
    }

    fn get_row_iter(&self, projection: Option<SchemaType>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// What packed a page.
#[derive(Debug, Clone, Copy)]
enum Packed {
    Snappy,
    Gzip,
    Zstandard,
}

/// The pages of a column, unpacked, and how many bytes the rest of them may have.
struct Pages {
    pages: SerializedPageReader<Bytes>,
    packed: Option<Packed>,
    column: ColumnDescPtr,
    left: u64,
    room: Arc<AtomicU64>,
}

impl Pages {
    /// The bytes of a page of which the first `before` are not packed.
    fn unpack(&mut self, packed: Packed, bytes: &Bytes, before: usize) -> Result<Bytes> {
        let wrong = |found: String| ParquetError::General(format!("{packed:?}: {found}"));
        if before > bytes.len() {
            return Err(wrong(format!("{before} bytes of levels in a page of {}", bytes.len())));
        }
        let mut out = bytes[..before].to_vec();
        let most = self.left.min(self.room.load(Ordering::Relaxed));
        let more = most.saturating_sub(out.len() as u64);
        append(packed, &bytes[before..], more, &mut out).map_err(wrong)?;
        if out.len() as u64 > most {
            return Err(wrong(if most == self.left {
                "a column is larger than the file says".to_owned()
            } else {
                "it unpacks to more than a thousand times its size".to_owned()
            }));
        }
        self.left = self.left.saturating_sub(out.len() as u64);
        self.spend(out.len() as u64)?;
        Ok(Bytes::from(out))
    }

    fn unpack_page(&mut self, mut page: Page) -> Result<Page> {
        if let Some(packed) = self.packed {
            match &mut page {
                Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                    *buf = self.unpack(packed, buf, 0)?;
                }
                Page::DataPageV2 {
                    buf,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    is_compressed: true,
                    ..
                } => {
                    let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                    *buf = self.unpack(packed, buf, usize::try_from(levels)?)?;
                }
                Page::DataPageV2 { .. } => {}
            }
        }
        let claimed = claimed(&page, &self.column, self.room.load(Ordering::Relaxed))?;
        self.spend(claimed)?;
        Ok(page)
    }

    /// Leaves less room for the pages to come.
    fn spend(&self, bytes: u64) -> Result<()> {
        let left = self.room.load(Ordering::Relaxed).checked_sub(bytes);
        let left = left.ok_or_else(|| {
            let found = "its pages claim to hold more than a thousand times their size";
            ParquetError::General(found.to_owned())
        })?;
        self.room.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// Unpacks to the end of `out`; what comes after `more` bytes and one is not asked for.
fn append(
    packed: Packed,
    mut bytes: &[u8],
    more: u64,
    out: &mut Vec<u8>,
) -> std::result::Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    match packed {
        Packed::Snappy => {
            let length = snap::raw::decompress_len(bytes).map_err(|error| text(&error))?;
            let before = out.len();
            if length as u64 > more {
                // One too many, as the others would have given.
                out.resize(before.saturating_add(usize::try_from(more).unwrap_or(length)) + 1, 0);
                return Ok(());
            }
            out.resize(before + length, 0);
            let decoded = snap::raw::Decoder::new().decompress(bytes, &mut out[before..]);
            decoded.map_err(|error| text(&error))?;
        }
        Packed::Gzip => {
            let frames = MultiGzDecoder::new(bytes).take(more + 1);
            { frames }.read_to_end(out).map_err(|error| text(&error))?;
        }
        Packed::Zstandard => {
            let end = out.len() as u64 + more;
            while !bytes.is_empty() && out.len() as u64 <= end {
                let frame = StreamingDecoder::new(&mut bytes).map_err(|error| text(&error))?;
                let frame = frame.take(end + 1 - out.len() as u64);
                { frame }.read_to_end(out).map_err(|error| text(&error))?;
            }
        }
    }
    Ok(())
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.map(|page| self.unpack_page(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}
