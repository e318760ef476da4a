//! The walker: whether everything that one schema accepts is accepted by another.
//!
//! [`Walker::check`] looks for *obstacles*: constraints of NEW that what is known of an OLD instance
//! does not imply. No obstacle is a proof. An obstacle is not yet a refutation: that takes an
//! instance, and each obstacle carries candidates which the validator then judges.
//!
//! OLD may be read as weaker than it is (a `oneOf` as an `anyOf`, a keyword left out): the proof
//! stays sound. NEW may not.

mod array;
mod combine;
mod empty;
mod object;
mod same;
mod scalar;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::evaluate::Evaluator;
use crate::known::{self, Known, KnownKey};
use crate::node::{Node, Place};
use crate::rule::Rule;
use crate::sample::Sampler;
use crate::types::{Type, Types};

const STEPS_MAX: u32 = 20_000;
const CANDIDATES_MAX: usize = 6;

/// A constraint of NEW that OLD does not imply.
#[derive(Clone, Debug)]
pub(crate) struct Obstacle {
    pub(crate) rule: Rule,
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) detail: String,
    /// Instances, of the place where it was found, that may show it.
    pub(crate) candidates: Vec<Value>,
}

/// The walk through both schemas.
pub(crate) struct Walker<'a> {
    pub(crate) evaluator: &'a Evaluator<'a>,
    pub(crate) sampler: Sampler<'a>,
    assumed: BTreeSet<(KnownKey, Place)>,
    steps: u32,
    depth: u32,
    /// Above zero, only whether there is an obstacle counts, not what it looks like.
    quiet: u32,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(evaluator: &'a Evaluator<'a>, sampler: Sampler<'a>) -> Self {
        Self { evaluator, sampler, assumed: BTreeSet::new(), steps: 0, depth: 0, quiet: 0 }
    }

    /// Whether the walk ran out of steps.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.steps >= STEPS_MAX
    }

    /// What keeps an instance that `known` describes from being accepted by `new`.
    pub(crate) fn check(&mut self, known: &Known<'a>, new: &Node<'a>) -> Vec<Obstacle> {
        self.steps = self.steps.saturating_add(1);
        if self.is_exhausted() {
            return vec![self.obstacle(Rule::LimitReached, known, new, "", "the limit of steps")];
        }
        // Met again below itself, that is for a smaller instance: what is being proven by
        // induction over the size of instances holds there.
        let key = (known.key(), new.place());
        if !self.assumed.insert(key.clone()) {
            return Vec::new();
        }
        let obstacles = self.check_parts(known, &new.flatten());
        self.assumed.remove(&key);
        obstacles
    }

    fn check_parts(&mut self, known: &Known<'a>, parts: &[Node<'a>]) -> Vec<Obstacle> {
        if parts.is_empty() || self.is_empty(known) {
            return Vec::new();
        }
        if let Some(values) = self.listed(known) {
            return self.check_values(known, parts, values);
        }
        let Some(branches) = known::branches(known) else {
            return self.check_whole(known, parts);
        };
        if self.quietly(|walker| walker.check_whole(known, parts)).is_empty() {
            return Vec::new();
        }
        let mut obstacles = Vec::new();
        for branch in &branches {
            obstacles.extend(self.check_parts(branch, parts));
            if self.is_settled(&obstacles) {
                break;
            }
        }
        obstacles
    }

    /// The check without taking what is known apart, but by types and, at last, value by value.
    fn check_whole(&mut self, known: &Known<'a>, parts: &[Node<'a>]) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for kind in known.types.iter() {
            obstacles.extend(self.check_type(&known.with_types(Types::only(kind)), kind, parts));
            if self.is_settled(&obstacles) {
                break;
            }
        }
        if !obstacles.is_empty()
            && let Some(values) = self.range(known)
            && values.iter().all(|value| self.evaluator.passes(parts, value) == Some(true))
        {
            return Vec::new();
        }
        obstacles
    }

    /// Does something for the sake of its yes or no.
    fn quietly<R>(&mut self, ask: impl FnOnce(&mut Self) -> R) -> R {
        self.quiet += 1;
        let answer = ask(self);
        self.quiet -= 1;
        answer
    }

    /// Whether `new` accepts all that `known` describes.
    fn implies(&mut self, known: &Known<'a>, new: &Node<'a>) -> bool {
        self.quietly(|walker| walker.check(known, new)).is_empty()
    }

    /// Whether more obstacles would change nothing.
    fn is_settled(&self, obstacles: &[Obstacle]) -> bool {
        self.is_exhausted() || (self.quiet > 0 && !obstacles.is_empty())
    }

    /// Every instance is at hand: each is asked.
    fn check_values(&mut self, known: &Known<'a>, parts: &[Node<'a>], values: Vec<Value>) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        for part in parts {
            let place = part.place();
            let accepts = |value: &Value| self.evaluator.accepts(&place, value) == Some(true);
            let lost = values.iter().filter(|value| !accepts(value)).cloned();
            let lost = lost.take(CANDIDATES_MAX).collect::<Vec<_>>();
            if let Some(first) = lost.first() {
                let typed = part.types().has(Type::of(first));
                let (rule, keyword) = match part.keyword("const") {
                    _ if !typed => (Rule::TypeRemoved, "type"),
                    Some(_) => (Rule::ValueRemoved, "const"),
                    None => (Rule::ValueRemoved, "enum"),
                };
                let detail = format!("`{first}` is not accepted any more");
                let mut obstacle = self.obstacle(rule, known, part, keyword, detail);
                obstacle.candidates = lost;
                obstacles.push(obstacle);
            }
        }
        obstacles
    }

    /// Instances of one type against all parts of NEW.
    fn check_type(&mut self, known: &Known<'a>, kind: Type, parts: &[Node<'a>]) -> Vec<Obstacle> {
        if self.is_empty(known) {
            return Vec::new();
        }
        let mut obstacles = Vec::new();
        for part in parts {
            let same = known.nodes.iter().any(|node| same::nodes(node, part));
            if !same {
                let mut found = self.check_part(known, kind, part);
                self.illustrate(known, part, &mut found);
                obstacles.extend(found);
                if self.is_settled(&obstacles) {
                    break;
                }
            }
        }
        obstacles
    }

    fn check_part(&mut self, known: &Known<'a>, kind: Type, part: &Node<'a>) -> Vec<Obstacle> {
        if part.schema == &Value::Bool(false) {
            return vec![self.obstacle(Rule::SchemaClosed, known, part, "", "nothing is accepted any more")];
        }
        if !part.types().has(kind) {
            let detail = format!("type `{}` is not accepted any more", kind.name());
            return vec![self.obstacle(Rule::TypeRemoved, known, part, "type", detail)];
        }
        let mut obstacles = Vec::new();
        for keyword in ["const", "enum"] {
            if part.keyword(keyword).is_some() {
                obstacles.push(self.obstacle(Rule::ValueRemoved, known, part, keyword, "the values are listed now"));
            }
        }
        for keyword in crate::keywords::OPAQUE {
            if part.keyword(keyword).is_some() {
                obstacles.push(self.obstacle(
                    Rule::KeywordOpaque,
                    known,
                    part,
                    keyword,
                    "this keyword cannot be compared",
                ));
            }
        }
        obstacles.extend(match kind {
            Type::Integer | Type::Fraction => self.check_number(known, kind, part),
            Type::String => self.check_string(known, part),
            Type::Array => self.check_array(known, part),
            Type::Object => self.check_object(known, part),
            Type::Null | Type::Boolean => Vec::new(),
        });
        obstacles.extend(self.check_combinators(known, part));
        obstacles
    }

    /// Gives obstacles without candidates some: instances of OLD that this part of NEW refuses.
    fn illustrate(&self, known: &Known<'a>, part: &Node<'a>, obstacles: &mut [Obstacle]) {
        if self.quiet > 0 {
            return;
        }
        for obstacle in obstacles.iter_mut() {
            obstacle.candidates.retain(|value| self.evaluator.fits(known, value) == Some(true));
        }
        if obstacles.iter().all(|obstacle| !obstacle.candidates.is_empty()) {
            return;
        }
        let place = part.place();
        let mut samples = self.sampler.samples(known);
        samples.retain(|value| self.evaluator.accepts(&place, value) == Some(false));
        for obstacle in obstacles.iter_mut().filter(|obstacle| obstacle.candidates.is_empty()) {
            let keyword = obstacle.new.rsplit_once('/').map_or("", |(_, keyword)| keyword);
            let own = |value: &&Value| self.evaluator.accepts_by(part, keyword, value) != Some(true);
            obstacle.candidates = samples.iter().filter(own).take(CANDIDATES_MAX).cloned().collect();
        }
    }

    pub(crate) fn obstacle(
        &self,
        rule: Rule,
        known: &Known<'_>,
        new: &Node<'_>,
        keyword: &str,
        detail: impl Into<String>,
    ) -> Obstacle {
        let at = if keyword.is_empty() { new.at.to_string() } else { new.keyword_at(keyword) };
        Obstacle { rule, old: known.pointer_to(keyword), new: at, detail: detail.into(), candidates: Vec::new() }
    }

    /// Carries obstacles of a part of an instance over to the instance.
    fn lift(&self, mut obstacles: Vec<Obstacle>, build: impl Fn(&Value) -> Vec<Value>) -> Vec<Obstacle> {
        for obstacle in &mut obstacles {
            let built = obstacle.candidates.iter().flat_map(&build);
            obstacle.candidates = built.take(CANDIDATES_MAX).collect();
        }
        obstacles
    }
}
