//! The file of an index: a header, then sections, each with its digest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use dome_core::Sha256Hash;
use serde::{Deserialize, Serialize};

use super::About;

/// The first line of the file, its members in canonical order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    about: About,
    columns_version: String,
    /// What it is the index of.
    identity: String,
    sections: BTreeMap<String, Entry>,
}

/// Where a section stands behind the header.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    length: u64,
    sha256: Sha256Hash,
    start: u64,
}

/// The file, open.
pub(super) struct Container {
    file: File,
    /// Bytes of the header.
    base: u64,
    sections: BTreeMap<String, Entry>,
}

impl Container {
    /// Opens the index at `path`; `None` unless it is whole, of this version, and of `identity`.
    pub(super) fn open(path: &Path, version: &str, identity: &str) -> Option<(Self, About)> {
        let file = File::open(path).ok()?;
        let (mut line, mut reader) = (Vec::new(), BufReader::new(&file));
        reader.read_until(b'\n', &mut line).ok()?;
        let (digest, header) = line.split_at_checked(64)?;
        if Sha256Hash::of(header).to_string().as_bytes() != digest {
            return None;
        }
        let header: Header = serde_json::from_slice(header).ok()?;
        let base = u64::try_from(line.len()).ok()?;
        let bytes = header.sections.values().try_fold(base, |sum, entry| sum.checked_add(entry.length))?;
        let whole = file.metadata().ok()?.len() == bytes;
        let fits = whole && header.columns_version == version && header.identity == identity;
        fits.then(|| (Self { file, base, sections: header.sections }, header.about))
    }

    /// A section, if it is the one that was written.
    pub(super) fn section(&self, name: &str) -> Option<Vec<u8>> {
        let entry = self.sections.get(name)?;
        let bytes = self.piece(name, 0, entry.length)?;
        (Sha256Hash::of(&bytes) == entry.sha256).then_some(bytes)
    }

    /// A piece of a section, unchecked: what it leads to is checked.
    pub(super) fn piece(&self, name: &str, start: u64, length: u64) -> Option<Vec<u8>> {
        let entry = self.sections.get(name)?;
        if start.checked_add(length)? > entry.length {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        let from = self.base.checked_add(entry.start)?.checked_add(start)?;
        self.file.read_exact_at(&mut bytes, from).ok()?;
        Some(bytes)
    }

    /// Writes an index, whole or not at all.
    pub(super) fn write(
        path: &Path,
        version: &str,
        identity: &str,
        about: &About,
        sections: &[(&str, &[u8])],
    ) -> io::Result<()> {
        let (mut entries, mut start) = (BTreeMap::new(), 0);
        for (name, bytes) in sections {
            let length = bytes.len() as u64;
            let before = entries.insert((*name).to_owned(), Entry { length, sha256: Sha256Hash::of(bytes), start });
            if before.is_some() {
                return Err(io::Error::other(format!("two sections are called `{name}`")));
            }
            start += length;
        }
        let [columns_version, identity] = [version, identity].map(str::to_owned);
        let mut header =
            serde_json::to_vec(&Header { about: about.clone(), columns_version, identity, sections: entries })?;
        header.push(b'\n');
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // As open as any file that the user makes.
        let open = std::fs::Permissions::from_mode(0o666);
        let mut file = tempfile::Builder::new().prefix(".dome-index-").permissions(open).tempfile_in(folder)?;
        file.write_all(Sha256Hash::of(&header).to_string().as_bytes())?;
        file.write_all(&header)?;
        sections.iter().try_for_each(|(_, bytes)| file.write_all(bytes))?;
        file.persist(path)?;
        Ok(())
    }
}
