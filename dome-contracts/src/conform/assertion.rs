//! What a tool has to do with a document, by its schemas.

use std::fmt;

use dome_core::canonical;
use serde_json::{Value, json};

use super::answer::Status;
use super::contract::short;
use super::manifest::{Manifest, On};
use super::observability::reason_codes;
use super::run::Run;
use super::sample::Judges;

/// What a document is made to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// What the schemas accept is accepted.
    Valid,
    /// What they refuse is refused, with a reason.
    Invalid,
    /// At the boundaries, too.
    Boundary,
    /// A member that no schema names.
    UnknownMember,
}

impl Class {
    /// Every class, in the order of a report.
    pub const ALL: [Self; 4] = [Self::Valid, Self::Invalid, Self::Boundary, Self::UnknownMember];

    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid_accepted",
            Self::Invalid => "invalid_refused",
            Self::Boundary => "boundaries",
            Self::UnknownMember => "unknown_members",
        }
    }
}

/// A document, and whether the schemas accept it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    /// What it is made to show.
    pub class: Class,
    /// The configuration.
    pub config: Value,
    /// The input.
    pub input: Value,
    /// Whether the schemas accept both.
    pub valid: bool,
    /// Where it comes from.
    pub what: String,
}

impl Assertion {
    /// Both parts as one document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({"config": self.config, "input": self.input})
    }

    /// How large it is: documents that are shrunk only get smaller.
    pub(super) fn size(&self) -> (usize, String) {
        let text = self.document().to_string();
        (text.len(), text)
    }

    /// How the tool did otherwise than its schemas say, if it did.
    #[must_use]
    pub fn judge(&self, run: &Run, manifest: &Manifest) -> Option<Refused> {
        let drift = match run.answer() {
            Err(why) => Some((Drift::NoAnswer, why.to_string())),
            Ok(answer) => {
                let codes = reason_codes(&answer, manifest);
                match answer.status {
                    _ if !codes.is_empty() => Some((Drift::ReasonCode, codes.join("; "))),
                    Status::Success => self.accepted(answer.output.as_ref(), manifest),
                    Status::Failure => self.refused(answer.failure_reason_code.as_deref(), manifest),
                    Status::Denial => {
                        (!self.valid).then(|| (Drift::InvalidUnnamed, "a denial, not a refusal".to_owned()))
                    }
                }
            }
        };
        drift.map(|(drift, message)| Refused { drift, message })
    }

    fn accepted(&self, output: Option<&Value>, manifest: &Manifest) -> Option<(Drift, String)> {
        if !self.valid {
            return Some((Drift::InvalidAccepted, format!("it answers {}", output.map(short).unwrap_or_default())));
        }
        let problems = Judges::of(manifest)?.output(output?);
        (!problems.is_empty()).then(|| (Drift::OutputInvalid, problems.join("; ")))
    }

    fn refused(&self, code: Option<&str>, manifest: &Manifest) -> Option<(Drift, String)> {
        let code = code?;
        let of = |on: On| manifest.failures.iter().filter(move |failure| failure.on == on);
        let for_input = of(On::InvalidInput).any(|failure| failure.failure_reason_code.as_str() == code);
        if self.valid {
            return for_input.then(|| (Drift::ValidRefused, format!("it answers `{code}`")));
        }
        let named = of(On::InvalidInput).next().is_some();
        (named && !for_input)
            .then(|| (Drift::InvalidUnnamed, format!("it answers `{code}`, which is not said of invalid input")))
    }

    /// The document in canonical bytes, for a person or a record; as it is where it has none.
    #[must_use]
    pub fn text(&self) -> String {
        let document = self.document();
        canonical::to_vec(&document)
            .map_or_else(|_| document.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// How a tool does otherwise than its schemas say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// It refuses what its schemas accept.
    ValidRefused,
    /// It accepts what they refuse.
    InvalidAccepted,
    /// It refuses what they refuse, and does not say so.
    InvalidUnnamed,
    /// It gives no answer.
    NoAnswer,
    /// Its output is none of its schema.
    OutputInvalid,
    /// Its reason codes are not those that it declares.
    ReasonCode,
}

impl fmt::Display for Drift {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ValidRefused => "valid input is refused",
            Self::InvalidAccepted => "invalid input is accepted",
            Self::InvalidUnnamed => "invalid input is refused for another reason",
            Self::NoAnswer => "no answer",
            Self::OutputInvalid => "the output is none of its schema",
            Self::ReasonCode => "reason codes are not as declared",
        })
    }
}

/// What was said against a tool: how it drifts, and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How it drifts.
    pub drift: Drift,
    /// What it did.
    pub message: String,
}
