//! Files and folders that may not be read or written: the error names the one that is closed and says so, and what
//! was saved stays as it was.

use crate::bench::{copy_folder, golden, grimoire, rows, tiny, told};
use crate::disk::{adapter, tune};
use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The user `nobody`, whom permissions bind.
const NOBODY: u32 = 65534;
const DENIED: &str = "ermission denied";

fn mode(path: &Path, bits: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
}

/// A folder with the program, a model and rows, where a user whom permissions bind can reach them.
struct Stranger {
    folder: tempfile::TempDir,
    /// Whether permissions bind this account too.
    bound: bool,
}

impl Stranger {
    /// None where nobody is bound; the skip of `test` is recorded.
    fn new(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        mode(folder.path(), 0o755);
        let mut stranger = Self { folder, bound: false };
        let at = |name: &str| stranger.at(name);
        std::fs::copy(env!("CARGO_BIN_EXE_grimoire"), at("grimoire")).unwrap();
        std::fs::copy(tiny(), at("model.gguf")).unwrap();
        rows(stranger.folder.path());
        for (name, bits) in [("grimoire", 0o755), ("model.gguf", 0o644), ("rows.jsonl", 0o644)] {
            mode(&at(name), bits);
        }
        for (name, bits) in [("locked", 0o555), ("open", 0o777)] {
            std::fs::create_dir(at(name)).unwrap();
            mode(&at(name), bits);
        }
        let probe = File::options().write(true).create_new(true).open(at("locked/probe"));
        let bound = probe.is_err();
        let _ = std::fs::remove_file(at("locked/probe"));
        stranger.bound = bound;
        if !stranger.may_run() {
            let why = "permissions do not bind this account, and it may not run as another";
            grimoire_testkit::skip(test, why);
            return None;
        }
        Some(stranger)
    }

