//! What can go wrong on the way: the cache never holds a byte that was not verified, and the error
//! says what happened.

use crate::server::{COMMIT, Fault, Server, etag};
use crate::{fetch, hub};
use grimoire_hub::{Hub, HubError, Settings};
use std::path::{Path, PathBuf};

fn weights() -> Vec<u8> {
    (0..300_000_u32).map(|i| (i * 13 % 241) as u8).collect()
}

fn model(weights: &[u8]) -> Server {
    Server::new(&[("w.gguf", weights, true)])
}

fn blobs(cache: &Path) -> PathBuf {
    cache.join("models--org--name/blobs")
}

/// The names of all files in the blob folder.
fn kept(cache: &Path) -> Vec<String> {
    std::fs::read_dir(blobs(cache))
        .map(|entries| {
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        })
        .unwrap_or_default()
}

fn ranges(server: &Server) -> Vec<Option<String>> {
    server
        .log()
        .into_iter()
        .filter(|request| request.method == "GET" && request.path.starts_with("/store/"))
        .map(|request| request.headers.get("range").cloned())
        .collect()
}

#[test]
fn a_broken_connection_is_resumed() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    server.fault("GET", "/store/", Fault::Break(100_000));
    server.fault("GET", "/store/", Fault::Break(0));
    server.fault("GET", "/store/", Fault::Break(50_000));
    let (fetched, events) = fetch(&hub(&server, cache.path()), "org/name");
    assert_eq!(std::fs::read(fetched.unwrap().path).unwrap(), weights);
    let ranges = ranges(&server);
    assert_eq!(ranges[0], None);
    assert_eq!(ranges[1].as_deref(), Some("bytes=100000-"));
    assert_eq!(ranges[2].as_deref(), Some("bytes=100000-"));
    assert_eq!(ranges[3].as_deref(), Some("bytes=150000-"));
    assert_eq!(events.iter().filter(|event| event.starts_with("Retrying")).count(), 3);
}

#[test]
fn a_run_that_ended_is_resumed_by_the_next() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    let hub = hub(&server, cache.path());
    for _ in 0..3 {
        server.fault("GET", "/store/", Fault::Break(0));
    }
    let error = fetch(&hub, "org/name").0.unwrap_err();
    assert!(matches!(error, HubError::Network { .. }), "{error}");
    assert!(error.hint().unwrap().contains("resume"));
    let incomplete = blobs(cache.path()).join(format!("{}.incomplete", etag(&weights, true)));
    std::fs::write(&incomplete, &weights[..123_456]).unwrap();
    server.log();
    let (fetched, events) = fetch(&hub, "org/name");
    assert_eq!(std::fs::read(fetched.unwrap().path).unwrap(), weights);
    assert_eq!(ranges(&server), [Some("bytes=123456-".to_owned())]);
    assert!(events.iter().any(|event| event.contains("done: 123456")), "{events:?}");
    assert_eq!(kept(cache.path()), [etag(&weights, true)]);
}

#[test]
fn a_server_without_ranges_starts_over() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    server.fault("GET", "/store/", Fault::Break(100_000));
    server.fault("GET", "/store/", Fault::Whole);
    let fetched = fetch(&hub(&server, cache.path()), "org/name").0.unwrap();
    assert_eq!(std::fs::read(fetched.path).unwrap(), weights);
}

#[test]
fn a_kept_part_that_was_damaged_is_fetched_again() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    std::fs::create_dir_all(blobs(cache.path())).unwrap();
    let incomplete = blobs(cache.path()).join(format!("{}.incomplete", etag(&weights, true)));
    for part in [vec![7; 1000], vec![7; weights.len()], vec![7; weights.len() + 1]] {
        std::fs::write(&incomplete, part).unwrap();
        let fetched = fetch(&hub(&server, cache.path()), "org/name").0.unwrap();
        assert_eq!(std::fs::read(fetched.path).unwrap(), weights);
        std::fs::remove_dir_all(cache.path().join("models--org--name/blobs")).unwrap();
        std::fs::create_dir_all(blobs(cache.path())).unwrap();
    }
}

#[test]
fn damage_is_not_kept() {
    let weights = weights();
    for (fault, expected) in [
        (Fault::Flip, format!("expected content with hash {}, received ", etag(&weights, true))),
        (Fault::Longer(1), "expected 300000 bytes, received more".to_owned()),
        (Fault::Longer(100_000), "expected 300000 bytes, received more".to_owned()),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let server = model(&weights);
        server.fault("GET", "/store/", fault.clone());
        let hub = hub(&server, cache.path());
        let error = fetch(&hub, "org/name").0.unwrap_err();
        assert!(matches!(error, HubError::Damaged { .. }), "{fault:?}: {error}");
        assert!(error.to_string().contains(&expected), "{error}\nlacks: {expected}");
        assert!(!cache.path().join("models--org--name/snapshots").exists());
        assert!(!kept(cache.path()).contains(&etag(&weights, true)));
        assert_eq!(std::fs::read(fetch(&hub, "org/name").0.unwrap().path).unwrap(), weights);
    }
    // Small files have git's hash.
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(&[("small.gguf", b"small", false)]);
    server.fault("GET", "small", Fault::Flip);
    let error = fetch(&hub(&server, cache.path()), "org/name").0.unwrap_err();
    assert!(matches!(error, HubError::Damaged { .. }), "{error}");
    // An announcement of the wrong size: the file ends early, again and again.
    let server = Server::new(&[("small.gguf", b"small", false)]);
    server.fault("HEAD", "small", Fault::Announce("Content-Length", "9"));
    let error = fetch(&hub(&server, cache.path()), "org/name").0.unwrap_err();
    assert!(!matches!(error, HubError::Io { .. }), "{error}");
    assert!(!kept(cache.path()).contains(&etag(b"small", false)));
}

