//! A hub on a local port: the listing, `resolve` with its headers, a store on another host name for
//! large files, and faults by the file.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The commit of everything here.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What is wrong with one answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The connection closes after this many bytes of content.
    Break(usize),
    /// The range asked for is ignored.
    Whole,
    /// One byte of the content is another.
    Flip,
    /// The content is this much longer than announced.
    Longer(usize),
    /// This status instead, with error code and message.
    Status(u16, &'static str, &'static str),
    /// The announcement carries this header instead.
    Announce(&'static str, &'static str),
    /// Every answer redirects to itself.
    Loop,
    /// The answer comes this many milliseconds late.
    Slow(u64),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

#[derive(Default)]
struct Site {
    /// Name to content and whether it lies in the large-file store.
    files: BTreeMap<String, (Vec<u8>, bool)>,
    /// Faults still to come, by a part of the path, with the method they apply to.
    faults: Vec<(&'static str, String, Fault)>,
    log: Vec<Request>,
    listing: Option<String>,
    port: u16,
    /// What its repository is: models or datasets.
    kind: &'static str,
}

/// A running hub; it stops with the test process.
pub(crate) struct Server {
    site: Arc<Mutex<Site>>,
    port: u16,
}

impl Server {
    /// With these files: name, content, large or not.
    pub(crate) fn new(files: &[(&str, &[u8], bool)]) -> Self {
        Self::of("models", files)
    }

    /// The same as a repository of this kind: models or datasets.
    pub(crate) fn of(kind: &'static str, files: &[(&str, &[u8], bool)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let files =
            files.iter().map(|(name, data, lfs)| ((*name).to_owned(), (data.to_vec(), *lfs)));
        let site = Site { files: files.collect(), port, kind, ..Site::default() };
        let site = Arc::new(Mutex::new(site));
        let shared = Arc::clone(&site);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let _ = serve(stream, &shared);
                });
            }
        });
        Self { site, port }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next answer to `method` on a path that contains `part` has this fault.
    pub(crate) fn fault(&self, method: &'static str, part: &str, fault: Fault) {
        self.site.lock().unwrap().faults.push((method, part.to_owned(), fault));
    }

    /// Answers every listing with this instead.
    pub(crate) fn listing(&self, text: &str) {
        self.site.lock().unwrap().listing = Some(text.to_owned());
    }

    /// The requests so far, which are then forgotten.
    pub(crate) fn log(&self) -> Vec<Request> {
        std::mem::take(&mut self.site.lock().unwrap().log)
    }
}

