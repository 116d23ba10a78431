//! The line that says how a score was made, in sacreBLEU's format: `key:value` pairs joined by `|`.
//! Two scores may be compared only when their signatures agree up to the version.

/// The version of the reference program whose results these are, and of this one.
pub(crate) const VERSION: &str = concat!("2.6.0+grimoire.", env!("CARGO_PKG_VERSION"));

/// `nrefs:…|` the pairs `|version:…`. `n_references` is `None` where segments differ in it.
pub(crate) fn format(n_references: Option<usize>, pairs: &[(&str, &str)]) -> String {
    let references = n_references.map_or_else(|| "var".to_owned(), |n| n.to_string());
    let mut line = format!("nrefs:{references}");
    for (key, value) in pairs {
        line.push('|');
        line.push_str(key);
        line.push(':');
        line.push_str(value);
    }
    line.push_str("|version:");
    line.push_str(VERSION);
    line
}
