//! The reason-code table: which class a code has, and how a class restarts (M-90).

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::choice::choice;
use crate::hash::Sha256Hash;
use crate::reason::is_reason_code;

choice! {
    /// The class of a reason code. A table says which is the stronger one.
    CodeClass {
        /// Good to know.
        Advisory = "advisory",
        /// The work can be mended.
        Repairable = "repairable",
        /// Nothing may go on.
        Stop = "stop",
        /// The work itself is wrong.
        Structural = "structural",
    }
}

/// A reason-code table as its document stands (the owner's `reason_codes` 0.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeTable {
    /// The classes, the strongest first.
    pub classes_precedence: Vec<CodeClass>,
    /// The codes with their classes.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, CodeEntry>"))]
    pub codes: BTreeMap<CompactString, CodeEntry>,
    /// How a run goes on after a code of a class.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<CodeClass, String>"))]
    pub restart_mode_by_class: BTreeMap<CodeClass, CompactString>,
    /// The version of the document's shape.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub schema_version: CompactString,
    /// The version of the table.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: CompactString,
}

/// One code of a [`CodeTable`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeEntry {
    /// Its class.
    pub class: CodeClass,
}

/// Why a table is not one, or cannot extend another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeTableError {
    /// It is not the document that is expected.
    #[error("not a reason-code table: {message}")]
    Document {
        /// What the reader said, with line and column.
        message: String,
    },
    /// A name in `codes` is not a reason code (M-04).
    #[error("`/codes/{code}`: a reason code matches `^[A-Z][A-Z0-9_]*(\\.[A-Z0-9_]+)*$`, at most 128 bytes")]
    Code {
        /// The name.
        code: String,
    },
    /// `NONE` says "no domain failure" and has no class.
    #[error("`/codes/NONE`: `NONE` is reserved and has no class")]
    Reserved,
    /// A code's class has no restart mode in the document.
    #[error("`/restart_mode_by_class/{class}` is missing")]
    RestartMode {
        /// The class.
        class: CodeClass,
    },
    /// The extension says something else than the table that it extends.
    #[error("`{pointer}`: the table says `{expected}`, the extension says `{found}`")]
    Contradiction {
        /// Where.
        pointer: String,
        /// What the table says.
        expected: String,
        /// What the extension says.
        found: String,
    },
}

impl CodeTable {
    /// Reads a table from its document.
    ///
    /// # Errors
    ///
    /// When the document is not a table, or holds what is not a reason code.
    pub fn parse(document: &[u8]) -> Result<Self, CodeTableError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let table: Self = serde_json::from_slice(document)
            .map_err(|error| CodeTableError::Document { message: error.to_string() })?;
        table.check()?;
        Ok(table)
    }

    fn check(&self) -> Result<(), CodeTableError> {
        let used: BTreeSet<_> = self.codes.values().map(|entry| entry.class).collect();
        let without = used.into_iter().find(|class| !self.restart_mode_by_class.contains_key(class));
        if let Some(code) = self.codes.keys().find(|code| !is_reason_code(code)) {
            Err(CodeTableError::Code { code: code.to_string() })
        } else if self.codes.contains_key("NONE") {
            Err(CodeTableError::Reserved)
        } else if let Some(class) = without {
            Err(CodeTableError::RestartMode { class })
        } else {
            Ok(())
        }
    }

    /// This table with the codes of another one, which may repeat it but not contradict it.
    ///
    /// # Errors
    ///
    /// [`CodeTableError::Contradiction`] with the place, for a code of another class, another
    /// restart mode, another precedence or another version of the document.
    pub fn extended(mut self, extension: Self) -> Result<Self, CodeTableError> {
        same("/schema_version", &self.schema_version, &extension.schema_version)?;
        let written = |classes: &[CodeClass]| classes.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(" ");
        same("/classes_precedence", &written(&self.classes_precedence), &written(&extension.classes_precedence))?;
        for (class, mode) in extension.restart_mode_by_class {
            let known = self.restart_mode_by_class.entry(class).or_insert_with(|| mode.clone());
            same(&format!("/restart_mode_by_class/{class}"), known, &mode)?;
        }
        for (code, entry) in extension.codes {
            let pointer = format!("/codes/{code}/class");
            let known = self.codes.entry(code).or_insert_with(|| entry.clone());
            same(&pointer, known.class.as_str(), entry.class.as_str())?;
        }
        Ok(self)
    }

    /// The class of a code, if the table has it.
    #[must_use]
    pub fn class(&self, code: &str) -> Option<CodeClass> {
        self.codes.get(code).map(|entry| entry.class)
    }

    /// How a run goes on after a code of this class.
    #[must_use]
    pub fn restart_mode(&self, class: CodeClass) -> Option<&str> {
        self.restart_mode_by_class.get(&class).map(CompactString::as_str)
    }

    /// SHA-256 of the table's canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        let mut bytes = Vec::new();
        crate::canonical::append(self, &mut bytes);
        Sha256Hash::of(&bytes)
    }
}

fn same(pointer: &str, expected: &str, found: &str) -> Result<(), CodeTableError> {
    if expected == found {
        return Ok(());
    }
    let [pointer, expected, found] = [pointer, expected, found].map(str::to_owned);
    Err(CodeTableError::Contradiction { pointer, expected, found })
}
