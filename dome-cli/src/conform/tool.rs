//! A tool on the disk: its manifest, its files, their digests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_contracts::conform::{Digests, Manifest};
use dome_core::{Sha256Hash, canonical};
use serde_json::Value;

use crate::exit::invalid;
use dome_replay::input::document;

/// A tool that can be run.
pub(crate) struct ToolOnDisk {
    pub(crate) digests: Digests,
    /// The folder of the manifest.
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
    /// The manifest as it was named.
    pub(crate) named: PathBuf,
}

impl ToolOnDisk {
    /// Reads a manifest, and takes the digests of what it names.
    ///
    /// # Errors
    ///
    /// An invalid manifest (exit code 3), with every problem; a file that is not there.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let bytes = document(path)?;
        let manifest = Manifest::parse(&bytes).map_err(|error| {
            let each = error.problems.iter().map(|problem| format!("\n  `{}`: {}", problem.pointer, problem.message));
            invalid(format!("`{}` is not a tool manifest:{}", path.display(), each.collect::<String>()))
        })?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = parent.canonicalize().with_context(|| format!("cannot find `{}`", parent.display()))?;
        let schemas = &manifest.schemas;
        let digests = Digests {
            config_schema: of_value(&schemas.config)?,
            input_schema: of_value(&schemas.input)?,
            manifest: of_value(&serde_json::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes))?)?,
            output_schema: of_value(&schemas.output)?,
            tool: of_files(&folder, &manifest)?,
        };
        Ok(Self { digests, folder, manifest, named: path.to_owned() })
    }

    pub(crate) fn entry(&self) -> PathBuf {
        self.folder.join(&self.manifest.entry)
    }
}

/// By canonical bytes; a value with a fraction has none, and is taken as it is printed with sorted members.
fn of_value(value: &Value) -> anyhow::Result<Sha256Hash> {
    let bytes = canonical::to_vec(value).or_else(|_| serde_json::to_vec(value))?;
    Ok(Sha256Hash::of(&bytes))
}

fn of_files(folder: &Path, manifest: &Manifest) -> anyhow::Result<Sha256Hash> {
    let digest = |name: &String| -> anyhow::Result<(String, Sha256Hash)> {
        let path = folder.join(name);
        let bytes = std::fs::read(&path)
            .map_err(|why| invalid(format!("the manifest names `{name}`, and it cannot be read: {why}")))?;
        Ok((name.clone(), Sha256Hash::of(&bytes)))
    };
    let files = manifest.files.iter().map(digest).collect::<anyhow::Result<BTreeMap<_, _>>>()?;
    Ok(Sha256Hash::of(&canonical::to_vec(&files)?))
}
