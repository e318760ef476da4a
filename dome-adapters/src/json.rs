//! The members of a tool's JSON objects.

use std::collections::BTreeMap;

use dome_core::json::pointer_step;
use serde_json::{Map, Value};

use crate::finding::{Finding, FindingCode, FoundAt};

/// The members of an object that are still to be taken; one that is `null` is as one that is not there.
pub(crate) struct ObjectMembers<'a> {
    at: FoundAt<'a>,
    object: Map<String, Value>,
}

impl<'a> ObjectMembers<'a> {
    pub(crate) fn of(at: FoundAt<'a>, value: &Value, what: &str) -> Result<Self, Finding> {
        match value {
            Value::Object(object) => Ok(Self { at, object: object.clone() }),
            other => Err(at.found(FindingCode::RecordMalformed, found(other), what)),
        }
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<String, Finding> {
        let missing = || self.at.found(FindingCode::RecordMalformed, format!("`{name}` is missing"), "a string");
        let value = self.object.remove(name).ok_or_else(missing)?;
        self.read(name, value, "a string", as_text)
    }

    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Finding> {
        self.optional(name, "a string", as_text)
    }

    pub(crate) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Finding> {
        self.optional(name, "`true` or `false`", |value| value.as_bool())
    }

    /// A number as it is written, unless it is not there or `null`.
    pub(crate) fn optional_number(&mut self, name: &str) -> Result<Option<String>, Finding> {
        self.optional(name, "a number", |value| value.as_number().map(ToString::to_string))
    }

    pub(crate) fn optional_array(&mut self, name: &str) -> Result<Vec<Value>, Finding> {
        let array = |value| if let Value::Array(values) = value { Some(values) } else { None };
        Ok(self.optional(name, "an array", array)?.unwrap_or_default())
    }

    pub(crate) fn optional_object(&mut self, name: &str) -> Result<Map<String, Value>, Finding> {
        Ok(self.optional(name, "an object", as_object)?.unwrap_or_default())
    }

    pub(crate) fn optional_text_or_texts(&mut self, name: &str) -> Result<Vec<String>, Finding> {
        let one_or_more = |value| if let Value::Array(texts) = value { texts } else { vec![value] };
        let texts = self.present(name).map(one_or_more).into_iter().flatten();
        texts.map(|text| self.read(name, text, "a string", as_text)).collect()
    }

    pub(crate) fn optional_texts(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, Finding> {
        let Some(texts) = self.optional(name, "an object of strings", as_object)? else { return Ok(None) };
        let text = |(key, value): (String, Value)| {
            let text = self.read(&format!("{name}/{}", pointer_step(&key)), value, "a string", as_text)?;
            Ok((key, text))
        };
        texts.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    fn optional<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Finding> {
        self.present(name).map(|value| self.read(name, value, expected, read)).transpose()
    }

    fn present(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn read<T>(
        &self,
        name: &str,
        value: Value,
        expected: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, Finding> {
        let found = found(&value);
        read(value).ok_or_else(|| {
            let place = format!("{}/{name}", self.at.place);
            FoundAt { place: &place, ..self.at }.found(FindingCode::RecordMalformed, found, expected)
        })
    }
}

fn as_text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn as_object(value: Value) -> Option<Map<String, Value>> {
    if let Value::Object(members) = value { Some(members) } else { None }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "found `null`",
        Value::Bool(_) => "found `true` or `false`",
        Value::Number(_) => "found a number",
        Value::String(_) => "found a string",
        Value::Array(_) => "found an array",
        Value::Object(_) => "found an object",
    }
}

pub(crate) fn text_in<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(crate) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn trimmed(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}
