//! Finding sources and opening them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dome_core::{escaped, escaped_path};
use walkdir::WalkDir;

use super::{Chunk, Chunks, compressed};
use crate::error::{Context, Error};
use crate::parallel::held;
use crate::watch::Watch;

/// One source of lines.
pub struct LineSource {
    /// Its path relative to the INPUT that it came from; its file name when INPUT is a file, `-`
    /// for stdin.
    pub name: String,
    place: SourcePlace,
    /// The first line of each chunk that was read, and its offset: lines that are wanted again are found by these.
    marks: Mutex<Vec<(u64, u64)>>,
}

enum SourcePlace {
    File(PathBuf),
    /// A file that is open, such as what stdin said, kept so that it can be read again.
    Open(File),
}

/// Which files of a folder count: by the ends of their names, plain or compressed.
pub type FileEndings<'e> = &'e [&'static str];

/// Envelopes, as JSON Lines.
pub const ENVELOPES: FileEndings<'static> = &[".jsonl"];

fn counts(endings: FileEndings<'_>, name: &str) -> bool {
    let plain = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    endings.iter().any(|end| plain.ends_with(end))
}

/// The sources that the inputs name, in the order of the inputs, folders in name order.
///
/// # Errors
///
/// When an input cannot be looked at, or a folder holds nothing that counts.
pub fn find(inputs: &[PathBuf], endings: FileEndings<'_>, watch: &dyn Watch) -> crate::Result<Vec<LineSource>> {
    let mut sources = Vec::new();
    for input in inputs {
        if input.as_os_str() == "-" {
            sources.push(LineSource::opened("-".to_owned(), spool_stdin()?));
        } else if input.is_dir() {
            let found = below(input, endings)?;
            if found.is_empty() {
                let wanted: Vec<_> = endings.iter().map(|end| format!("`*{end}`")).collect();
                let (wanted, shown) = (wanted.join(" or "), escaped_path(input));
                return Err(Error::failed(format!("no {wanted} (plain, `.gz` or `.zst`) below `{shown}`")));
            }
            sources.extend(found);
        } else {
            File::open(input).context(|| format!("cannot read `{}`", escaped_path(input)))?;
            sources.push(LineSource::of_file(input));
        }
    }
    note_namesakes(&sources, watch);
    Ok(sources)
}

fn below(folder: &Path, endings: FileEndings<'_>) -> crate::Result<Vec<LineSource>> {
    let mut sources = Vec::new();
    for entry in WalkDir::new(folder).follow_links(true) {
        let is_gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let entry = match entry {
            // It went while the folder was walked.
            Err(error) if error.depth() > 0 && error.io_error().is_some_and(is_gone) => continue,
            entry => entry.context(|| format!("cannot walk `{}`", escaped_path(folder)))?,
        };
        let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let steps: Vec<_> = relative.iter().map(|step| step.to_string_lossy()).collect();
        let name = steps.join("/");
        if entry.file_type().is_file() && counts(endings, &name) {
            sources.push(LineSource::new(name, SourcePlace::File(entry.into_path())));
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

/// As [`find`], of what is there by now: files that are not, and folders that hold nothing yet, are
/// passed over.
///
/// # Errors
///
/// When a folder cannot be walked.
pub fn find_some(inputs: &[PathBuf], endings: FileEndings<'_>) -> crate::Result<Vec<LineSource>> {
    let mut sources = Vec::new();
    for input in inputs {
        if input.is_dir() {
            sources.extend(below(input, endings)?);
        } else if input.is_file() {
            sources.push(LineSource::of_file(input));
        }
    }
    Ok(sources)
}

/// Lineage names a source; two of one name cannot be told apart.
fn note_namesakes(sources: &[LineSource], watch: &dyn Watch) {
    let mut names = BTreeSet::new();
    let twice: BTreeSet<&str> =
        sources.iter().map(|source| source.name.as_str()).filter(|name| !names.insert(*name)).collect();
    for name in twice {
        watch.note(&format!(
            "more than one source is called `{}`; lineage cannot tell them apart. \
             Pass the folder above them instead",
            escaped(name)
        ));
    }
}

fn spool_stdin() -> crate::Result<File> {
    let mut spool = tempfile::tempfile().context(|| "cannot make a temporary file for stdin")?;
    io::copy(&mut io::stdin().lock(), &mut spool).context(|| "cannot read stdin")?;
    Ok(spool)
}

impl LineSource {
    /// A file that is open, under a name of its own: whatever becomes of its path, these lines are read.
    #[must_use]
    pub const fn opened(name: String, file: File) -> Self {
        Self::new(name, SourcePlace::Open(file))
    }

    const fn new(name: String, place: SourcePlace) -> Self {
        Self { name, place, marks: Mutex::new(Vec::new()) }
    }

    fn of_file(path: &Path) -> Self {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self::new(name, SourcePlace::File(path.to_owned()))
    }

    /// Its path, if it has one.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            SourcePlace::File(path) => Some(path),
            SourcePlace::Open(_) => None,
        }
    }

    /// Whether its bytes are not its lines.
    pub fn is_compressed(&self) -> bool {
        self.name.ends_with(".gz") || self.name.ends_with(".zst")
    }

    /// Bytes of its lines, if that is known before it is read.
    pub fn bytes(&self) -> Option<u64> {
        let metadata = self.path().filter(|_| !self.is_compressed()).and_then(|path| path.metadata().ok())?;
        metadata.is_file().then_some(metadata.len())
    }

    /// How messages name it.
    pub fn named(&self) -> String {
        escaped(&self.shown())
    }

    /// The path that the user can open.
    pub fn shown(&self) -> String {
        match &self.place {
            SourcePlace::File(path) => path.display().to_string(),
            SourcePlace::Open(_) if self.name == "-" => "stdin".to_owned(),
            SourcePlace::Open(_) => self.name.clone(),
        }
    }

    /// Whether it is a file that can be pointed at.
    pub fn is_file(&self) -> bool {
        matches!(self.place, SourcePlace::File(_)) || self.name != "-"
    }

    /// Opens it at its start, decompressed by its name.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn open(&self) -> crate::Result<Box<dyn Read + Send>> {
        let file = self.file(0).context(|| format!("cannot read `{}`", self.named()))?;
        Ok(if self.name.ends_with(".gz") {
            compressed::gzip(file)
        } else if self.name.ends_with(".zst") {
            compressed::zstandard(file).context(|| format!("cannot read `{}`", self.named()))?
        } else {
            Box::new(file)
        })
    }

    /// From the last chunk that is known to begin with `line` or before it; what is compressed, from its start.
    pub(crate) fn chunks_from(&self, line: u64) -> crate::Result<impl Iterator<Item = crate::Result<Chunk>> + Send> {
        let failed = || format!("cannot read `{}`", self.named());
        let mark = held(&self.marks).iter().rev().find(|(first, _)| *first <= line).copied();
        let chunks = match mark {
            Some((number, offset)) => {
                let file: Box<dyn Read + Send> = Box::new(self.file(offset).context(failed)?);
                Chunks::resumed(file, number, offset)
            }
            None => Chunks::new(self.open()?),
        };
        Ok(chunks.map(move |chunk| {
            let chunk = chunk.context(failed)?;
            if let Chunk::Lines { number, offset, .. } = &chunk
                && !self.is_compressed()
            {
                let mut marks = held(&self.marks);
                if marks.last().is_none_or(|(last, _)| last < number) {
                    marks.push((*number, *offset));
                }
            }
            Ok(chunk)
        }))
    }

    fn file(&self, at: u64) -> io::Result<File> {
        let mut file = match &self.place {
            SourcePlace::File(path) if at == 0 => return File::open(path),
            SourcePlace::File(path) => File::open(path)?,
            SourcePlace::Open(file) => file.try_clone()?,
        };
        file.seek(SeekFrom::Start(at))?;
        Ok(file)
    }
}

/// All chunks of all sources, one source after the other.
pub fn all_chunks(sources: &[LineSource]) -> impl Iterator<Item = crate::Result<(usize, Chunk)>> + Send {
    sources.iter().enumerate().flat_map(|(index, source)| {
        let (chunks, error) = match source.chunks_from(1) {
            Ok(chunks) => (Some(chunks), None),
            Err(error) => (None, Some(Err(error))),
        };
        chunks.into_iter().flatten().map(move |chunk| Ok((index, chunk?))).chain(error)
    })
}

/// Bytes of a document that is read whole, at the most: many times what any of them needs.
const DOCUMENT_BYTES: u64 = 64 << 20;

/// A document that is small and read whole, such as a policy.
pub fn document(path: &Path) -> crate::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut whole = |from: &mut dyn Read| match from.take(DOCUMENT_BYTES + 1).read_to_end(&mut bytes)? as u64 {
        ..=DOCUMENT_BYTES => Ok(()),
        _ => Err(io::Error::other(format!("expected a document of at most {DOCUMENT_BYTES} bytes"))),
    };
    let read = match path.as_os_str() == "-" {
        true => whole(&mut io::stdin()),
        false => File::open(path).and_then(|mut file| whole(&mut file)),
    };
    read.context(|| format!("cannot read `{}`", escaped_path(path)))?;
    Ok(bytes)
}
