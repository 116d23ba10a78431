//! A file as a slice of bytes: mapped read-only, shared, cheap to clone.
//! Holds the only unsafe call of the crate. Not a cache, and never writable.

use crate::{FormatError, Result};
use memmap2::Mmap;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The bytes of a file, mapped into memory for as long as a clone lives.
///
/// The operating system reads pages when they are touched and may drop them again, so a large model
/// costs address space, not memory. A file that another program cuts short while it is mapped stops
/// the process when the lost pages are touched; one that it rewrites changes under us. Nothing here
/// writes to a file in place.
#[derive(Clone)]
pub struct Mapped {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    bytes: Bytes,
}

enum Bytes {
    File(Mmap),
    Owned(Vec<u8>),
    Static(&'static [u8]),
}

impl Mapped {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// When it cannot be opened or mapped, or is not a regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| FormatError::io(path, "open", e))?;
        let about = file.metadata().map_err(|e| FormatError::io(path, "open", e))?;
        if !about.is_file() {
            let found = if about.is_dir() { "a folder" } else { "a device or pipe" };
            return Err(FormatError::malformed(path, "path", "a regular file", found));
        }
        // An empty file cannot be mapped on every system, and needs no map.
        let bytes = if about.len() == 0 {
            Bytes::Static(&[])
        } else {
            Bytes::File(map(&file).map_err(|e| FormatError::io(path, "map", e))?)
        };
        Ok(Self { shared: Arc::new(Shared { path: path.to_owned(), bytes }) })
    }

    /// Bytes that are already in memory; `name` stands for the path in errors.
    #[must_use]
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { shared: Arc::new(Shared { path: name.into(), bytes: Bytes::Owned(bytes) }) }
    }

    /// Bytes that are part of the program; `name` stands for the path in errors.
    #[must_use]
    pub fn from_static(name: impl Into<PathBuf>, bytes: &'static [u8]) -> Self {
        Self { shared: Arc::new(Shared { path: name.into(), bytes: Bytes::Static(bytes) }) }
    }

    /// The path it was opened with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.shared.bytes {
            Bytes::File(map) => map,
            Bytes::Owned(bytes) => bytes,
            Bytes::Static(bytes) => bytes,
        }
    }

    /// The bytes of a range that was checked when the header was read.
    ///
    /// # Panics
    /// When the range is outside of the file, which the readers of this crate never hand out.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> &[u8] {
        &self.bytes()[range]
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl std::fmt::Debug for Mapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mapped({}, {} bytes)", self.path().display(), self.bytes().len())
    }
}

#[expect(unsafe_code, reason = "mapping is the one thing that cannot be had safely")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is private to this process and read-only, and every reader of it treats the
    // bytes as untrusted at each read: no reference to a type with invalid bit patterns is made of
    // them, and no check is relied on after the bytes it checked could have been read again. What is
    // left is another program changing the file meanwhile, which the documentation of `Mapped` tells.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_files_and_refuses_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"abc").unwrap();
        let mapped = Mapped::open(&path).unwrap();
        assert_eq!(mapped.clone().slice(1..3), b"bc");
        std::fs::write(folder.path().join("empty"), b"").unwrap();
        assert!(Mapped::open(folder.path().join("empty")).unwrap().bytes().is_empty());
        let error = Mapped::open(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("expected a regular file, found a folder"), "{error}");
        let error = Mapped::open(folder.path().join("none")).unwrap_err().to_string();
        assert!(error.contains("none: cannot open: "), "{error}");
    }
}
