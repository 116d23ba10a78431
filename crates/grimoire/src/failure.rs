//! What a command says when it cannot go on: one line that names the thing, perhaps a hint, and the
//! exit code (1 the work failed, 2 the call was wrong). Libraries have typed errors; this is the edge.

use std::fmt;

/// The outcome of every command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command stopped, in words for the person who typed it.
#[derive(Debug)]
pub(crate) struct Failure {
    cause: anyhow::Error,
    hint: Option<String>,
    usage: bool,
}

impl Failure {
    /// The work failed (exit code 1).
    pub(crate) fn work(message: impl fmt::Display) -> Self {
        Self { cause: anyhow::anyhow!("{message}"), hint: None, usage: false }
    }

    /// The call was wrong (exit code 2).
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { cause: anyhow::anyhow!("{message}"), hint: None, usage: true }
    }

    /// Standard output did not take what was written to it.
    pub(crate) fn standard_output(error: std::io::Error) -> Self {
        anyhow::Error::new(error).context("standard output: cannot write").into()
    }

    /// Adds the line that says what to do.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Adds the line that says what to do, where there is none yet.
    pub(crate) fn or_hint(self, hint: impl fmt::Display) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// Numbers outside their domain make the call wrong, also where a library noticed it.
    pub(crate) fn domain_is_usage(mut self) -> Self {
        let noticed = self.cause.downcast_ref::<grimoire_stats::Error>();
        self.usage |= noticed.is_some_and(grimoire_stats::Error::is_wrong_question);
        self
    }

    /// 1 the work failed, 2 the call was wrong.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.usage { 2 } else { 1 }
    }

    /// A reader that went away is no failure of ours.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.cause.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
        })
    }

    /// The hint, where there is one.
    pub(crate) fn hint_line(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Failure {
    /// The causes, outermost first, on one line; a cause that was said already is not said again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::new();
        for cause in self.cause.chain().map(|cause| cause.to_string()) {
            if line.is_empty() {
                line = cause;
            } else if !line.ends_with(&cause) {
                line = format!("{line}: {cause}");
            }
        }
        f.write_str(&line.replace('\n', " "))
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { cause: error.into(), hint: None, usage: false }
    }
}
