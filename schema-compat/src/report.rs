//! What a comparison found.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::rule::Rule;

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

/// One thing that changed, or one that could not be judged. Callers with rules of their own name those by
/// another `R`.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding<R = Rule> {
    /// The rule.
    pub rule: R,
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

impl<R> Finding<R> {
    /// The same finding under a rule of another kind.
    pub fn map_rule<S>(self, rule: impl FnOnce(R) -> S) -> Finding<S> {
        let Self { rule: was, verdict, direction, old, new, message, bump, witness } = self;
        Finding { rule: rule(was), verdict, direction, old, new, message, bump, witness }
    }
}

impl<R: Serialize> Finding<R> {
    /// The finding as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "bump": self.bump,
            "direction": self.direction,
            "message": self.message,
            "new": self.new,
            "old": self.old,
            "rule": self.rule,
            "verdict": self.verdict,
        });
        if let (Some(witness), Some(members)) = (&self.witness, object.as_object_mut()) {
            members.insert("witness".to_owned(), witness.clone());
        }
        object
    }
}

/// What one of the two implementations says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// Everything that was accepted still is.
    Compatible,
    /// Something that was accepted no longer is.
    Incompatible,
    /// Neither was established.
    Unknown,
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
pub struct Report<R = Rule> {
    /// The direction that was asked for.
    pub direction: Direction,
    /// The outcome.
    pub verdict: Verdict,
    /// What was found, gravest first.
    pub findings: Vec<Finding<R>>,
    /// The votes, one for each direction that was compared.
    pub votes: Vec<Votes>,
}

impl<R> Report<R> {
    /// The same report under rules of another kind.
    pub fn map_rules<S>(self, mut rule: impl FnMut(R) -> S) -> Report<S> {
        let Self { direction, verdict, findings, votes } = self;
        let findings = findings.into_iter().map(|finding| finding.map_rule(&mut rule)).collect();
        Report { direction, verdict, findings, votes }
    }

    /// Puts the findings in order: the gravest first, backward before forward.
    pub fn sort(&mut self) {
        self.findings.sort_by_key(|finding| (std::cmp::Reverse(finding.verdict), finding.direction));
    }

    /// The version step that the change asks for: `None` if nothing changed.
    #[must_use]
    pub fn bump(&self) -> Option<Bump> {
        self.findings.iter().map(|finding| finding.bump).max()
    }
}

impl<R: Serialize> Report<R> {
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
