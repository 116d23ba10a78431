//! Where the hub and the cache are, by the environment variables that everybody's tools share.
//! The environment is an argument here; only the binary reads the real one.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What the variables say.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The hub, without a slash at its end: `HF_ENDPOINT`, else `https://huggingface.co`.
    pub endpoint: String,
    /// The cache: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else in `huggingface` of the user's cache.
    pub cache: PathBuf,
    /// `HF_TOKEN`, else what the token file holds.
    pub token: Option<String>,
    /// `HF_HUB_OFFLINE`: no socket is opened.
    pub offline: bool,
    /// Whether the proxy variables (`HTTPS_PROXY` and its kin) are honoured.
    pub proxy: bool,
    /// How long a connection may stay silent.
    pub silence: Duration,
    /// How many attempts without a single new byte are made before giving up.
    pub attempts: u32,
    /// The pause after the first such attempt; it doubles with each.
    pub pause: Duration,
}

impl Settings {
    /// Asks `variable` for the variables and reads the token file that they point to.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(|value| expand_home(PathBuf::from(value), &set));
        let home = path("HF_HOME").unwrap_or_else(|| {
            let cache = path("XDG_CACHE_HOME")
                .unwrap_or_else(|| expand_home(PathBuf::from("~/.cache"), &set));
            cache.join("huggingface")
        });
        let text = |name: &str| set(name).and_then(|value| value.into_string().ok());
        let flag = |name: &str| {
            text(name).is_some_and(|value| {
                ["1", "ON", "YES", "TRUE"].contains(&value.to_ascii_uppercase().as_str())
            })
        };
        let token = || {
            let file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
            text("HF_TOKEN")
                .or_else(|| text("HUGGING_FACE_HUB_TOKEN"))
                .or_else(|| std::fs::read_to_string(file).ok())
                .map(|token| token.split_whitespace().collect::<String>())
                .filter(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()))
        };
        Self {
            endpoint: text("HF_ENDPOINT")
                .unwrap_or_else(|| "https://huggingface.co".into())
                .trim_end_matches('/')
                .to_owned(),
            cache: path("HF_HUB_CACHE")
                .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
                .unwrap_or_else(|| home.join("hub")),
            token: if flag("HF_HUB_DISABLE_IMPLICIT_TOKEN") { None } else { token() },
            offline: flag("HF_HUB_OFFLINE") || flag("TRANSFORMERS_OFFLINE"),
            proxy: true,
            silence: Duration::from_secs(30),
            attempts: 5,
            pause: Duration::from_secs(1),
        }
    }

    /// Sleeps after the given fruitless attempt: `pause`, doubled with each, at most 64 of them.
    pub(crate) fn wait_after(&self, attempt: u32) {
        std::thread::sleep(self.pause * 2_u32.pow(attempt.clamp(1, 7) - 1));
    }
}

impl std::fmt::Debug for Settings {
    /// The token is nobody's business.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings")
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

/// `~/x` as a path in the user's home folder.
fn expand_home(path: PathBuf, set: &impl Fn(&str) -> Option<OsString>) -> PathBuf {
    match (path.strip_prefix("~"), set("HOME").or_else(|| set("USERPROFILE"))) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn with(pairs: &[(&str, &str)]) -> Settings {
        let find = |name: &str| pairs.iter().find(|pair| pair.0 == name);
        Settings::from_variables(|name| find(name).map(|pair| OsString::from(pair.1)))
    }

    /// The order in which huggingface_hub 2.4 looks (its `constants.py`).
    #[test]
    fn the_cache_is_where_python_looks() {
        for (pairs, expected) in [
            (&[("HOME", "/h")][..], "/h/.cache/huggingface/hub"),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/f")], "/f/hub"),
            (&[("HOME", "/h"), ("HF_HOME", "~/f")], "/h/f/hub"),
            (&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")], "/c"),
            (&[("HF_HOME", "/f"), ("HUGGINGFACE_HUB_CACHE", "/c")], "/c"),
            (&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "")], "/f/hub"),
        ] {
            assert_eq!(with(pairs).cache, Path::new(expected));
        }
    }

    #[test]
    fn token_endpoint_and_offline() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), " from-file \n").unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(with(&[("HF_HOME", home)]).token.as_deref(), Some("from-file"));
        let both = with(&[("HF_HOME", home), ("HF_TOKEN", "from-variable\n")]);
        assert_eq!(both.token.as_deref(), Some("from-variable"));
        assert!(!format!("{both:?}").contains("from-variable"));
        let off = [("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")];
        assert_eq!(with(&off).token, None);
        assert_eq!(with(&[("HF_ENDPOINT", "http://x/")]).endpoint, "http://x");
        assert_eq!(with(&[]).endpoint, "https://huggingface.co");
        assert!(with(&[("HF_HUB_OFFLINE", "yes")]).offline);
        assert!(!with(&[("HF_HUB_OFFLINE", "0")]).offline);
    }
}
