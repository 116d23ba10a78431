//! Pages of Parquet that Zstandard packed, which the library unpacks in C only: it is told that they are plain, and
//! what it hands over is unpacked here, in pure Rust, before anybody looks at it. Other pages pass as they are.
//!
//! A file says of every column of a row group how large its pages are when unpacked: no page may hold more than what
//! is left of that, whatever its own header says. And all pages of a file together may hold no more than gzip could
//! have put into as many bytes, since Zstandard can put a thousand million letters into thirty thousand.

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::RowGroupReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type as SchemaType;
use ruzstd::decoding::StreamingDecoder;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The most bytes that a byte of gzip stands for (RFC 1951: 258 for two bits).
const RATIO: u64 = 1032;
/// What a file may hold however small it is.
const ALWAYS: u64 = 256 << 20;

/// How many bytes may still be unpacked from a file of that many.
pub(super) fn room(bytes: usize) -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new((bytes as u64).saturating_mul(RATIO).max(ALWAYS)))
}

/// A row group whose pages may be packed by Zstandard too.
pub(super) struct RowGroup<'a> {
    pub(super) bytes: Arc<Bytes>,
    pub(super) metadata: &'a RowGroupMetaData,
    /// As [`room`] gave it for the whole file.
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
        let packed = matches!(column.compression(), Compression::ZSTD(_));
        let plain = column.clone().into_builder();
        let plain = plain.set_compression(Compression::UNCOMPRESSED).build()?;
        let rows = usize::try_from(self.metadata.num_rows())?;
        let column_read = if packed { &plain } else { column };
        let pages = SerializedPageReader::new(Arc::clone(&self.bytes), column_read, rows, None)?;
        Ok(if packed {
            let left = u64::try_from(column.uncompressed_size())?;
            Box::new(Unpacked { pages, left, room: Arc::clone(&self.room) })
        } else {
            Box::new(pages)
        })
    }

    fn get_column_bloom_filter(&self, _column: usize) -> Option<&Sbbf> {
        None
    }

    fn get_row_iter(&self, projection: Option<SchemaType>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// The pages of a column, unpacked, and how many bytes the rest of them may have.
struct Unpacked {
    pages: SerializedPageReader<Bytes>,
    left: u64,
    room: Arc<AtomicU64>,
}

impl Unpacked {
    /// The bytes of a page of which the first `before` are not packed.
    fn unpack(&mut self, bytes: &Bytes, before: usize) -> Result<Bytes> {
        let wrong = |found: String| ParquetError::General(format!("Zstandard: {found}"));
        if before > bytes.len() {
            return Err(wrong(format!("{before} bytes of levels in a page of {}", bytes.len())));
        }
        let mut out = bytes[..before].to_vec();
        let mut packed = &bytes[before..];
        let room = self.room.load(Ordering::Relaxed);
        let most = self.left.min(room);
        while !packed.is_empty() {
            let frame = StreamingDecoder::new(&mut packed);
            let frame = frame.map_err(|error| wrong(error.to_string()))?;
            let more = most.saturating_sub(out.len() as u64) + 1;
            let read = frame.take(more).read_to_end(&mut out);
            read.map_err(|error| wrong(error.to_string()))?;
            if out.len() as u64 > most {
                return Err(wrong(if most == self.left {
                    "a column is larger than the file says".to_owned()
                } else {
                    "it unpacks to more than a thousand times its size".to_owned()
                }));
            }
        }
        let length = out.len() as u64;
        self.left = self.left.saturating_sub(length);
        self.room.store(room.saturating_sub(length), Ordering::Relaxed);
        Ok(Bytes::from(out))
    }

    fn unpack_page(&mut self, mut page: Page) -> Result<Page> {
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                *buf = self.unpack(buf, 0)?;
            }
            Page::DataPageV2 {
                buf,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed: true,
                ..
            } => {
                let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                *buf = self.unpack(buf, usize::try_from(levels)?)?;
            }
            Page::DataPageV2 { .. } => {}
        }
        Ok(page)
    }
}

impl Iterator for Unpacked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Unpacked {
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
