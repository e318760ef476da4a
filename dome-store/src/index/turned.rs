//! Lines that are no facts: what the quarantine holds.

use dome_core::{Problem, QuarantineRow, RawLine, Rejection, Source};

use super::Index;
use super::batch::{EntryBytes, Origin};
use super::error::Result;
use super::rows::json;

/// A line in the quarantine, and where its entry stands.
#[derive(Clone, Debug)]
pub struct QuarantinedLine {
    /// The position of its entry.
    pub position: u64,
    /// Where its bytes stand.
    pub bytes: EntryBytes,
    /// Where it stood.
    pub source: Source,
    /// What rules it out, where facts do (M-41): then it is an envelope, and reading it again changes nothing.
    pub conflict: Option<Problem>,
}

impl QuarantinedLine {
    /// Its row in the quarantine (M-31), read from where the line stands.
    ///
    /// # Errors
    ///
    /// When `origin` cannot read the line.
    pub fn row(&self, origin: &mut dyn Origin) -> Result<QuarantineRow> {
        let Some(problem) = &self.conflict else { return Ok(origin.turned(self.position, self.bytes)?) };
        let line = origin.line(self.position, self.bytes)?;
        let rejection = Rejection::from(problem.clone());
        Ok(RawLine::of(&line.bytes).row(line.offset, self.source.clone(), rejection))
    }
}

impl Index {
    /// Lines that are no facts, of one source or of all; by source name, then line.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn quarantine(&self, source: Option<&str>) -> Result<Vec<QuarantinedLine>> {
        let mut select = self.db.prepare_cached(
            "SELECT rejected.id, segment, start, length, text, line, problem
             FROM rejected JOIN words ON words.id = source
             WHERE state IN ('quarantined', 'conflict') AND (?1 IS NULL OR text = ?1) ORDER BY text, line, rejected.id",
        )?;
        let mut rows = select.query([source])?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            let problem: String = row.get(6)?;
            let name: String = row.get(4)?;
            lines.push(QuarantinedLine {
                position: row.get(0)?,
                bytes: EntryBytes { segment: row.get(1)?, start: row.get(2)?, length: row.get(3)? },
                source: Source { line: row.get(5)?, name: name.as_str().into() },
                conflict: if problem.is_empty() { None } else { Some(json::<Problem>(problem.as_bytes())?) },
            });
        }
        Ok(lines)
    }
}
