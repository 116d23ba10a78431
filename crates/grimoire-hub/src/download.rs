//! One file from the hub into the cache: resumed where it broke, and admitted only when size and hash
//! are those that were announced.

use crate::cache::Repository;
use crate::client::{Announced, Client, header, network};
use crate::fetch::Event;
use crate::settings::Settings;
use crate::{HubError, Result};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The hash by which a blob is named, fed as bytes go by.
enum Hash {
    /// Large files: SHA-256 of the content.
    Content(Sha256),
    /// Small files: git's name of a blob, SHA-1 of `blob <size>\0` and the content.
    GitBlob(Sha1),
}

impl Hash {
    fn new(announced: &Announced) -> Self {
        if announced.etag.len() == 64 {
            return Self::Content(Sha256::new());
        }
        let mut git = Sha1::new();
        git.update(format!("blob {}\0", announced.size));
        Self::GitBlob(git)
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Content(hash) => hash.update(bytes),
            Self::GitBlob(hash) => hash.update(bytes),
        }
    }

    fn hex(self) -> String {
        let bytes = match self {
            Self::Content(hash) => hash.finalize().to_vec(),
            Self::GitBlob(hash) => hash.finalize().to_vec(),
        };
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A file on its way.
pub(crate) struct Download<'a> {
    pub(crate) client: &'a Client,
    pub(crate) settings: &'a Settings,
    pub(crate) repository: &'a Repository,
    /// The name of the file, for the events.
    pub(crate) file: &'a str,
    pub(crate) url: &'a str,
    pub(crate) announced: &'a Announced,
}

/// Why one attempt ended early.
enum Broken {
    /// Trying again may help.
    Transient(HubError),
    /// It will not.
    Final(HubError),
}

impl From<HubError> for Broken {
    fn from(error: HubError) -> Self {
        if error.is_transient() { Self::Transient(error) } else { Self::Final(error) }
    }
}

