//! Instances of a schema, made up: the candidates that the validator judges.
//!
//! Whatever is made up here proves nothing by itself. It only has to be varied enough to hit what
//! the other schema refuses, so the limits and words of both schemas go into it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::decimal::{Decimal, Type, Types};
use crate::evaluate::Evaluator;
use crate::keywords::each_schema;
use crate::known::{Premise, PremiseKey};
use crate::pattern;

const MENTIONED_MAX: usize = 40;
const DEPTH_MAX: u32 = 6;
const SAMPLES_MAX: usize = 48;
const ITEMS_MAX: usize = 200;
const ITEMS_VARIED_MAX: usize = 3;
const NAMES_MAX: usize = 60;
const MEMBERS_VARIED_MAX: usize = 6;
const MEMBERS_MAX: usize = 40;
const POINTS_MAX: usize = 24;
const LENGTH_MAX: usize = 5_000;
/// How many instances one comparison may make up before it goes on with the simplest ones.
const WORK_MAX: u32 = 40_000;

pub(crate) struct Sampler<'a> {
    evaluator: &'a Evaluator,
    mentioned: Mentioned,
    depth: Cell<u32>,
    work: Cell<u32>,
    made: RefCell<BTreeMap<PremiseKey, Vec<Value>>>,
}

impl<'a> Sampler<'a> {
    pub(crate) fn new(evaluator: &'a Evaluator, mentioned: Mentioned) -> Self {
        Self { evaluator, mentioned, depth: Cell::new(0), work: Cell::new(0), made: RefCell::new(BTreeMap::new()) }
    }

    pub(crate) fn samples(&self, known: &Premise<'a>) -> Vec<Value> {
        let key = known.key();
        let cached = self.made.borrow().get(&key).cloned();
        cached.unwrap_or_else(|| {
            let found = self.fitting(known);
            self.made.borrow_mut().insert(key, found.clone());
            found
        })
    }

    fn fitting(&self, known: &Premise<'a>) -> Vec<Value> {
        let mut found = self.made_up(known);
        self.work.set(self.work.get().saturating_add(u32::try_from(found.len()).unwrap_or(u32::MAX)));
        found.retain(|value| known.types.has(Type::of(value)) && self.evaluator.fits(known, value) == Some(true));
        let mut seen = BTreeSet::new();
        found.retain(|value| seen.insert(value.to_string()));
        found.truncate(SAMPLES_MAX);
        found
    }

    fn made_up(&self, known: &Premise<'a>) -> Vec<Value> {
        if let Some(values) = known.listed() {
            return values;
        }
        let anything = known.nodes.is_empty() && known.has.is_empty();
        if anything || self.depth.get() >= DEPTH_MAX || self.work.get() >= WORK_MAX {
            return plain();
        }
        self.depth.set(self.depth.get() + 1);
        let found = match known.branches() {
            Some(branches) => {
                let each = SAMPLES_MAX.div_euclid(branches.len().max(1)).max(4);
                branches.iter().flat_map(|branch| self.samples(branch).into_iter().take(each)).collect()
            }
            None => known.types.iter().flat_map(|kind| self.of_type(known, kind)).collect(),
        };
        self.depth.set(self.depth.get() - 1);
        found
    }

    fn of_type(&self, known: &Premise<'a>, kind: Type) -> Vec<Value> {
        let known = known.with_types(Types::only(kind));
        match kind {
            Type::Null => vec![Value::Null],
            Type::Boolean => vec![json!(true), json!(false)],
            Type::Integer | Type::Fraction => numbers(&self.mentioned, &known, kind),
            Type::String => strings(&self.mentioned, &known),
            Type::Array => self.arrays(&known),
            Type::Object => self.objects(&known),
        }
    }

    /// Some arrays that are as `known` says, as far as their items go.
    pub(crate) fn arrays(&self, known: &Premise<'a>) -> Vec<Value> {
        let least = usize::try_from(known.at_least("minItems")).unwrap_or(usize::MAX);
        let prefix = known.prefix_len();
        let mut lengths = self.mentioned.counts(ITEMS_MAX);
        lengths.extend([least, least.saturating_add(1), prefix, prefix.saturating_add(1), 2]);
        lengths.retain(|length| *length >= least && *length <= ITEMS_MAX);
        let mut found = Vec::new();
        for choice in 0..2 {
            found.extend(lengths.iter().filter_map(|length| self.array(known, *length, choice).map(Value::Array)));
        }
        for base in found.clone().iter().take(2) {
            for index in 0..=prefix.min(ITEMS_VARIED_MAX) {
                let items = self.samples(&known.item(index));
                found.extend(items.iter().take(8).filter_map(|item| self.with_item(known, base, index, item)));
            }
        }
        found.extend(self.containing(known, least));
        found
    }

