//! Whether something is at a path: yes, no, or a refusal of the system, which is neither. `Path::is_file` and
//! `Path::exists` answer no when they may not look, and then the wrong thing is said to be wrong.
//! Nothing is opened here.

use crate::{FormatError, Result};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;

/// Whether there is a file or folder at `path`.
///
/// # Errors
/// When the system does not tell, such as for want of permission; the error names what it does not open.
pub fn exists(path: &Path) -> Result<bool> {
    Ok(about(path)?.is_some())
}

/// Whether there is a regular file at `path`.
///
/// # Errors
/// As [`exists`].
pub fn is_file(path: &Path) -> Result<bool> {
    Ok(about(path)?.is_some_and(|about| about.is_file()))
}

fn about(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(about) => Ok(Some(about)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => Ok(None),
            _ => {
                // What is seen last on the way is what does not open: a folder, or a link to elsewhere.
                let seen = path.ancestors().find(|part| part.symlink_metadata().is_ok());
                Err(FormatError::io(seen.unwrap_or(path), "open", error))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(exists(folder.path()).unwrap() && !is_file(folder.path()).unwrap());
        assert!(exists(&file).unwrap() && is_file(&file).unwrap());
        for absent in ["absent", "file/below", &"long".repeat(1000)] {
            assert!(!exists(&folder.path().join(absent)).unwrap(), "{absent}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("circle");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        let error = is_file(&link.join("below")).unwrap_err().to_string();
        assert!(error.contains("circle: cannot open: "), "{error}");
    }
}
