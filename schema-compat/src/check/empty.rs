//! Whether no instance at all is as described, and instances that can be listed.

use serde_json::Value;

use super::Walker;
use crate::decimal::Decimal;
use crate::known::{self, Known};
use crate::node::Node;
use crate::types::{Type, Types};

const DEPTH_MAX: u32 = 5;
const RANGE_MAX: i64 = 256;

impl<'a> Walker<'a> {
    /// Whether it is proven that nothing is as `known` says. `false` says nothing.
    pub(super) fn is_empty(&mut self, known: &Known<'a>) -> bool {
        if self.depth >= DEPTH_MAX {
            return false;
        }
        self.depth += 1;
        let empty = self.is_empty_here(known);
        self.depth -= 1;
        empty
    }

    fn is_empty_here(&mut self, known: &Known<'a>) -> bool {
        if let Some(values) = self.listed(known) {
            return values.is_empty();
        }
        if known.types.iter().all(|kind| self.is_empty_type(known, kind)) || self.is_excluded(known) {
            return true;
        }
        let branches = known::branches(known);
        branches.is_some_and(|branches| branches.iter().all(|branch| self.is_empty(branch)))
    }

    /// Whether two descriptions have nothing in common.
    pub(super) fn is_disjoint(&mut self, known: &Known<'a>, node: &Node<'a>) -> bool {
        self.is_empty(&known.clone().and(node))
    }

    fn is_excluded(&mut self, known: &Known<'a>) -> bool {
        for node in &known.nodes {
            let mut open = known.clone();
            if let Some(not) = node.child("not")
                && open.spent.insert((node.place(), "not"))
                && self.implies(&open, &not)
            {
                return true;
            }
        }
        false
    }

    fn is_empty_type(&mut self, known: &Known<'a>, kind: Type) -> bool {
        let typed = known.with_types(Types::only(kind));
        match kind {
            Type::Null | Type::Boolean => self.listed(&typed).is_some_and(|values| values.is_empty()),
            Type::Integer => {
                let (lower, upper) = known::whole_bounds(known);
                lower.zip(upper).is_some_and(|(lower, upper)| lower > upper)
                    || self.range(&typed).is_some_and(|values| values.is_empty())
            }
            Type::Fraction => is_empty_fraction(known),
            Type::String => contradict(known, "minLength", "maxLength"),
            Type::Array => contradict(known, "minItems", "maxItems") || self.is_empty_array(known),
            Type::Object => contradict(known, "minProperties", "maxProperties") || self.is_empty_object(known),
        }
    }

    fn is_empty_array(&mut self, known: &Known<'a>) -> bool {
        let needed = usize::try_from(known::at_least(known, "minItems")).unwrap_or(usize::MAX);
        let checked = needed.min(known::prefix_len(&known.nodes).saturating_add(1));
        (0..checked).any(|index| self.is_empty(&known::item(known, index)))
    }

    fn is_empty_object(&mut self, known: &Known<'a>) -> bool {
        let required = known::required(known);
        let max = known::at_most(known, "maxProperties");
        if max.is_some_and(|max| u64::try_from(required.len()).is_ok_and(|needed| needed > max)) {
            return true;
        }
        required.iter().any(|name| {
            let member = known::member(self.evaluator, known, name);
            self.is_empty(&member)
        })
    }

    /// All instances, where they are listed: by `enum`, `const`, or a type that has but a few.
    pub(super) fn listed(&self, known: &Known<'a>) -> Option<Vec<Value>> {
        let few = [Type::Null, Type::Boolean].map(Types::only);
        let [null, boolean] = few;
        let few = known.types.without(null).without(boolean).iter().next().is_none();
        let mut values = match known::listed(known) {
            Some(values) => values,
            None if few => vec![Value::Null, Value::Bool(false), Value::Bool(true)],
            None => return None,
        };
        values.retain(|value| known.types.has(Type::of(value)) && self.evaluator.fits(known, value) != Some(false));
        Some(values)
    }

    /// All whole numbers within narrow bounds.
    pub(super) fn range(&self, known: &Known<'a>) -> Option<Vec<Value>> {
        if known.types.single() != Some(Type::Integer) {
            return None;
        }
        let (lower, upper) = known::whole_bounds(known);
        let (lower, upper) = lower.zip(upper)?;
        let count = upper.minus(lower)?.quotient(Decimal::ONE)?;
        if count > RANGE_MAX {
            return None;
        }
        let values = (0..=count).map(|step| lower.plus(Decimal::whole(step))?.to_value());
        let mut values = values.collect::<Option<Vec<_>>>()?;
        values.retain(|value| self.evaluator.fits(known, value) != Some(false));
        Some(values)
    }
}

fn is_empty_fraction(known: &Known<'_>) -> bool {
    let (lower, upper) = known::bounds(known);
    let crossed = lower.zip(upper).is_some_and(|((lower, lower_open), (upper, upper_open))| {
        lower > upper || (lower == upper && (lower_open || upper_open || lower.is_whole()))
    });
    let whole = known.keyword("multipleOf").filter_map(Decimal::of).any(Decimal::is_whole);
    crossed || whole
}

fn contradict(known: &Known<'_>, least: &'static str, most: &'static str) -> bool {
    known::at_most(known, most).is_some_and(|most| known::at_least(known, least) > most)
}