    /// An array of a length; `choice` 0 repeats one item, 1 takes different ones.
    fn array(&self, known: &Premise<'a>, length: usize, choice: usize) -> Option<Vec<Value>> {
        let prefix = known.prefix_len();
        let rest = self.samples(&known.item(prefix));
        let mut items = Vec::new();
        for index in 0..length {
            let own = if index < prefix { self.samples(&known.item(index)) } else { Vec::new() };
            let options = if index < prefix { &own } else { &rest };
            let place = if choice == 0 { 0 } else { index.checked_rem(options.len())? };
            items.push(options.get(place)?.clone());
        }
        Some(items)
    }

    /// `base` with an item at `index`, filled up as far as that.
    pub(crate) fn with_item(&self, known: &Premise<'a>, base: &Value, index: usize, item: &Value) -> Option<Value> {
        let mut items = base.as_array()?.clone();
        while items.len() < index {
            let filler = self.samples(&known.item(items.len()));
            items.push(filler.first()?.clone());
        }
        match items.get_mut(index) {
            Some(place) => *place = item.clone(),
            None => items.push(item.clone()),
        }
        Some(Value::Array(items))
    }

    fn containing(&self, known: &Premise<'a>, least: usize) -> Vec<Value> {
        let mut found = Vec::new();
        for wanted in known.nodes.iter().filter_map(|node| node.child("contains")) {
            let items = self.samples(&Premise::of([wanted]));
            for base in self.array(known, least, 0).into_iter().chain([Vec::new()]) {
                for item in items.iter().take(4) {
                    found.extend((1..=4).map(|more| [base.clone(), vec![item.clone(); more]].concat().into()));
                }
            }
        }
        found
    }

    /// Some objects that are as `known` says, as far as their members go.
    pub(crate) fn objects(&self, known: &Premise<'a>) -> Vec<Value> {
        let bases = self.bases(known);
        let required = known.required();
        let names = named(known).into_iter().chain(required).chain(self.optional_names(known));
        let names = names.collect::<BTreeSet<_>>();
        let mut found = bases.iter().cloned().map(Value::Object).collect::<Vec<_>>();
        for base in &bases {
            for name in &names {
                let values = self.member(known, name).into_iter().take(MEMBERS_VARIED_MAX);
                found.extend(values.map(|value| with_member(base, name, &value)));
            }
        }
        if let Some(smallest) = bases.first() {
            found.extend(self.filled(known, smallest));
        }
        found
    }

    /// The smallest object that is as `known` says, and one with all members that have a name.
    pub(crate) fn bases(&self, known: &Premise<'a>) -> Vec<Map<String, Value>> {
        let mut smallest = Map::new();
        for name in known.required() {
            let Some(value) = self.member(known, &name).into_iter().next() else {
                return Vec::new();
            };
            smallest.insert(name, value);
        }
        let mut full = smallest.clone();
        for name in named(known).into_iter().filter(|name| !smallest.contains_key(name)) {
            full.extend(self.member(known, &name).into_iter().next().map(|value| (name, value)));
        }
        vec![smallest, full]
    }

    pub(crate) fn member(&self, known: &Premise<'a>, name: &str) -> Vec<Value> {
        self.samples(&known.member(self.evaluator, name))
    }

    /// Names beyond those of `properties`: from patterns, from the other schema, and a new one.
    fn optional_names(&self, known: &Premise<'a>) -> Vec<String> {
        let patterns = known.nodes.iter().flat_map(|node| node.map("patternProperties"));
        let patterns = patterns.map(|(pattern, _)| pattern.to_owned());
        let mut names = Vec::new();
        for pattern in patterns.chain(self.mentioned.patterns.iter().cloned()) {
            let made = pattern::names(&pattern);
            names.extend(made.iter().take(3).chain(made.iter().rev().take(3)).cloned());
        }
        names.extend(self.samples(&known.names()).iter().filter_map(Value::as_str).map(str::to_owned));
        names.extend(self.mentioned.names.iter().take(NAMES_MAX).cloned());
        names.push("other".to_owned());
        names
    }

    /// Objects with as many members as limits of either schema speak of.
    fn filled(&self, known: &Premise<'a>, smallest: &Map<String, Value>) -> Vec<Value> {
        let mut counts = self.mentioned.counts(MEMBERS_MAX);
        let least = usize::try_from(known.at_least("minProperties")).unwrap_or(usize::MAX);
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

fn plain() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!("a"),
        json!({}),
        json!([]),
        json!(1.5),
        json!(""),
        json!(-1),
        json!({"other": 1}),
        json!([1]),
        json!([null, "a"]),
    ]
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Mentioned {
    pub(crate) numbers: BTreeSet<Decimal>,
    pub(crate) texts: BTreeSet<String>,
    pub(crate) names: BTreeSet<String>,
    pub(crate) patterns: BTreeSet<String>,
    pub(crate) formats: BTreeSet<String>,
}

impl Mentioned {
    pub(crate) fn of(schemas: &[&Value]) -> Self {
        let mut mentioned = Self::default();
        for schema in schemas {
            each_schema(schema, "", &mut |_, schema| mentioned.read(schema));
        }
        mentioned
    }

