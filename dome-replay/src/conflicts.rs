//! Lines that settling ruled out, read again: few lines conflict, and none is kept twice.

use std::collections::BTreeMap;

use dome_binder::Conflict;
use dome_core::{Line, QuarantineRow, RawLine, lines};

use crate::door::{Admitted, Door, Masking};
use crate::error::{Error, Result};
use crate::input::{Chunk, LineSource};

/// Conflicts whose lines are looked for, by the name of their source, then by line.
///
/// Several sources may have one name, so a line is only the right one if it holds the envelope that was ruled out.
pub struct RuledOutLines<'c>(BTreeMap<&'c str, BTreeMap<u64, Vec<&'c Conflict>>>);

impl<'c> RuledOutLines<'c> {
    /// Looks for the lines of all of these.
    #[must_use]
    pub fn new(conflicts: &'c [Conflict]) -> Self {
        let mut wanted: BTreeMap<&str, BTreeMap<u64, Vec<&Conflict>>> = BTreeMap::new();
        for conflict in conflicts {
            let lines = wanted.entry(&conflict.source.name).or_default();
            lines.entry(conflict.source.line).or_default().push(conflict);
        }
        Self(wanted)
    }

    /// The row of the quarantine for a line of a source, if it is looked for. It is not any more then.
    pub fn row(&mut self, line: &Line<'_>, source: &str, door: &mut Door<'_>) -> Option<QuarantineRow> {
        let lines = self.0.get_mut(source)?;
        let wanted = lines.get_mut(&line.number)?;
        let Admitted::Envelope(envelope, bytes) = door.admit(line, source) else { return None };
        let digest = envelope.digest();
        let found = wanted.iter().position(|conflict| conflict.digest == digest)?;
        let Conflict { source, rejection, .. } = wanted.swap_remove(found);
        if wanted.is_empty() {
            lines.remove(&line.number);
        }
        Some(RawLine::of(&bytes).row(line.offset, source.clone(), rejection.clone()))
    }

    /// A line that is still looked for.
    #[must_use]
    pub fn left(&self) -> Option<(&str, u64)> {
        self.0.iter().find_map(|(name, lines)| Some((*name, *lines.keys().next()?)))
    }

    fn next(&self, source: &str, line: u64) -> Option<u64> {
        self.0.get(source)?.range(line + 1..).next().map(|(line, _)| *line)
    }
}

/// Hands out the rows of lines that settling ruled out, source by source. Only the chunks that they stand in are read.
pub(crate) fn reread(
    conflicts: &[Conflict],
    sources: &[LineSource],
    masking: &Masking,
    take: &mut dyn FnMut(QuarantineRow) -> Result<()>,
) -> Result<()> {
    // Lines are masked again, but counted once: by the door that they came in by.
    let (mut wanted, mut door) = (RuledOutLines::new(conflicts), Door::new(masking, None));
    for source in sources {
        // The last line that was looked at, and the last one that need not be looked for any more.
        let (mut seen, mut passed) = (0, 0);
        while let Some(next) = wanted.next(&source.name, passed) {
            passed = next;
            for chunk in source.chunks_from(next)? {
                let Chunk::Lines { number, offset, bytes } = chunk? else { continue };
                // A chunk may be read again: a line of it may not be taken for that of another source of its name.
                let after = seen;
                for line in lines(&bytes, number, offset).filter(|line| line.number > after) {
                    seen = line.number;
                    passed = passed.max(seen);
                    if let Some(row) = wanted.row(&line, &source.name, &mut door) {
                        take(row)?;
                    }
                }
                if passed >= next && (!source.is_compressed() || wanted.next(&source.name, passed).is_none()) {
                    break;
                }
            }
        }
    }
    match wanted.left() {
        None => Ok(()),
        Some((name, line)) => {
            Err(Error::failed(format!("`{name}` changed while it was being read: line {line} is not what it was")))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use std::io::Write;

    use dome_core::{Problem, ProblemCode, Source as LineRef};

    use super::*;
    use crate::input::{ENVELOPES, all_chunks, find};

    /// A file of several chunks, plain and compressed, of which the first and the last line are wanted.
    #[test]
    fn m31_a_line_far_behind_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let text = String::from_utf8(dome_core::EXAMPLE_LINE.to_vec()).unwrap();
        let blank = " ".repeat(1 << 10) + "\n";
        let whole = format!("{text}\n{}{text}\n", blank.repeat(3 << 10));
        std::fs::write(folder.path().join("a.jsonl"), &whole).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(whole.as_bytes()).unwrap();
        std::fs::write(folder.path().join("b.jsonl.gz"), gzip.finish().unwrap()).unwrap();
        let sources = find(&[folder.path().to_owned()], ENVELOPES, &()).unwrap();
        assert!(all_chunks(&sources).map(Result::unwrap).count() > 4);
        let digest = dome_core::read(text.as_bytes()).unwrap().digest();
        let problem = Problem {
            code: ProblemCode::EventIdConflict,
            message: "it stands elsewhere".to_owned(),
            pointer: "/event_id".to_owned(),
            span: 0..0,
        };
        let wanted: Vec<Conflict> = ["a.jsonl", "b.jsonl.gz"]
            .into_iter()
            .flat_map(|name| [1, (3 << 10) + 2].map(|line| LineRef { line, name: name.into() }))
            .map(|source| Conflict { digest, source, rejection: problem.clone().into() })
            .collect();
        let mut found = Vec::new();
        let mut take = |row: QuarantineRow| {
            found.push((row.source, row.offset));
            Ok(())
        };
        reread(&wanted, &sources, &Masking::off(), &mut take).unwrap();
        let last = (whole.len() - text.len() - 1) as u64;
        let expected: Vec<_> = wanted.iter().map(|one| one.source.clone()).zip([0, last, 0, last]).collect();
        assert_eq!(found, expected);
        let elsewhere =
            [Conflict { source: LineRef { line: 2, name: "a.jsonl".into() }, ..wanted.first().unwrap().clone() }];
        assert!(reread(&elsewhere, &sources, &Masking::off(), &mut |_| Ok(())).is_err());
    }
}
