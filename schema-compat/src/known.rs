//! Schemas at their places, and what is known of an instance that passed some of them: what they say together
//! about its members, items and bounds, and the cases that they leave.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

use crate::decimal::{Decimal, Types};
use crate::evaluate::Evaluator;
use crate::keywords::pointer;
use crate::schema::{Dialect, Schema};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SchemaSide {
    Old,
    New,
}

pub(crate) type SchemaPlace = (SchemaSide, Rc<str>);

#[derive(Clone, Debug)]
pub(crate) struct SchemaNode<'a> {
    pub(crate) side: SchemaSide,
    pub(crate) at: Rc<str>,
    pub(crate) value: &'a Value,
    pub(crate) document: &'a Schema,
}

impl<'a> SchemaNode<'a> {
    pub(crate) fn root(side: SchemaSide, document: &'a Schema) -> Self {
        Self { side, at: Rc::from(""), value: document.root(), document }
    }

    pub(crate) fn place(&self) -> SchemaPlace {
        (self.side, Rc::clone(&self.at))
    }

    fn inner(&self, at: String, value: &'a Value) -> Self {
        Self { at: Rc::from(at), value, ..self.clone() }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.document.dialect()
    }

    /// The value of a keyword, where the dialect heeds it.
    pub(crate) fn keyword(&self, name: &str) -> Option<&'a Value> {
        let members = self.value.as_object()?;
        let alone = self.dialect() == Dialect::Draft07 && members.contains_key("$ref");
        members.get(name).filter(|_| !alone || name == "$ref")
    }

    pub(crate) fn keyword_at(&self, name: &str) -> String {
        pointer(&self.at, name)
    }

    pub(crate) fn child(&self, name: &str) -> Option<Self> {
        let value = self.keyword(name)?;
        (value.is_object() || value.is_boolean()).then(|| self.inner(self.keyword_at(name), value))
    }

    pub(crate) fn list(&self, name: &str) -> Vec<Self> {
        let at = self.keyword_at(name);
        let items = self.keyword(name).and_then(Value::as_array).into_iter().flatten();
        items.enumerate().map(|(index, value)| self.inner(format!("{at}/{index}"), value)).collect()
    }

    pub(crate) fn map(&self, name: &str) -> Vec<(&'a str, Self)> {
        let at = self.keyword_at(name);
        let members = self.keyword(name).and_then(Value::as_object).into_iter().flatten();
        members.map(|(key, value)| (key.as_str(), self.inner(pointer(&at, key), value))).collect()
    }

    pub(crate) fn entry(&self, name: &str, key: &str) -> Option<Self> {
        let value = self.keyword(name)?.get(key)?;
        Some(self.inner(pointer(&self.keyword_at(name), key), value))
    }

    /// All schemas that an instance has to pass for certain, by `$ref` and `allOf` too, without those that say nothing.
    pub(crate) fn flatten(&self) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut waiting = vec![self.clone()];
        while let Some(node) = waiting.pop() {
            let is_empty = node.value.as_object().is_some_and(serde_json::Map::is_empty);
            if !seen.insert(node.place()) || is_empty || node.value == &Value::Bool(true) {
                continue;
            }
            waiting.extend(node.list("allOf").into_iter().rev());
            let reference = node.keyword("$ref").and_then(Value::as_str);
            let target = reference.and_then(|reference| node.document.target(reference));
            waiting.extend(target.map(|(at, value)| node.inner(at, value)));
            found.push(node);
        }
        found
    }

    pub(crate) fn types(&self) -> Types {
        if self.value == &Value::Bool(false) {
            return Types::NONE;
        }
        self.keyword("type").map_or(Types::ALL, Types::of_keyword)
    }

    /// Types that a plain `not: {type: ...}` leaves out.
    fn excluded(&self) -> Types {
        let Some(not) = self.child("not") else {
            return Types::NONE;
        };
        match not.value {
            Value::Bool(true) => Types::ALL,
            Value::Object(members) if members.is_empty() => Types::ALL,
            Value::Object(members) if members.len() == 1 && members.contains_key("type") => not.types(),
            _ => Types::NONE,
        }
    }

    /// The schemas of an array's first items, and that of the rest.
    pub(crate) fn items(&self) -> (Vec<Self>, Option<Self>) {
        match (self.dialect(), self.keyword("items")) {
            (Dialect::Draft202012, _) => (self.list("prefixItems"), self.child("items")),
            (Dialect::Draft07, Some(Value::Array(_))) => (self.list("items"), self.child("additionalItems")),
            (Dialect::Draft07, _) => (Vec::new(), self.child("items")),
        }
    }

    /// The schemas that the member `name` has to pass; `None` where a pattern cannot be asked.
    pub(crate) fn member(&self, evaluator: &Evaluator, name: &str) -> Option<Vec<Self>> {
        let mut found = self.entry("properties", name).into_iter().collect::<Vec<_>>();
        for (pattern, schema) in self.map("patternProperties") {
            if evaluator.matches(pattern, name)? {
                found.push(schema);
            }
        }
        if found.is_empty() {
            found.extend(self.child("additionalProperties"));
        }
        Some(found)
    }

    /// The keyword for what the presence of a member requires: `modern`, which draft-07 does not have.
    pub(crate) fn dependencies(&self, modern: &'static str) -> &'static str {
        if self.dialect() == Dialect::Draft07 { "dependencies" } else { modern }
    }

    pub(crate) fn dependent_names(&self) -> Vec<(&'a str, Vec<String>)> {
        let members = self.keyword(self.dependencies("dependentRequired")).and_then(Value::as_object);
        let lists = members.into_iter().flatten().filter_map(|(key, value)| {
            let names = value.as_array()?.iter().filter_map(Value::as_str);
            Some((key.as_str(), names.map(str::to_owned).collect()))
        });
        lists.collect()
    }

    pub(crate) fn dependent_schemas(&self) -> Vec<(&'a str, Self)> {
        let mut found = self.map(self.dependencies("dependentSchemas"));
        found.retain(|(_, schema)| !schema.value.is_array());
        found
    }
}

