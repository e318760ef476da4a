//! The document of rules: what `--redact` takes.

use serde::{Deserialize, Serialize};

use super::rules::{BUILT_IN, REDACTION_VERSION};
use crate::ingress::without_mark;
use crate::text::quote;

/// The versions that are read. What a document of an earlier one says means the same; the built-in rules are always those of
/// this version.
const READ: [&str; 2] = ["1", REDACTION_VERSION];

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
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["1", "2"])))]
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

/// Why a document of rules is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedactionError {
    /// It is not the document that is expected.
    #[error("not a redaction document: {message}")]
    Document {
        /// What the reader said, with line and column.
        message: String,
    },
    /// A value of it is wrong.
    #[error("`{pointer}`: {message}")]
    Value {
        /// Where, as a JSON Pointer.
        pointer: String,
        /// What was found, and what was expected.
        message: String,
    },
}

/// The steps of a pointer; `None` for `*`, any member or entry, from which a name that is an asterisk cannot be told.
pub(super) type MemberSteps = Vec<Option<Vec<u8>>>;

impl RedactionError {
    pub(super) fn at(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Value { pointer: pointer.into(), message: message.into() }
    }
}

impl RedactionRules {
    /// The built-in rules alone.
    #[must_use]
    pub fn built_in() -> Self {
        Self { members: vec![], off: vec![], patterns: vec![], redaction_version: REDACTION_VERSION.to_owned() }
    }

    /// Reads a document as it was recorded: in canonical order, and of its own version.
    ///
    /// ```
    /// use dome_core::redact::{Redaction, RedactionRules};
    /// let rules = br#"{"redaction_version": "1", "off": ["npm-token", "jwt"]}"#;
    /// assert_eq!(RedactionRules::recorded(rules)?.redaction_version, "1");
    /// assert_eq!(Redaction::parse(rules)?.document().redaction_version, "2");
    /// # Ok::<(), dome_core::redact::RedactionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Redaction::parse`](super::Redaction::parse).
    pub fn recorded(document: &[u8]) -> Result<Self, RedactionError> {
        super::Redaction::parse(document)?;
        Ok(Self::read(document)?.sorted())
    }

    pub(super) fn read(document: &[u8]) -> Result<Self, RedactionError> {
        let rules = serde_json::from_slice(without_mark(document));
        rules.map_err(|error| RedactionError::Document { message: error.to_string() })
    }

    /// Of this version: that is the one by which it masks from now on. Where an earlier document has a pattern that is called
    /// as a built-in rule is by now, the pattern keeps the name, and the rule is off.
    pub(super) fn of_this_version(mut self) -> Self {
        if self.redaction_version != REDACTION_VERSION && READ.contains(&self.redaction_version.as_str()) {
            let names = built_in_names();
            let taken = self.patterns.iter().map(|pattern| &pattern.name).filter(|name| names.contains(&name.as_str()));
            self.off.extend(taken.cloned());
            REDACTION_VERSION.clone_into(&mut self.redaction_version);
        }
        self
    }

    /// In canonical order.
    pub(super) fn sorted(mut self) -> Self {
        self.members.sort_unstable();
        self.members.dedup();
        self.off.sort_unstable();
        self.off.dedup();
        self.patterns.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self
    }

    pub(super) fn member_steps(&self) -> Result<Vec<MemberSteps>, RedactionError> {
        let parsed = self.members.iter().enumerate().map(|(place, member)| {
            let wrong =
                |why| RedactionError::at(format!("/members/{place}"), format!("{why}, found {}", quote(member)));
            steps(member).map_err(wrong)
        });
        parsed.collect()
    }

    pub(super) fn check_names(&self) -> Result<(), RedactionError> {
        if !READ.contains(&self.redaction_version.as_str()) {
            let message =
                format!("expected `{REDACTION_VERSION}` or an earlier one, found {}", quote(&self.redaction_version));
            return Err(RedactionError::at("/redaction_version", message));
        }
        let names = built_in_names();
        let unknown = self.off.iter().enumerate().find(|(_, name)| !names.contains(&name.as_str()));
        if let Some((place, found)) = unknown {
            let message = format!("no built-in rule {}; there are {}", quote(found), names.join(", "));
            return Err(RedactionError::at(format!("/off/{place}"), message));
        }
        let on = names.into_iter().filter(|name| !self.off.iter().any(|off| off == name));
        let mut taken: Vec<&str> = on.chain([MEMBER]).collect();
        for (place, pattern) in self.patterns.iter().enumerate() {
            let (name, found) = (pattern.name.as_str(), quote(&pattern.name));
            let wrong = |message| RedactionError::at(format!("/patterns/{place}/name"), message);
            if !is_name(name) {
                return Err(wrong(format!("a rule's name matches `^[a-z][a-z0-9_-]{{0,63}}$`, found {found}")));
            }
            if taken.contains(&name) {
                return Err(wrong(format!("another rule is called {found}")));
            }
            taken.push(name);
        }
        Ok(())
    }
}

pub(super) fn built_in_names() -> Vec<&'static str> {
    let mut names: Vec<_> = BUILT_IN.iter().map(|rule| rule.name).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}

/// `^[a-z][a-z0-9_-]{0,63}$`
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// The steps of a JSON Pointer (RFC 6901), or what is wrong with a text that is none.
fn steps(pointer: &str) -> Result<MemberSteps, &'static str> {
    let steps = pointer.strip_prefix('/').ok_or("a member is a JSON Pointer that starts with `/`")?;
    let step = |step: &str| {
        let is_escaped = !step.replace("~0", "").replace("~1", "").contains('~');
        let name = step.replace("~1", "/").replace("~0", "~").into_bytes();
        is_escaped.then(|| (step != "*").then_some(name)).ok_or("`~` is written `~0`, `/` is `~1`")
    };
    steps.split('/').map(step).collect()
}
