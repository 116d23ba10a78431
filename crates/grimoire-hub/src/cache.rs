//! The cache that Python shares: blobs named by their hash, snapshots of links to them, and refs.
//!
//! ```text
//! models--org--name/
//!   blobs/<etag>                 content, written once
//!   refs/<revision>              the commit that the revision was last seen at
//!   snapshots/<commit>/<file>    link to ../../blobs/<etag>
//! .locks/models--org--name/<etag>.lock
//! ```

use crate::reference::{Reference, is_commit};
use crate::{HubError, Result};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The part of the cache that belongs to one repository.
pub(crate) struct Repository {
    root: PathBuf,
    locks: PathBuf,
}

impl Repository {
    pub(crate) fn new(cache: &Path, reference: &Reference) -> Self {
        let folder = reference.folder();
        Self { root: cache.join(&folder), locks: cache.join(".locks").join(folder) }
    }

    pub(crate) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    pub(crate) fn incomplete(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(format!("{etag}.incomplete"))
    }

    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The commit of a revision as last seen.
    pub(crate) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.to_owned());
        }
        let text = std::fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        Some(text.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// Remembers the commit of a revision.
    pub(crate) fn remember(&self, revision: &str, commit: &str) -> Result<()> {
        if revision == commit || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        create_parent(&path)?;
        let beside = path.with_file_name(format!(".{}.tmp", unique()));
        std::fs::write(&beside, commit)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(HubError::io(&path, "write"))
    }

    /// The names of the files of a snapshot that are really there, sub-folders included.
    pub(crate) fn files(&self, commit: &str) -> Vec<String> {
        let root = self.snapshot(commit);
        let mut files = Vec::new();
        let mut folders = vec![(root, String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                // Follows links, so a link whose blob is gone is no file.
                match std::fs::metadata(entry.path()) {
                    Ok(about) if about.is_dir() && prefix.matches('/').count() < 8 => {
                        folders.push((entry.path(), format!("{name}/")));
                    }
                    Ok(about) if about.is_file() => files.push(name),
                    _ => {}
                }
            }
        }
        files.sort();
        files
    }

    /// Makes `file` of the snapshot a link to its blob.
    pub(crate) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<PathBuf> {
        let path = self.snapshot(commit).join(file);
        create_parent(&path)?;
        let depth = 2 + file.matches('/').count();
        let target = Path::new(&"../".repeat(depth)).join("blobs").join(etag);
        if std::fs::read_link(&path).is_ok_and(|old| old == target) && path.exists() {
            return Ok(path);
        }
        let beside = path.with_file_name(format!(".{etag}.{}.tmp", unique()));
        let _ = std::fs::remove_file(&beside);
        make_link(&target, &self.blob(etag), &beside)
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(HubError::io(&path, "link"))?;
        Ok(path)
    }

    /// Takes the lock of a blob, the same that Python takes; `waiting` is called when another process
    /// holds it. It is released when the file is dropped.
    pub(crate) fn lock(&self, etag: &str, waiting: impl FnOnce()) -> Result<File> {
        let path = self.locks.join(format!("{etag}.lock"));
        create_parent(&path)?;
        create_parent(&self.blob(etag))?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(HubError::io(&path, "open"))?;
        if file.try_lock().is_err() {
            waiting();
            file.lock().map_err(HubError::io(&path, "lock"))?;
        }
        Ok(file)
    }

    /// Gives a verified download its final name.
    pub(crate) fn admit(&self, etag: &str, mut file: File) -> Result<()> {
        let (from, to) = (self.incomplete(etag), self.blob(etag));
        file.flush()
            .and_then(|()| file.sync_all())
            .and_then(|()| std::fs::rename(&from, &to))
            .map_err(HubError::io(&to, "write"))
    }
}

fn create_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) => std::fs::create_dir_all(parent).map_err(HubError::io(parent, "create")),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn make_link(target: &Path, _blob: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Where links need rights that few have, the snapshot holds the content itself, as Python does.
#[cfg(not(unix))]
fn make_link(_target: &Path, blob: &Path, path: &Path) -> std::io::Result<()> {
    std::fs::hard_link(blob, path).or_else(|_| std::fs::copy(blob, path).map(|_| ()))
}
/// A part of a temporary name that no other process and no other thread of this one has.
fn unique() -> String {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{}-{next}", std::process::id())
}
