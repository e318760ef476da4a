//! What is known of an instance: the schemas that it passed, what they say together about its members,
//! items and bounds, and the cases that they leave.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::decimal::Decimal;
use crate::dialect::Dialect;
use crate::evaluate::Evaluator;
use crate::node::{Node, Place};
use crate::types::Types;

/// Schemas that an instance has passed, all of them, and what else is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) types: Types,
    /// Members that it has, whatever the schemas say.
    pub(crate) has: BTreeSet<String>,
    /// Disjunctions that were taken apart already.
    pub(crate) spent: BTreeSet<(Place, &'static str)>,
}

/// What makes two [`Known`] the same.
pub(crate) type KnownKey = (Vec<Place>, Types, BTreeSet<String>, BTreeSet<(Place, &'static str)>);

impl<'a> Known<'a> {
    pub(crate) fn of(nodes: impl IntoIterator<Item = Node<'a>>) -> Self {
        let nothing = Self { nodes: Vec::new(), types: Types::ALL, has: BTreeSet::new(), spent: BTreeSet::new() };
        nodes.into_iter().fold(nothing, |known, node| known.and(&node))
    }

    /// The same, and the instance passed `node` too.
    pub(crate) fn and(mut self, node: &Node<'a>) -> Self {
        for part in node.flatten() {
            if self.nodes.iter().all(|known| known.place() != part.place()) {
                self.types = self.types.and(part.types()).without(excluded(&part));
                self.nodes.push(part);
            }
        }
        self
    }

    pub(crate) fn with_types(&self, types: Types) -> Self {
        Self { types: self.types.and(types), ..self.clone() }
    }

    pub(crate) fn key(&self) -> KnownKey {
        let mut places = self.nodes.iter().map(Node::place).collect::<Vec<_>>();
        places.sort();
        (places, self.types, self.has.clone(), self.spent.clone())
    }

    /// The values of a keyword, wherever it stands.
    pub(crate) fn keyword(&self, name: &'static str) -> impl Iterator<Item = &'a Value> + '_ {
        self.nodes.iter().filter_map(move |node| node.keyword(name))
    }

    /// Where a keyword stands, or the first place that is known.
    pub(crate) fn pointer_to(&self, name: &str) -> String {
        let with = self.nodes.iter().find(|node| node.keyword(name).is_some());
        match (with, self.nodes.first()) {
            (Some(node), _) => node.keyword_at(name),
            (None, Some(node)) => node.at.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// Types that a plain `not: {type: ...}` leaves out.
fn excluded(node: &Node<'_>) -> Types {
    let none = Types::ALL.without(Types::ALL);
    let Some(not) = node.child("not") else {
        return none;
    };
    match not.schema.as_object() {
        None => {
            if not.schema == &Value::Bool(true) {
                Types::ALL
            } else {
                none
            }
        }
        Some(members) if members.is_empty() => Types::ALL,
        Some(members) if members.len() == 1 && members.contains_key("type") => not.types(),
        Some(_) => none,
    }
}

const BRANCHES_MAX: usize = 64;

/// The cases of the first disjunction that was not taken apart yet; each knows more than `known`.
pub(crate) fn branches<'a>(known: &Known<'a>) -> Option<Vec<Known<'a>>> {
    for node in &known.nodes {
        for keyword in ["oneOf", "anyOf"] {
            let nodes = node.list(keyword);
            if let Some(open) = unspent(known, node, keyword, nodes.len()) {
                return Some(nodes.iter().map(|branch| open.clone().and(branch)).collect());
            }
        }
        let conditional = node.child("if").filter(|_| node.keyword("then").is_some() || node.keyword("else").is_some());
        if let Some(condition) = conditional
            && let Some(open) = unspent(known, node, "if", 2)
        {
            return Some(cases(&open, node, &condition));
        }
    }
    None
}

fn unspent<'a>(known: &Known<'a>, node: &Node<'a>, keyword: &'static str, branches: usize) -> Option<Known<'a>> {
    if branches == 0 || branches > BRANCHES_MAX {
        return None;
    }
    let mut open = known.clone();
    open.spent.insert((node.place(), keyword)).then_some(open)
}

fn cases<'a>(open: &Known<'a>, node: &Node<'a>, condition: &Node<'a>) -> Vec<Known<'a>> {
    let mut holds = open.clone().and(condition);
    if let Some(then) = node.child("then") {
        holds = holds.and(&then);
    }
    let fails = match node.child("else") {
        Some(otherwise) => open.clone().and(&otherwise),
        None => open.clone(),
    };
    vec![holds, fails]
}

/// The values that `enum` or `const` list, where one of them stands.
pub(crate) fn listed(known: &Known<'_>) -> Option<Vec<Value>> {
    let constant = known.keyword("const").next().map(|value| vec![value.clone()]);
    constant.or_else(|| known.keyword("enum").find_map(Value::as_array).cloned())
}

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
