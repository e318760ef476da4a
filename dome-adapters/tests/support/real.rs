//! Real files, where they are at hand: `DOME_REAL_DATA` names the folder that holds them.
#![expect(clippy::disallowed_methods, reason = "tests read what the crate is given")]

use std::path::{Path, PathBuf};

use super::Folder;

/// The folder of real files, where there is one.
pub(crate) fn real() -> Option<PathBuf> {
    let root = std::env::var_os("DOME_REAL_DATA").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: DOME_REAL_DATA is not set");
    }
    root
}

/// The files below a folder of the real ones, where there are some.
pub(crate) fn real_files(folder: &str) -> Option<Folder> {
    real().map(|root| files(&root.join(folder)))
}

/// Every file below, with its path from there, in order.
pub(crate) fn files(root: &Path) -> Folder {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
