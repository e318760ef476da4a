//! The comparison: the walk, the witness, the votes, the verdict.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::canonical::Containment;
use serde_json::Value;

use crate::check::{Obstacle, SchemaWalker};
use crate::evaluate::Evaluator;
use crate::keywords::{ANNOTATIONS, each_schema, pointer};
use crate::known::{Premise, SchemaNode, SchemaSide};
use crate::report::{Bump, CompatFinding, CompatReport, Compatibility, Direction, SchemaRule, Votes};
use crate::sample::{Mentioned, Sampler};
use crate::schema::Schema;

/// Compares two schemas.
///
/// ```
/// use schema_compat::{Compatibility, Dialect, Direction, Schema, SchemaRule, compat};
///
/// let old = Schema::parse(br#"{"type": "string"}"#, Dialect::Draft07)?;
/// let new = Schema::parse(br#"{"type": "string", "maxLength": 3}"#, Dialect::Draft07)?;
/// let report = compat(&old, &new, Direction::Backward);
/// assert_eq!(report.verdict, Compatibility::Incompatible);
/// assert_eq!(report.findings[0].rule, SchemaRule::MaxLengthLowered);
/// assert_eq!(report.findings[0].witness, Some("aaaa".into()));
/// # Ok::<(), schema_compat::SchemaError>(())
/// ```
#[must_use]
pub fn compat(old: &Schema, new: &Schema, direction: Direction) -> CompatReport {
    let findings = notes(old, new, direction);
    let mut report = CompatReport { direction, verdict: Compatibility::Compatible, findings, votes: Vec::new() };
    if direction != Direction::Forward {
        one_way(old, new, Direction::Backward, &mut report);
    }
    if direction != Direction::Backward {
        one_way(new, old, Direction::Forward, &mut report);
    }
    report.sort();
    report
}

fn one_way(from: &Schema, to: &Schema, direction: Direction, report: &mut CompatReport) {
    let evaluator = Evaluator::default();
    let mentioned = Mentioned::of(&[from.root(), to.root()]);
    let mut walker = SchemaWalker::new(&evaluator, Sampler::new(&evaluator, mentioned));
    let known = Premise::of([SchemaNode::root(SchemaSide::Old, from)]);
    let obstacles = walker.check(&known, &SchemaNode::root(SchemaSide::New, to));
    let (second, lost) = second_vote(from, to);
    let mut way = OneWay { from, to, direction, proven: obstacles.is_empty(), findings: Vec::new() };
    way.judge(&obstacles);
    way.search(|| walker.sampler.samples(&known));
    way.search(|| {
        let lost = lost.and_then(|lost| Schema::from_value(lost, from.dialect()).ok());
        lost.map_or_else(Vec::new, |lost| lost.samples())
    });
    let verdict = way.settle(second);
    let walker = match (way.proven, way.is_refuted()) {
        (true, _) => Compatibility::Compatible,
        (false, true) => Compatibility::Incompatible,
        (false, false) => Compatibility::Unknown,
    };
    report.votes.push(Votes { direction, walker, second });
    report.verdict = report.verdict.max(verdict);
    report.findings.extend(way.findings);
}

/// The other implementation's answer, and a schema of what is lost where one could be made.
fn second_vote(old: &Schema, new: &Schema) -> (Compatibility, Option<Value>) {
    let Some((old, new)) = old.canonical().zip(new.canonical()) else {
        return (Compatibility::Unknown, None);
    };
    let vote = match new.covers(&old) {
        Ok(Containment::Yes) => return (Compatibility::Compatible, None),
        Ok(Containment::No) => Compatibility::Incompatible,
        Ok(Containment::Unknown) | Err(_) => Compatibility::Unknown,
    };
    (vote, old.subtract(&new).ok().map(|lost| lost.to_json_schema()))
}

struct OneWay<'a> {
    from: &'a Schema,
    to: &'a Schema,
    direction: Direction,
    proven: bool,
    findings: Vec<CompatFinding>,
}