    fn may_run(&self) -> bool {
        // A child of another test holds the program open for writing until it has become what it runs.
        let busy = |error: &std::io::Error| error.kind() == ErrorKind::ExecutableFileBusy;
        loop {
            match self.run(["--version"]).output() {
                Err(error) if busy(&error) => std::thread::sleep(Duration::from_millis(5)),
                tried => return tried.is_ok(),
            }
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program as somebody whom permissions bind.
    fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(self.at("grimoire"));
        command.args(arguments).current_dir("/");
        if !self.bound {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// While `closed` may not be read, `generate` and `model merge` of `model` say `words` of it.
    #[track_caller]
    fn refused(&self, closed: &str, model: &str, adapter: Option<&str>, words: &[&str]) {
        let (closed, model) = (self.at(closed), self.at(model));
        let bits = closed.metadata().unwrap().permissions().mode();
        mode(&closed, 0);
        let adapter = adapter.map(|adapter| self.at(adapter));
        let model = model.to_str().unwrap();
        let beside = adapter.as_ref().map(|path| ["--adapter", path.to_str().unwrap()]);
        let mut generate = self.run(["generate", model, "--prompt", "a"]);
        let mut merge = self.run(["model", "merge", model]);
        let out = self.at("open/merged.gguf");
        merge.args(adapter.as_ref()).arg("--out").arg(&out);
        let told = [told(generate.args(beside.into_iter().flatten())), told(&mut merge)];
        mode(&closed, bits);
        for told in told {
            told.refuses(words);
            told.refuses(&[DENIED]);
        }
        assert!(!out.exists(), "a refusal left a file");
    }
}

#[test]
fn no_permission() {
    let Some(stranger) = Stranger::new("no_permission") else { return };
    let at = |name: &str| stranger.at(name);
    std::fs::copy(at("model.gguf"), at("secret.gguf")).unwrap();
    std::fs::copy(at("rows.jsonl"), at("secret.jsonl")).unwrap();
    mode(&at("secret.gguf"), 0);
    mode(&at("secret.jsonl"), 0);
    let [tune, generate, out, prompt, resume, a] =
        ["tune", "generate", "--out", "--prompt", "--resume", "a"].map(Path::new);
    let (model, data) = (at("model.gguf"), at("rows.jsonl"));
    let refused = |arguments: &[&Path], file: &str| {
        told(&mut stranger.run(arguments)).refuses(&[file, DENIED]);
    };
    refused(&[generate, &at("secret.gguf"), prompt, a], "secret.gguf");
    refused(&[tune, &at("secret.gguf"), &data, out, &at("open/x")], "secret.gguf");
    refused(&[tune, &model, &at("secret.jsonl"), out, &at("open/x")], "secret.jsonl");
    refused(&[tune, &model, &data, out, &at("locked/run")], "locked/run");

    // A run that somebody else began can be read and not gone on with; it stays as it was.
    let begun = at("begun");
    told(&mut grimoire(crate::disk::tune(&begun, &data))).works();
    let copy = at("copy");
    copy_folder(&begun, &copy);
    mode(&begun.join("adapter"), 0o555);
    mode(&begun, 0o555);
    let stopped = told(&mut stranger.run([tune, resume, &begun]));
    stopped.refuses(&["begun", DENIED]);
    assert_eq!(adapter(&begun), adapter(&copy));
    let state = |run: &Path| std::fs::read(run.join("state.safetensors")).unwrap();
    assert_eq!(state(&begun), state(&copy));
    mode(&begun, 0o755);
    mode(&begun.join("adapter"), 0o755);
    mode(&at("locked"), 0o755);
}

/// A run that has ended and may not be read has ended all the same.
#[test]
fn a_run_that_may_not_be_read() {
    let Some(stranger) = Stranger::new("a_run_that_may_not_be_read") else { return };
    let mut tuned = vec!["tune".into(), stranger.at("model.gguf").into()];
    tuned.extend(tune(&stranger.at("run"), &stranger.at("rows.jsonl")).into_iter().skip(2));
    told(&mut grimoire(tuned)).works();
    for name in ["run", "run/adapter"] {
        mode(&stranger.at(name), 0o755);
    }
    for entry in ["run.json", "adapter/adapter_config.json", "adapter/adapter_model.safetensors"] {
        mode(&stranger.at("run").join(entry), 0o644);
    }
    for (closed, named) in [
        ("run", "/run: cannot open: "),
        ("run/run.json", "/run/run.json: "),
        ("run/adapter", "/run/adapter: cannot open: "),
        ("run/adapter/adapter_config.json", "/adapter_config.json: cannot open: "),
        ("run/adapter/adapter_model.safetensors", "/adapter_model.safetensors: cannot open: "),
    ] {
        stranger.refused(closed, "run", None, &[named]);
        stranger.refused(closed, "model.gguf", Some("run"), &[named]);
    }
    // An adapter by itself, in a folder that is closed.
    stranger.refused("run", "model.gguf", Some("run/adapter"), &["/run: cannot open: "]);
}

#[test]
fn a_model_that_may_not_be_read() {
    let Some(stranger) = Stranger::new("a_model_that_may_not_be_read") else { return };
    std::fs::create_dir(stranger.at("models")).unwrap();
    let folder = stranger.at("models/llama");
    copy_folder(&golden("models/llama"), &folder);
    std::fs::copy(tiny(), stranger.at("models/x.gguf")).unwrap();
    for name in ["config.json", "model.safetensors"] {
        mode(&folder.join(name), 0o644);
    }
    mode(&folder, 0o755);
    mode(&stranger.at("models"), 0o755);
    for (closed, named) in [
        ("models/llama", "/models/llama: cannot open: "),
        ("models/llama/config.json", "/config.json: cannot "),
        ("models/llama/model.safetensors", "/model.safetensors: cannot open: "),
        ("models", "/models: cannot open: "),
    ] {
        stranger.refused(closed, "models/llama", None, &[named]);
    }
    stranger.refused("models", "models/x.gguf", None, &["/models: cannot open: "]);
    // Weights behind a link, as in the cache of a hub.
    std::fs::create_dir(stranger.at("blobs")).unwrap();
    mode(&stranger.at("blobs"), 0o755);
    std::fs::rename(folder.join("config.json"), stranger.at("blobs/1")).unwrap();
    std::os::unix::fs::symlink(stranger.at("blobs/1"), folder.join("config.json")).unwrap();
    stranger.refused("blobs", "models/llama", None, &["/llama/config.json: cannot open: "]);
}