impl Download<'_> {
    /// Brings the blob into the cache, unless it is there.
    pub(crate) fn run(&self, event: &mut dyn FnMut(Event)) -> Result<()> {
        let Announced { etag, size, .. } = self.announced;
        if self.repository.blob(etag).exists() {
            return Ok(());
        }
        let lock = self.repository.lock(etag, || event(Event::Waiting { file: self.file }))?;
        if self.repository.blob(etag).exists() {
            return Ok(()); // The other process fetched it.
        }
        let path = self.repository.incomplete(etag);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(HubError::io(&path, "open"))?;
        let resumed = self.resume(&mut file, &path)?;
        event(Event::Started { file: self.file, size: *size, done: resumed });
        let received = match self.complete(&mut file, &path, resumed, event)? {
            // Old bytes may have been damaged: once more from the beginning before it is an error.
            wrong if wrong != *etag && resumed > 0 => {
                event(Event::Retrying { file: self.file, reason: "the part kept was damaged" });
                event(Event::Started { file: self.file, size: *size, done: 0 });
                self.complete(&mut file, &path, 0, event)?
            }
            received => received,
        };
        if received != *etag {
            drop(file);
            let _ = std::fs::remove_file(&path);
            return Err(HubError::Damaged {
                url: self.url.to_owned(),
                expected: format!("content with hash {etag}"),
                received: received.clone(),
            });
        }
        self.repository.admit(etag, file)?;
        event(Event::Finished { file: self.file });
        drop(lock);
        Ok(())
    }

    /// How much of an earlier attempt can be used; more than there should be cannot.
    fn resume(&self, file: &mut File, path: &Path) -> Result<u64> {
        let length = file.metadata().map_err(HubError::io(path, "read"))?.len();
        if length <= self.announced.size {
            return Ok(length);
        }
        file.set_len(0).map_err(HubError::io(path, "write"))?;
        Ok(0)
    }

    /// Fills the file up from `from` on and gives the hash of the whole.
    fn complete(
        &self,
        file: &mut File,
        path: &Path,
        from: u64,
        event: &mut dyn FnMut(Event),
    ) -> Result<String> {
        let mut hash = Hash::new(self.announced);
        let mut done = hash_prefix(file, path, from, &mut hash)?;
        file.set_len(done).map_err(HubError::io(path, "write"))?;
        let mut fruitless = 0;
        while done < self.announced.size {
            let before = done;
            match self.attempt(file, path, &mut done, &mut hash, event) {
                Ok(()) => {}
                Err(Broken::Final(error)) => return Err(error),
                Err(Broken::Transient(error)) => {
                    fruitless = if done > before { 0 } else { fruitless + 1 };
                    if fruitless >= self.settings.attempts {
                        return Err(error);
                    }
                    event(Event::Retrying { file: self.file, reason: &error.to_string() });
                    if fruitless > 0 {
                        self.settings.wait_after(fruitless);
                    }
                }
            }
        }
        Ok(hash.hex())
    }

    /// One request: appends what arrives until it is complete or the connection breaks.
    fn attempt(
        &self,
        file: &mut File,
        path: &Path,
        done: &mut u64,
        hash: &mut Hash,
        event: &mut dyn FnMut(Event),
    ) -> std::result::Result<(), Broken> {
        let size = self.announced.size;
        let mut response = self.client.bytes(self.url, *done).map_err(Broken::from)?;
        match response.status().as_u16() {
            206 if *done > 0 => self.check_range(&response, *done)?,
            200 if *done > 0 => {
                // The server sends everything: begin again.
                *done = 0;
                *hash = Hash::new(self.announced);
                file.set_len(0).map_err(|e| Broken::Final(HubError::io(path, "write")(e)))?;
                event(Event::Started { file: self.file, size, done: 0 });
            }
            200 => {}
            status => {
                let what = format!("file {}", self.file);
                let error = match self.client.expect_success(self.url, &what, &mut response) {
                    Err(error) => error,
                    Ok(()) => self.answer("status 200 or 206", status.to_string()),
                };
                return Err(Broken::from(error));
            }
        }
        file.seek(SeekFrom::Start(*done))
            .map_err(|e| Broken::Final(HubError::io(path, "seek")(e)))?;
        let mut reader = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(Broken::Transient(network(self.url, &ureq::Error::Io(e)))),
            };
            if count == 0 && *done < size {
                let reason = format!("the connection ended after {done} of {size} bytes");
                let url = self.url.to_owned();
                return Err(Broken::Transient(HubError::Network { url, reason }));
            }
            if count == 0 {
                return Ok(());
            }
            if count as u64 > size - *done {
                // Nothing of a longer file is what was announced.
                let _ = file.set_len(0);
                return Err(Broken::Final(HubError::Damaged {
                    url: self.url.to_owned(),
                    expected: format!("{size} bytes"),
                    received: "more".into(),
                }));
            }
            file.write_all(&buffer[..count])
                .map_err(|e| Broken::Final(HubError::io(path, "write")(e)))?;
            hash.update(&buffer[..count]);
            *done += count as u64;
            event(Event::Received { file: self.file, done: *done });
        }
    }

    /// A partial answer must begin where it was asked to.
    fn check_range(
        &self,
        response: &ureq::http::Response<ureq::Body>,
        done: u64,
    ) -> std::result::Result<(), Broken> {
        let range = header(response, "content-range").unwrap_or_default();
        if range.starts_with(&format!("bytes {done}-")) {
            return Ok(());
        }
        Err(Broken::Final(self.answer(&format!("the bytes from {done} on"), format!("{range:?}"))))
    }

    fn answer(&self, expected: &str, found: String) -> HubError {
        HubError::Answer { url: self.url.to_owned(), expected: expected.to_owned(), found }
    }
}

/// Hashes the first `length` bytes and says how many there were.
fn hash_prefix(file: &mut File, path: &Path, length: u64, hash: &mut Hash) -> Result<u64> {
    file.seek(SeekFrom::Start(0)).map_err(HubError::io(path, "read"))?;
    let mut reader = Read::by_ref(file).take(length);
    let mut buffer = vec![0; 1 << 16];
    let mut total = 0;
    loop {
        let count = reader.read(&mut buffer).map_err(HubError::io(path, "read"))?;
        if count == 0 {
            return Ok(total);
        }
        hash.update(&buffer[..count]);
        total += count as u64;
    }
}
