//! `kill -9` at random points, resumed on another number of threads each time: the same adapter, byte for byte, as
//! the run that was never killed. The moments come from a seed, which is printed; GRIMOIRE_KILL_SEED repeats them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_format::safetensors::SafeTensors;
use grimoire_stats::random::{Draws, Random};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Kills of one run: at random moments, and while a snapshot is being written.
const AT_RANDOM: usize = 6;
const WHILE_SAVING: usize = 4;
const STEPS: usize = 16;

fn begin(out: &Path, threads: u64) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
    command.args(["tune", "builtin", "--threads", &threads.to_string(), "--batch", "4"]);
    command.args(["--steps", &STEPS.to_string(), "--eval-every", "4", "--save-every", "1"]);
    command.args(["--answers", "2", "--answer-tokens", "12", "--out"]).arg(out);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Goes on with a run, or begins it where it was killed before it had a folder.
fn go_on(out: &Path, threads: u64) -> Child {
    if !out.join("run.json").exists() {
        return begin(out, threads).spawn().unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
    command.args(["tune", "--threads", &threads.to_string(), "--resume"]).arg(out);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn adapter(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("adapter/adapter_model.safetensors")).unwrap()
}

/// The seed of this run of the test: as asked, else from the clock.
fn seed() -> u64 {
    let asked = std::env::var("GRIMOIRE_KILL_SEED").ok().and_then(|text| text.parse().ok());
    let clock = || std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as u64;
    asked.unwrap_or_else(clock)
}

/// A snapshot that is being written beside its place, if there is one.
fn being_saved(run: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(run).ok()?;
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(".state.safetensors.") || name.starts_with(".best.safetensors.")
    })
}

/// Waits for a moment, or for a snapshot that is being written, and kills. False when the run ended first.
fn kill(child: &mut Child, run: &Path, moment: Option<Duration>) -> bool {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the run failed by itself");
            return false;
        }
        let now = match moment {
            Some(moment) => start.elapsed() >= moment,
            None => being_saved(run).is_some(),
        };
        if now {
            child.kill().unwrap();
            // A run that ended between the look and the signal was not killed.
            return !child.wait().unwrap().success();
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Checkpoints are whole or absent, whenever the run was killed.
fn check(run: &Path) {
    for name in ["state.safetensors", "best.safetensors"] {
        let file = run.join(name);
        if file.exists() {
            SafeTensors::open(&file).unwrap();
        }
    }
    for name in ["run.json", "before.json"] {
        if let Ok(text) = std::fs::read_to_string(run.join(name)) {
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }
}

/// Kills a run as often as was promised, each piece on another number of threads. Returns how many kills came
/// while a snapshot was being written.
fn killed_often(run: &Path, typical: Duration, draws: &mut Draws) -> usize {
    let mut moments: Vec<Option<Duration>> = vec![None; WHILE_SAVING];
    // A third of a whole run at most, so that the kills come before the end.
    moments.extend((0..AT_RANDOM).map(|_| Some(typical.mul_f64(draws.uniform() / 3.0))));
    draws.shuffle(&mut moments);
    let (mut kills, mut half_written, mut threads) = (0, 0, 1);
    for moment in moments {
        threads = 1 + (threads + draws.below(2)) % 3;
        let mut child = go_on(run, threads);
        let killed = kill(&mut child, run, moment);
        kills += usize::from(killed);
        half_written += usize::from(killed && being_saved(run).is_some());
        check(run);
    }
    let last = go_on(run, 1 + threads % 3).wait().unwrap();
    assert!(last.success());
    eprintln!("killed {kills} times, {half_written} of them with a snapshot half written");
    // A moment may still come after the end, and a finished run is only read again.
    assert!(kills >= 6, "the run was killed only {kills} times");
    assert_eq!(being_saved(run), None, "what was half written is swept away");
    half_written
}

#[test]
fn a_run_killed_at_random_points_gives_the_same_bytes() {
    let seed = seed();
    eprintln!("GRIMOIRE_KILL_SEED={seed} repeats this run");
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let start = Instant::now();
    assert!(begin(&whole, 2).status().unwrap().success());
    let typical = start.elapsed();
    let mut half_written = 0;
    for round in 0..2 {
        let run = folder.path().join(format!("killed-{round}"));
        half_written += killed_often(&run, typical, &mut Random::new(seed, round).draws(0));
        assert_eq!(adapter(&run), adapter(&whole), "seed {seed}, round {round}");
        let lines = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), STEPS, "one line a step");
    }
    assert!(half_written > 0, "no kill came while a snapshot was being written, seed {seed}");
}
