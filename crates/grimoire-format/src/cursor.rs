//! A reader over untrusted bytes that never reads past the end and knows where it is.
//! Nothing is allocated here; the caller compares counts with `remaining` before it does.

use crate::error::FormatError;
use crate::{Mapped, Result};
use std::ops::Range;

/// A position in a file.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    file: &'a Mapped,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(file: &'a Mapped) -> Self {
        Self { file, at: 0 }
    }

    pub(crate) fn path(&self) -> &'a std::path::Path {
        self.file.path()
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.file.bytes()
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn remaining(&self) -> usize {
        self.file.bytes().len() - self.at
    }

    /// The next `count` bytes as a range; `what` names them in the error.
    pub(crate) fn range(&mut self, count: u64, what: &str) -> Result<Range<usize>> {
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() => {
                let start = self.at;
                self.at += count;
                Ok(start..self.at)
            }
            _ => Err(self.malformed(
                what,
                format!("{count} bytes"),
                format!("{} before the end of the file", self.remaining()),
            )),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let range = self.range(N as u64, what)?;
        let mut out = [0; N];
        out.copy_from_slice(&self.file.bytes()[range]);
        Ok(out)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A count of things of at least `least` bytes each, refused when they cannot fit in the rest.
    pub(crate) fn count(&mut self, least: usize, what: &str) -> Result<usize> {
        let count = self.u64(what)?;
        let most = self.remaining() / least;
        match usize::try_from(count) {
            Ok(count) if count <= most => Ok(count),
            _ => Err(self.malformed(
                what,
                format!("at most {most} in what is left of the file"),
                count.to_string(),
            )),
        }
    }

    /// A string with its length in a u64 before it, at most `longest` bytes of UTF-8.
    pub(crate) fn text(&mut self, longest: u64, what: &str) -> Result<&'a str> {
        let length = self.u64(what)?;
        if length > longest {
            return Err(self.malformed(
                what,
                format!("a string of at most {longest} bytes"),
                format!("{length} bytes"),
            ));
        }
        let range = self.range(length, what)?;
        std::str::from_utf8(&self.file.bytes()[range])
            .map_err(|e| self.malformed(what, "UTF-8", e.to_string()))
    }

    /// An error at this position.
    pub(crate) fn malformed(
        &self,
        what: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> FormatError {
        let place = format!("byte {}, {what}", self.at);
        FormatError::malformed(self.file.path(), place, expected, found)
    }
}
