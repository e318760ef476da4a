//! Instances of a schema, and instances near it: a few edits away, over the words that schemas mention.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the schemas are those of the contracts, all of whose keywords are known here"
)]

use std::mem::discriminant;

use dome_contracts::compat::{Dialect, Schema};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Texts at the borders of what the contracts ask of one.
const TEXTS: [&str; 24] = [
    "",
    "a",
    "A",
    "A_1",
    "a-1",
    "0",
    "0.1",
    "0.2",
    ".",
    "..",
    "/a",
    "a/b",
    "a/../b",
    "a\nb",
    "a\n",
    "\u{e9}",
    "0a1b2c",
    "0a1b2c3",
    "0A1B2C3",
    "2026-03-01T09:30:00Z",
    "2026-03-01T09:30:00.5+02:00",
    "2026-02-30T09:30:00Z",
    "2026-03-01",
    "yesterday",
];

/// The words of some schemas: names of members, texts, numbers.
pub(crate) struct Words {
    names: Vec<String>,
    texts: Vec<String>,
    numbers: Vec<Value>,
}

impl Words {
    pub(crate) fn of(schemas: &[&Schema]) -> Self {
        let texts = TEXTS.iter().map(|text| (*text).to_owned());
        let hex = [39, 40, 41, 63, 64, 65].map(|length| "0f".repeat(33).get(..length).unwrap().to_owned());
        let mut words = Self {
            names: vec!["other".to_owned()],
            texts: texts.chain(hex).collect(),
            numbers: [-1.0, 0.5, 1.5].map(Value::from).into_iter().chain([-1, 0, 1, 2].map(Value::from)).collect(),
        };
        schemas.iter().for_each(|schema| words.read(schema.root()));
        words.names.sort();
        words.names.dedup();
        words.texts.sort();
        words.texts.dedup();
        words
    }

    fn read(&mut self, schema: &Value) {
        let texts = |value: &Value| {
            value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            match keyword.as_str() {
                "properties" => {
                    self.names.extend(value.as_object().into_iter().flatten().map(|(name, _)| name.clone()))
                }
                "required" => self.names.extend(texts(value)),
                "enum" => self.texts.extend(texts(value)),
                "const" => self.texts.extend(value.as_str().map(str::to_owned)),
                "minLength" | "maxLength" => {
                    let length = usize::try_from(value.as_u64().unwrap_or_default()).unwrap();
                    self.texts.extend([length.saturating_sub(1), length, length + 1].map(|length| "x".repeat(length)));
                }
                _ => {}
            }
            self.read(value);
        }
        schema.as_array().into_iter().flatten().for_each(|item| self.read(item));
    }

    /// A value that says nothing of where it will stand.
    fn value(&self) -> BoxedStrategy<Value> {
        let plain =
            vec![json!(null), json!(true), json!({}), json!({"other": 1}), json!([]), json!([1]), json!(["", ""])];
        prop_oneof![
            1 => Just(json!("")),
            3 => select(self.texts.clone()).prop_map(Value::from),
            1 => select(self.numbers.clone()),
            2 => select(plain),
        ]
        .boxed()
    }

    fn edit(&self) -> BoxedStrategy<Edit> {
        let name = select(self.names.clone());
        prop_oneof![
            2 => self.value().prop_map(Edit::Replace),
            2 => self.value().prop_map(Edit::Exchange),
            2 => any::<Index>().prop_map(Edit::Remove),
            2 => (name, self.value()).prop_map(|(name, value)| Edit::Add(name, value)),
            1 => any::<Index>().prop_map(Edit::Repeat),
        ]
        .boxed()
    }

    /// Instances that `schema` accepts, and instances up to three edits away.
    pub(crate) fn near(&self, schema: &Schema) -> BoxedStrategy<Value> {
        let root = schema.root();
        let edit = self.edit();
        let valid = Instances { root, words: self }.of(root);
        // One edit tells most of what a schema says; a second one hides it.
        let count = prop_oneof![2 => Just(0), 5 => Just(1), 1 => 2..=3_usize];
        let edits = count.prop_flat_map(move |count| vec((any::<Index>(), edit.clone()), count));
        (valid, edits)
            .prop_map(|(value, edits)| edits.into_iter().fold(value, |value, (at, edit)| edit.apply(value, at)))
            .boxed()
    }
}

/// What is done at one place of an instance.
#[derive(Clone, Debug)]
enum Edit {
    Replace(Value),
    /// Replaces a value of the same type.
    Exchange(Value),
    Remove(Index),
    Add(String, Value),
    Repeat(Index),
}

