//! First touch: without a file and without a network, the binary knows a model and data, and tunes the one
//! on the other with a clear and honest result.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use std::process::{Command, Output};

fn grimoire(arguments: &[&str], folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_built_in_model_speaks_of_its_world() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "generate",
        "builtin",
        "--prompt",
        "The Blue Heron is a",
        "--max-tokens",
        "8",
        "--temperature",
        "0",
    ];
    let output = grimoire(&arguments, folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.is_ascii() && said.trim().len() > 8, "{said:?}");
}

#[test]
fn a_dry_run_without_arguments_says_what_it_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = grimoire(&["tune", "--dry-run"], folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let talk = text(&output.stderr) + &text(&output.stdout);
    assert!(talk.contains("builtin") && talk.contains("name: "), "{talk}");
}

#[test]
fn tuning_without_arguments_ends_in_a_clear_improvement_and_a_report() {
    if !grimoire_testkit::slow("tuning_without_arguments_ends_in_a_clear_improvement_and_a_report")
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let output = grimoire(&["tune", "--json", "--out", "run"], folder.path());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let held = &report["held_out"];
    // Clear: the whole interval is an improvement by half a nat a token or more, and it is no accident.
    assert!(held["difference"]["upper"].as_f64().unwrap() < -0.5, "{held}");
    assert!(held["p_value"].as_f64().unwrap() < 1e-3, "{held}");
    // Answers keep the name that they were asked about; which words round alike on which processor may vary.
    let samples = report["samples"].as_array().unwrap();
    let of = |sample: &serde_json::Value, key: &str| {
        sample[key].as_str().unwrap().split(' ').take(3).collect::<Vec<_>>().join(" ")
    };
    let kept = |key| samples.iter().filter(|s| of(s, key) == of(s, "expected")).count();
    assert!(samples.len() >= 8 && kept("after") + 1 >= samples.len(), "{samples:?}");
    assert!(kept("before") < samples.len() / 2, "{samples:?}");
    let page = std::fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(page.contains("class=\"verdict better\""));
    assert!(folder.path().join("run/adapter/adapter_config.json").exists());
}