#[test]
fn refusals_say_what_to_do() {
    let weights = weights();
    let server = model(&weights);
    let cache = tempfile::tempdir().unwrap();
    let hub = hub(&server, cache.path());
    let anonymous = Hub::new(Settings { token: None, ..hub.settings().clone() });
    let gated = Fault::Status(403, "GatedRepo", "Access to model org/name is restricted");
    for (hub, hint) in [(&anonymous, "set HF_TOKEN"), (&hub, "the token sent may not read it")] {
        server.fault("HEAD", "w.gguf", gated.clone());
        let error = fetch(hub, "org/name").0.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("file w.gguf in repository org/name on http://127.0.0.1"), "{text}");
        assert!(text.ends_with("(status 403: Access to model org/name is restricted)"), "{text}");
        assert!(error.hint().unwrap().starts_with(hint), "{text}");
    }
    server.fault("GET", "/api/", Fault::Status(401, "", "Invalid credentials"));
    let error = fetch(&hub, "org/name").0.unwrap_err();
    assert!(matches!(error, HubError::Refused { status: 401, .. }), "{error}");
    // The hub says 401 for what does not exist.
    let error = fetch(&hub, "org/nothing").0.unwrap_err();
    assert!(error.to_string().starts_with("repository org/nothing was not found on"), "{error}");
    server.fault("GET", "/api/", Fault::Status(404, "RevisionNotFound", ""));
    let error = fetch(&hub, "org/name@v9").0.unwrap_err().to_string();
    assert!(error.starts_with("repository org/name at revision v9 was not found on"), "{error}");
    server.fault("GET", "/api/", Fault::Status(429, "", "slow down"));
    let error = fetch(&hub, "org/name").0.unwrap_err();
    assert!(error.to_string().ends_with("status 429: slow down"), "{error}");
    assert!(error.hint().unwrap().contains("later"));
    server.fault("GET", "/store/", Fault::Status(403, "", "expired link"));
    let error = fetch(&hub, "org/name").0.unwrap_err();
    assert!(matches!(error, HubError::Refused { status: 403, .. }), "{error}");
    // A server that stumbles is asked again.
    server.fault("GET", "/store/", Fault::Status(503, "", ""));
    server.fault("HEAD", "w.gguf", Fault::Status(502, "", ""));
    fetch(&hub, "org/name").0.unwrap();
}

#[test]
fn hostile_answers_are_refused() {
    let cache = tempfile::tempdir().unwrap();
    let with = |listing: &str| {
        let server = Server::new(&[("w.gguf", b"w", true)]);
        server.listing(listing);
        fetch(&hub(&server, cache.path()), "org/name").0.unwrap_err().to_string()
    };
    let siblings =
        |name: &str| format!(r#"{{"sha":"{COMMIT}","siblings":[{{"rfilename":"{name}"}}]}}"#);
    for name in ["../../../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf", "c:\\\\evil.gguf"] {
        let error = with(&siblings(name));
        assert!(error.contains("expected a plain path inside of the repository"), "{error}");
    }
    let error = with(r#"{"sha":"../../x","siblings":[]}"#);
    assert!(error.contains("expected the commit and the files"), "{error}");
    assert!(with("[]").contains("expected the commit and the files"));
    for (name, value, expected) in [
        ("X-Linked-Etag", "\"../../evil\"", "an ETag that is a SHA-1 or SHA-256"),
        ("X-Linked-Etag", "\"abc\"", "an ETag that is a SHA-1 or SHA-256"),
        ("X-Linked-Size", "many", "the size of the file"),
        ("X-Repo-Commit", "ffffffffffffffffffffffffffffffffffffffff", "expected commit 0123"),
    ] {
        let server = Server::new(&[("w.gguf", b"w", true)]);
        server.fault("HEAD", "w.gguf", Fault::Announce(name, value));
        let error = fetch(&hub(&server, cache.path()), "org/name").0.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let server = Server::new(&[("w.gguf", b"w", true)]);
    server.fault("GET", "/api/", Fault::Loop);
    let error = fetch(&hub(&server, cache.path()), "org/name").0.unwrap_err().to_string();
    assert!(error.contains("expected at most 8 redirects, found more"), "{error}");
    let index = br#"{"weight_map":{"a":"../../evil.safetensors"}}"#;
    let server = Server::new(&[
        ("config.json", b"{}", false),
        ("model.safetensors.index.json", index, false),
    ]);
    let error = fetch(&hub(&server, cache.path()), "org/name").0.unwrap_err().to_string();
    assert!(error.contains("expected a weight_map of tensors to .safetensors files"), "{error}");
    assert!(!cache.path().parent().unwrap().join("evil.gguf").exists());
}
