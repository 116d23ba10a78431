//! `cargo xtask peers`: other programs and ours in turn, in one go, on the same tokens. The Python of the
//! peers is that of `GRIMOIRE_PEERS_PYTHON` (and `GRIMOIRE_PEERS_LLAMA_PYTHON` for llama.cpp), or an
//! environment with pinned packages that is made in `target/peers`.

use super::{
    circumstances, example, keep, last_loss, lines, model, number, output, output_with, words,
};
use crate::repository;
use anyhow::{Context, Result, anyhow, bail};
use grimoire_plot::{Axis, Bars, Figure, Rule};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const LLAMA: &str = "llama-cpp-python==0.3.36";

/// What the peers of training measure, and what we measure beside it.
const TRAINING: [(&str, &str, &str); 5] = [
    ("PyTorch", "lora", "f32"),
    ("PyTorch", "lora", "bf16"),
    ("candle", "lora", "f32"),
    ("PyTorch", "full", "f32"),
    ("PyTorch", "full", "bf16"),
];
/// Why a peer in bf16 is left out; with AVX2 alone PyTorch had not taken its first steps after five minutes.
const NO_BF16: &str = "this processor has no bf16 arithmetic";
/// Workloads of `bench/llama_cpp.py` and the lines of our example that answer them.
const READING: [(&str, &str, &str); 5] = [
    ("cold", "cold start to the first token", "start to first token"),
    ("prompt", "prompt of 512, Fast", "a prompt of 512"),
    ("one", "1 at once after 64, Fast", "generating, one"),
    ("sixteen", "16 at once after 64, Fast", "generating, sixteen"),
    ("long", "1 at once after 8000, Fast", "generating after 8,000"),
];

/// Measures the groups that are named, `training` and `reading`; both without names.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(other) = arguments.iter().find(|name| !["training", "reading"].contains(&&name[..]))
    {
        bail!("peers: no group `{other}`; there are training and reading");
    }
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|asked| asked == name);
    model()?;
    let mut text = format!("# Beside others, in turn\n\n{}\n", circumstances());
    let mut ratios = Vec::new();
    if wanted("training") {
        text += &training(&mut ratios)?;
    }
    if wanted("reading") {
        text += &reading(&mut ratios)?;
    }
    keep("peers", &text)?;
    if arguments.is_empty() { keep_ratios(&ratios) } else { Ok(()) }
}

/// One workload: what it is, beside whom, and how many times as fast as they we are.
#[derive(Serialize, Deserialize)]
struct Ratio {
    workload: String,
    times: f64,
}

/// Ratios of a whole run, for [`chart`].
const RATIOS: &str = "bench/results/peers.json";

fn keep_ratios(ratios: &[Ratio]) -> Result<()> {
    let text = serde_json::to_string_pretty(ratios)? + "\n";
    std::fs::write(repository::root().join(RATIOS), text).context(RATIOS)?;
    chart()
}

/// Draws all ratios of the last whole run for the README, those under one included. The start is left out: the other's
/// is mostly that of Python.
pub(crate) fn chart() -> Result<()> {
    let text = std::fs::read_to_string(repository::root().join(RATIOS)).context(RATIOS)?;
    let mut ratios: Vec<Ratio> = serde_json::from_str(&text).context(RATIOS)?;
    ratios.retain(|ratio| !ratio.workload.starts_with("start"));
    let bars = ratios.iter().enumerate().map(|(at, ratio)| (at as f64, ratio.times)).collect();
    let names = ratios.iter().map(|r| format!("{}: {:.2}", r.workload, r.times));
    let figure = Figure::new("Speed beside other programs, on two cores")
        .subtitle("SmolLM2-135M-Instruct, Q4_1; both in turn, in one run; the line is the speed of the other")
        .x(Axis::linear("times as fast as the other").zero())
        .y(Axis::categories("", names))
        .add(Bars::new("Grimoire", bars).lying())
        .add(Rule::x(1.0, ""))
        .footnote("Tokens per second, ours in default precision unless it says f32. Figures: bench/results.");
    let file = "book/figures/speed.svg";
    std::fs::write(repository::root().join(file), figure.svg()?).context(file)
}

