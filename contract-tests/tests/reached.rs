//! No file of tests is forgotten: each is named by a `mod` of its parent, up to a binary.
//!
//! A file in `tests/` that nothing names is compiled by nobody, and all its tests pass.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap()
}

/// The crates of the workspace: its folders with a manifest.
fn crates() -> Vec<PathBuf> {
    let mut crates: Vec<_> = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    crates.retain(|folder| folder.join("Cargo.toml").is_file());
    crates.sort();
    crates
}

/// Every Rust file below a folder.
fn sources(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for path in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
}

/// The modules that a file names in lines of their own: `mod name;`, with or without visibility.
fn modules(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (before, name) = line.trim().strip_suffix(';')?.rsplit_once("mod ")?;
        let visible = before.is_empty() || (before.starts_with("pub") && before.ends_with(' '));
        visible.then_some(name)
    })
}

/// The path of a line `#[path = "..."]`.
fn pointed(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]"))
}

/// Takes a file and all that it names out of those that are left.
fn reach(file: &Path, is_root: bool, left: &mut BTreeSet<PathBuf>) {
    if !left.remove(file) {
        return;
    }
    let (text, folder) = (fs::read_to_string(file).unwrap(), file.parent().unwrap());
    // A root and a `mod.rs` name their neighbours, any other file what lies in a folder of its name.
    let neighbours = is_root || file.ends_with("mod.rs");
    let below = if neighbours { folder.to_owned() } else { file.with_extension("") };
    for name in modules(&text) {
        reach(&below.join(format!("{name}.rs")), false, left);
        reach(&below.join(name).join("mod.rs"), false, left);
    }
    for path in pointed(&text) {
        if let Ok(file) = folder.join(path).canonicalize() {
            reach(&file, true, left);
        }
    }
}

/// The files of tests where compiling begins: what the manifest or the library names, and what cargo
/// finds by itself.
fn roots(package: &Path) -> Vec<PathBuf> {
    let read = |name: &str| fs::read_to_string(package.join(name)).unwrap_or_default();
    let manifest = read("Cargo.toml");
    let named = manifest.lines().filter_map(|line| line.trim().strip_prefix("path = \"")?.strip_suffix('"'));
    let mut roots: Vec<_> = named.map(|path| package.join(path)).collect();
    for source in ["src/lib.rs", "src/main.rs"] {
        roots.extend(pointed(&read(source)).filter_map(|path| package.join("src").join(path).canonicalize().ok()));
    }
    if !manifest.lines().any(|line| line.trim() == "autotests = false") {
        for path in fs::read_dir(package.join("tests")).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            roots.push(if path.is_dir() { path.join("main.rs") } else { path });
        }
    }
    roots
}

#[test]
fn every_file_of_tests_is_reached() {
    // One crate may build the tests of another.
    let mut left = BTreeSet::new();
    crates().iter().for_each(|package| sources(&package.join("tests"), &mut left));
    let all = left.len();
    crates().iter().flat_map(|package| roots(package)).for_each(|root| reach(&root, true, &mut left));
    assert!(left.is_empty(), "no `mod` names {left:?}");
    assert!(all > 100, "{all} files");
}

#[test]
fn a_file_that_nothing_names_is_found() {
    let named = |text| modules(text).collect::<Vec<_>>();
    assert_eq!(named("mod a;\npub(crate) mod b;\n// mod c;\nlet d = mod e;\nmod f {\n"), ["a", "b"]);
    assert_eq!(pointed("#[path = \"../examples/a.rs\"]\nmod a;").collect::<Vec<_>>(), ["../examples/a.rs"]);
}
