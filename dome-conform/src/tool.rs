//! A tool on the disk: its manifest, its files, their digests.

use std::collections::{BTreeMap, BTreeSet};
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

    /// A copy of the tool's own files in a folder that nobody else writes to. What a run there reads of the tool is what
    /// the digests are of, whatever becomes of the original.
    pub(crate) fn copied(&self, to: &Path) -> Result<Self> {
        for file in own_files(&self.folder, &self.manifest)? {
            let target = to.join(&file);
            let copied = target.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
                let bytes = std::fs::read(self.folder.join(&file))?;
                std::fs::write(&target, bytes)
            });
            copied.map_err(|why| ConformError::ToolFile { file, why })?;
        }
        if let Some(workdir) = &self.manifest.workdir {
            std::fs::create_dir_all(to.join(workdir))?;
        }
        if of_files(to, &self.manifest)? == self.digests.tool {
            return Ok(Self { folder: to.to_owned(), ..self.clone() });
        }
        Err(ConformError::ToolChanged { tool: self.present().to_string() })
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

/// Over the tool's files and those of the folder that runs start in a copy of: all that is the tool's own in a run.
fn of_files(folder: &Path, manifest: &ToolManifest) -> Result<Sha256Hash> {
    let digest = |file: String| match std::fs::read(folder.join(&file)) {
        Ok(bytes) => Ok((file, Sha256Hash::of(&bytes))),
        Err(why) => Err(ConformError::ToolFile { file, why }),
    };
    let files = own_files(folder, manifest)?.into_iter().map(digest).collect::<Result<BTreeMap<_, _>, _>>()?;
    #[expect(clippy::expect_used, reason = "paths and digests are strings, and all strings have canonical bytes")]
    let bytes = canonical::to_vec(&files).expect("a map of strings has canonical bytes");
    Ok(Sha256Hash::of(&bytes))
}

/// The names of the tool's files, below its folder.
fn own_files(folder: &Path, manifest: &ToolManifest) -> Result<BTreeSet<String>> {
    let mut files = manifest.files.clone();
    let Some(workdir) = &manifest.workdir else { return Ok(files) };
    let unreadable = |why: std::io::Error| ConformError::ToolFile { file: workdir.clone(), why };
    for entry in walkdir::WalkDir::new(folder.join(workdir)).follow_links(true) {
        let entry = entry.map_err(|why| unreadable(why.into()))?;
        if !entry.file_type().is_dir() {
            let below = entry.path().strip_prefix(folder).ok().and_then(Path::to_str);
            let not_utf8 = || unreadable(std::io::Error::other("a name in it is not UTF-8"));
            files.insert(below.ok_or_else(not_utf8)?.to_owned());
        }
    }
    Ok(files)
}
