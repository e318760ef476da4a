//! Objects.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Sampler;
use crate::compat::node::Known;
use crate::compat::pattern;
use crate::compat::shape;

const NAMES_MAX: usize = 60;
const VARIED_MAX: usize = 6;
const MEMBERS_MAX: usize = 40;

impl<'a> Sampler<'a> {
    /// Some objects that are as `known` says, as far as their members go.
    pub(crate) fn objects(&self, known: &Known<'a>) -> Vec<Value> {
        let bases = self.bases(known);
        let required = shape::required(known);
        let names = named(known).into_iter().chain(required).chain(self.optional_names(known));
        let names = names.collect::<BTreeSet<_>>();
        let mut found = bases.clone();
        for base in bases.iter().filter_map(Value::as_object) {
            found.extend(names.iter().flat_map(|name| self.varied(known, base, name)));
        }
        if let Some(smallest) = bases.first().and_then(Value::as_object) {
            found.extend(self.filled(known, smallest));
        }
        found
    }

    /// The smallest object that is as `known` says, and one with all members that have a name.
    pub(crate) fn bases(&self, known: &Known<'a>) -> Vec<Value> {
        let Some(smallest) = self.object(known, &shape::required(known)) else {
            return Vec::new();
        };
        let full = self.fullest(known, &smallest, &named(known));
        vec![Value::Object(smallest), Value::Object(full)]
    }

    fn object(&self, known: &Known<'a>, names: &BTreeSet<String>) -> Option<Map<String, Value>> {
        let mut members = Map::new();
        for name in names {
            let value = self.member(known, name).into_iter().next()?;
            members.insert(name.clone(), value);
        }
        Some(members)
    }

    fn member(&self, known: &Known<'a>, name: &str) -> Vec<Value> {
        self.samples(&shape::member(self.evaluator, known, name))
    }

    fn fullest(
        &self,
        known: &Known<'a>,
        smallest: &Map<String, Value>,
        named: &BTreeSet<String>,
    ) -> Map<String, Value> {
        let mut members = smallest.clone();
        for name in named.iter().filter(|name| !smallest.contains_key(*name)) {
            if let Some(value) = self.member(known, name).into_iter().next() {
                members.insert(name.clone(), value);
            }
        }
        members
    }

    /// Names beyond those of `properties`: from patterns, from the other schema, and a new one.
    fn optional_names(&self, known: &Known<'a>) -> Vec<String> {
        let patterns = known.nodes.iter().flat_map(|node| node.map("patternProperties"));
        let patterns = patterns.map(|(pattern, _)| pattern.to_owned());
        let mut names = Vec::new();
        for pattern in patterns.chain(self.hints.patterns.iter().cloned()) {
            let made = pattern::names(&pattern);
            names.extend(made.iter().take(3).chain(made.iter().rev().take(3)).cloned());
        }
        for allowed in self.samples(&shape::names(known)).iter().filter_map(Value::as_str) {
            names.push(allowed.to_owned());
        }
        names.extend(self.hints.names.iter().take(NAMES_MAX).cloned());
        names.push("other".to_owned());
        names
    }

    fn varied(&self, known: &Known<'a>, base: &Map<String, Value>, name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for value in self.member(known, name).into_iter().take(VARIED_MAX) {
            let mut members = base.clone();
            members.insert(name.to_owned(), value);
            found.push(Value::Object(members));
        }
        found
    }

    /// Objects with as many members as limits of either schema speak of.
    fn filled(&self, known: &Known<'a>, smallest: &Map<String, Value>) -> Vec<Value> {
        let mut counts = self.hints.counts(MEMBERS_MAX);
        let least = usize::try_from(shape::at_least(known, "minProperties")).unwrap_or(usize::MAX);
        counts.extend([least].into_iter().filter(|least| *least <= MEMBERS_MAX));
        let mut spare = self.optional_names(known);
        spare.extend((0..MEMBERS_MAX).map(|index| format!("k{index}")));
        let mut members = smallest.clone();
        let mut found = Vec::new();
        for name in spare {
            if members.len() >= MEMBERS_MAX {
                break;
            }
            if counts.contains(&members.len()) {
                found.push(Value::Object(members.clone()));
            }
            if let Some(value) = self.member(known, &name).into_iter().next() {
                members.entry(name).or_insert(value);
            }
        }
        found
    }
}

fn named(known: &Known<'_>) -> BTreeSet<String> {
    let named = known.nodes.iter().flat_map(|node| node.map("properties"));
    named.map(|(name, _)| name.to_owned()).take(NAMES_MAX).collect()
}
