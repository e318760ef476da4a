//! Where envelopes go: standard output, or a file that is whole or not there at all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_core::Envelope;
use tempfile::NamedTempFile;

use crate::output::Output;

/// Lines on their way. The first error ends the writing and is said at the end.
pub(super) struct Sink<'o> {
    place: Place<'o>,
    line: Vec<u8>,
    error: Option<anyhow::Error>,
}

enum Place<'o> {
    Output(&'o mut Output),
    File { writer: BufWriter<NamedTempFile>, path: PathBuf },
}

impl<'o> Sink<'o> {
    pub(super) fn open(out: Option<&Path>, output: &'o mut Output) -> anyhow::Result<Self> {
        let place = match out.filter(|path| path.as_os_str() != "-") {
            None => Place::Output(output),
            Some(path) => {
                let file = temporary(path).with_context(|| format!("cannot write `{}`", path.display()))?;
                Place::File { writer: BufWriter::new(file), path: path.to_owned() }
            }
        };
        Ok(Self { place, line: Vec::new(), error: None })
    }

    pub(super) fn put(&mut self, envelope: &Envelope) {
        if self.error.is_some() {
            return;
        }
        self.line.clear();
        envelope.write_canonical(&mut self.line);
        self.line.push(b'\n');
        let written = match &mut self.place {
            Place::Output(output) => output.bytes(&self.line),
            Place::File { writer, .. } => writer.write_all(&self.line).map_err(Into::into),
        };
        self.error = written.err();
    }

    /// Ends the writing: now the file is there.
    pub(super) fn close(self) -> anyhow::Result<()> {
        if let Some(error) = self.error {
            return Err(error);
        }
        match self.place {
            Place::Output(output) => output.flush(),
            Place::File { writer, path } => {
                let file = writer.into_inner().map_err(std::io::IntoInnerError::into_error);
                let kept = file.and_then(|file| keep(file, &path));
                kept.with_context(|| format!("cannot write `{}`", path.display()))
            }
        }
    }
}

/// Writes a small file, whole or not at all.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = temporary(path)?;
    file.write_all(bytes)?;
    keep(file, path)
}

fn temporary(path: &Path) -> std::io::Result<NamedTempFile> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    NamedTempFile::new_in(parent)
}

fn keep(file: NamedTempFile, path: &Path) -> std::io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
