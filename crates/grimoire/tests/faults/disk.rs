//! A disk that is full: the error names the file, what was saved stays whole, and the run goes on to the same bytes
//! once there is room.

use crate::bench::{Told, grimoire, limited, rows, tiny, told};
use grimoire_format::safetensors::SafeTensors;
use std::fs::File;
use std::path::Path;
use std::process::Command;

const SETTINGS: [&str; 10] = [
    "--steps",
    "6",
    "--save-every",
    "1",
    "--eval-every",
    "2",
    "--answers",
    "2",
    "--answer-tokens",
    "2",
];

pub(crate) fn tune(out: &Path, data: &Path) -> Vec<std::ffi::OsString> {
    let mut arguments = vec!["tune".into(), tiny().into(), data.into()];
    arguments.extend(SETTINGS.map(Into::into));
    arguments.extend(["--out".into(), out.into()]);
    arguments
}

pub(crate) fn adapter(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("adapter/adapter_model.safetensors")).unwrap()
}

/// Nothing half-written has a name, and nothing is left beside.
fn whole_or_absent(run: &Path) {
    for name in ["state.safetensors", "best.safetensors", "adapter/adapter_model.safetensors"] {
        let file = run.join(name);
        assert!(!file.exists() || SafeTensors::open(&file).is_ok(), "{name}");
    }
    for name in ["run.json", "before.json", "after.json", "report.json"] {
        if let Ok(text) = std::fs::read_to_string(run.join(name)) {
            serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    }
    for folder in [run.to_owned(), run.join("adapter")] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            assert!(!name.ends_with(".tmp"), "{name} is left");
        }
    }
}

/// Goes on with a run where there is room, or begins it again where nothing of it was kept.
fn go_on(run: &Path, data: &Path) -> Told {
    if run.join("run.json").exists() {
        return told(grimoire(["tune", "--resume"]).arg(run));
    }
    told(&mut grimoire(tune(run, data)))
}

#[test]
fn a_limit_on_the_size_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let whole = folder.path().join("whole");
    told(&mut grimoire(tune(&whole, &data))).works();
    let expected = adapter(&whole);
    let mut refused = Vec::new();
    // In blocks of the shell, 512 bytes or 1024: from less than run.json to all but the last file.
    for limit in ["0", "1", "2", "8", "32", "64", "96", "128"] {
        let run = folder.path().join(format!("limit-{limit}"));
        let stopped = told(&mut limited("ulimit -f", limit, tune(&run, &data)));
        if stopped.code != Some(0) {
            stopped.refuses(&["cannot ", "large"]);
            refused.push(stopped.refusal().to_owned());
            let resume = format!("--resume {}", run.display());
            assert!(!run.join("run.json").exists() || stopped.stderr.contains(&resume));
        }
        whole_or_absent(&run);
        go_on(&run, &data).works();
        assert_eq!(adapter(&run), expected, "limit {limit}");
    }
    eprintln!("{refused:#?}");
    assert!(refused.len() >= 5, "{refused:?}");
    assert!(refused.iter().any(|line| line.contains("state.safetensors")), "{refused:?}");
}

#[test]
fn a_disk_that_fills_up() {
    let name = "a_disk_that_fills_up";
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    let whole = folder.path().join("whole");
    told(&mut grimoire(tune(&whole, &data))).works();
    let (disk, copy) = (folder.path().join("disk"), folder.path().join("copy"));
    std::fs::create_dir(&disk).unwrap();
    // A mount of its own that goes with the child; what is on the disk at the end is copied off it.
    let script = "mount -t tmpfs -o size=\"$1\" tmpfs \"$2\" || exit 77; copy=\"$3\"; disk=\"$2\"; shift 3; \
                  \"$@\"; code=$?; cp -r \"$disk\" \"$copy\"; exit $code";
    let mut refused = Vec::new();
    for size in ["8k", "16k", "64k", "128k", "192k", "256k", "320k", "400k"] {
        let _ = std::fs::remove_dir_all(&copy);
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh", size]).args([&disk, &copy]);
        command.arg(env!("CARGO_BIN_EXE_grimoire")).args(tune(&disk.join("run"), &data));
        let stopped = told(&mut command);
        if stopped.code == Some(77) || stopped.stderr.contains("unshare") {
            grimoire_testkit::skip(name, "this account may not mount a small disk");
            return;
        }
        if stopped.code != Some(0) {
            stopped.refuses(&["cannot ", "space"]);
            refused.push(stopped.refusal().to_owned());
        }
        let run = copy.join("run");
        whole_or_absent(&run);
        go_on(&run, &data).works();
        assert_eq!(adapter(&run), adapter(&whole), "disk of {size}");
    }
    eprintln!("{refused:#?}");
    assert!(refused.len() >= 4, "{refused:?}");
    assert!(refused.iter().any(|line| line.contains("state.safetensors")), "{refused:?}");
}

#[test]
fn standard_output_on_a_full_disk() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        grimoire_testkit::skip("standard_output_on_a_full_disk", "there is no /dev/full here");
        return;
    };
    let model = tiny();
    let generate = ["generate", model.to_str().unwrap(), "--prompt", "ab", "--max-tokens", "2"];
    for arguments in [&generate[..], &["book", "softmax"], &["stats", "--help"], &["--version"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
        let output = command.args(arguments).stdout(full.try_clone().unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        let expected = "error: standard output: cannot write: No space left on device";
        assert!(said.starts_with(expected) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    for arguments in [&["book", "softmax"][..], &["stats", "--help"], &["--version"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_grimoire"));
        let output = command.args(arguments).stdout(writer).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn what_does_not_fit_in_memory_is_refused_before_it_is_taken() {
    let name = "what_does_not_fit_in_memory_is_refused_before_it_is_taken";
    let folder = tempfile::tempdir().unwrap();
    let data = rows(folder.path());
    // A machine with 20 MB left, as the child sees it.
    let meminfo = folder.path().join("meminfo");
    std::fs::write(&meminfo, "MemTotal: 8000000 kB\nMemAvailable: 20000 kB\n").unwrap();
    let script = "mount --bind \"$1\" /proc/meminfo || exit 77; program=\"$2\"; shift 2; exec \"$program\" \"$@\"";
    let refused_by = |more: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).arg(&meminfo);
        command.arg(env!("CARGO_BIN_EXE_grimoire")).args(tune(&folder.path().join("run"), &data));
        told(command.args(more))
    };
    let wide = ["--micro-tokens", "100000", "--batch", "40000"];
    for more in [&wide[..], &["--dry-run", "--micro-tokens", "100000", "--batch", "40000"]] {
        let stopped = refused_by(more);
        if stopped.code == Some(77) || stopped.stderr.contains("unshare") {
            grimoire_testkit::skip(name, "this account may not show a child another /proc/meminfo");
            return;
        }
        stopped.refuses(&["of memory, and 20 MB are available"]);
        assert!(stopped.stderr.contains("hint: a smaller --max-length"), "{stopped:?}");
    }
    assert!(!folder.path().join("run").exists());
}
