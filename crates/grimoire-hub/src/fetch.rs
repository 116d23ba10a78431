//! From a reference to a path: asks the hub, brings what is missing, and falls back on the cache.

use crate::cache::Repository;
use crate::choose::{Choice, choose_for, shards};
use crate::client::{Announced, Client};
use crate::download::Download;
use crate::reference::{Reference, is_relative};
use crate::settings::Settings;
use crate::{HubError, Result};
use std::path::PathBuf;

/// What happens on the way, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// This many files make the model; of a data set it is one.
    Files {
        /// How many.
        count: usize,
    },
    /// A file is about to be received; `done` bytes are there from an earlier attempt.
    Started {
        /// The file.
        file: &'a str,
        /// Bytes in all.
        size: u64,
        /// Bytes already there.
        done: u64,
    },
    /// Bytes arrived.
    Received {
        /// The file.
        file: &'a str,
        /// Bytes there now.
        done: u64,
    },
    /// The file is in the cache.
    Finished {
        /// The file.
        file: &'a str,
    },
    /// The connection broke and is tried again.
    Retrying {
        /// The file.
        file: &'a str,
        /// What happened.
        reason: &'a str,
    },
    /// Another process is fetching the file.
    Waiting {
        /// The file.
        file: &'a str,
    },
    /// The hub cannot be reached; the cache has the model and is used.
    Unreachable {
        /// What happened.
        reason: &'a str,
    },
}

/// A model, or a file of a data set, in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The snapshot folder, or the file where one was asked for or is the model.
    pub path: PathBuf,
    /// The commit that the revision stands for.
    pub commit: String,
}

/// A hub and a cache.
#[derive(Debug)]
pub struct Hub {
    settings: Settings,
}

impl Hub {
    /// With these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// The settings in use.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Brings a model or a file of a data set into the cache, or finds it there, and says where it is.
    ///
    /// # Errors
    /// When the hub has not what was asked for, refuses it or cannot be reached while the cache lacks it; when
    /// what arrives is damaged; when the cache cannot be written.
    pub fn fetch(&self, reference: &Reference, event: &mut dyn FnMut(Event)) -> Result<Fetched> {
        if self.settings.offline {
            return self.cached(reference, "HF_HUB_OFFLINE is set");
        }
        let client = Client::new(&self.settings);
        let listing = match client.listing(reference) {
            Ok(listing) => listing,
            Err(error @ HubError::Network { .. }) => {
                let reason = error.to_string();
                return match self.cached(reference, &reason) {
                    Ok(found) => {
                        event(Event::Unreachable { reason: &reason });
                        Ok(found)
                    }
                    Err(_) => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        let files: Vec<String> = listing.siblings.into_iter().map(|sibling| sibling.name).collect();
        let choice = match reference.file() {
            Some(file) if files.iter().any(|other| other == file) => Choice::File(file.to_owned()),
            Some(file) => {
                let what = format!("file {file} in repository {}", reference.repo());
                return Err(HubError::NotFound { what, endpoint: self.settings.endpoint.clone() });
            }
            None => choose_for(reference, &files)?,
        };
        let repository = Repository::new(&self.settings.cache, reference);
        let job = Job { hub: self, client, repository, reference, commit: listing.sha };
        let path = job.run(choice, event)?;
        job.repository.remember(reference.revision(), &job.commit)?;
        Ok(Fetched { path, commit: job.commit })
    }

    /// The model as the cache has it, without any network.
    ///
    /// # Errors
    /// When the cache has it not, or not whole; `reason` says why the network was not used.
    fn cached(&self, reference: &Reference, reason: &str) -> Result<Fetched> {
        let absent = |reason: String| HubError::NotCached {
            what: reference.to_string(),
            cache: self.settings.cache.clone(),
            reason,
        };
        let repository = Repository::new(&self.settings.cache, reference);
        let Some(commit) = repository.commit(reference.revision()) else {
            return Err(absent(reason.to_owned()));
        };
        let (snapshot, files) = (repository.snapshot(&commit), repository.files(&commit));
        let has = |name: &String| files.contains(name);
        let path = match reference.file() {
            Some(file) if has(&file.to_owned()) => snapshot.join(file),
            Some(_) => return Err(absent(reason.to_owned())),
            None => match choose_for(reference, &files) {
                Ok(Choice::File(file)) => snapshot.join(file),
                Ok(Choice::Folder(_)) => snapshot,
                Ok(Choice::Sharded(names)) => {
                    let index = names.last().map(|index| snapshot.join(index)).unwrap_or_default();
                    if let Some(missing) = shards(&index)?.iter().find(|shard| !has(shard)) {
                        return Err(absent(format!("{missing} is missing, and {reason}")));
                    }
                    snapshot
                }
                Err(_) if files.is_empty() => return Err(absent(reason.to_owned())),
                Err(error) => return Err(absent(format!("{error}, and {reason}"))),
            },
        };
        Ok(Fetched { path, commit })
    }
}

/// One fetch with everything it needs.
struct Job<'a> {
    hub: &'a Hub,
    client: Client,
    repository: Repository,
    reference: &'a Reference,
    commit: String,
}

impl Job<'_> {
    fn run(&self, choice: Choice, event: &mut dyn FnMut(Event)) -> Result<PathBuf> {
        match choice {
            Choice::File(file) => {
                event(Event::Files { count: 1 });
                self.file(&file, event)
            }
            Choice::Folder(files) => {
                event(Event::Files { count: files.len() });
                files.iter().try_for_each(|file| self.file(file, event).map(|_| ()))?;
                Ok(self.repository.snapshot(&self.commit))
            }
            Choice::Sharded(files) => {
                let mut index = PathBuf::new();
                for file in &files {
                    index = self.file(file, event)?;
                }
                let shards = shards(&index)?;
                event(Event::Files { count: files.len() + shards.len() });
                shards.iter().try_for_each(|file| self.file(file, event).map(|_| ()))?;
                Ok(self.repository.snapshot(&self.commit))
            }
        }
    }

    /// What the hub announces about a file, asked again when the connection breaks.
    fn announced(
        &self,
        file: &str,
        what: &str,
        url: &str,
        event: &mut dyn FnMut(Event),
    ) -> Result<Announced> {
        let mut attempt = 1;
        loop {
            match self.client.announced(what, url) {
                Err(error) if error.is_transient() && attempt < self.hub.settings.attempts => {
                    event(Event::Retrying { file, reason: &error.to_string() });
                    self.hub.settings.wait_after(attempt);
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Brings one file into the snapshot.
    fn file(&self, file: &str, event: &mut dyn FnMut(Event)) -> Result<PathBuf> {
        let url = self.client.url(self.reference, &self.commit, file);
        if !is_relative(file) {
            let expected = "a plain path inside of the repository".into();
            return Err(HubError::Answer { url, expected, found: format!("{file:?}") });
        }
        let what = format!("file {file} in repository {}", self.reference.repo());
        let announced = self.announced(file, &what, &url, event)?;
        if let Some(other) = announced.commit.as_ref().filter(|other| **other != self.commit) {
            let expected = format!("commit {}", self.commit);
            return Err(HubError::Answer { url, expected, found: format!("commit {other:?}") });
        }
        Download {
            client: &self.client,
            settings: &self.hub.settings,
            repository: &self.repository,
            file,
            url: &url,
            announced: &announced,
        }
        .run(event)?;
        self.repository.link(&self.commit, file, &announced.etag)
    }
}