impl Edit {
    /// Applies it at one of the places where it changes something.
    fn apply(self, mut value: Value, at: Index) -> Value {
        let mut places = Vec::new();
        each(&value, "", &mut |place, value| {
            let fits = match (&self, value) {
                (Self::Replace(_), _) | (Self::Add(..), Value::Object(_) | Value::Array(_)) => true,
                (Self::Exchange(new), old) => discriminant(new) == discriminant(old),
                (Self::Remove(_), Value::Object(members)) => !members.is_empty(),
                (Self::Remove(_) | Self::Repeat(_), Value::Array(items)) => !items.is_empty(),
                _ => false,
            };
            places.extend(fits.then(|| place.to_owned()));
        });
        if places.is_empty() {
            return value;
        }
        match (value.pointer_mut(at.get::<String>(&places)).unwrap(), self) {
            (Value::Object(members), Self::Remove(which)) => {
                let name = which.get(&members.keys().cloned().collect::<Vec<_>>()).clone();
                members.remove(&name);
            }
            (Value::Array(items), Self::Remove(which)) => drop(items.remove(which.index(items.len()))),
            (Value::Array(items), Self::Repeat(which)) => items.push(which.get(items).clone()),
            (Value::Object(members), Self::Add(name, value)) => drop(members.insert(name, value)),
            (Value::Array(items), Self::Add(_, value)) => items.push(value),
            (place, Self::Replace(value) | Self::Exchange(value)) => *place = value,
            _ => {}
        }
        value
    }
}

/// Visits a value and all that it holds, each with its place. No name of a member has a `/` or a `~`.
pub(crate) fn each<'v>(value: &'v Value, at: &str, visit: &mut impl FnMut(&str, &'v Value)) {
    visit(at, value);
    let members = value.as_object().into_iter().flatten().map(|(name, member)| (name.clone(), member));
    let items = value.as_array().into_iter().flatten().enumerate().map(|(index, item)| (index.to_string(), item));
    members.chain(items).for_each(|(name, inner)| each(inner, &format!("{at}/{name}"), visit));
}

/// The instances that a schema accepts, by its keywords.
struct Instances<'s> {
    root: &'s Value,
    words: &'s Words,
}

impl Instances<'_> {
    fn of(&self, schema: &Value) -> BoxedStrategy<Value> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let at = reference.strip_prefix('#').unwrap();
            return self.of(self.root.pointer(at).unwrap());
        }
        if let Some(value) = schema.get("const") {
            return Just(value.clone()).boxed();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return select(values.clone()).boxed();
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => self.object(schema),
            Some("array") => self.array(schema),
            Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
            Some("string") => fitting(schema, self.words.texts.iter().map(|text| json!(text)).collect()),
            Some("integer" | "number") => fitting(schema, self.words.numbers.clone()),
            _ => self.words.value(),
        }
    }

    fn object(&self, schema: &Value) -> BoxedStrategy<Value> {
        let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let required = list(schema.get("required"));
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let rest = schema.get("additionalProperties");
        let mut members = Just(Map::new()).boxed();
        let mut names = properties.keys().cloned().map(Value::from).collect::<Vec<_>>();
        names.extend(list(schema.pointer("/propertyNames/enum")));
        for name in names {
            let text = name.as_str().unwrap().to_owned();
            let value = self.of(properties.get(&text).or(rest).unwrap());
            let value = if required.contains(&name) {
                value.prop_map(Some).boxed()
            } else {
                proptest::option::of(value).boxed()
            };
            let with_member = (members, value).prop_map(move |(mut members, value)| {
                members.extend(value.map(|value| (text.clone(), value)));
                members
            });
            members = with_member.boxed();
        }
        if rest != Some(&Value::Bool(false)) && !rest.is_some_and(Value::is_object) {
            let more = vec((select(self.words.names.clone()), self.words.value()), 0..3);
            let with_more = (members, more).prop_map(|(members, more)| more.into_iter().chain(members).collect());
            members = with_more.boxed();
        }
        members.prop_map(Value::Object).boxed()
    }

    fn array(&self, schema: &Value) -> BoxedStrategy<Value> {
        let count = |name: &str| schema.get(name).and_then(Value::as_u64).map(|count| usize::try_from(count).unwrap());
        let least = count("minItems").unwrap_or(0);
        let most = count("maxItems").unwrap_or(least + 2);
        let item = schema.get("items").map_or_else(|| self.words.value(), |items| self.of(items));
        if schema.get("uniqueItems") != Some(&Value::Bool(true)) {
            return vec(item, least..=most).prop_map(Value::Array).boxed();
        }
        // Of more than are asked for, the first of each.
        let drawn = (vec(item, most * 4), least..=most);
        let unique = drawn.prop_map(|(items, count)| {
            let mut kept: Vec<Value> = Vec::new();
            for item in items {
                if kept.len() < count && !kept.contains(&item) {
                    kept.push(item);
                }
            }
            kept
        });
        unique.prop_filter("too few different items", move |items| items.len() >= least).prop_map(Value::Array).boxed()
    }
}

/// Those of some values that a schema without references accepts.
fn fitting(schema: &Value, mut values: Vec<Value>) -> BoxedStrategy<Value> {
    let alone = Schema::from_value(schema.clone(), Dialect::Draft07).unwrap();
    values.retain(|value| alone.is_valid(value));
    let first = values.first().unwrap_or_else(|| panic!("no word fits {schema}")).clone();
    prop_oneof![1 => Just(first), 5 => select(values)].boxed()
}
