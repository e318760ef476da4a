//! Items, lengths, what arrays contain.

use serde_json::Value;

use super::{Obstacle, Walker, same};
use crate::known::{self, Known};
use crate::node::Node;
use crate::rule::Rule;

const PREFIX_MAX: usize = 64;
const BASES_MAX: usize = 12;

impl<'a> Walker<'a> {
    pub(super) fn check_array(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let counts = [(Rule::MinItemsRaised, "minItems"), (Rule::MaxItemsLowered, "maxItems")];
        let most = self.items_most(known);
        let mut obstacles = self.check_counts(known, part, counts, 0, most);
        obstacles.extend(self.check_items(known, part));
        obstacles.extend(self.check_unique(known, part));
        obstacles.extend(self.check_contains(known, part));
        obstacles
    }

    /// The length that closed items leave: the first place where nothing fits ends the array.
    fn items_most(&mut self, known: &Known<'a>) -> Option<u64> {
        let last = known::prefix_len(&known.nodes).min(PREFIX_MAX);
        let closed = (0..=last).find(|index| self.is_empty(&known::item(known, *index)))?;
        let stated = known::at_most(known, "maxItems");
        stated.into_iter().chain(u64::try_from(closed).ok()).min()
    }

    fn check_items(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let (first, rest) = known::items(part);
        if first.is_empty() && rest.is_none() {
            return Vec::new();
        }
        let stated = known::at_most(known, "maxItems");
        let most = self.items_most(known).or(stated);
        let most = most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let places = known::prefix_len(&known.nodes).max(first.len());
        if places > PREFIX_MAX {
            return vec![self.obstacle(
                Rule::LimitReached,
                known,
                part,
                "items",
                "too many items have schemas of their own",
            )];
        }
        let mut obstacles = Vec::new();
        for index in (0..=places).take_while(|index| *index < most) {
            let Some(wanted) = first.get(index).or(rest.as_ref()) else {
                break;
            };
            let item = known::item(known, index);
            let mut found = self.check(&item, wanted);
            if wanted.schema == &Value::Bool(false) {
                found.iter_mut().for_each(|obstacle| obstacle.rule = Rule::ItemsClosed);
            }
            obstacles.extend(self.lift_item(known, index, found));
        }
        obstacles
    }

    fn lift_item(&self, known: &Known<'a>, index: usize, found: Vec<Obstacle>) -> Vec<Obstacle> {
        if found.is_empty() || self.quiet > 0 {
            return found;
        }
        let mut bases = self.sampler.arrays(known);
        bases.truncate(BASES_MAX);
        self.lift(found, |item| {
            let with = bases.iter().flat_map(|base| self.sampler.with_item(known, base, index, item));
            with.filter(|array| self.evaluator.fits(known, array) == Some(true)).collect()
        })
    }

    fn check_unique(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let asks = part.keyword("uniqueItems") == Some(&Value::Bool(true));
        let mut said = known.keyword("uniqueItems");
        let most = known::at_most(known, "maxItems").is_some_and(|most| most <= 1);
        if !asks || most || said.any(|value| value == &Value::Bool(true)) {
            return Vec::new();
        }
        vec![self.obstacle(Rule::UniqueItemsAdded, known, part, "uniqueItems", "items must differ now")]
    }

    fn check_contains(&mut self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let Some(wanted) = part.child("contains") else {
            return Vec::new();
        };
        let keywords = ["contains", "minContains", "maxContains"];
        let said = known.nodes.iter().any(|node| {
            node.child("contains").is_some() && keywords.iter().all(|name| same::keyword(node, part, name))
        });
        if said || (self.contains_enough(known, part, &wanted) && self.contains_few(known, part)) {
            return Vec::new();
        }
        vec![self.obstacle(Rule::ContainsNarrowed, known, part, "contains", "arrays must contain something else now")]
    }

    /// Whether enough items are known to fit: all of them do, or OLD asked for as many.
    fn contains_enough(&mut self, known: &Known<'a>, part: &Node<'a>, wanted: &Node<'a>) -> bool {
        let least = contains_least(part);
        if least == 0 {
            return true;
        }
        let length = known::at_least(known, "minItems");
        if length >= least && known::prefix_len(&known.nodes) == 0 {
            let all = known::item(known, 0);
            if self.implies(&all, wanted) {
                return true;
            }
        }
        known.nodes.iter().any(|node| {
            let inner = node.child("contains").filter(|_| contains_least(node) >= least);
            inner.is_some_and(|inner| self.implies(&Known::of([inner]), wanted))
        })
    }

    fn contains_few(&mut self, known: &Known<'a>, part: &Node<'a>) -> bool {
        let limit = part.keyword("maxContains").and_then(known::count);
        limit.is_none_or(|limit| known::at_most(known, "maxItems").is_some_and(|most| most <= limit))
    }
}

fn contains_least(node: &Node<'_>) -> u64 {
    node.keyword("minContains").and_then(known::count).unwrap_or(1)
}
