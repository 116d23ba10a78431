//! The repository as a list of files: what git tracks or would track, as paths from its root.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).components().collect::<PathBuf>().join("..")
}

/// Every file that git tracks or would track, in order, with `/` between folders.
pub(crate) fn files() -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("git ls-files")?;
    if !output.status.success() {
        bail!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty() && root().join(name).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// The text of a file, or `None` when it is not text.
pub(crate) fn text(file: &str) -> Result<Option<String>> {
    let bytes = std::fs::read(root().join(file)).with_context(|| file.to_owned())?;
    Ok(String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')))
}
