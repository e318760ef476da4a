//! What schemas say about the members and items of an instance.

use std::collections::BTreeSet;

use serde_json::Value;

use super::decimal::Decimal;
use super::dialect::Dialect;
use super::evaluate::Evaluator;
use super::node::{Known, Node};

/// The schemas of an array's first items, and that of the rest.
pub(crate) fn items<'a>(node: &Node<'a>) -> (Vec<Node<'a>>, Option<Node<'a>>) {
    match (node.dialect(), node.keyword("items")) {
        (Dialect::Draft202012, _) => (node.list("prefixItems"), node.child("items")),
        (Dialect::Draft07, Some(Value::Array(_))) => (node.list("items"), node.child("additionalItems")),
        (Dialect::Draft07, _) => (Vec::new(), node.child("items")),
    }
}

/// What is known of the item at `index`.
pub(crate) fn item<'a>(known: &Known<'a>, index: usize) -> Known<'a> {
    let nodes = known.nodes.iter().filter_map(|node| {
        let (first, rest) = items(node);
        first.get(index).cloned().or(rest)
    });
    Known::of(nodes.collect::<Vec<_>>())
}

/// How many items have schemas of their own.
pub(crate) fn prefix_len(nodes: &[Node<'_>]) -> usize {
    nodes.iter().map(|node| items(node).0.len()).max().unwrap_or(0)
}

/// The schemas that the member `name` has to pass by `node`; `None` where a pattern cannot be asked.
pub(crate) fn member_nodes<'a>(evaluator: &Evaluator<'_>, node: &Node<'a>, name: &str) -> Option<Vec<Node<'a>>> {
    let mut found = node.entry("properties", name).into_iter().collect::<Vec<_>>();
    for (pattern, schema) in node.map("patternProperties") {
        if evaluator.matches(pattern, name)? {
            found.push(schema);
        }
    }
    if found.is_empty() {
        found.extend(node.child("additionalProperties"));
    }
    Some(found)
}

/// What is known of the member `name`.
pub(crate) fn member<'a>(evaluator: &Evaluator<'_>, known: &Known<'a>, name: &str) -> Known<'a> {
    let nodes = known.nodes.iter().filter_map(|node| member_nodes(evaluator, node, name));
    Known::of(nodes.flatten().collect::<Vec<_>>())
}

/// What is known of the names of members.
pub(crate) fn names<'a>(known: &Known<'a>) -> Known<'a> {
    let nodes = known.nodes.iter().filter_map(|node| node.child("propertyNames"));
    Known::of(nodes.collect::<Vec<_>>())
}

/// The members that an object has for certain.
pub(crate) fn required(known: &Known<'_>) -> BTreeSet<String> {
    let mut found = known.has.clone();
    for names in known.keyword("required").filter_map(Value::as_array) {
        found.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    loop {
        let before = found.len();
        for (trigger, wanted) in known.nodes.iter().flat_map(dependent_names) {
            if found.contains(&trigger) {
                found.extend(wanted);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Members that the presence of a member asks for.
pub(crate) fn dependent_names(node: &Node<'_>) -> Vec<(String, Vec<String>)> {
    let keyword = match node.dialect() {
        Dialect::Draft07 => "dependencies",
        Dialect::Draft202012 => "dependentRequired",
    };
    let members = node.keyword(keyword).and_then(Value::as_object).into_iter().flatten();
    let lists = members.filter_map(|(key, value)| {
        let names = value.as_array()?.iter().filter_map(Value::as_str);
        Some((key.clone(), names.map(str::to_owned).collect()))
    });
    lists.collect()
}

/// Schemas that the presence of a member asks for.
pub(crate) fn dependent_schemas<'a>(node: &Node<'a>) -> Vec<(&'a str, Node<'a>)> {
    let keyword = match node.dialect() {
        Dialect::Draft07 => "dependencies",
        Dialect::Draft202012 => "dependentSchemas",
    };
    let mut found = node.map(keyword);
    found.retain(|(_, schema)| !schema.schema.is_array());
    found
}

/// The greatest value of a keyword that sets a lower limit, as a count.
pub(crate) fn at_least(known: &Known<'_>, keyword: &'static str) -> u64 {
    known.keyword(keyword).filter_map(count).max().unwrap_or(0)
}

/// The least value of a keyword that sets an upper limit, as a count.
pub(crate) fn at_most(known: &Known<'_>, keyword: &'static str) -> Option<u64> {
    known.keyword(keyword).filter_map(count).min()
}

/// A count as a keyword holds it; `2.0` is 2.
pub(crate) fn count(value: &Value) -> Option<u64> {
    let decimal = Decimal::of(value)?;
    decimal.is_whole().then(|| decimal.to_string().parse().ok())?
}

/// The bounds of the numbers that are known: value and whether it is excluded.
pub(crate) fn bounds(known: &Known<'_>) -> (Option<Bound>, Option<Bound>) {
    let read = |name, open| {
        let values = known.keyword(name).filter_map(Decimal::of);
        values.map(move |value| (value, open)).collect::<Vec<Bound>>()
    };
    let lower = [read("minimum", false), read("exclusiveMinimum", true)].concat();
    let upper = [read("maximum", false), read("exclusiveMaximum", true)].concat();
    // Of two equal bounds the one that excludes its value is the tighter one.
    let lower = lower.into_iter().max();
    let upper = upper.into_iter().min_by_key(|(value, open)| (*value, !open));
    (lower, upper)
}

/// A bound, and whether its value is excluded.
pub(crate) type Bound = (Decimal, bool);

/// The least and the greatest whole number within bounds.
pub(crate) fn whole_bounds(known: &Known<'_>) -> (Option<Decimal>, Option<Decimal>) {
    let (lower, upper) = bounds(known);
    let lower = lower.and_then(|(value, open)| {
        let floor = value.floor();
        let up = floor < value || open;
        if up { floor.plus(Decimal::ONE) } else { Some(floor) }
    });
    let upper = upper.and_then(|(value, open)| {
        let floor = value.floor();
        let down = open && floor == value;
        if down { floor.minus(Decimal::ONE) } else { Some(floor) }
    });
    (lower, upper)
}
