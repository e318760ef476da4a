//! Arrays.

use serde_json::Value;

use super::Sampler;
use crate::compat::node::Known;
use crate::compat::shape;

const LENGTH_MAX: usize = 200;
const VARIED_MAX: usize = 3;

impl<'a> Sampler<'a> {
    /// Some arrays that are as `known` says, as far as their items go.
    pub(crate) fn arrays(&self, known: &Known<'a>) -> Vec<Value> {
        let least = usize::try_from(shape::at_least(known, "minItems")).unwrap_or(usize::MAX);
        let prefix = shape::prefix_len(&known.nodes);
        let mut lengths = self.hints.counts(LENGTH_MAX);
        lengths.extend([least, least.saturating_add(1), prefix, prefix.saturating_add(1), 2]);
        lengths.retain(|length| *length >= least && *length <= LENGTH_MAX);
        let mut found = Vec::new();
        for choice in 0..2 {
            found.extend(lengths.iter().filter_map(|length| self.array(known, *length, choice)));
        }
        for base in found.clone().iter().take(2) {
            for index in 0..=prefix.min(VARIED_MAX) {
                let items = self.samples(&shape::item(known, index));
                found.extend(items.iter().take(8).filter_map(|item| self.with_item(known, base, index, item)));
            }
        }
        found.extend(self.containing(known, least));
        found
    }

    /// An array of a length; `choice` 0 repeats one item, 1 takes different ones.
    fn array(&self, known: &Known<'a>, length: usize, choice: usize) -> Option<Value> {
        let prefix = shape::prefix_len(&known.nodes);
        let rest = self.samples(&shape::item(known, prefix));
        let mut items = Vec::new();
        for index in 0..length {
            let own = if index < prefix { self.samples(&shape::item(known, index)) } else { Vec::new() };
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
            let filler = self.samples(&shape::item(known, items.len()));
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