fn training(ratios: &mut Vec<Ratio>) -> Result<String> {
    let python = python("GRIMOIRE_PEERS_PYTHON", "target/peers/torch", &requirements()?)?;
    let step = example("grimoire-tune", "train_step")?;
    let mut text = "Training step of 4 x 256 tokens of SmolLM2-135M-Instruct (Q4_1; the peer holds it dequantised), two \
        threads, rank 16 on all linear layers or all weights. The median of the steps after one to warm up; in \
        brackets tokens for a processor second of all threads, which a busy machine disturbs less. Ours before the peer \
        and after it, the better of both, in default precision and with `--precision f32`. Loss of the last step.\n\n\
        | step | peer | tokens/s | MB | loss | Grimoire, default | MB | loss | ratio | Grimoire, f32 | MB | loss | ratio |\n\
        | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let mut versions = Vec::new();
    for (program, what, ty) in TRAINING {
        let once = |precision: &str| -> Result<Value> {
            lines(&step, &[super::MODEL, what, "4", "256", "2", "3", "512", precision])?
                .pop()
                .context("no figures")
        };
        let before = [once("default")?, once("f32")?];
        let peer = match program {
            "candle" => candle(),
            _ if ty == "bf16" && !super::bf16() => Err(anyhow!(NO_BF16)),
            _ => {
                let script = "bench/lora_step_pytorch.py";
                lines(&python, &[script, "--what", what, "--type", ty, "--steps", "3"])
            }
        };
        let after = [once("default")?, once("f32")?];
        let ours = before.into_iter().zip(after).map(|(before, after)| better(before, after));
        let ours: Vec<Value> = ours.collect();
        match peer.and_then(|mut lines| lines.pop().context("no figures")) {
            Ok(peer) => {
                let version = peer["versions"].to_string();
                if !versions.contains(&version) {
                    versions.push(version);
                }
                text += &row(&format!("{what}, {}", words(&peer, "setting")), &peer, &ours);
                ratios.extend(ratios_of((program, what, ty), &peer, &ours));
            }
            Err(error) => {
                let _ = writeln!(
                    text,
                    "| {what}, {ty} | {program} not measured: {error} | | | | {} | | | | {} | | | |",
                    speed(&ours[0]),
                    speed(&ours[1])
                );
            }
        }
    }
    let _ = writeln!(text, "\nVersions of the peers: {}\n", versions.join(", "));
    Ok(text)
}

/// How many times as fast as a peer ours is, in default precision and, beside f32, in f32.
fn ratios_of((program, what, ty): (&str, &str, &str), peer: &Value, ours: &[Value]) -> Vec<Ratio> {
    let of = |line: &Value| number(line, "tokens_per_second");
    let kind = if what == "lora" { "LoRA step" } else { "full step" };
    let both = ours.iter().zip(["", ", ours f32"]);
    both.filter(|(_, own)| ty != "bf16" || own.is_empty())
        .map(|(ours, own)| Ratio {
            workload: format!("{kind} ({program} {ty}{own})"),
            times: of(ours) / of(peer),
        })
        .collect()
}

