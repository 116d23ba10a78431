//! Files that are whole or absent: written beside under another name, synced, renamed.
//! A crash, a full disk or an early return leaves the file that was there before as it was.

use crate::{FormatError, Result};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file being written. It takes its name only in [`AtomicFile::commit`]; dropped before that, it
/// vanishes.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    beside: PathBuf,
    file: Option<BufWriter<File>>,
}

/// Tells files of one process apart that are being written to the same target.
static SERIAL: AtomicU64 = AtomicU64::new(0);

impl AtomicFile {
    /// Opens a new file beside `target`.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written to.
    pub fn create(target: impl Into<PathBuf>) -> Result<Self> {
        let target = target.into();
        let Some(name) = target.file_name() else {
            return Err(FormatError::malformed(&target, "path", "a file name at its end", "none"));
        };
        if target.is_dir() {
            return Err(FormatError::malformed(&target, "path", "a file", "a folder"));
        }
        // A name of a process that died may be taken; nobody else takes ours between two tries.
        for _ in 0..100 {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{serial}.tmp", std::process::id()));
            let beside = target.with_file_name(hidden);
            match OpenOptions::new().write(true).create_new(true).open(&beside) {
                Ok(file) => {
                    let file = Some(BufWriter::with_capacity(1 << 16, file));
                    return Ok(Self { target, beside, file });
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(FormatError::io(&target, "create", error)),
            }
        }
        Err(FormatError::io(&target, "create", std::io::ErrorKind::AlreadyExists.into()))
    }

    /// The name the file will have.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// When they cannot be written, a full disk among other reasons.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(|e| FormatError::io(&self.target, "write", e))
    }

    /// Makes the file durable and gives it its name, replacing what had it before.
    ///
    /// # Errors
    /// When anything fails; the target is then what it was.
    pub fn commit(mut self) -> Result<()> {
        let at = |action| {
            let target = self.target.clone();
            move |e: std::io::Error| FormatError::io(&target, action, e)
        };
        if let Some(writer) = self.file.take() {
            let file = writer.into_inner().map_err(|e| at("write")(e.into_error()))?;
            file.sync_all().map_err(at("sync"))?;
        }
        std::fs::rename(&self.beside, &self.target).map_err(at("rename to"))?;
        // The new name is durable once the folder is. Not every system can sync a folder.
        let folder = match self.target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(std::io::Error::other("already committed")),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // After a commit the name beside is gone and this does nothing.
        drop(self.file.take());
        let _ = std::fs::remove_file(&self.beside);
    }
}

/// Writes a whole file: what was there before is replaced at once or not at all.
///
/// # Errors
/// When it cannot be written; the old file is then as it was.
pub fn write_atomic(path: impl Into<PathBuf>, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.append(bytes)?;
    file.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_at_once_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        write_atomic(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.append(b"half of the ne").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        write_atomic(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_the_target_when_the_folder_is_missing() {
        let error = write_atomic("/no/such/folder/file", b"x").unwrap_err().to_string();
        assert!(error.starts_with("/no/such/folder/file: cannot create: "), "{error}");
    }
}
