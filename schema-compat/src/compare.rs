//! The comparison: the walk, the witness, the votes, the verdict.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::check::{Obstacle, Walker};
use crate::dialect::Dialect;
use crate::document::{Document, SchemaError};
use crate::evaluate::Evaluator;
use crate::known::Known;
use crate::node::{Node, Place, Side};
use crate::notes;
use crate::report::{Bump, Direction, Finding, Report, Verdict, Vote, Votes};
use crate::rule::Rule;
use crate::sample::{Hints, Sampler};
use crate::schema::Schema;
use crate::second;

/// Compares two schemas.
///
/// ```
/// use schema_compat::{Dialect, Direction, Rule, Schema, Verdict, compat};
///
/// let old = Schema::parse(br#"{"type": "string"}"#, Dialect::Draft07)?;
/// let new = Schema::parse(br#"{"type": "string", "maxLength": 3}"#, Dialect::Draft07)?;
/// let report = compat(&old, &new, Direction::Backward)?;
/// assert_eq!(report.verdict, Verdict::Incompatible);
/// assert_eq!(report.findings[0].rule, Rule::MaxLengthLowered);
/// assert_eq!(report.findings[0].witness, Some("aaaa".into()));
/// # Ok::<(), schema_compat::SchemaError>(())
/// ```
///
/// # Errors
///
/// [`SchemaError`] if the validator refuses one of the schemas.
pub fn compat(old: &Schema, new: &Schema, direction: Direction) -> Result<Report, SchemaError> {
    compat_with(old, new, direction, &[])
}

/// Compares two schemas, with instances that the caller suspects to be lost: they are tried as witnesses
/// where the comparison finds none by itself.
///
/// # Errors
///
/// As [`compat`].
pub fn compat_with(
    old: &Schema,
    new: &Schema,
    direction: Direction,
    suspects: &[Value],
) -> Result<Report, SchemaError> {
    let mut report = Report {
        direction,
        verdict: Verdict::Compatible,
        findings: notes::notes(&old.document, &new.document, direction),
        votes: Vec::new(),
    };
    if direction != Direction::Forward {
        one_way(&old.document, &new.document, Direction::Backward, suspects, &mut report)?;
    }
    if direction != Direction::Backward {
        one_way(&new.document, &old.document, Direction::Forward, suspects, &mut report)?;
    }
    report.sort();
    Ok(report)
}

/// Whether all that `from` accepts is accepted by `to`.
fn one_way(
    from: &Document,
    to: &Document,
    direction: Direction,
    suspects: &[Value],
    report: &mut Report,
) -> Result<(), SchemaError> {
    let evaluator = Evaluator::new(from, to)?;
    let hints = Hints::of(&[&from.root, &to.root]);
    let mut walker = Walker::new(&evaluator, Sampler::new(&evaluator, hints));
    let known = Known::of([Node::root(Side::Old, from)]);
    let obstacles = walker.check(&known, &Node::root(Side::New, to));
    let (second, lost) = second::vote(from, to);
    let mut case = Case { from, to, evaluator: &evaluator, direction, findings: Vec::new() };
    case.judge(&obstacles);
    if !case.is_refuted() {
        case.search(walker.sampler.samples(&known), obstacles.is_empty());
    }
    if !case.is_refuted()
        && let Some(lost) = lost
    {
        case.search(of_difference(&lost, from.dialect), obstacles.is_empty());
    }
    if !case.is_refuted() {
        case.search(suspects.to_vec(), obstacles.is_empty());
    }
    let verdict = case.settle(obstacles.is_empty(), second);
    let walked = match (obstacles.is_empty(), case.is_refuted()) {
        (true, _) => Vote::Compatible,
        (false, true) => Vote::Incompatible,
        (false, false) => Vote::Unknown,
    };
    report.votes.push(Votes { direction, walker: walked, second });
    report.verdict = report.verdict.max(verdict);
    report.findings.extend(case.findings);
    Ok(())
}

/// Instances of what the second implementation says is lost.
fn of_difference(lost: &Value, dialect: Dialect) -> Vec<Value> {
    let Ok(lost) = Schema::from_value(lost.clone(), dialect) else {
        return Vec::new();
    };
    let Ok(evaluator) = Evaluator::new(&lost.document, &lost.document) else {
        return Vec::new();
    };
    let sampler = Sampler::new(&evaluator, Hints::of(&[&lost.document.root]));
    sampler.samples(&Known::of([Node::root(Side::Old, &lost.document)]))
}

/// One direction that is being judged.
struct Case<'a> {
    from: &'a Document,
    to: &'a Document,
    evaluator: &'a Evaluator<'a>,
    direction: Direction,
    findings: Vec<Finding>,
}

