//! The pure crates cannot read the world: whoever tries fails the lint, with the reason.
//!
//! Each probe is a small program that reads a clock, a file, the environment, the network or a
//! random source, or iterates a hash map; it is linted under the rules of each pure crate.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

const PURE: [&str; 6] =
    ["dome-core", "schema-compat", "dome-binder", "dome-contracts", "dome-adapters", "dome-patterns"];

const PROBES: [(&str, &str); 14] = [
    ("clock", "pub fn probe() -> bool { std::time::SystemTime::now().elapsed().is_ok() }"),
    ("monotonic clock", "pub fn probe() -> u128 { std::time::Instant::now().elapsed().as_nanos() }"),
    ("sleep", "pub fn probe() { std::thread::sleep(std::time::Duration::from_secs(1)) }"),
    ("file", "pub fn probe() -> bool { std::fs::File::open(\"a\").is_ok() }"),
    ("whole file", "pub fn probe() -> bool { std::fs::read(\"a\").is_ok() }"),
    ("stdin", "pub fn probe() -> bool { std::io::read_to_string(std::io::stdin()).is_ok() }"),
    ("environment", "pub fn probe() -> bool { std::env::var(\"HOME\").is_ok() }"),
    ("arguments", "pub fn probe() -> usize { std::env::args().count() }"),
    ("network", "pub fn probe() -> bool { std::net::TcpStream::connect(\"localhost:1\").is_ok() }"),
    (
        "random source",
        "pub fn probe() -> u64 { use std::hash::BuildHasher; std::hash::RandomState::new().hash_one(1) }",
    ),
    ("process", "pub fn probe() -> bool { std::process::Command::new(\"true\").status().is_ok() }"),
    ("thread", "pub fn probe() -> bool { std::thread::spawn(|| ()).join().is_ok() }"),
    (
        "hash map",
        "pub fn probe(map: &std::collections::HashMap<u8, u8>) -> Vec<u8> { map.values().copied().collect() }",
    ),
    ("hash set", "pub fn probe(set: &std::collections::HashSet<u8>) -> Vec<u8> { set.iter().copied().collect() }"),
];

const SOUND: &str =
    "pub fn probe(map: &std::collections::BTreeMap<u8, u8>) -> Vec<u8> { map.values().copied().collect() }";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Lints a program under a crate's rules: whether it passed, and what was said.
fn lint(krate: &str, program: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("probe.rs");
    std::fs::write(&source, program).unwrap();
    let output = Command::new("clippy-driver")
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--crate-name", "probe"])
        .args(["-D", "clippy::disallowed_methods", "-D", "clippy::disallowed_types", "-D", "clippy::disallowed_macros"])
        .arg("--out-dir")
        .arg(folder.path())
        .arg(&source)
        .env("CLIPPY_CONF_DIR", root().join(krate))
        .env_remove("RUSTC_WRAPPER")
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_pure_crate_that_reads_the_world_fails_the_lint() {
    if Command::new("clippy-driver").arg("--version").output().is_err() {
        println!("skipped: no clippy on this machine");
        return;
    }
    let (sound, said) = lint("dome-core", SOUND);
    assert!(sound, "a sound program passes: {said}");
    for (what, program) in PROBES {
        let (passed, said) = lint("dome-core", program);
        assert!(!passed && said.contains("disallowed"), "{what} got through: {said}");
    }
}

#[test]
fn all_pure_crates_have_the_same_rules() {
    let [first, others @ ..] =
        PURE.map(|krate| std::fs::read_to_string(root().join(krate).join("clippy.toml")).unwrap());
    assert!(others.iter().all(|rules| *rules == first), "the rules differ");
}
