//! The recorded values of `golden/`: which script makes what, and running one again in an environment
//! with the pinned versions of `golden/requirements.txt`. Whether the result is committed is for a person
//! to decide: `git diff` shows it.

use crate::repository;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lists the scripts, or runs the one that is named, with the arguments after it.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let scripts: Vec<String> = repository::files()?
        .into_iter()
        .filter(|file| file.starts_with("golden/") && file.ends_with(".py"))
        .collect();
    let Some((name, rest)) = arguments.split_first() else {
        for script in &scripts {
            let text = repository::text(script)?.unwrap_or_default();
            println!("{script}\n    {}", purpose(&text));
        }
        println!("\ncargo xtask golden SCRIPT [ARGUMENTS] runs one");
        return Ok(());
    };
    let script = scripts
        .iter()
        .find(|script| *script == name || script.strip_prefix("golden/") == Some(name))
        .with_context(|| format!("golden: no script `{name}`; without a name they are listed"))?;
    let status = Command::new(environment()?)
        .arg(repository::root().join(script).canonicalize()?)
        .args(rest)
        .current_dir(repository::root())
        .status()
        .with_context(|| script.clone())?;
    if !status.success() {
        bail!("{script}: {status}");
    }
    let _ = Command::new("git")
        .args(["status", "--short", "golden", "bench"])
        .current_dir(repository::root())
        .status();
    Ok(())
}

/// The first sentence of a script's opening comment.
fn purpose(text: &str) -> String {
    let comment = text.trim_start().trim_start_matches(['#', '"', 'r']);
    let comment = comment.split("\"\"\"").next().unwrap_or_default();
    let first = comment.split("\n\n").next().unwrap_or_default();
    let joined = first.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.find(". ").map_or(joined.clone(), |end| joined[..=end].to_owned())
}

/// The Python of an environment with the pinned packages, made when it is not there or out of date.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
fn environment() -> Result<PathBuf> {
    let folder = repository::root().join("target/golden-python");
    let wanted = std::fs::read_to_string(repository::root().join("golden/requirements.txt"))
        .context("golden/requirements.txt")?;
    let stamp = folder.join("requirements.txt");
    let python = folder.join("bin/python");
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    println!("golden: making an environment in target/golden-python (PyTorch is large)");
    call(Path::new("python3"), &["-m", "venv", "--clear", &folder.to_string_lossy()])?;
    let requirements = repository::root().join("golden/requirements.txt");
    let requirements = requirements.to_string_lossy().into_owned();
    call(&python, &["-m", "pip", "install", "--quiet", "--requirement", &requirements])?;
    std::fs::write(stamp, wanted)?;
    Ok(python)
}

fn call(program: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(program).args(arguments).status();
    let status = status.with_context(|| program.display().to_string())?;
    if !status.success() {
        bail!("{} {}: {status}", program.display(), arguments.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_purpose_is_the_first_sentence() {
        let text = "\"\"\"Makes a file\nof numbers. And more.\n\nRun: it\n\"\"\"\nimport os\n";
        assert_eq!(purpose(text), "Makes a file of numbers.");
        assert_eq!(purpose("# One line\n\nimport os\n"), "One line");
    }
}
