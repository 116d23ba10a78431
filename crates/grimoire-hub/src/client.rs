//! HTTP as the hub speaks it: who gets the token, which redirects are followed, what a status means.

use crate::reference::{Kind, Reference};
use crate::settings::Settings;
use crate::{HubError, Result};
use std::time::Duration;
use ureq::http::{Response, Uri};
use ureq::{Agent, Body};

/// Redirects that are followed before it is called a loop.
const MOST_REDIRECTS: usize = 8;
/// The largest list of files that is read.
const LARGEST_LIST: u64 = 64 << 20;

/// The hub says this much about a repository.
#[derive(serde::Deserialize)]
pub(crate) struct Listing {
    pub(crate) sha: String,
    #[serde(default)]
    pub(crate) siblings: Vec<Sibling>,
}

/// A file in a listing.
#[derive(serde::Deserialize)]
pub(crate) struct Sibling {
    #[serde(rename = "rfilename")]
    pub(crate) name: String,
}

/// What the hub announces about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The hash that names the blob.
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) commit: Option<String>,
}

pub(crate) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_resolve(Some(settings.silence))
            .timeout_connect(Some(settings.silence))
            .timeout_per_read(Some(settings.silence))
            .timeout_per_write(Some(settings.silence))
            .timeout_recv_response(Some(settings.silence.max(Duration::from_secs(60))))
            .user_agent(concat!("grimoire/", env!("CARGO_PKG_VERSION")));
        if !settings.proxy {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().new_agent(),
            endpoint: settings.endpoint.clone(),
            token: settings.token.clone(),
        }
    }

    /// Files and commit of the repository at its revision.
    pub(crate) fn listing(&self, reference: &Reference) -> Result<Listing> {
        let url = format!(
            "{}/api/{}/{}/revision/{}",
            self.endpoint,
            reference.kind().plural(),
            reference.repo(),
            encode(reference.revision(), false)
        );
        let (mut response, _) = self.follow("GET", &url, None, |_| true)?;
        let what = match reference.revision() {
            "main" => format!("repository {}", reference.repo()),
            revision => format!("repository {} at revision {revision}", reference.repo()),
        };
        self.expect_success(&url, &what, &mut response)?;
        let body = response.body_mut().with_config().limit(LARGEST_LIST).read_to_vec();
        let body = body.map_err(|e| network(&url, &e))?;
        let wrong = |found: String| HubError::Answer {
            url: url.clone(),
            expected: "the commit and the files of a repository".into(),
            found,
        };
        let listing: Listing = serde_json::from_slice(&body).map_err(|e| wrong(e.to_string()))?;
        if !crate::reference::is_commit(&listing.sha) {
            return Err(wrong(format!("commit {:?}", listing.sha)));
        }
        Ok(listing)
    }

    /// Where a file of a commit is.
    pub(crate) fn url(&self, reference: &Reference, commit: &str, file: &str) -> String {
        let kind = match reference.kind() {
            Kind::Model => "",
            Kind::DataSet => "datasets/",
        };
        let (endpoint, repo) = (&self.endpoint, reference.repo());
        format!("{endpoint}/{kind}{repo}/resolve/{commit}/{}", encode(file, true))
    }

    /// What the hub announces about a file: its hash, its size and the commit.
    ///
    /// A large file answers with a redirect to a store elsewhere; what the hub itself says about it
    /// (`X-Linked-*`) is taken and the redirect is not followed. A redirect within the hub is.
    pub(crate) fn announced(&self, what: &str, url: &str) -> Result<Announced> {
        let mut linked = (None, None, None);
        let stay = |location: &str| self.is_ours(location);
        let (mut response, _) = self.follow_seeing("HEAD", url, None, stay, |response| {
            for (slot, name) in [
                (&mut linked.0, "x-linked-etag"),
                (&mut linked.1, "x-linked-size"),
                (&mut linked.2, "x-repo-commit"),
            ] {
                if let Some(value) = header(response, name) {
                    *slot = Some(value);
                }
            }
        })?;
        if !response.status().is_redirection() {
            self.expect_success(url, what, &mut response)?;
        }
        let (etag, size, commit) = linked;
        let etag = etag.or_else(|| header(&response, "etag")).unwrap_or_default();
        let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let wrong = |expected: &str, found: String| HubError::Answer {
            url: url.to_owned(),
            expected: expected.to_owned(),
            found,
        };
        if ![40, 64].contains(&etag.len()) || !crate::reference::is_hex(&etag) {
            let expected = "an ETag that is a SHA-1 or SHA-256, or nothing could be verified";
            return Err(wrong(expected, format!("{etag:?}")));
        }
        let size = size.or_else(|| header(&response, "content-length"));
        let size = match size.as_deref().map(str::parse::<u64>) {
            Some(Ok(size)) => size,
            _ => return Err(wrong("the size of the file", format!("{size:?}"))),
        };
        Ok(Announced { etag, size, commit })
    }

    /// Asks for the bytes of a file from `from` on, following redirects anywhere.
    pub(crate) fn bytes(&self, url: &str, from: u64) -> Result<Response<Body>> {
        let range = (from > 0).then(|| format!("bytes={from}-"));
        self.follow("GET", url, range.as_deref(), |_| true).map(|(response, _)| response)
    }

    fn follow(
        &self,
        method: &str,
        url: &str,
        range: Option<&str>,
        may_follow: impl Fn(&str) -> bool,
    ) -> Result<(Response<Body>, String)> {
        self.follow_seeing(method, url, range, may_follow, |_| {})
    }

    /// Sends a request and follows the redirects that `may_follow` allows; `see` is shown every
    /// response on the way. The token goes only to the hub itself.
    fn follow_seeing(
        &self,
        method: &str,
        url: &str,
        range: Option<&str>,
        may_follow: impl Fn(&str) -> bool,
        mut see: impl FnMut(&Response<Body>),
    ) -> Result<(Response<Body>, String)> {
        let mut at = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = match method {
                "HEAD" => self.agent.head(&at),
                _ => self.agent.get(&at),
            }
            .header("accept-encoding", "identity");
            if let Some(token) = self.token.as_ref().filter(|_| self.is_ours(&at)) {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            if let Some(range) = range {
                request = request.header("range", range);
            }
            let response = request.call().map_err(|e| network(&at, &e))?;
            see(&response);
            let location = header(&response, "location").and_then(|to| join(&at, &to));
            match location {
                Some(to) if response.status().is_redirection() && may_follow(&to) => at = to,
                _ => return Ok((response, at)),
            }
        }
        Err(HubError::Answer {
            url: url.to_owned(),
            expected: format!("at most {MOST_REDIRECTS} redirects"),
            found: "more".into(),
        })
    }

    /// Whether a URL has the scheme, the host and the port of the hub.
    fn is_ours(&self, url: &str) -> bool {
        origin(url).is_some() && origin(url) == origin(&self.endpoint)
    }

    /// Turns a status that is no success into what it means.
    pub(crate) fn expect_success(
        &self,
        url: &str,
        what: &str,
        response: &mut Response<Body>,
    ) -> Result<()> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let code = header(response, "x-error-code").unwrap_or_default();
        let reason = header(response, "x-error-message").unwrap_or_default();
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(300).collect();
        let (what, endpoint) = (what.to_owned(), self.endpoint.clone());
        // The hub answers 401 for what does not exist, so as not to tell what is private.
        let hidden = status.as_u16() == 401 && code == "RepoNotFound";
        Err(match status.as_u16() {
            404 => HubError::NotFound { what, endpoint },
            401 if hidden => HubError::NotFound { what, endpoint },
            status @ (401 | 403) => {
                let with_token = self.token.is_some();
                HubError::Refused { what, endpoint, status, reason, with_token }
            }
            status => HubError::Status { url: url.to_owned(), status, reason },
        })
    }
}

