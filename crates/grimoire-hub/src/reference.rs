//! The name of a model or a data set on a hub: `org/name[@revision]`, or one file of it.

use crate::{HubError, Result};

/// A repository at a revision, and perhaps one file in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    kind: Kind,
    repo: String,
    revision: String,
    file: Option<String>,
}

/// What a repository is for; a hub keeps models and data sets of the same name apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Model,
    DataSet,
}

impl Kind {
    /// What the hub's routes, and with two dashes the folders of the cache, begin with.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::DataSet => "datasets",
        }
    }
}

impl Reference {
    /// Reads the name of a data set in the same forms; `datasets/` may stand before it.
    ///
    /// # Errors
    /// As [`Reference::parse`].
    pub fn data_set(text: &str) -> Result<Self> {
        let name = text.strip_prefix("datasets/").unwrap_or(text);
        Ok(Self { kind: Kind::DataSet, ..Self::parse(name)? })
    }

    /// Reads the name of a model: `org/name`, `org/name@revision`, `org/name/path/to/file.gguf[@revision]`. Without a
    /// revision it is `main`; a commit hash pins it.
    ///
    /// # Errors
    /// When it has not this form or a part has characters that a hub does not allow.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong =
            |reason: &str| HubError::Reference { text: text.to_owned(), reason: reason.to_owned() };
        let (path, revision) = text.split_once('@').unwrap_or((text, "main"));
        let mut parts = path.splitn(3, '/');
        let (Some(org), Some(name)) = (parts.next(), parts.next()) else {
            return Err(wrong("expected org/name, org/name@revision or org/name/file"));
        };
        if ![org, name].into_iter().all(is_repo_part) {
            return Err(wrong(
                "org and name are letters, digits, '.', '_' and '-', at most 96 of them",
            ));
        }
        let file = parts.next();
        if file.is_some_and(|file| !is_relative(file)) {
            return Err(wrong("the file must be a plain path inside of the repository"));
        }
        if !is_relative(revision) || revision.len() > 256 {
            return Err(wrong("the revision must be a branch, a tag or a commit"));
        }
        Ok(Self {
            kind: Kind::Model,
            repo: format!("{org}/{name}"),
            revision: revision.to_owned(),
            file: file.map(str::to_owned),
        })
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// `org/name`.
    #[must_use]
    pub fn repo(&self) -> &str {
        &self.repo
    }

    /// Branch, tag or commit.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The one file asked for.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The name of the repository's folder in the cache.
    pub(crate) fn folder(&self) -> String {
        format!("{}--{}", self.kind.plural(), self.repo.replace('/', "--"))
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repo)?;
        if let Some(file) = &self.file {
            write!(f, "/{file}")?;
        }
        if self.revision != "main" {
            write!(f, "@{}", self.revision)?;
        }
        Ok(())
    }
}

fn is_repo_part(part: &str) -> bool {
    (1..=96).contains(&part.len())
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && !part.starts_with(['.', '-'])
        && !part.contains("..")
        && !part.contains("--")
}

/// A relative path that stays inside of its folder on every system.
pub(crate) fn is_relative(path: &str) -> bool {
    path.len() <= 1024
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && !part.ends_with(' '))
        && !path.contains(|c: char| c.is_control() || "\\:*?\"<>|".contains(c))
}

/// Whether it is a full commit hash.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && is_hex(text)
}

pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_repositories_revisions_and_files() {
        for (text, repo, revision, file) in [
            ("org/name", "org/name", "main", None),
            ("org/name@v1.0", "org/name", "v1.0", None),
            ("org/name@refs/pr/3", "org/name", "refs/pr/3", None),
            ("o-r.g/n_1/a.gguf", "o-r.g/n_1", "main", Some("a.gguf")),
            ("org/name/sub/a b.gguf@x", "org/name", "x", Some("sub/a b.gguf")),
        ] {
            let it = Reference::parse(text).unwrap();
            assert_eq!((it.repo(), it.revision(), it.file()), (repo, revision, file));
            assert_eq!(it.to_string(), text);
        }
    }

    #[test]
    fn data_sets_have_names_of_their_own() {
        let it = Reference::data_set("datasets/org/name/a/b.jsonl@v1").unwrap();
        assert_eq!((it.repo(), it.revision(), it.file()), ("org/name", "v1", Some("a/b.jsonl")));
        assert_eq!(it, Reference::data_set("org/name/a/b.jsonl@v1").unwrap());
        assert_ne!(it, Reference::parse("org/name/a/b.jsonl@v1").unwrap());
        assert_eq!(it.folder(), "datasets--org--name");
    }

    #[test]
    fn refuses_what_could_leave_the_cache() {
        for text in [
            "",
            "name",
            "org/",
            "/name",
            "org/..",
            "org/.name",
            "../name",
            "org/na me",
            "org/name@",
            "org/name@../x",
            "org/name/../x",
            "org/name//x",
            "org/name/a\\b",
            "org/name/c:d",
            "a--b/name",
            "org/name@/x",
            "org/name/x\n",
        ] {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
    }
}
