//! Arrays and objects, built from samples of their items and members.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Sampler;
use crate::known::{self, Known};
use crate::pattern;

const LENGTH_MAX: usize = 200;
const ITEMS_VARIED_MAX: usize = 3;

impl<'a> Sampler<'a> {
    /// Some arrays that are as `known` says, as far as their items go.
    pub(crate) fn arrays(&self, known: &Known<'a>) -> Vec<Value> {
        let least = usize::try_from(known::at_least(known, "minItems")).unwrap_or(usize::MAX);
        let prefix = known::prefix_len(&known.nodes);
        let mut lengths = self.hints.counts(LENGTH_MAX);
        lengths.extend([least, least.saturating_add(1), prefix, prefix.saturating_add(1), 2]);
        lengths.retain(|length| *length >= least && *length <= LENGTH_MAX);
        let mut found = Vec::new();
        for choice in 0..2 {
            found.extend(lengths.iter().filter_map(|length| self.array(known, *length, choice)));
        }
        for base in found.clone().iter().take(2) {
            for index in 0..=prefix.min(ITEMS_VARIED_MAX) {
                let items = self.samples(&known::item(known, index));
                found.extend(items.iter().take(8).filter_map(|item| self.with_item(known, base, index, item)));
            }
        }
        found.extend(self.containing(known, least));
        found
    }

    /// An array of a length; `choice` 0 repeats one item, 1 takes different ones.
    fn array(&self, known: &Known<'a>, length: usize, choice: usize) -> Option<Value> {
        let prefix = known::prefix_len(&known.nodes);
        let rest = self.samples(&known::item(known, prefix));
        let mut items = Vec::new();
        for index in 0..length {
            let own = if index < prefix { self.samples(&known::item(known, index)) } else { Vec::new() };
            let options = if index < prefix { &own } else { &rest };
            let place = if choice == 0 { 0 } else { index.checked_rem(options.len())? };
            items.push(options.get(place)?.clone());
        }
        Some(Value::Array(items))
    }

    /// `base` with an item at `index`, filled up as far as that.
    pub(crate) fn with_item(&self, known: &Known<'a>, base: &Value, index: usize, item: &Value) -> Option<Value> {
        let mut items = base.as_array()?.clone();
        while items.len() < index {
            let filler = self.samples(&known::item(known, items.len()));
            items.push(filler.first()?.clone());
        }
        match items.get_mut(index) {
            Some(place) => *place = item.clone(),
            None => items.push(item.clone()),
        }
        Some(Value::Array(items))
    }

    fn containing(&self, known: &Known<'a>, least: usize) -> Vec<Value> {
        let mut found = Vec::new();
        for wanted in known.nodes.iter().filter_map(|node| node.child("contains")) {
            let items = self.samples(&Known::of([wanted]));
            for base in [self.array(known, least, 0), Some(Value::Array(Vec::new()))].into_iter().flatten() {
                for item in items.iter().take(4) {
                    let mut array = base.clone();
                    for _ in 0..4 {
                        if let Some(members) = array.as_array_mut() {
                            members.push(item.clone());
                        }
                        found.push(array.clone());
                    }
                }
            }
        }
        found
    }
}

const NAMES_MAX: usize = 60;
const MEMBERS_VARIED_MAX: usize = 6;
const MEMBERS_MAX: usize = 40;

impl<'a> Sampler<'a> {
    /// Some objects that are as `known` says, as far as their members go.
    pub(crate) fn objects(&self, known: &Known<'a>) -> Vec<Value> {
        let bases = self.bases(known);
        let required = known::required(known);
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
        let Some(smallest) = self.object(known, &known::required(known)) else {
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
        self.samples(&known::member(self.evaluator, known, name))
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
        for allowed in self.samples(&known::names(known)).iter().filter_map(Value::as_str) {
            names.push(allowed.to_owned());
        }
        names.extend(self.hints.names.iter().take(NAMES_MAX).cloned());
        names.push("other".to_owned());
        names
    }

    fn varied(&self, known: &Known<'a>, base: &Map<String, Value>, name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for value in self.member(known, name).into_iter().take(MEMBERS_VARIED_MAX) {
            let mut members = base.clone();
            members.insert(name.to_owned(), value);
            found.push(Value::Object(members));
        }
        found
    }

    /// Objects with as many members as limits of either schema speak of.
    fn filled(&self, known: &Known<'a>, smallest: &Map<String, Value>) -> Vec<Value> {
        let mut counts = self.hints.counts(MEMBERS_MAX);
        let least = usize::try_from(known::at_least(known, "minProperties")).unwrap_or(usize::MAX);
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
