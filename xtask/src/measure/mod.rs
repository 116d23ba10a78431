//! Measurements of speed: our own workloads (`bench`), and the same beside other programs in turn (`peers`).
//! Each leaves a dated table in `bench/results/` with the machine, its load, the versions and the losses.
//! Nothing here asserts a speed.

mod ours;
mod peers;

pub(crate) use ours::run as bench;
pub(crate) use peers::{chart, run as peers};

use crate::repository;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const MODEL: &str = "target/models/SmolLM2-135M-Instruct.Q4_1.gguf";

/// Builds an example of a crate; returns the program.
fn example(package: &str, name: &str) -> Result<PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "-p", package, "--example", name])
        .current_dir(repository::root())
        .status()
        .context("cargo build")?;
    if !status.success() {
        bail!("the example {name} of {package} does not build");
    }
    Ok(repository::root().join("target/release/examples").join(name))
}

/// What a program prints.
fn output(program: &Path, arguments: &[&str]) -> Result<String> {
    output_with(program, arguments, &[])
}

/// How long a measurement may take: what has no figure by then is no peer on this machine.
const LIMIT: Duration = Duration::from_secs(600);

/// What a program prints with variables in its environment; it is stopped after [`LIMIT`].
fn output_with(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(repository::root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| program.display().to_string())?;
    let (printed, said) = (drained(child.stdout.take()), drained(child.stderr.take()));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if began.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            bail!("stopped after {} minutes without a figure", LIMIT.as_secs() / 60);
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = |reader: JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    let (printed, said) = (text(printed), text(said));
    if !status.success() {
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        bail!("{} {}: {status}: {last}", program.display(), arguments.join(" "));
    }
    Ok(printed)
}

/// Reads a pipe to its end meanwhile, so that the program never waits for it.
fn drained(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is all there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// The lines of JSON that a program prints.
fn lines(program: &Path, arguments: &[&str]) -> Result<Vec<Value>> {
    let text = output(program, arguments)?;
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// The instruction set that our kernels choose here.
fn instruction_set() -> &'static str {
    grimoire_kernels::Isa::detected().name()
}

/// Whether it multiplies in bf16.
fn bf16() -> bool {
    grimoire_kernels::Isa::detected() >= grimoire_kernels::Isa::Avx512Bf16
}

/// A figure of a measurement, NaN where there is none.
fn number(line: &Value, name: &str) -> f64 {
    line[name].as_f64().unwrap_or(f64::NAN)
}

/// A text of a measurement.
fn words<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap_or_default()
}

/// The last loss of a measurement.
fn last_loss(line: &Value) -> f64 {
    line["loss"].as_array().and_then(|all| all.last()?.as_f64()).unwrap_or(f64::NAN)
}

/// The model of the measurements, or where to get it.
fn model() -> Result<&'static str> {
    if !repository::root().join(MODEL).exists() {
        bail!("{MODEL} is not there; `cargo xtask models` fetches it");
    }
    Ok(MODEL)
}

/// Machine, state and versions, as lines of Markdown.
fn circumstances() -> String {
    let run = |program: &str, arguments: &[&str]| {
        output(Path::new(program), arguments)
            .map_or("unknown".to_owned(), |text| text.trim().to_owned())
    };
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "Machine: {}, {cores} cores, instruction set {}; load average before the start {load}.\n\
         Grimoire at {}, {}.\n",
        name.unwrap_or("unknown processor"),
        instruction_set(),
        run("git", &["describe", "--always", "--dirty"]),
        run("rustc", &["--version"]),
    )
}

/// Prints a table and writes it to `bench/results/<today>-<name>.md`, numbered where an earlier run of the day left
/// one.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
fn keep(name: &str, text: &str) -> Result<()> {
    println!("{text}");
    let today = output(Path::new("date"), &["-u", "+%Y-%m-%d"])?;
    let named = |end: &str| format!("bench/results/{}-{name}{end}.md", today.trim());
    let mut file = named("");
    for number in 2.. {
        if !repository::root().join(&file).exists() {
            break;
        }
        file = named(&format!("-{number}"));
    }
    std::fs::write(repository::root().join(&file), text).with_context(|| file.clone())?;
    println!("written to {file}");
    Ok(())
}
