//! The bench that broken things are tried on: a child that may take four gigabytes and a minute, what it told, and
//! seeded damage to bytes.

use grimoire_stats::random::{Draws, Random};
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Address space of a child, in KiB: a header that is believed asks for more.
const SPACE: &str = "4194304";
/// No refusal takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a child ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) what: String,
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program, under the limit on its address space.
pub(crate) fn grimoire<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    limited("ulimit -v", SPACE, arguments)
}

/// The program under a limit of the shell, such as `ulimit -v` or `ulimit -f`.
pub(crate) fn limited<A: AsRef<OsStr>>(
    limit: &str,
    value: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit} {value} && exec \"$0\" \"$@\"")]);
    command.arg(env!("CARGO_BIN_EXE_grimoire")).args(arguments);
    command
}

/// Runs a child to its end; one that does not end is a failure of the test.
pub(crate) fn told(command: &mut Command) -> Told {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let what = format!("{command:?}");
    let mut child = command.spawn().unwrap();
    let (out, err) = (heard(child.stdout.take().unwrap()), heard(child.stderr.take().unwrap()));
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("{what}: did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Told { what, code: status.code(), stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

/// Listens to a child while it runs. Through a pipe: a limit on the size of files would hold for a file as well,
/// and no message would get into it.
fn heard(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Told {
    /// The one line of a refusal; everything after it is at most a hint.
    pub(crate) fn refusal(&self) -> &str {
        assert!(matches!(self.code, Some(1 | 2)), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        let mut lines = self.stderr.lines().skip_while(|line| !line.starts_with("error: "));
        let line = lines.next().unwrap_or_else(|| panic!("no error: {self:#?}"));
        let rest: Vec<&str> = lines.collect();
        assert!(
            rest.len() <= 1 && rest.iter().all(|line| line.starts_with("hint: ")),
            "more than one line: {self:#?}"
        );
        line
    }

    /// A refusal that says all of `words`.
    #[track_caller]
    pub(crate) fn refuses(&self, words: &[&str]) {
        let line = self.refusal();
        for word in words {
            assert!(line.contains(word), "{word:?} is not in {line:?} of {}", self.what);
        }
    }

    /// Success, or a refusal that names `file`.
    #[track_caller]
    pub(crate) fn works_or_refuses(&self, file: &str) {
        if self.code != Some(0) {
            self.refuses(&[file]);
        }
    }

    #[track_caller]
    pub(crate) fn works(&self) {
        assert_eq!(self.code, Some(0), "{self:#?}");
    }
}

/// A file of the recorded values.
pub(crate) fn golden(name: &str) -> PathBuf {
    grimoire_testkit::repository_root().join("golden").join(name)
}

/// A tiny real model of one layer, context 64, with a tokenizer of 96 tokens.
pub(crate) fn tiny() -> PathBuf {
    golden("models/gguf/F32.gguf")
}

/// Rows that the tiny model can be tuned on.
pub(crate) fn rows(folder: &Path) -> PathBuf {
    let line = |n: usize| format!("{{\"prompt\": \"a{n}\", \"completion\": \"b c {n}\"}}\n");
    let path = folder.join("rows.jsonl");
    std::fs::write(&path, (0..40).map(line).collect::<String>()).unwrap();
    path
}

/// Copies a folder of plain files.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Draws for one file's damage; the seed is fixed, so that a failure is seen again.
pub(crate) fn draws(stream: u64) -> Draws {
    Random::new(17, stream).draws(0)
}

/// `bytes` with one to three bits turned within the first `head`.
pub(crate) fn flipped(bytes: &[u8], head: usize, draws: &mut Draws) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=draws.below(3) {
        let at = draws.below(head.min(bytes.len()) as u64) as usize;
        out[at] ^= 1 << draws.below(8);
    }
    out
}

/// Lengths to cut `n` bytes to: every early one that matters, and `more` drawn.
pub(crate) fn cuts(n: usize, more: usize, draws: &mut Draws) -> Vec<usize> {
    let mut cuts = vec![0, 1, 3, 4, 7, 8, 9, 12, 16, 23, 24, 25, 32, n / 2, n - 33, n - 1];
    cuts.extend((0..more).map(|_| draws.below(n as u64) as usize));
    cuts.retain(|cut| *cut < n);
    cuts
}
