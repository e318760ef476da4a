//! Where envelopes go: standard output, or a file that is whole or not there at all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_core::Envelope;

use super::target::Target;
use crate::output::Output;
use dome_core::escaped_path;

/// Lines on their way. The first error ends the writing and is said at the end.
pub(super) struct Sink<'o> {
    place: SinkPlace<'o>,
    line: Vec<u8>,
    error: Option<anyhow::Error>,
}

enum SinkPlace<'o> {
    Output(&'o mut Output),
    File { writer: BufWriter<Target>, path: PathBuf },
}

impl<'o> Sink<'o> {
    pub(super) fn open(out: Option<&Path>, output: &'o mut Output) -> anyhow::Result<Self> {
        let place = match out.filter(|path| path.as_os_str() != "-") {
            None => SinkPlace::Output(output),
            Some(path) => {
                let target = Target::open(path).with_context(|| format!("cannot write `{}`", escaped_path(path)))?;
                SinkPlace::File { writer: BufWriter::new(target), path: path.to_owned() }
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
            SinkPlace::Output(output) => output.bytes(&self.line),
            SinkPlace::File { writer, .. } => writer.write_all(&self.line).map_err(Into::into),
        };
        self.error = written.err();
    }

    /// Ends the writing: now the file is there. Where `keep` does not hold, what stood there stays.
    pub(super) fn close(self, keep: bool) -> anyhow::Result<()> {
        if let Some(error) = self.error {
            return Err(error);
        }
        match self.place {
            SinkPlace::Output(output) => output.flush(),
            SinkPlace::File { .. } if !keep => Ok(()),
            SinkPlace::File { writer, path } => {
                let target = writer.into_inner().map_err(std::io::IntoInnerError::into_error);
                let kept = target.and_then(Target::keep);
                kept.with_context(|| format!("cannot write `{}`", escaped_path(&path)))
            }
        }
    }
}

/// Writes a small file, whole or not at all.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = Target::open(path).and_then(|mut target| {
        target.write_all(bytes)?;
        target.keep()
    });
    written.with_context(|| format!("cannot write `{}`", escaped_path(path)))
}