/// SHA-256 of content, or git's hash of it as a blob.
pub(crate) fn etag(data: &[u8], lfs: bool) -> String {
    let digest = if lfs {
        Sha256::digest(data).to_vec()
    } else {
        let mut hash = Sha1::new();
        hash.update(format!("blob {}\0", data.len()));
        hash.update(data);
        hash.finalize().to_vec()
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn serve(stream: TcpStream, site: &Mutex<Site>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let request = Request { method, path, headers };
    let (answer, late) = {
        let mut site = site.lock().unwrap();
        site.log.push(request.clone());
        answer(&mut site, &request)
    };
    std::thread::sleep(std::time::Duration::from_millis(late));
    let mut stream = stream;
    stream.write_all(answer.as_slice())?;
    stream.flush()
}

/// A whole answer as bytes, and how late it is.
fn answer(site: &mut Site, request: &Request) -> (Vec<u8>, u64) {
    let found = site.faults.iter().position(|(method, part, _)| {
        *method == request.method && request.path.contains(part.as_str())
    });
    let fault = found.map(|at| site.faults.remove(at).2);
    match &fault {
        Some(Fault::Status(status, code, message)) => {
            let headers = [("X-Error-Code", *code), ("X-Error-Message", *message)];
            return (respond(*status, &headers, b"", true), 0);
        }
        Some(Fault::Loop) => {
            site.faults.push(("GET", request.path.clone(), Fault::Loop));
            return (respond(302, &[("Location", &request.path)], b"", true), 0);
        }
        _ => {}
    }
    let late = if let Some(Fault::Slow(late)) = fault { late } else { 0 };
    if let Some(asked) = request.path.strip_prefix(&format!("/api/{}/", site.kind)) {
        let names: Vec<_> =
            site.files.keys().map(|name| serde_json::json!({ "rfilename": name })).collect();
        let listing = serde_json::json!({ "sha": COMMIT, "siblings": names }).to_string();
        let known = asked.starts_with("org/name/revision/");
        let text = site.listing.clone().unwrap_or(listing);
        let headers = [("X-Error-Code", "RepoNotFound")];
        let answer = if known {
            respond(200, &[], text.as_bytes(), true)
        } else {
            respond(401, &headers, b"", true)
        };
        return (answer, late);
    }
    // Files of data sets are under a prefix, those of models are not.
    let files = if site.kind == "models" { "/org/name/" } else { "/datasets/org/name/" };
    let in_store = request.path.starts_with("/store/");
    let here = in_store || request.path.starts_with(files);
    let name = request.path.rsplit_once(&format!("{COMMIT}/")).filter(|_| here);
    let name = name.map_or("", |(_, name)| name);
    let Some((data, lfs)) = site.files.get(name).cloned() else {
        return (respond(404, &[("X-Error-Code", "EntryNotFound")], b"", true), 0);
    };
    if lfs && !in_store {
        // Another host name is another host.
        let store = format!("http://localhost:{}/store/{COMMIT}/{name}", site.port);
        return (announce(&data, lfs, &fault, Some(&store)), late);
    }
    if request.method == "HEAD" {
        return (announce(&data, lfs, &fault, None), late);
    }
    (content(request, data, fault), late)
}

fn announce(data: &[u8], lfs: bool, fault: &Option<Fault>, store: Option<&str>) -> Vec<u8> {
    let (tag, size) = (format!("\"{}\"", etag(data, lfs)), data.len().to_string());
    let mut headers: Vec<(&str, &str)> = vec![("X-Repo-Commit", COMMIT)];
    match store {
        Some(store) => headers.extend([
            ("X-Linked-Etag", tag.as_str()),
            ("X-Linked-Size", size.as_str()),
            ("ETag", "\"of the redirect\""),
            ("Location", store),
        ]),
        None => headers.extend([("ETag", tag.as_str()), ("Content-Length", size.as_str())]),
    }
    if let Some(Fault::Announce(name, value)) = fault {
        headers.retain(|header| header.0 != *name);
        headers.push((name, value));
    }
    respond(if store.is_some() { 302 } else { 200 }, &headers, b"", store.is_some())
}

fn content(request: &Request, mut data: Vec<u8>, fault: Option<Fault>) -> Vec<u8> {
    let total = data.len();
    let from = match request.headers.get("range") {
        Some(range) if !matches!(fault, Some(Fault::Whole)) => {
            range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
        }
        _ => 0,
    };
    match fault {
        Some(Fault::Flip) => data[total / 2] ^= 1,
        Some(Fault::Longer(more)) => data.extend(vec![0; more]),
        _ => {}
    }
    let range = format!("bytes {from}-{}/{total}", total - 1);
    let headers = [("Content-Range", range.as_str())];
    let (status, headers) = if from > 0 { (206, &headers[..]) } else { (200, &[][..]) };
    let mut answer = respond(status, headers, &data[from..], true);
    if let Some(Fault::Break(after)) = fault {
        answer.truncate(answer.len() - (data.len() - from) + after);
    }
    answer
}

fn respond(status: u16, headers: &[(&str, &str)], body: &[u8], with_length: bool) -> Vec<u8> {
    let mut out = format!("HTTP/1.1 {status} x\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        out.extend(format!("{name}: {value}\r\n").bytes());
    }
    if with_length {
        out.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
    }
    out.extend(b"\r\n");
    out.extend(body);
    out
}