/// A LoRA step in candle, built for this processor.
fn candle() -> Result<Vec<Value>> {
    let folder = repository::root().join("target/peers/candle");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--locked", "--manifest-path"])
        .arg(repository::root().join("bench/candle/Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTFLAGS", "-C target-cpu=native")
        .status()
        .context("cargo build")?;
    if !status.success() {
        bail!("bench/candle does not build");
    }
    let program = folder.join("release/lora-step-candle");
    let text =
        output_with(&program, &[super::MODEL, "4", "256", "3"], &[("RAYON_NUM_THREADS", "2")])?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn speed(line: &Value) -> String {
    format!(
        "{:.0} ({:.0})",
        number(line, "tokens_per_second"),
        number(line, "tokens_per_processor_second")
    )
}

/// The faster of two measurements.
fn better(one: Value, other: Value) -> Value {
    let of = |line: &Value| number(line, "tokens_per_second");
    if of(&one) >= of(&other) { one } else { other }
}

fn row(what: &str, peer: &Value, ours: &[Value]) -> String {
    let mut row = format!(
        "| {what} | {} | {} | {:.0} | {:.4} |",
        words(peer, "peer"),
        speed(peer),
        number(peer, "peak_mb"),
        last_loss(peer),
    );
    for ours in ours {
        let ratio = |name: &str| number(ours, name) / number(peer, name);
        let _ = write!(
            row,
            " {} | {:.0} | {:.4} | {:.2} ({:.2}) |",
            speed(ours),
            number(ours, "peak_mb"),
            last_loss(ours),
            ratio("tokens_per_second"),
            ratio("tokens_per_processor_second"),
        );
    }
    row + "\n"
}

fn reading(ratios: &mut Vec<Ratio>) -> Result<String> {
    let script = "bench/llama_cpp.py";
    if !repository::root().join(script).exists() {
        return Ok(format!("Reading and generating: {script} is not there, not measured.\n"));
    }
    let python = python("GRIMOIRE_PEERS_LLAMA_PYTHON", "target/peers/llama", LLAMA)?;
    let workloads = example("grimoire-tune", "workloads")?;
    let mut text = "Reading and generating with the same model, two threads; ours before the other and after it, the \
        best of all. The other's start is that of Python and its package too.\n\n\
        | workload | llama.cpp, tokens/s | Grimoire, tokens/s | ratio |\n| --- | --- | --- | --- |\n"
        .to_owned();
    for (name, ours_name, title) in READING {
        let once = || -> Result<f64> {
            let ours = output(&workloads, &[super::MODEL, name])?;
            let ours = ours.lines().find(|line| line.starts_with(ours_name)).unwrap_or_default();
            let speed =
                ours.split("s, ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
            Ok(speed.unwrap_or(f64::NAN))
        };
        let best = || -> Result<f64> {
            let repeats = if name == "long" { 1 } else { 3 };
            (0..repeats).try_fold(f64::NAN, |best, _| Ok(once()?.max(best)))
        };
        let before = best()?;
        let peer = lines(&python, &[script, super::MODEL, "--threads", "2", "--workloads", name])?;
        let speed = before.max(best()?);
        let theirs = peer.last().map_or(f64::NAN, |line| number(line, "tokens_per_second"));
        let _ = writeln!(text, "| {name} | {theirs:.1} | {speed:.1} | {:.2} |", speed / theirs);
        ratios.push(Ratio { workload: format!("{title} (llama.cpp)"), times: speed / theirs });
    }
    Ok(text + "\n")
}

fn requirements() -> Result<String> {
    let file = "golden/requirements.txt";
    std::fs::read_to_string(repository::root().join(file)).context(file)
}

/// The Python that the environment names, or that of a folder with `packages`, made when it is not there.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
fn python(variable: &str, folder: &str, packages: &str) -> Result<PathBuf> {
    if let Some(python) = std::env::var_os(variable) {
        return Ok(python.into());
    }
    let folder = repository::root().join(folder);
    let (python, stamp) = (folder.join("bin/python"), folder.join("packages.txt"));
    if std::fs::read_to_string(&stamp).is_ok_and(|made| made == packages) {
        return Ok(python);
    }
    println!("peers: making an environment in {} (PyTorch is large)", folder.display());
    call(Path::new("python3"), &["-m", "venv", "--clear", &folder.to_string_lossy()])?;
    let list = folder.join("wanted.txt");
    std::fs::write(&list, packages)?;
    call(&python, &["-m", "pip", "install", "--quiet", "--requirement", &list.to_string_lossy()])?;
    std::fs::write(stamp, packages)?;
    Ok(python)
}

/// Runs a program to its end; llama.cpp is built for this processor where it has to be built.
fn call(program: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    let status = command.args(arguments).env("CMAKE_ARGS", "-DGGML_NATIVE=ON").status();
    let status = status.with_context(|| program.display().to_string())?;
    if !status.success() {
        bail!("{} {}: {status}", program.display(), arguments.join(" "));
    }
    Ok(())
}
