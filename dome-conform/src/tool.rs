//! A tool on the disk: its manifest, its files, their digests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dome_contracts::conform::{Digests, Manifest};
use dome_core::{Sha256Hash, canonical};
use serde_json::Value;

use crate::error::Error;

/// A tool that can be run.
#[derive(Clone, Debug)]
pub struct ToolOnDisk {
    /// The digests of what is judged.
    pub digests: Digests,
    /// The folder of the manifest.
    pub folder: PathBuf,
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest as it was named.
    pub named: PathBuf,
}

impl ToolOnDisk {
    /// Reads a manifest from its bytes, and takes the digests of what it names. `path` is where the manifest
    /// is: the tool's files lie beside it.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] with every problem, [`Error::ToolFile`] for a file that cannot be read,
    /// [`Error::Failed`] if there is no such folder.
    pub fn new(path: &Path, document: &[u8]) -> Result<Self, Error> {
        let manifest =
            Manifest::parse(document).map_err(|problems| Error::Manifest { path: path.to_owned(), problems })?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = parent.canonicalize().map_err(Error::doing(format!("cannot find `{}`", parent.display())))?;
        let schemas = &manifest.schemas;
        let digests = Digests {
            config_schema: of_value(&schemas.config)?,
            input_schema: of_value(&schemas.input)?,
            manifest: of_value(&serde_json::from_slice(document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document))?)?,
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
fn of_value(value: &Value) -> Result<Sha256Hash, Error> {
    let bytes = canonical::to_vec(value).or_else(|_| serde_json::to_vec(value))?;
    Ok(Sha256Hash::of(&bytes))
}

fn of_files(folder: &Path, manifest: &Manifest) -> Result<Sha256Hash, Error> {
    let digest = |file: &String| match std::fs::read(folder.join(file)) {
        Ok(bytes) => Ok((file.clone(), Sha256Hash::of(&bytes))),
        Err(why) => Err(Error::ToolFile { file: file.clone(), why }),
    };
    let files = manifest.files.iter().map(digest).collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(Sha256Hash::of(&canonical::to_vec(&files)?))
}
