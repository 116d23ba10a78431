//! Why a model or a data set could not be fetched, and what to do about it.

use std::path::{Path, PathBuf};

/// What can go wrong between here and the hub.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The text is not `org/name[@revision]` or `org/name/file[@revision]`.
    #[error("{text:?} is no name on a hub: {reason}")]
    Reference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The hub cannot be reached, or the connection broke again and again.
    #[error("{url}: {reason}")]
    Network {
        /// What was asked for.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The hub answered with a status that is no success.
    #[error("{url}: status {status}{}", message(reason))]
    Status {
        /// What was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the hub said about it.
        reason: String,
    },
    /// No such repository, revision or file, or no right to know of it.
    #[error("{what} was not found on {endpoint}")]
    NotFound {
        /// The thing.
        what: String,
        /// The hub.
        endpoint: String,
    },
    /// The hub refuses this repository to this caller.
    #[error("{what} on {endpoint} is refused (status {status}{})", message(reason))]
    Refused {
        /// The thing.
        what: String,
        /// The hub.
        endpoint: String,
        /// 401 or 403.
        status: u16,
        /// What the hub said about it.
        reason: String,
        /// Whether a token was sent.
        with_token: bool,
    },
    /// The repository has not what a model needs, or no file of data that is read here.
    #[error("{what}: {reason}")]
    Unusable {
        /// The repository.
        what: String,
        /// What is missing, and what there is.
        reason: String,
    },
    /// The network may not or cannot be used, and the cache has not what was asked for.
    #[error("{what} is not in the cache {}: {reason}", cache.display())]
    NotCached {
        /// The repository or file.
        what: String,
        /// The cache folder.
        cache: PathBuf,
        /// Why the network was not used, or what is missing.
        reason: String,
    },
    /// What arrived is not what the hub announced; nothing of it was kept.
    #[error("{url}: expected {expected}, received {received}")]
    Damaged {
        /// The file.
        url: String,
        /// Size or hash announced.
        expected: String,
        /// Size or hash of what arrived.
        received: String,
    },
    /// An answer that no hub should give.
    #[error("{url}: expected {expected}, found {found}")]
    Answer {
        /// What was asked for.
        url: String,
        /// What the protocol says.
        expected: String,
        /// What was answered.
        found: String,
    },
    /// The cache cannot be read or written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl HubError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, action, source }
    }

    /// Whether asking again may help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Network { .. } => true,
            Self::Status { status, .. } => *status >= 500 || matches!(status, 408 | 429),
            _ => false,
        }
    }

    /// What the person may do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { with_token: false, .. } => Some(
                "set HF_TOKEN to a token that may read it (and accept its terms on the hub's page)",
            ),
            Self::Refused { with_token: true, .. } => Some(
                "the token sent may not read it: accept its terms on the hub's page, or use another token",
            ),
            Self::NotFound { .. } => Some(
                "check the spelling; a private repository is shown only to a token that may read it (HF_TOKEN)",
            ),
            Self::Network { .. } => Some(
                "run it again to resume; HF_ENDPOINT names another hub, HF_HUB_OFFLINE=1 uses the cache alone",
            ),
            Self::NotCached { .. } => Some("run it once with a network and without HF_HUB_OFFLINE"),
            Self::Damaged { .. } => {
                Some("run it again; if it stays so, the hub or a proxy alters the file")
            }
            Self::Status { status: 429, .. } => {
                Some("the hub limits how often it is asked; try later")
            }
            _ => None,
        }
    }
}

fn message(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
