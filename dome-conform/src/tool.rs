//! A tool on the disk: its manifest, its files, their digests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dome_contracts::conform::ToolManifest;
use dome_core::conformance::{ConformanceDigests, PresentTool, ToolVersion};
use dome_core::{Sha256Hash, canonical};
use serde_json::Value;

use crate::error::{ConformError, Result};

/// A tool that can be run.
#[derive(Clone, Debug)]
pub struct ToolOnDisk {
    /// The digests of what is judged.
    pub digests: ConformanceDigests,
    /// The folder of the manifest.
    pub folder: PathBuf,
    /// The manifest.
    pub manifest: ToolManifest,
    /// The manifest as it was named.
    pub named: PathBuf,
}

impl ToolOnDisk {
    /// Reads a manifest from its bytes, and takes the digests of what it names. `path` is where the manifest
    /// is: the tool's files lie beside it.
    ///
    /// # Errors
    ///
    /// [`ConformError::Manifest`] with every problem, [`ConformError::ToolFile`] for a file that cannot be read,
    /// [`ConformError::Failed`] if there is no such folder.
    pub fn new(path: &Path, document: &[u8]) -> Result<Self, ConformError> {
        let manifest = ToolManifest::parse(document)
            .map_err(|problems| ConformError::Manifest { path: path.to_owned(), problems })?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder =
            parent.canonicalize().map_err(ConformError::doing(format!("cannot find `{}`", parent.display())))?;
        let schemas = &manifest.schemas;
        let digests = ConformanceDigests {
            config_schema: of_value(&schemas.config.declared)?,
            input_schema: of_value(&schemas.input.declared)?,
            manifest: of_value(&serde_json::from_slice(document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document))?)?,
            output_schema: of_value(&schemas.output.declared)?,
            tool: of_files(&folder, &manifest)?,
        };
        Ok(Self { digests, folder, manifest, named: path.to_owned() })
    }

    /// The tool on its bytes: what a report has to be on.
    #[must_use]
    pub fn present(&self) -> PresentTool {
        let ToolVersion { name, version } = self.manifest.tool.clone();
        PresentTool { files: self.digests.tool, manifest: self.digests.manifest, name, version }
    }
}

/// By canonical bytes; a value with a fraction has none, and is taken as it is printed with sorted members.
fn of_value(value: &Value) -> Result<Sha256Hash> {
    let bytes = canonical::to_vec(value).or_else(|_| serde_json::to_vec(value))?;
    Ok(Sha256Hash::of(&bytes))
}

fn of_files(folder: &Path, manifest: &ToolManifest) -> Result<Sha256Hash> {
    let digest = |file: &String| match std::fs::read(folder.join(file)) {
        Ok(bytes) => Ok((file.clone(), Sha256Hash::of(&bytes))),
        Err(why) => Err(ConformError::ToolFile { file: file.clone(), why }),
    };
    let files = manifest.files.iter().map(digest).collect::<Result<BTreeMap<_, _>, _>>()?;
    #[expect(clippy::expect_used, reason = "paths and digests are strings, and all strings have canonical bytes")]
    let bytes = canonical::to_vec(&files).expect("a map of strings has canonical bytes");
    Ok(Sha256Hash::of(&bytes))
}
