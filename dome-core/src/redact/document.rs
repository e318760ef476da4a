//! The document of rules: what `--redact` takes.

use serde::{Deserialize, Serialize};

use super::pointer::Steps;
use super::rules::{BUILT_IN, REDACTION_VERSION};
use crate::hash::Sha256Hash;
use crate::text::quote;

/// The name under which members that a document erases are masked.
pub(super) const MEMBER: &str = "member";

/// Rules of redaction as a document: the built-in ones of its version, without those that are off,
/// and what the user adds. In canonical order; lists are sorted, as sets are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedactionRules {
    /// Members to erase: JSON Pointers, in which the step `*` is any member or entry.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(inner(pattern("^(/([^~/]|~0|~1)*)+$"))))]
    pub members: Vec<String>,
    /// Built-in rules that do not apply.
    #[serde(default)]
    pub off: Vec<String>,
    /// Patterns that apply beside the built-in rules.
    #[serde(default)]
    pub patterns: Vec<RedactionPattern>,
    /// The version of this document and of the built-in rules.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "1")))]
    pub redaction_version: String,
}

/// A pattern that a user adds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedactionPattern {
    /// The group that is the secret, from 1; without it the whole match is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<u64>", range(min = 1)))]
    pub group: Option<usize>,
    /// The rule's name, as masks and counts show it.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[a-z][a-z0-9_-]{0,63}$")))]
    pub name: String,
    /// A regular expression in the syntax of the `regex` crate.
    pub pattern: String,
}

/// Why a document of rules is none. Each names the place as a JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedactionError {
    /// It is not the document that is expected.
    #[error("not a redaction document: {message}")]
    Document {
        /// What the reader said, with line and column.
        message: String,
    },
    /// Its version is another one.
    #[error("`/redaction_version`: expected `1`, found {}", quote(found))]
    Version {
        /// The version found.
        found: String,
    },
    /// A name cannot stand in a mask.
    #[error("`{pointer}`: a rule's name matches `^[a-z][a-z0-9_-]{{0,63}}$`, found {}", quote(found))]
    Name {
        /// Where.
        pointer: String,
        /// The name found.
        found: String,
    },
    /// A name that another rule has.
    #[error("`{pointer}`: another rule is called {}", quote(found))]
    NameTaken {
        /// Where.
        pointer: String,
        /// The name found.
        found: String,
    },
    /// A pattern is no regular expression.
    #[error("`{pointer}`: the pattern of {} is no regular expression: {message}", quote(name))]
    Pattern {
        /// Where.
        pointer: String,
        /// The rule.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// A pattern does not have the group that it names.
    #[error("`{pointer}`: the pattern of {} has {groups} groups, none is number {group}", quote(name))]
    Group {
        /// Where.
        pointer: String,
        /// The rule.
        name: String,
        /// The group that it names.
        group: usize,
        /// The groups that it has.
        groups: usize,
    },
    /// A member to erase is no JSON Pointer.
    #[error("`{pointer}`: {why}, found {}", quote(found))]
    Member {
        /// Where.
        pointer: String,
        /// The text found.
        found: String,
        /// What a pointer would be.
        why: &'static str,
    },
    /// A rule that is to be off does not exist.
    #[error("`{pointer}`: no built-in rule {}; there are {known}", quote(found))]
    UnknownRule {
        /// Where.
        pointer: String,
        /// The name found.
        found: String,
        /// The names that there are.
        known: String,
    },
}

/// The names of the built-in rules, each once.
pub(super) fn built_in_names() -> Vec<&'static str> {
    let mut names: Vec<_> = BUILT_IN.iter().map(|rule| rule.name).collect();
    names.dedup();
    names
}

impl RedactionRules {
    /// The built-in rules alone.
    #[must_use]
    pub fn built_in() -> Self {
        Self { members: vec![], off: vec![], patterns: vec![], redaction_version: REDACTION_VERSION.to_owned() }
    }

    /// Reads and checks a document; sorts what is a set.
    pub(super) fn parse(document: &[u8]) -> Result<Self, RedactionError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let mut rules: Self = serde_json::from_slice(document)
            .map_err(|error| RedactionError::Document { message: error.to_string() })?;
        rules.check()?;
        rules.members.sort_unstable();
        rules.members.dedup();
        rules.off.sort_unstable();
        rules.off.dedup();
        rules.patterns.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(rules)
    }

    fn check(&self) -> Result<(), RedactionError> {
        if self.redaction_version != REDACTION_VERSION {
            return Err(RedactionError::Version { found: self.redaction_version.clone() });
        }
        for (place, found) in self.members.iter().enumerate() {
            let found = found.clone();
            Steps::parse(&found).map_err(|why| RedactionError::Member {
                pointer: format!("/members/{place}"),
                found,
                why,
            })?;
        }
        let names = built_in_names();
        let unknown = self.off.iter().enumerate().find(|(_, name)| !names.contains(&name.as_str()));
        if let Some((place, found)) = unknown {
            let (pointer, known) = (format!("/off/{place}"), names.join(", "));
            return Err(RedactionError::UnknownRule { pointer, found: found.clone(), known });
        }
        let mut taken: Vec<&str> = [names, vec![MEMBER]].concat();
        for (place, pattern) in self.patterns.iter().enumerate() {
            let (pointer, found) = (format!("/patterns/{place}/name"), pattern.name.clone());
            if !is_name(&pattern.name) {
                return Err(RedactionError::Name { pointer, found });
            }
            if taken.contains(&pattern.name.as_str()) {
                return Err(RedactionError::NameTaken { pointer, found });
            }
            taken.push(&pattern.name);
        }
        Ok(())
    }

    /// SHA-256 of the document's canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        let mut bytes = Vec::new();
        crate::canonical::append(self, &mut bytes);
        Sha256Hash::of(&bytes)
    }
}

/// `^[a-z][a-z0-9_-]{0,63}$`
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}