impl OneWay<'_> {
    fn is_refuted(&self) -> bool {
        self.findings.iter().any(|finding| finding.witness.is_some())
    }

    fn is_witness(&self, instance: &Value) -> bool {
        self.from.is_valid(instance) && !self.to.is_valid(instance)
    }

    fn finding(&self, rule: SchemaRule, verdict: Compatibility, message: impl Into<String>) -> CompatFinding {
        CompatFinding {
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
            let verdict = if witness.is_some() { Compatibility::Incompatible } else { Compatibility::Unknown };
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

    /// Looks for a witness among instances that no obstacle suggested, as long as there is none.
    fn search(&mut self, instances: impl FnOnce() -> Vec<Value>) {
        if self.is_refuted() {
            return;
        }
        let Some(witness) = instances().into_iter().find(|value| self.is_witness(value)) else {
            return;
        };
        if self.proven {
            let message = "an instance refutes what the walk seemed to prove";
            self.findings.push(self.finding(SchemaRule::VotesDisagree, Compatibility::Incompatible, message));
        }
        if let Some(first) = self.findings.first_mut() {
            first.witness = Some(witness);
            first.verdict = Compatibility::Incompatible;
        }
    }

    fn settle(&mut self, second: Compatibility) -> Compatibility {
        use Compatibility::{Compatible, Incompatible, Unknown};
        let refuted = self.is_refuted();
        match (refuted, self.proven, second) {
            (true, _, Compatible) => self.disagree("the second vote says compatible, but there is a witness"),
            (false, true, Incompatible) => {
                self.disagree("the walker says compatible, the second vote says incompatible");
            }
            (false, false, Compatible) => self.second_alone(),
            _ => {}
        }
        if refuted {
            return Incompatible;
        }
        let opaque = self.opaque();
        let decided = if self.proven { second != Incompatible } else { second == Compatible };
        let verdict = if decided && opaque.is_empty() { Compatible } else { Unknown };
        self.findings.extend(opaque);
        verdict
    }

    fn disagree(&mut self, message: &str) {
        self.findings.push(self.finding(SchemaRule::VotesDisagree, Compatibility::Unknown, message));
    }

    /// Drops what the walker could not prove: the second vote stands alone.
    fn second_alone(&mut self) {
        self.findings.retain(|finding| finding.verdict == Compatibility::Compatible);
        let message = "only the second vote proves this; the walker does not";
        let finding = self.finding(SchemaRule::SecondVoteAlone, Compatibility::Compatible, message);
        self.findings.push(CompatFinding { bump: Bump::Patch, ..finding });
    }

    /// Keywords of NEW that cannot be compared, unless OLD has them unchanged.
    fn opaque(&self) -> Vec<CompatFinding> {
        let changed = |at: &str| self.from.root().pointer(at) != self.to.root().pointer(at);
        let opaque = self.to.opaque.iter().filter(|(at, _)| changed(at)).map(|(at, reason)| CompatFinding {
            new: self.to.display(at),
            ..self.finding(SchemaRule::KeywordOpaque, Compatibility::Unknown, reason.clone())
        });
        opaque.collect()
    }
}

/// Changes that no instance is judged by: annotations, references, the dialect.
fn notes(old: &Schema, new: &Schema, direction: Direction) -> Vec<CompatFinding> {
    let (before, after) = (annotations(old), annotations(new));
    let mut found = Vec::new();
    for key in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (at, keyword) = key;
        let (one, other) = (before.get(key), after.get(key));
        let rule = match keyword.as_str() {
            "$schema" if !at.is_empty() => continue,
            "$schema" => SchemaRule::DialectChanged,
            "$ref" if one.is_some() && other.is_some() => SchemaRule::ReferenceChanged,
            "$ref" => continue,
            _ => SchemaRule::AnnotationChanged,
        };
        // A file that only one side has is not a change of each of its annotations.
        if one != other && old.root().pointer(at).is_some() && new.root().pointer(at).is_some() {
            let place = pointer(at, keyword);
            let text = |value: Option<&&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            found.push(CompatFinding {
                rule,
                verdict: Compatibility::Compatible,
                direction,
                old: old.display(&place),
                new: new.display(&place),
                message: format!("`{keyword}` was {}, is {}", text(one), text(other)),
                bump: Bump::Patch,
                witness: None,
            });
        }
    }
    found
}

fn annotations(schema: &Schema) -> BTreeMap<(String, String), &Value> {
    let mut found = BTreeMap::new();
    each_schema(schema.root(), "", &mut |at, schema| {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            if keyword == "$ref" || ANNOTATIONS.contains(&keyword.as_str()) {
                found.insert((at.to_owned(), keyword.clone()), value);
            }
        }
    });
    found
}
