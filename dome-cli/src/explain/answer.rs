//! What a key comes to: among all facts, or among those that an index brings.

use dome_binder::columns::{Needed, Wanted};
use dome_binder::explain::{Candidate, Found, Subject, line_of_source};
use dome_binder::query::nearest;

use super::load::{Explanation, Loaded};
use crate::lookup::Lookup;

/// What is said of a key.
pub(super) enum Answer {
    Told(Box<Explanation>),
    Many(Vec<Candidate>),
    Nothing { near: Vec<String>, shown: String },
}

impl Answer {
    fn told(loaded: &Loaded, subject: &Subject, last_listed: Option<u64>) -> Self {
        Self::Told(Box::new(loaded.explain(subject, last_listed)))
    }
}

/// From all facts.
pub(super) fn in_facts(loaded: &Loaded, key: &str) -> Answer {
    match loaded.find(key) {
        Found::One(subject) => {
            let unlisted =
                if let Subject::Unlisted(source) = &subject { loaded.last_listed(&source.name) } else { None };
            Answer::told(loaded, &subject, unlisted)
        }
        Found::Many(candidates) => Answer::Many(candidates),
        Found::Nothing => {
            let names = loaded.names();
            let near = nearest(key, names.iter().map(String::as_str));
            Answer::Nothing { near, shown: loaded.shown() }
        }
    }
}

/// From the facts that an index brings; `None` when it does not fit them.
pub(super) fn in_index(lookup: &Lookup, key: &str) -> Option<Answer> {
    let candidates = Loaded::some(lookup, &lookup.columns.candidates(key)?)?;
    match candidates.find(key) {
        Found::One(Subject::Unlisted(source)) => Some(unlisted(lookup, &candidates, source)),
        Found::One(subject) => {
            let needed = needed(lookup, &candidates, &subject)?;
            Some(Answer::told(&Loaded::some(lookup, &needed)?, &subject, None))
        }
        Found::Many(candidates) => Some(Answer::Many(candidates)),
        Found::Nothing => match line_of_source(key) {
            Some(source) if lookup.columns.last_line_of(&source.name).is_some() => {
                Some(unlisted(lookup, &candidates, source))
            }
            _ => {
                let names = lookup.columns.names()?;
                let near = nearest(key, names.iter().map(String::as_str));
                Some(Answer::Nothing { near, shown: candidates.shown() })
            }
        },
    }
}

/// A line that no row is of; the last one that is listed may be a fact or rejected.
fn unlisted(lookup: &Lookup, loaded: &Loaded, source: dome_core::Source) -> Answer {
    let last_listed = lookup.columns.last_line_of(&source.name).max(loaded.last_listed(&source.name));
    Answer::told(loaded, &Subject::Unlisted(source), last_listed)
}

/// The facts that the story of a subject is told from.
fn needed(lookup: &Lookup, candidates: &Loaded, subject: &Subject) -> Option<Needed> {
    let needed = |wanted| lookup.columns.needed(wanted);
    match subject {
        Subject::Capsule(key) => needed(Wanted::Capsule(*key)),
        Subject::Concept(key) => needed(Wanted::Concept(*key)),
        Subject::Line(key) => needed(Wanted::Line(*key)),
        Subject::Fact(position) => {
            let fact = candidates.fact(*position)?;
            let mut facts = needed(Wanted::Line(fact.keys.line))?;
            let applied = fact.applied_capsule().copied();
            facts.extend(applied.map_or(Some(Needed::new()), |key| needed(Wanted::Capsule(key)))?);
            Some(facts)
        }
        Subject::Rejected(_) | Subject::Unlisted(_) => Some(Needed::new()),
    }
}