    fn read(&mut self, schema: &Value) {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            let keys = || value.as_object().into_iter().flat_map(Map::keys).cloned();
            let texts = |values: &[Value]| -> Vec<String> {
                values.iter().filter_map(Value::as_str).take(MENTIONED_MAX).map(str::to_owned).collect()
            };
            // `const` has one value where `enum` has several.
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            match keyword.as_str() {
                "enum" | "const" => {
                    self.numbers.extend(values.iter().filter_map(Decimal::of).take(MENTIONED_MAX));
                    self.texts.extend(texts(values));
                }
                "pattern" => self.patterns.extend(value.as_str().map(str::to_owned)),
                "format" => self.formats.extend(value.as_str().map(str::to_owned)),
                "required" => self.names.extend(texts(values)),
                "patternProperties" => self.patterns.extend(keys()),
                "properties" | "dependencies" | "dependentRequired" | "dependentSchemas" => {
                    self.names.extend(keys().take(MENTIONED_MAX));
                }
                _ if self.numbers.len() < MENTIONED_MAX => self.numbers.extend(Decimal::of(value)),
                _ => {}
            }
        }
    }

    fn counts(&self, most: usize) -> BTreeSet<usize> {
        let near = self.numbers.iter().filter(|number| number.is_whole());
        let near = near.filter_map(|number| number.to_string().parse::<usize>().ok());
        near.flat_map(|count| [count.saturating_sub(1), count, count.saturating_add(1)])
            .filter(|count| *count <= most)
            .collect()
    }
}

pub(crate) fn with_member(base: &Map<String, Value>, name: &str, value: &Value) -> Value {
    let mut members = base.clone();
    members.insert(name.to_owned(), value.clone());
    Value::Object(members)
}

fn named(known: &Premise<'_>) -> BTreeSet<String> {
    let named = known.nodes.iter().flat_map(|node| node.map("properties"));
    named.map(|(name, _)| name.to_owned()).take(NAMES_MAX).collect()
}

/// Numbers near the bounds and divisors, and near those that the schemas mention.
fn numbers(mentioned: &Mentioned, known: &Premise<'_>, kind: Type) -> Vec<Value> {
    let mut found = BTreeSet::new();
    let (lower, upper) = known.bounds();
    let bounds = [lower, upper].into_iter().flatten().map(|(value, _)| value);
    let points = bounds.chain([Decimal::whole(0)]).chain(mentioned.numbers.iter().copied());
    let divisors = known.keyword("multipleOf").filter_map(Decimal::of).collect::<Vec<_>>();
    for point in points.take(POINTS_MAX) {
        let steps = [Decimal::ONE, Decimal::HALF].into_iter();
        let near = steps.flat_map(|step| [point.plus(step), point.minus(step)]);
        let multiples = divisors.iter().flat_map(|divisor| {
            // Where the quotient is beyond the digits, the first multiples will do.
            let quotient = point.quotient(*divisor).unwrap_or(0);
            (-1..=2).map(move |offset| quotient.checked_add(offset).and_then(|factor| divisor.times(factor)))
        });
        found.extend(near.chain(multiples).chain([Some(point), point.times(2)]).flatten());
    }
    let mut fitting = found.into_iter().collect::<Vec<_>>();
    fitting.retain(|value| value.is_whole() == (kind == Type::Integer));
    // The smallest magnitudes first, but the far ones stay in.
    fitting.sort_by_key(|value| (*value < Decimal::whole(0), *value));
    fitting.into_iter().filter_map(Decimal::to_value).collect()
}

/// A text of each format that validators know, and of some that they do not.
const FORMATS: &[(&str, &str)] = &[
    ("date", "2026-03-01"),
    ("date-time", "2026-03-01T09:30:00Z"),
    ("time", "09:30:00Z"),
    ("duration", "P1D"),
    ("email", "a@b.example"),
    ("hostname", "a.example"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
    ("json-pointer", "/a"),
    ("regex", "a+"),
    ("uri", "urn:a:b"),
    ("uri-reference", "a/b"),
    ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
];

fn strings(mentioned: &Mentioned, known: &Premise<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    for pattern in known.keyword("pattern").filter_map(Value::as_str) {
        found.extend(pattern::examples(pattern));
    }
    let wanted = known.keyword("format").filter_map(Value::as_str);
    for format in wanted.chain(mentioned.formats.iter().map(String::as_str)) {
        let texts = FORMATS.iter().filter(|(name, _)| *name == format);
        found.extend(texts.map(|(_, text)| (*text).to_owned()));
    }
    let mut lengths = mentioned.counts(LENGTH_MAX);
    let limits = [Some(known.at_least("minLength")), known.at_most("maxLength")];
    let limits = limits.into_iter().flatten().filter_map(|limit| usize::try_from(limit).ok());
    lengths.extend(limits.chain([0, 1]).filter(|length| *length <= LENGTH_MAX));
    found.extend(lengths.into_iter().map(|length| "a".repeat(length)));
    found.extend(mentioned.texts.iter().cloned());
    for pattern in &mentioned.patterns {
        found.extend(pattern::examples(pattern));
    }
    found.extend(["?", "\u{1f600}", "A", "0", "a b"].map(str::to_owned));
    found.into_iter().map(Value::String).collect()
}
