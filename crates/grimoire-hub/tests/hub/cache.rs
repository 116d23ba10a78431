//! What lies in the cache afterwards, and what can be had from it alone.

use crate::server::{COMMIT, Fault, Server, etag};
use crate::{fetch, hub};
use grimoire_hub::{Hub, Settings};
use std::path::Path;

const CONFIG: &[u8] = b"{\"model_type\":\"llama\"}";
const TOKENIZER: &[u8] = b"{}";

fn weights() -> Vec<u8> {
    (0..200_000_u32).map(|i| (i * 7 % 251) as u8).collect()
}

fn model(weights: &[u8]) -> Server {
    Server::new(&[
        ("config.json", CONFIG, false),
        ("tokenizer.json", TOKENIZER, false),
        ("model.safetensors", weights, true),
        ("README.md", b"no model needs it", false),
        ("pytorch_model.bin", b"nor this", true),
    ])
}

#[test]
fn a_folder_arrives_in_the_standard_layout() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    let hub = hub(&server, cache.path());
    let (fetched, events) = fetch(&hub, "org/name");
    let fetched = fetched.unwrap();
    let root = cache.path().join("models--org--name");
    assert_eq!(fetched.path, root.join("snapshots").join(COMMIT));
    assert_eq!(fetched.commit, COMMIT);
    assert_eq!(std::fs::read(fetched.path.join("model.safetensors")).unwrap(), weights);
    assert_eq!(std::fs::read(fetched.path.join("config.json")).unwrap(), CONFIG);
    assert_eq!(std::fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    #[cfg(unix)]
    assert_eq!(
        std::fs::read_link(fetched.path.join("model.safetensors")).unwrap(),
        Path::new("../../blobs").join(etag(&weights, true))
    );
    let mut blobs: Vec<String> = std::fs::read_dir(root.join("blobs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    blobs.sort();
    let mut expected = vec![etag(CONFIG, false), etag(TOKENIZER, false), etag(&weights, true)];
    expected.sort();
    assert_eq!(blobs, expected);
    assert_eq!(events[0], "Files { count: 3 }");
    for kind in ["Started", "Finished"] {
        assert_eq!(events.iter().filter(|event| event.starts_with(kind)).count(), 3, "{events:?}");
    }
    // The token went to the hub, and not to the store that it redirected to.
    let log = server.log();
    assert!(log.iter().any(|request| request.path.starts_with("/store/")));
    for request in &log {
        let token = request.headers.get("authorization");
        assert_eq!(token.is_some(), !request.path.starts_with("/store/"), "{request:?}");
        assert!(token.is_none_or(|token| token == "Bearer secret"));
    }
    // What is there is not fetched again.
    fetch(&hub, "org/name").0.unwrap();
    let again = server.log();
    assert!(again.iter().all(|r| r.method == "HEAD" || r.path.starts_with("/api/")), "{again:?}");
}

#[test]
fn one_file_of_a_repository() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(&[("sub/a b.gguf", b"one", true), ("c.gguf", b"two", true)]);
    let hub = hub(&server, cache.path());
    let (error, _) = fetch(&hub, "org/name");
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("name one of org/name/c.gguf, org/name/sub/a b.gguf"), "{error}");
    let error = fetch(&hub, "org/name/d.gguf").0.unwrap_err().to_string();
    assert!(error.starts_with("file d.gguf in repository org/name was not found on"), "{error}");
    // The server does not decode paths, so the space is looked up as sent.
    let server = Server::new(&[("sub/a%20b.gguf", b"one", true), ("sub/a b.gguf", b"", true)]);
    let hub = crate::hub(&server, cache.path());
    let fetched = fetch(&hub, "org/name/sub/a b.gguf").0.unwrap();
    assert!(fetched.path.ends_with(format!("snapshots/{COMMIT}/sub/a b.gguf")));
    assert_eq!(std::fs::read(fetched.path).unwrap(), b"one");
}

#[test]
fn a_repository_with_one_gguf_is_that_file() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(&[("README.md", b"x", false), ("c.gguf", b"two", true)]);
    let fetched = fetch(&hub(&server, cache.path()), "org/name").0.unwrap();
    assert_eq!(std::fs::read(fetched.path).unwrap(), b"two");
}

const INDEX: &[u8] = br#"{"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}}"#;

#[test]
fn shards_follow_their_index() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::new(&[
        ("config.json", CONFIG, false),
        ("model.safetensors.index.json", INDEX, false),
        ("m-1.safetensors", b"1", true),
        ("m-2.safetensors", b"2", true),
        ("m-3.safetensors", b"3", true),
    ]);
    let hub = hub(&server, cache.path());
    let fetched = fetch(&hub, "org/name").0.unwrap();
    assert_eq!(std::fs::read_dir(&fetched.path).unwrap().count(), 4);
    // Without a shard the cache alone is not enough.
    let offline = Hub::new(Settings { offline: true, ..hub.settings().clone() });
    assert_eq!(fetch(&offline, "org/name").0.unwrap(), fetched);
    std::fs::remove_file(fetched.path.join("m-2.safetensors")).unwrap();
    let error = fetch(&offline, "org/name").0.unwrap_err().to_string();
    assert!(error.ends_with("m-2.safetensors is missing, and HF_HUB_OFFLINE is set"), "{error}");
}