impl Case<'_> {
    fn is_refuted(&self) -> bool {
        self.findings.iter().any(|finding| finding.witness.is_some())
    }

    /// Whether the validator accepts the instance under the one schema and not under the other.
    fn is_witness(&self, instance: &Value) -> bool {
        let root = |side| -> Place { (side, "".into()) };
        self.evaluator.accepts(&root(Side::Old), instance) == Some(true)
            && self.evaluator.accepts(&root(Side::New), instance) == Some(false)
    }

    fn finding(&self, rule: Rule, verdict: Verdict, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            verdict,
            direction: self.direction,
            old: String::new(),
            new: String::new(),
            message: message.into(),
            bump: if self.direction == Direction::Forward { Bump::Minor } else { Bump::Major },
            witness: None,
        }
    }

    fn judge(&mut self, obstacles: &[Obstacle]) {
        let mut seen = BTreeSet::new();
        for obstacle in obstacles {
            let witness = obstacle.candidates.iter().find(|value| self.is_witness(value)).cloned();
            let verdict = if witness.is_some() { Verdict::Incompatible } else { Verdict::Unknown };
            let detail = match self.direction {
                Direction::Forward => format!("for readers of OLD: {}", obstacle.detail),
                Direction::Backward | Direction::Full => obstacle.detail.clone(),
            };
            let mut finding = self.finding(obstacle.rule, verdict, detail);
            (finding.old, finding.new) = self.places(obstacle);
            finding.witness = witness;
            let key = (finding.rule, finding.old.clone(), finding.new.clone());
            if seen.insert(key) {
                self.findings.push(finding);
            } else if let Some(before) = self
                .findings
                .iter_mut()
                .find(|before| before.witness.is_none() && before.rule == finding.rule && before.new == finding.new)
            {
                *before = finding;
            }
        }
    }

    /// The places as pointers into OLD and NEW, whichever way the walk went.
    fn places(&self, obstacle: &Obstacle) -> (String, String) {
        let (from, to) = (self.from.display(&obstacle.old), self.to.display(&obstacle.new));
        if self.direction == Direction::Forward { (to, from) } else { (from, to) }
    }

    /// Looks for a witness among instances that no obstacle brought forward.
    fn search(&mut self, instances: Vec<Value>, proven: bool) {
        let Some(witness) = instances.into_iter().find(|value| self.is_witness(value)) else {
            return;
        };
        match self.findings.iter_mut().find(|_| !proven) {
            Some(finding) => {
                finding.witness = Some(witness);
                finding.verdict = Verdict::Incompatible;
            }
            None => {
                let message = "an instance refutes what the walk seemed to prove";
                let mut finding = self.finding(Rule::VotesDisagree, Verdict::Incompatible, message);
                finding.witness = Some(witness);
                self.findings.push(finding);
            }
        }
    }

    fn settle(&mut self, proven: bool, second: Vote) -> Verdict {
        if self.is_refuted() {
            if second == Vote::Compatible {
                let message = "the second vote says compatible, but there is a witness";
                self.findings.push(self.finding(Rule::VotesDisagree, Verdict::Unknown, message));
            }
            return Verdict::Incompatible;
        }
        let verdict = match (proven, second) {
            (true, Vote::Incompatible) => {
                let message = "the walker says compatible, the second vote says incompatible";
                self.findings.push(self.finding(Rule::VotesDisagree, Verdict::Unknown, message));
                Verdict::Unknown
            }
            (true, _) => Verdict::Compatible,
            (false, Vote::Compatible) => {
                self.second_alone();
                Verdict::Compatible
            }
            (false, _) => Verdict::Unknown,
        };
        let opaque = self.opaque();
        let verdict = if opaque.is_empty() { verdict } else { Verdict::Unknown };
        self.findings.extend(opaque);
        verdict
    }

    /// What the walker could not prove is kept as a note; the second vote stands alone.
    fn second_alone(&mut self) {
        self.findings.retain(|finding| finding.verdict == Verdict::Compatible);
        let message = "only the second vote proves this; the walker does not";
        let mut finding = self.finding(Rule::SecondVoteAlone, Verdict::Compatible, message);
        finding.bump = Bump::Patch;
        self.findings.push(finding);
    }

    /// Keywords of either side that cannot be compared, unless they stand in both alike.
    fn opaque(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (at, reason) in &self.to.opaque {
            if self.from.root.pointer(at) != self.to.root.pointer(at) {
                let mut finding = self.finding(Rule::KeywordOpaque, Verdict::Unknown, reason.clone());
                finding.new = self.to.display(at);
                found.push(finding);
            }
        }
        found
    }
}
