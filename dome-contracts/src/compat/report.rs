//! What a comparison found.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::rule::Rule;
use super::vote::Vote;

/// Who has to cope with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Every instance that is valid under OLD is valid under NEW: new readers read old data.
    Backward,
    /// Every instance that is valid under NEW is valid under OLD: old readers read new data.
    Forward,
    /// Both.
    Full,
}

/// The outcome. The order is that of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Proven: nothing that was accepted is lost.
    Compatible,
    /// Neither proven nor refuted. It counts as a failure.
    Unknown,
    /// Refuted: an instance shows it, and the validator confirms that it does.
    Incompatible,
}

impl Verdict {
    /// The verdict as it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Unknown => "unknown",
            Self::Incompatible => "incompatible",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The version step that a change asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bump {
    /// Nothing that an instance is judged by changed.
    Patch,
    /// More is accepted than before.
    Minor,
    /// Something that was accepted may be refused.
    Major,
}

/// One thing that changed, or one that could not be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What the finding by itself amounts to.
    pub verdict: Verdict,
    /// The direction in which it was found.
    pub direction: Direction,
    /// Where in OLD, as `POINTER` or `FILE#POINTER`.
    pub old: String,
    /// Where in NEW.
    pub new: String,
    /// One line for a reader.
    pub message: String,
    /// The version step that it asks for.
    pub bump: Bump,
    /// An instance that was accepted and is refused, where one was found.
    pub witness: Option<Value>,
}

impl Finding {
    /// The finding as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "bump": self.bump,
            "direction": self.direction,
            "message": self.message,
            "new": self.new,
            "old": self.old,
            "rule": self.rule.name(),
            "verdict": self.verdict,
        });
        if let (Some(witness), Some(members)) = (&self.witness, object.as_object_mut()) {
            members.insert("witness".to_owned(), witness.clone());
        }
        object
    }
}

/// What both implementations say of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Votes {
    /// The direction: never [`Direction::Full`].
    pub direction: Direction,
    /// The walker of this crate.
    pub walker: Vote,
    /// The second vote.
    pub second: Vote,
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The direction that was asked for.
    pub direction: Direction,
    /// The outcome.
    pub verdict: Verdict,
    /// What was found, gravest first.
    pub findings: Vec<Finding>,
    /// The votes, one for each direction that was compared.
    pub votes: Vec<Votes>,
}

impl Report {
    /// The version step that the change asks for: nothing if nothing changed.
    #[must_use]
    pub fn bump(&self) -> Option<Bump> {
        self.findings.iter().map(|finding| finding.bump).max()
    }

    /// The report as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let findings = self.findings.iter().map(Finding::to_json).collect::<Vec<_>>();
        json!({
            "bump": self.bump(),
            "direction": self.direction,
            "findings": findings,
            "format_version": "1",
            "verdict": self.verdict,
            "votes": self.votes,
        })
    }
}