/// Schemas that an instance has passed, all of them, and what else is known of it.
#[derive(Clone, Debug)]
pub(crate) struct Premise<'a> {
    pub(crate) nodes: Vec<SchemaNode<'a>>,
    pub(crate) types: Types,
    /// Members that it has, whatever the schemas say.
    pub(crate) has: BTreeSet<String>,
    /// Disjunctions that were taken apart already.
    pub(crate) spent: BTreeSet<(SchemaPlace, &'static str)>,
}

pub(crate) type PremiseKey = (Vec<SchemaPlace>, Types, BTreeSet<String>, BTreeSet<(SchemaPlace, &'static str)>);

/// The value of a bound, and whether it is excluded.
pub(crate) type NumberBound = (Decimal, bool);

const BRANCHES_MAX: usize = 64;

impl<'a> Premise<'a> {
    pub(crate) fn of(nodes: impl IntoIterator<Item = SchemaNode<'a>>) -> Self {
        let nothing = Self { nodes: Vec::new(), types: Types::ALL, has: BTreeSet::new(), spent: BTreeSet::new() };
        nodes.into_iter().fold(nothing, |known, node| known.and(&node))
    }

    pub(crate) fn and(mut self, node: &SchemaNode<'a>) -> Self {
        for part in node.flatten() {
            if self.nodes.iter().all(|known| known.place() != part.place()) {
                self.types = self.types.and(part.types()).without(part.excluded());
                self.nodes.push(part);
            }
        }
        self
    }

    pub(crate) fn with_types(&self, types: Types) -> Self {
        Self { types: self.types.and(types), ..self.clone() }
    }

    pub(crate) fn key(&self) -> PremiseKey {
        let mut places = self.nodes.iter().map(SchemaNode::place).collect::<Vec<_>>();
        places.sort();
        (places, self.types, self.has.clone(), self.spent.clone())
    }

    pub(crate) fn keyword(&self, name: &'static str) -> impl Iterator<Item = &'a Value> + '_ {
        self.nodes.iter().filter_map(move |node| node.keyword(name))
    }

    /// Where a keyword stands, else the first place that is known, else the root.
    pub(crate) fn pointer_to(&self, name: &str) -> String {
        let with = self.nodes.iter().find(|node| node.keyword(name).is_some()).map(|node| node.keyword_at(name));
        with.or_else(|| self.nodes.first().map(|node| node.at.to_string())).unwrap_or_default()
    }

    /// The cases of the first disjunction that was not taken apart yet; more is known in each.
    pub(crate) fn branches(&self) -> Option<Vec<Self>> {
        for node in &self.nodes {
            for keyword in ["oneOf", "anyOf"] {
                let nodes = node.list(keyword);
                if let Some(open) = self.spend(node, keyword, nodes.len()) {
                    return Some(nodes.iter().map(|branch| open.clone().and(branch)).collect());
                }
            }
            let (then, otherwise) = (node.child("then"), node.child("else"));
            if (node.keyword("then").is_some() || node.keyword("else").is_some())
                && let Some(condition) = node.child("if")
                && let Some(open) = self.spend(node, "if", 2)
            {
                let holds = then.iter().fold(open.clone().and(&condition), |known, then| known.and(then));
                let fails = otherwise.iter().fold(open, |known, otherwise| known.and(otherwise));
                return Some(vec![holds, fails]);
            }
        }
        None
    }

    fn spend(&self, node: &SchemaNode<'a>, keyword: &'static str, branches: usize) -> Option<Self> {
        if branches == 0 || branches > BRANCHES_MAX {
            return None;
        }
        let mut open = self.clone();
        open.spent.insert((node.place(), keyword)).then_some(open)
    }

    pub(crate) fn listed(&self) -> Option<Vec<Value>> {
        let constant = self.keyword("const").next().map(|value| vec![value.clone()]);
        constant.or_else(|| self.keyword("enum").find_map(Value::as_array).cloned())
    }

    fn of_each<I: IntoIterator<Item = SchemaNode<'a>>>(&self, of: impl Fn(&SchemaNode<'a>) -> I) -> Self {
        Self::of(self.nodes.iter().flat_map(of))
    }

    pub(crate) fn item(&self, index: usize) -> Self {
        self.of_each(|node| {
            let (first, rest) = node.items();
            first.get(index).cloned().or(rest)
        })
    }

    pub(crate) fn prefix_len(&self) -> usize {
        self.nodes.iter().map(|node| node.items().0.len()).max().unwrap_or(0)
    }

    pub(crate) fn member(&self, evaluator: &Evaluator, name: &str) -> Self {
        self.of_each(|node| node.member(evaluator, name).into_iter().flatten())
    }

    pub(crate) fn names(&self) -> Self {
        self.of_each(|node| node.child("propertyNames"))
    }

    pub(crate) fn required(&self) -> BTreeSet<String> {
        let mut found = self.has.clone();
        for names in self.keyword("required").filter_map(Value::as_array) {
            found.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        loop {
            let before = found.len();
            for (trigger, wanted) in self.nodes.iter().flat_map(SchemaNode::dependent_names) {
                if found.contains(trigger) {
                    found.extend(wanted);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    pub(crate) fn at_least(&self, keyword: &'static str) -> u64 {
        self.keyword(keyword).filter_map(count).max().unwrap_or(0)
    }

    pub(crate) fn at_most(&self, keyword: &'static str) -> Option<u64> {
        self.keyword(keyword).filter_map(count).min()
    }

    pub(crate) fn bounds(&self) -> (Option<NumberBound>, Option<NumberBound>) {
        let read = |name, open| {
            let values = self.keyword(name).filter_map(Decimal::of);
            values.map(move |value| (value, open)).collect::<Vec<_>>()
        };
        let lower = [read("minimum", false), read("exclusiveMinimum", true)].concat();
        let upper = [read("maximum", false), read("exclusiveMaximum", true)].concat();
        // Of two equal bounds the one that excludes its value is the tighter one.
        (lower.into_iter().max(), upper.into_iter().min_by_key(|(value, open)| (*value, !open)))
    }

    pub(crate) fn whole_bounds(&self) -> (Option<Decimal>, Option<Decimal>) {
        let (lower, upper) = self.bounds();
        let lower = lower.and_then(|(value, open)| {
            let floor = value.floor();
            if floor < value || open { floor.plus(Decimal::ONE) } else { Some(floor) }
        });
        let upper = upper.and_then(|(value, open)| {
            let floor = value.floor();
            if open && floor == value { floor.minus(Decimal::ONE) } else { Some(floor) }
        });
        (lower, upper)
    }
}

/// A count as a keyword holds it; `2.0` is 2.
pub(crate) fn count(value: &Value) -> Option<u64> {
    let decimal = Decimal::of(value)?;
    decimal.is_whole().then(|| decimal.to_string().parse().ok())?
}
