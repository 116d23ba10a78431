//! Data sets: other routes and another folder of the cache than a model of the same name, and one file of them.

use crate::server::{COMMIT, Server};
use crate::{fetch, fetch_reference, hub};
use grimoire_hub::{Hub, HubError, Reference, Settings};
use std::path::PathBuf;

fn fetch_data(hub: &Hub, text: &str) -> Result<PathBuf, HubError> {
    fetch_reference(hub, &Reference::data_set(text).unwrap()).0.map(|fetched| fetched.path)
}

#[test]
fn the_rows_of_a_data_set_arrive_beside_the_models() {
    let cache = tempfile::tempdir().unwrap();
    let rows = b"{\"q\":1}\n";
    let files = [("README.md", &b"about"[..], false), ("data/test.jsonl", rows, true)];
    let server = Server::of("datasets", &files);
    let client = hub(&server, cache.path());
    let path = fetch_data(&client, "org/name").unwrap();
    let folder = cache.path().join("datasets--org--name/snapshots").join(COMMIT);
    assert_eq!(path, folder.join("data/test.jsonl"));
    assert_eq!(std::fs::read(&path).unwrap(), rows);
    assert!(!folder.join("README.md").exists());
    assert_eq!(fetch_data(&client, "datasets/org/name/data/test.jsonl").unwrap(), path);
    // A model of that name is another thing, and is not there.
    let error = fetch(&client, "org/name").0.unwrap_err();
    assert!(matches!(error, HubError::NotFound { .. } | HubError::Refused { .. }), "{error}");
    // What was fetched once is found without a network.
    let offline = Hub::new(Settings { offline: true, ..client.settings().clone() });
    assert_eq!(fetch_data(&offline, "org/name").unwrap(), path);
}

#[test]
fn what_is_not_read_here_is_said_before_it_is_fetched() {
    let cache = tempfile::tempdir().unwrap();
    let server = Server::of("datasets", &[("a.arrow", b"ARROW1", true)]);
    let client = hub(&server, cache.path());
    for (asked, expected) in [
        ("org/name", "org/name: it has no file of rows that is read here; JSON Lines, "),
        ("org/name/b.csv", "file b.csv in repository org/name was not found on "),
    ] {
        let error = fetch_data(&client, asked).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(server.log().iter().all(|request| request.path.starts_with("/api/")));
}
