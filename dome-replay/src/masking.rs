//! Masking at the door: which rules, and what they make of a line.

use std::borrow::Cow;
use std::path::Path;

use dome_core::redact::{REDACTION_VERSION, Redaction, RedactionCounts, RedactionRules};
use dome_core::{RawLine, Sha256Hash, limits};
use serde::Serialize;

use crate::error::{Context, Error};
use crate::input::document;

/// What `--redact` takes instead of a file; it wins over a file of that name.
pub const BUILT_IN: &str = "built-in";

/// The rules that lines go through before anything else looks at them; none lets them through.
pub struct Masking(Option<Redaction>);

/// A line behind the door.
pub enum Seen<'l> {
    /// The line, masked where it held a secret.
    Whole(Cow<'l, [u8]>),
    /// What the quarantine says of a line that is too long, masked.
    TooLong(RawLine),
}

/// What a manifest says of it, its members in canonical order.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Redacted {
    /// Masks put, by rule.
    pub counts: RedactionCounts,
    /// SHA-256 of the rules' canonical bytes.
    digest: Sha256Hash,
    /// The rules.
    rules: RedactionRules,
    /// The version of the built-in rules.
    version: &'static str,
}

impl Masking {
    /// No rules: lines go through as they are.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Reads the rules that were asked for.
    ///
    /// # Errors
    ///
    /// When the document cannot be read or is wrong.
    pub fn load(asked: Option<&Path>) -> crate::Result<Self> {
        let Some(path) = asked else { return Ok(Self(None)) };
        if path.as_os_str() == BUILT_IN {
            return Ok(Self(Some(Redaction::built_in())));
        }
        let parsed = Redaction::parse(&document(path)?);
        Ok(Self(Some(parsed.map_err(|why| Error::invalid(format!("`{}`: {why}", path.display())))?)))
    }

    /// The rules that a document says, as a session recorded it; none where there is no document.
    ///
    /// # Errors
    ///
    /// When the document is not what this version of dome reads.
    pub fn recorded(rules: Option<&serde_json::Value>) -> crate::Result<Self> {
        let Some(rules) = rules else { return Ok(Self(None)) };
        let parsed =
            Redaction::parse(&serde_json::to_vec(rules).context(|| "cannot write the recorded redaction rules")?);
        Ok(Self(Some(parsed.map_err(|why| Error::invalid(format!("the recorded redaction rules: {why}")))?)))
    }

    /// The rules as a document.
    pub fn document(&self) -> Option<&RedactionRules> {
        self.0.as_ref().map(Redaction::document)
    }

    /// Masks a line. One that is too long is so by what its source says, whatever masking makes of it.
    pub fn line<'l>(&self, line: &'l [u8], counts: &mut RedactionCounts) -> Seen<'l> {
        match &self.0 {
            None => Seen::Whole(line.into()),
            Some(redaction) if line.len() > limits::LINE_BYTES => {
                Seen::TooLong(redaction.raw_start(line, line.len() as u64, counts))
            }
            Some(redaction) => Seen::Whole(redaction.redact(line, counts)),
        }
    }

    /// Masks what is kept of a line that was described without being held.
    pub fn long_line(&self, start: &[u8], raw: RawLine, counts: &mut RedactionCounts) -> RawLine {
        match &self.0 {
            None => raw,
            Some(redaction) => redaction.raw_start(start, raw.length(), counts),
        }
    }

    /// What the manifest says, if there are rules.
    pub fn redacted(&self, counts: RedactionCounts) -> Option<Redacted> {
        let redaction = self.0.as_ref()?;
        let (digest, rules) = (redaction.digest(), redaction.document().clone());
        Some(Redacted { counts, digest, rules, version: REDACTION_VERSION })
    }
}
