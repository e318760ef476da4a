//! The tables of files and digests are what lies in the folders.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong, and reads the folders")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use xtrlv2_fixtures::VERSIONS;

const BLESS: &str = "XTRLV2_FIXTURES_BLESS";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn files(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{path}/"), found);
        } else {
            found.insert(path, fs::read(entry.path()).unwrap());
        }
    }
}

fn table(version: &str) -> String {
    let mut found = BTreeMap::new();
    files(&root().join(format!("v{version}")), "", &mut found);
    let mut text = format!(
        "//! The files of version {version}. Written by `{BLESS}=1 cargo test -p xtrlv2-fixtures table`;\n//! the entry of a file that is removed has to be removed first, by hand.\n\n\
         use crate::Artifact;\n\npub(crate) const ARTIFACTS: &[Artifact] = &[\n"
    );
    for (path, bytes) in found {
        writeln!(
            text,
            "    Artifact {{\n        path: \"{path}\",\n        bytes: include_bytes!(\"../v{version}/{path}\"),\n        sha256: \"{}\",\n    }},",
            hex(&bytes)
        )
        .unwrap();
    }
    text + "];\n"
}

#[test]
fn the_tables_list_every_file_with_its_digest() {
    for version in VERSIONS {
        let path = root().join(format!("src/v{}.rs", version.name.replace('.', "_")));
        let wanted = table(version.name);
        if std::env::var_os(BLESS).is_some() {
            fs::write(&path, &wanted).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap() == wanted,
            "{} is not what lies in v{}: {BLESS}=1 cargo test -p xtrlv2-fixtures table",
            path.display(),
            version.name
        );
    }
}

#[test]
fn the_recorded_digests_are_those_of_the_bytes() {
    for artifact in VERSIONS.iter().flat_map(|version| version.artifacts) {
        assert_eq!(artifact.sha256, hex(artifact.bytes), "{}", artifact.path);
        assert_eq!(artifact.text().as_bytes(), artifact.bytes, "{}", artifact.path);
    }
}

#[test]
fn every_artifact_is_found_by_its_path_and_nothing_else_is() {
    for version in VERSIONS {
        assert!(version.artifacts.is_sorted_by(|a, b| a.path < b.path));
        for artifact in version.artifacts {
            assert_eq!(version.artifact(artifact.path), Some(artifact));
        }
        assert_eq!(version.artifact("schemas"), None);
        assert_eq!(version.schema("gate"), None);
    }
}