pub(crate) fn network(url: &str, error: &ureq::Error) -> HubError {
    HubError::Network { url: url.to_owned(), reason: error.to_string() }
}

pub(crate) fn header(response: &Response<Body>, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    Some((scheme, uri.host()?.to_ascii_lowercase(), port))
}

/// The absolute URL that a `Location` stands for.
fn join(base: &str, location: &str) -> Option<String> {
    if location.starts_with("http://") || location.starts_with("https://") {
        return Some(location.to_owned());
    }
    let uri: Uri = base.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    if let Some(rest) = location.strip_prefix("//") {
        return Some(format!("{scheme}://{rest}"));
    }
    if location.starts_with('/') {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{scheme}://{authority}{folder}/{location}"))
}

/// Percent-encodes a part of a URL; slashes stay where `path`.
fn encode(text: &str, path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte.into());
            }
            b'/' if path => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_joined_as_urls_are() {
        let base = "https://hub.example:8443/org/name/resolve/x/file";
        for (location, expected) in [
            ("https://cdn.example/a", "https://cdn.example/a"),
            ("//cdn.example/a", "https://cdn.example/a"),
            ("/api/a?b=c", "https://hub.example:8443/api/a?b=c"),
            ("other", "https://hub.example:8443/org/name/resolve/x/other"),
        ] {
            assert_eq!(join(base, location).as_deref(), Some(expected));
        }
    }

    #[test]
    fn origins_differ_by_scheme_host_and_port() {
        assert_eq!(origin("https://Hub.example/x"), origin("https://hub.example:443/y"));
        for other in ["http://hub.example", "https://hub.example:444", "https://x.hub.example"] {
            assert_ne!(origin("https://hub.example"), origin(other));
        }
        assert_eq!(encode("refs/pr/1", false), "refs%2Fpr%2F1");
        assert_eq!(encode("a b/ü", true), "a%20b/%C3%BC");
    }
}
