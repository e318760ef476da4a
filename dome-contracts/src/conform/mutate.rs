//! Documents that lie near another: what a schema refuses, and its boundaries.

use std::collections::BTreeSet;

use schema_compat::{Schema, pointer};
use serde_json::{Value, json};

use super::assertion::Class;

/// A member that no schema names.
pub(super) const UNKNOWN: &str = "dome_unknown_member";
/// The longest text that is made.
const TEXT_MAX: usize = 5_000;

/// What is tried at each place.
pub(super) struct Words {
    numbers: BTreeSet<i64>,
}

impl Words {
    /// The numbers that a schema mentions, and those beside them.
    pub(super) fn of(schema: &Schema) -> Self {
        let mentioned = schema.whole_numbers().into_iter();
        let near = mentioned.flat_map(|number| [number.saturating_sub(1), number, number.saturating_add(1)]);
        Self { numbers: near.chain([0, -1]).collect() }
    }

    /// Every document near `value`, with what it is like and where it differs.
    pub(super) fn near(&self, value: &Value) -> Vec<(Class, String, Value)> {
        let mut found = Vec::new();
        self.walk(value, "", &mut |class, at, changed| found.push((class, at, changed)));
        found
    }

    fn walk(&self, value: &Value, at: &str, emit: &mut dyn FnMut(Class, String, Value)) {
        for (class, what, changed) in self.replacements(value) {
            emit(class, format!("`{at}`: {what}"), changed);
        }
        match value {
            Value::Object(members) => {
                for name in members.keys() {
                    let mut fewer = members.clone();
                    fewer.remove(name);
                    emit(Class::Invalid, format!("`{}`: left out", pointer::join(at, name)), Value::Object(fewer));
                }
                let mut more = members.clone();
                more.insert(UNKNOWN.to_owned(), json!(1));
                emit(
                    Class::UnknownMember,
                    format!("`{}`: a member more", pointer::join(at, UNKNOWN)),
                    Value::Object(more),
                );
                for (name, inner) in members {
                    self.walk(inner, &pointer::join(at, name), &mut |class, place, changed| {
                        let mut members = members.clone();
                        members.insert(name.clone(), changed);
                        emit(class, place, Value::Object(members));
                    });
                }
            }
            Value::Array(items) => {
                for (index, inner) in items.iter().enumerate().take(2) {
                    self.walk(inner, &pointer::join(at, &index.to_string()), &mut |class, place, changed| {
                        let mut items = items.clone();
                        if let Some(item) = items.get_mut(index) {
                            *item = changed;
                        }
                        emit(class, place, Value::Array(items));
                    });
                }
            }
            _ => {}
        }
    }

    fn replacements(&self, value: &Value) -> Vec<(Class, String, Value)> {
        let others = [json!(null), json!(true), json!(7), json!("dome_other"), json!([]), json!({})];
        let others = others.into_iter().filter(|other| std::mem::discriminant(other) != std::mem::discriminant(value));
        let mut found: Vec<_> = others.map(|other| (Class::Invalid, format!("{other} in its place"), other)).collect();
        match value {
            Value::Number(_) => {
                let near = self.numbers.iter().map(|number| (Class::Boundary, number.to_string(), json!(number)));
                found.extend(near);
            }
            Value::String(_) => {
                found.push((Class::Invalid, "another word".to_owned(), json!("dome_other")));
                let lengths = self.numbers.iter().filter_map(|number| usize::try_from(*number).ok());
                let lengths = lengths.filter(|length| *length <= TEXT_MAX);
                found.extend(
                    lengths.map(|length| (Class::Boundary, format!("{length} characters"), json!("a".repeat(length)))),
                );
                found.push((Class::Boundary, "beyond ASCII".to_owned(), json!("é\u{1F600}\u{FB33}")));
            }
            Value::Array(items) => {
                let counts = self.numbers.iter().filter_map(|number| usize::try_from(*number).ok());
                for count in counts.filter(|count| *count <= 300) {
                    let filled: Vec<Value> = items.iter().cycle().take(count).cloned().collect();
                    if filled.len() == count {
                        found.push((Class::Boundary, format!("{count} entries"), Value::Array(filled)));
                    }
                }
            }
            _ => {}
        }
        found
    }
}
