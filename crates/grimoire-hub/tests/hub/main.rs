//! The hub client against a local server that speaks the hub's routes, and breaks them on demand.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

mod cache; // layout, offline, revisions, two at once
mod data_sets; // their routes, their place in the cache, the file that is chosen
mod faults; // broken connections, damage, refusals, hostile answers
mod server; // the hub itself

use grimoire_hub::{Event, Fetched, Hub, HubError, Reference, Settings};
use server::Server;
use std::path::Path;
use std::time::Duration;

/// A client of `server` with its cache in `cache`.
fn hub(server: &Server, cache: &Path) -> Hub {
    Hub::new(Settings {
        endpoint: server.endpoint(),
        cache: cache.to_owned(),
        token: Some("secret".into()),
        offline: false,
        proxy: false,
        silence: Duration::from_secs(5),
        attempts: 3,
        pause: Duration::from_millis(1),
    })
}

/// Fetches and gives the events as text.
fn fetch(hub: &Hub, text: &str) -> (Result<Fetched, HubError>, Vec<String>) {
    fetch_reference(hub, &Reference::parse(text).unwrap())
}

/// The same of any reference.
fn fetch_reference(hub: &Hub, reference: &Reference) -> (Result<Fetched, HubError>, Vec<String>) {
    let mut events = Vec::new();
    let outcome = hub.fetch(reference, &mut |event| match event {
        Event::Received { .. } => {}
        other => events.push(format!("{other:?}")),
    });
    (outcome, events)
}
