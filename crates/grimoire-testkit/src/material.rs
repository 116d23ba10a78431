//! Where tests find real data and real models, and how they say that they lacked them.
//! Nothing here downloads: `cargo xtask models` does, and `.ci/run` calls it.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").components().collect()
}

/// The folder of a real data set: under `GRIMOIRE_DATA` when set, else `../shared/data` beside the
/// repository. `None`, recorded as a skip of `test`, when it is not there.
pub fn shared_data(test: &str, name: &str) -> Option<PathBuf> {
    let base = std::env::var_os("GRIMOIRE_DATA")
        .map_or_else(|| repository_root().join("../shared/data"), PathBuf::from);
    let folder = base.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    skip(test, &format!("data set {name} is not here"));
    None
}

/// The file `name` among the downloaded models: under `GRIMOIRE_MODELS` when set, else
/// `target/models`. `None`, recorded as a skip of `test`, when it is not there.
pub fn models_dir(test: &str, name: &str) -> Option<PathBuf> {
    let base = std::env::var_os("GRIMOIRE_MODELS")
        .map_or_else(|| repository_root().join("target/models"), PathBuf::from);
    let file = base.join(name);
    if file.exists() {
        return Some(file);
    }
    skip(test, &format!("model {name} is not here (cargo xtask models fetches it)"));
    None
}

/// True when `GRIMOIRE_SLOW=1`; otherwise records the skip of `test`.
pub fn slow(test: &str) -> bool {
    if std::env::var_os("GRIMOIRE_SLOW").is_some_and(|value| value == "1") {
        return true;
    }
    skip(test, "slow; GRIMOIRE_SLOW=1 runs it");
    false
}

/// Records that `test` was skipped and why, for `cargo xtask test` to print and count.
#[expect(clippy::print_stderr, reason = "a test speaks through its output")]
pub fn skip(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
    let folder = repository_root().join("target/skipped");
    let name: String =
        test.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(name), format!("{test}: {why}\n")));
    if let Err(error) = written {
        eprintln!("could not record the skip: {error}");
    }
}
