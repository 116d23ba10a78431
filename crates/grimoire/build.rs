//! Embeds the pages of `book/`: lists the folder, so that a new page needs no line of code.
//! Writes `book_pages.rs` into the build folder: the pages in order of their names, as (name, text).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book");
    println!("cargo:rerun-if-changed={}", book.display());
    let mut pages: Vec<PathBuf> = std::fs::read_dir(&book)
        .map(|folder| folder.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
    pages.sort();
    let mut out = String::from("&[\n");
    for page in pages {
        println!("cargo:rerun-if-changed={}", page.display());
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        let place = page.canonicalize().expect("a page that was listed is there");
        writeln!(out, "    ({name:?}, include_str!({place:?})),").expect("a string takes it");
    }
    out.push_str("]\n");
    let target = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::write(Path::new(&target).join("book_pages.rs"), out).expect("OUT_DIR is writable");
}
