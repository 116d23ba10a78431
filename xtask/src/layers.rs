//! Crates depend strictly downwards, never sideways; `unsafe` and sockets stay where they belong.
//! Reads the manifests and the sources; it does not ask cargo.

use crate::repository;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

/// Every crate with its layer; a crate may depend on those of lower layers.
const LAYERS: [(&str, u8); 15] = [
    ("grimoire", 5),
    ("grimoire-tune", 4),
    ("grimoire-eval", 4),
    ("grimoire-retrieve", 4),
    ("grimoire-tag", 4),
    ("grimoire-interp", 4),
    ("grimoire-models", 3),
    ("grimoire-nn", 2),
    ("grimoire-tensor", 1),
    ("grimoire-text", 1),
    ("grimoire-kernels", 0),
    ("grimoire-format", 0),
    ("grimoire-stats", 0),
    ("grimoire-plot", 0),
    ("grimoire-hub", 0),
];
/// Serves the tests only: a development dependency of all, depending on none.
const TESTKIT: &str = "grimoire-testkit";
/// The crates that may hold `unsafe`.
const UNSAFE: [&str; 2] = ["grimoire-kernels", "grimoire-format"];
/// The sources that may open sockets.
const SOCKETS: [&str; 2] = ["crates/grimoire-hub/", "crates/grimoire/src/server/"];
/// What opening a socket looks like.
const SOCKET_NAMES: [&str; 6] =
    ["TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "ureq"];

/// Runs every check.
#[expect(clippy::print_stdout, reason = "a chore speaks to the person who runs it")]
pub(crate) fn run() -> Result<()> {
    let files = repository::files()?;
    let mut wrong = Vec::new();
    let mut crates = BTreeSet::new();
    for file in &files {
        let Some((name, inside)) = file.strip_prefix("crates/").and_then(|f| f.split_once('/'))
        else {
            continue;
        };
        let Some(text) = repository::text(file)? else { continue };
        if inside == "Cargo.toml" {
            crates.insert(name.to_owned());
            wrong.extend(manifest(name, &text).with_context(|| file.clone())?);
        } else if inside.ends_with(".rs") {
            wrong.extend(source(name, file, inside, &text));
        }
    }
    if wrong.is_empty() {
        println!("layers: {} crates, all dependencies point down", crates.len());
        return Ok(());
    }
    wrong.iter().for_each(|line| println!("{line}"));
    bail!("layers: {} things are wrong", wrong.len())
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// What is wrong with the dependencies of one crate.
fn manifest(name: &str, text: &str) -> Result<Vec<String>> {
    let manifest: toml::Table = text.parse()?;
    let names = |table: &str| -> Vec<String> {
        let table = manifest.get(table).and_then(toml::Value::as_table);
        let ours = |name: &&String| name.starts_with("grimoire");
        table.map(|t| t.keys().filter(ours).cloned().collect()).unwrap_or_default()
    };
    if name == TESTKIT {
        let all = [names("dependencies"), names("dev-dependencies")].concat();
        return Ok(all.into_iter().map(|d| format!("{name}: depends on {d}")).collect());
    }
    let package = manifest.get("package").and_then(|package| package.get("name"));
    let mut wrong = Vec::new();
    if package.and_then(toml::Value::as_str) != Some(name) {
        wrong.push(format!("crates/{name}: the folder is not named as its crate"));
    }
    let Some(own) = layer(name) else {
        wrong.push(format!("{name}: no layer is known for it"));
        return Ok(wrong);
    };
    for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
        for dependency in names(table) {
            let fine = match layer(&dependency) {
                Some(other) => other < own,
                None => dependency == TESTKIT && table == "dev-dependencies",
            };
            if !fine {
                wrong.push(format!("{name} ({own}): {dependency} in {table} is not below it"));
            }
        }
    }
    Ok(wrong)
}

/// What is wrong with one source file.
fn source(name: &str, file: &str, inside: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let root = inside == "src/lib.rs" || inside == "src/main.rs";
    let careful = UNSAFE.contains(&name);
    if root && !careful && name != TESTKIT && !text.contains("#![forbid(unsafe_code)]") {
        wrong.push(format!("{file}: no `#![forbid(unsafe_code)]`"));
    }
    let tests = inside.starts_with("tests/") || inside.starts_with("benches/");
    let may_connect = tests || SOCKETS.iter().any(|place| file.starts_with(place));
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let place = format!("{file}:{}", number + 1);
        let marked = ["unsafe ", "unsafe{"].iter().any(|keyword| code.contains(keyword));
        if !careful && !tests && marked && words(code).any(|word| word == "unsafe") {
            wrong.push(format!("{place}: `unsafe` outside {}", UNSAFE.join(" and ")));
        }
        let socket = words(code).find(|word| SOCKET_NAMES.contains(word));
        if let (Some(socket), false) = (socket, may_connect) {
            wrong.push(format!("{place}: `{socket}` outside {}", SOCKETS.join(" and ")));
        }
    }
    wrong
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest_of(name: &str, dependencies: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{name}\"\n{dependencies}\n");
        manifest(name, &text).expect("a manifest")
    }

    #[test]
    fn dependencies_point_down() {
        let nn = |d: &str| manifest_of("grimoire-nn", d);
        assert!(nn("[dependencies]\ngrimoire-tensor = {}\nserde = \"1\"").is_empty());
        assert_eq!(nn("[dependencies]\ngrimoire-models = {}").len(), 1);
        assert_eq!(nn("[dev-dependencies]\ngrimoire-models = {}").len(), 1);
        assert!(nn("[dev-dependencies]\ngrimoire-testkit = {}").is_empty());
        assert_eq!(nn("[dependencies]\ngrimoire-testkit = {}").len(), 1);
        let sideways = manifest_of("grimoire-tune", "[dependencies]\ngrimoire-eval = {}");
        assert_eq!(sideways.len(), 1);
        assert_eq!(manifest_of("grimoire-new", "").len(), 1);
        assert_eq!(manifest_of(TESTKIT, "[dependencies]\ngrimoire-stats = {}").len(), 1);
    }

    #[test]
    fn unsafe_and_sockets_stay_home() {
        let check = |name: &str, inside: &str, text: &str| {
            source(name, &format!("crates/{name}/{inside}"), inside, text).len()
        };
        assert_eq!(check("grimoire-nn", "src/a.rs", "unsafe { x() }"), 1);
        assert_eq!(check("grimoire-nn", "src/a.rs", "// unsafe in words"), 0);
        assert_eq!(check("grimoire-kernels", "src/a.rs", "unsafe { x() }"), 0);
        assert_eq!(check("grimoire-nn", "src/lib.rs", ""), 1);
        assert_eq!(check("grimoire-nn", "src/lib.rs", "#![forbid(unsafe_code)]"), 0);
        assert_eq!(check("grimoire-eval", "src/a.rs", "use std::net::TcpStream;"), 1);
        assert_eq!(check("grimoire-hub", "src/a.rs", "use std::net::TcpStream;"), 0);
        assert_eq!(check("grimoire-hub", "tests/a.rs", "TcpListener::bind(x)"), 0);
    }
}