#[test]
fn offline_uses_the_cache_and_opens_no_socket() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    let online = hub(&server, cache.path());
    let offline = Hub::new(Settings { offline: true, ..online.settings().clone() });
    let error = fetch(&offline, "org/name").0.unwrap_err();
    assert!(error.to_string().starts_with("org/name is not in the cache "), "{error}");
    assert!(error.hint().is_some());
    let fetched = fetch(&online, "org/name").0.unwrap();
    server.log();
    assert_eq!(fetch(&offline, "org/name").0.unwrap(), fetched);
    assert_eq!(fetch(&offline, &format!("org/name@{COMMIT}")).0.unwrap(), fetched);
    let file = fetch(&offline, "org/name/config.json").0.unwrap();
    assert_eq!(std::fs::read(file.path).unwrap(), CONFIG);
    assert!(fetch(&offline, "org/name@other").0.is_err());
    assert!(fetch(&offline, "org/name/README.md").0.is_err());
    assert_eq!(server.log().len(), 0);
}

#[test]
fn a_hub_that_cannot_be_reached_is_replaced_by_the_cache() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    let online = hub(&server, cache.path());
    let fetched = fetch(&online, "org/name").0.unwrap();
    // Nothing listens on the discard port of this machine.
    let endpoint = "http://127.0.0.1:9".to_owned();
    let cut_off = Hub::new(Settings { endpoint, ..online.settings().clone() });
    let (found, events) = fetch(&cut_off, "org/name");
    assert_eq!(found.unwrap(), fetched);
    assert!(events[0].starts_with("Unreachable"), "{events:?}");
    let error = fetch(&cut_off, "org/other").0.unwrap_err();
    assert!(error.to_string().starts_with("http://127.0.0.1:9/api/models/org/other"), "{error}");
}

#[test]
fn revisions_are_remembered_and_commits_are_pins() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    let hub = hub(&server, cache.path());
    fetch(&hub, "org/name@refs/pr/3").0.unwrap();
    assert_eq!(server.log()[0].path, "/api/models/org/name/revision/refs%2Fpr%2F3");
    let refs = cache.path().join("models--org--name/refs");
    assert_eq!(std::fs::read_to_string(refs.join("refs/pr/3")).unwrap(), COMMIT);
    fetch(&hub, &format!("org/name@{COMMIT}")).0.unwrap();
    assert!(!refs.join(COMMIT).exists());
}

#[test]
fn two_at_once_fetch_a_file_once() {
    let (cache, weights) = (tempfile::tempdir().unwrap(), weights());
    let server = model(&weights);
    server.fault("GET", "/store/", Fault::Slow(300));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| fetch(&hub(&server, cache.path()), "org/name").0.unwrap());
        }
    });
    let log = server.log();
    let gets = log.iter().filter(|r| r.method == "GET" && r.path.starts_with("/store/")).count();
    assert_eq!(gets, 1, "{log:?}");
}

/// A cache that `huggingface_hub` filled (`golden/hub/cache.py`): two commits that share blobs, a tag, a file in
/// a folder. Read offline, by the latest commit, by an older one, by the tag.
#[cfg(unix)]
#[test]
fn what_python_fetched_is_found_offline() {
    let cache = tempfile::tempdir().unwrap();
    let recorded: serde_json::Value = grimoire_testkit::golden::read("hub/cache.json");
    for (name, entry) in recorded["entries"].as_object().unwrap() {
        let path = cache.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match entry["link"].as_str() {
            Some(target) => std::os::unix::fs::symlink(target, &path).unwrap(),
            None => std::fs::write(&path, entry["text"].as_str().unwrap()).unwrap(),
        }
    }
    let variables = [("HF_HUB_CACHE", cache.path().to_str().unwrap()), ("HF_HUB_OFFLINE", "1")];
    let settings = Settings::from_variables(|name| {
        variables.iter().find(|variable| variable.0 == name).map(|variable| variable.1.into())
    });
    let hub = Hub::new(settings);
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    let latest = fetch(&hub, "org/name").0.unwrap();
    assert_eq!(latest.commit, new);
    let config = |folder: &Path| std::fs::read(folder.join("config.json")).unwrap();
    assert_eq!(config(&latest.path), [CONFIG, b"\n"].concat());
    let earlier = fetch(&hub, &format!("org/name@{old}")).0.unwrap();
    assert_eq!(config(&earlier.path), CONFIG);
    for folder in [&latest.path, &earlier.path] {
        assert_eq!(std::fs::read(folder.join("model.safetensors")).unwrap(), b"stands for weights");
    }
    let tagged = fetch(&hub, "org/weights@v1.0").0.unwrap();
    assert_eq!(std::fs::read(&tagged.path).unwrap(), b"stands for a GGUF");
    assert_eq!(tagged, fetch(&hub, "org/weights/sub/m-q4.gguf@v1.0").0.unwrap());
    // The default branch of that one was never fetched.
    let error = fetch(&hub, "org/weights").0.unwrap_err().to_string();
    assert!(error.starts_with("org/weights is not in the cache "), "{error}");
}
