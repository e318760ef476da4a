//! Instances of a schema, made up: the candidates that the validator judges.
//!
//! Whatever is made up here proves nothing by itself. It only has to be varied enough to hit what
//! the other schema refuses, so the limits and words of both schemas go into it.

mod container;
mod scalar;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::decimal::Decimal;
use crate::evaluate::Evaluator;
use crate::keywords::each_schema;
use crate::known::{self, Known, KnownKey};
use crate::types::{Type, Types};

const HINTS_MAX: usize = 40;
const DEPTH_MAX: u32 = 6;
const SAMPLES_MAX: usize = 48;
/// How many instances one comparison may make up before it goes on with the simplest ones.
const WORK_MAX: u32 = 40_000;

/// Makes up instances.
pub(crate) struct Sampler<'a> {
    evaluator: &'a Evaluator<'a>,
    hints: Hints,
    depth: Cell<u32>,
    work: Cell<u32>,
    made: RefCell<BTreeMap<KnownKey, Vec<Value>>>,
}

impl<'a> Sampler<'a> {
    pub(crate) fn new(evaluator: &'a Evaluator<'a>, hints: Hints) -> Self {
        Self { evaluator, hints, depth: Cell::new(0), work: Cell::new(0), made: RefCell::new(BTreeMap::new()) }
    }

    /// Some instances that are as `known` says.
    pub(crate) fn samples(&self, known: &Known<'a>) -> Vec<Value> {
        let key = known.key();
        let cached = self.made.borrow().get(&key).cloned();
        cached.unwrap_or_else(|| {
            let found = self.fitting(known);
            self.made.borrow_mut().insert(key, found.clone());
            found
        })
    }

    fn fitting(&self, known: &Known<'a>) -> Vec<Value> {
        let mut found = self.made_up(known);
        self.work.set(self.work.get().saturating_add(u32::try_from(found.len()).unwrap_or(u32::MAX)));
        found.retain(|value| known.types.has(Type::of(value)) && self.evaluator.fits(known, value) == Some(true));
        let mut seen = BTreeSet::new();
        found.retain(|value| seen.insert(value.to_string()));
        found.truncate(SAMPLES_MAX);
        found
    }

    fn made_up(&self, known: &Known<'a>) -> Vec<Value> {
        if let Some(values) = known::listed(known) {
            return values;
        }
        let anything = known.nodes.is_empty() && known.has.is_empty();
        if anything || self.depth.get() >= DEPTH_MAX || self.work.get() >= WORK_MAX {
            return plain();
        }
        self.depth.set(self.depth.get() + 1);
        let found = match known::branches(known) {
            Some(branches) => self.of_branches(&branches),
            None => known.types.iter().flat_map(|kind| self.of_type(known, kind)).collect(),
        };
        self.depth.set(self.depth.get() - 1);
        found
    }

    fn of_branches(&self, branches: &[Known<'a>]) -> Vec<Value> {
        let each = SAMPLES_MAX.div_euclid(branches.len().max(1)).max(4);
        let found = branches.iter().flat_map(|branch| self.samples(branch).into_iter().take(each));
        found.collect()
    }

    fn of_type(&self, known: &Known<'a>, kind: Type) -> Vec<Value> {
        let known = known.with_types(Types::only(kind));
        match kind {
            Type::Null => vec![Value::Null],
            Type::Boolean => vec![json!(true), json!(false)],
            Type::Integer | Type::Fraction => scalar::numbers(&self.hints, &known, kind),
            Type::String => scalar::strings(&self.hints, &known),
            Type::Array => self.arrays(&known),
            Type::Object => self.objects(&known),
        }
    }
}

/// An instance of every type, and the empty ones.
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

/// The numbers and words that two schemas mention.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hints {
    pub(crate) numbers: BTreeSet<Decimal>,
    pub(crate) texts: BTreeSet<String>,
    pub(crate) names: BTreeSet<String>,
    pub(crate) patterns: BTreeSet<String>,
    pub(crate) formats: BTreeSet<String>,
}

impl Hints {
    pub(crate) fn of(schemas: &[&Value]) -> Self {
        let mut hints = Self::default();
        for schema in schemas {
            each_schema(schema, "", &mut |_, schema| hints.read(schema));
        }
        hints
    }

    fn read(&mut self, schema: &Value) {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "enum" | "const" => self.read_values(value),
                "pattern" => self.patterns.extend(value.as_str().map(str::to_owned)),
                "format" => self.formats.extend(value.as_str().map(str::to_owned)),
                "required" => self.read_names(value),
                "patternProperties" => {
                    let patterns = value.as_object().into_iter().flat_map(|members| members.keys());
                    self.patterns.extend(patterns.cloned());
                }
                "properties" | "dependencies" | "dependentRequired" | "dependentSchemas" => {
                    let names = value.as_object().into_iter().flat_map(|members| members.keys());
                    self.names.extend(names.take(HINTS_MAX).cloned());
                }
                _ if self.numbers.len() < HINTS_MAX => self.numbers.extend(Decimal::of(value)),
                _ => {}
            }
        }
    }

    fn read_names(&mut self, value: &Value) {
        let names = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        self.names.extend(names.take(HINTS_MAX).map(str::to_owned));
    }

    fn read_values(&mut self, value: &Value) {
        let single = std::slice::from_ref(value);
        let values = value.as_array().map_or(single, Vec::as_slice);
        self.numbers.extend(values.iter().filter_map(Decimal::of).take(HINTS_MAX));
        let texts = values.iter().filter_map(Value::as_str).take(HINTS_MAX);
        self.texts.extend(texts.map(str::to_owned));
    }

    /// Small counts near those that the schemas mention.
    pub(crate) fn counts(&self, most: usize) -> BTreeSet<usize> {
        let near = self.numbers.iter().filter(|number| number.is_whole());
        let near = near.filter_map(|number| number.to_string().parse::<usize>().ok());
        near.flat_map(|count| [count.saturating_sub(1), count, count.saturating_add(1)])
            .filter(|count| *count <= most)
            .collect()
    }
}
