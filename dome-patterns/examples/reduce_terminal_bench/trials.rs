//! The trials of a folder as items: each worker is given one trial and its id.

use std::path::{Path, PathBuf};

use dome_patterns::MapItem;
use serde_json::{Value, json};

use super::Outcome;

/// The trials of all files under a folder, by file, then place; at most `most`.
pub(super) fn items(folder: &Path, most: usize) -> Outcome<Vec<MapItem>> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.sort();
    let mut items = Vec::new();
    for file in files {
        let document: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        let results = document.get("results").and_then(Value::as_array);
        for trial in results.into_iter().flatten() {
            items.push(item(&file, trial)?);
        }
    }
    items.truncate(most);
    Ok(items)
}

fn item(file: &Path, trial: &Value) -> Outcome<MapItem> {
    let name = trial.get("trial_name").and_then(Value::as_str).ok_or("a trial without a name")?;
    let file = file.file_stem().unwrap_or_default().to_string_lossy();
    let id = format!("{file}/{name}");
    let input = json!({"item": id, "trial": trial});
    Ok(MapItem { id: id.parse()?, input: input.to_string().into_bytes() })
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}
