//! Taking the members of a tool's JSON object one by one, each with its place when it is wrong.

use std::collections::BTreeMap;

use dome_core::json::pointer_step;
use serde_json::{Map, Value};

use crate::finding::{At, Finding, FindingCode};

/// The members of an object that are still to be taken.
pub(crate) struct Members<'a> {
    at: At<'a>,
    object: Map<String, Value>,
}

impl<'a> Members<'a> {
    /// The members of `value`, which is expected to be `what`.
    pub(crate) fn of(at: At<'a>, value: Value, what: &str) -> Result<Self, Finding> {
        match value {
            Value::Object(object) => Ok(Self { at, object }),
            other => Err(at.found(FindingCode::RecordMalformed, found(&other), what)),
        }
    }

    /// A string.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Finding> {
        let missing = || self.at.found(FindingCode::RecordMalformed, format!("`{name}` is missing"), "a string");
        self.object.remove(name).map_or_else(|| Err(missing()), |value| self.string(name, value))
    }

    /// A string, unless it is not there or `null`.
    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Finding> {
        self.present(name).map(|value| self.string(name, value)).transpose()
    }

    /// `true` or `false`, unless it is not there or `null`.
    pub(crate) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Finding> {
        self.present(name)
            .map(|value| value.as_bool().ok_or_else(|| self.wrong(name, &value, "`true` or `false`")))
            .transpose()
    }

    /// A string or an array of strings, empty where it is not there or `null`.
    pub(crate) fn optional_text_or_texts(&mut self, name: &str) -> Result<Vec<String>, Finding> {
        match self.present(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(texts)) => texts.into_iter().map(|text| self.string(name, text)).collect(),
            Some(text) => self.string(name, text).map(|text| vec![text]),
        }
    }

    /// A number as it is written, unless it is not there or `null`.
    pub(crate) fn optional_number(&mut self, name: &str) -> Result<Option<String>, Finding> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(self.wrong(name, &other, "a number")),
        }
    }

    /// An array, empty where it is not there or `null`.
    pub(crate) fn optional_array(&mut self, name: &str) -> Result<Vec<Value>, Finding> {
        match self.present(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values),
            Some(other) => Err(self.wrong(name, &other, "an array")),
        }
    }

    /// An object, empty where it is not there or `null`.
    pub(crate) fn optional_object(&mut self, name: &str) -> Result<Map<String, Value>, Finding> {
        match self.present(name) {
            None => Ok(Map::new()),
            Some(Value::Object(object)) => Ok(object),
            Some(other) => Err(self.wrong(name, &other, "an object")),
        }
    }

    /// An object of strings, unless it is not there or `null`.
    pub(crate) fn optional_texts(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, Finding> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Object(texts)) => {
                let text = |(key, value): (String, Value)| {
                    let text = self.string(&format!("{name}/{}", pointer_step(&key)), value)?;
                    Ok((key, text))
                };
                texts.into_iter().map(text).collect::<Result<_, _>>().map(Some)
            }
            Some(other) => Err(self.wrong(name, &other, "an object of strings")),
        }
    }

    fn present(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn string(&self, name: &str, value: Value) -> Result<String, Finding> {
        match value {
            Value::String(text) => Ok(text),
            other => Err(self.wrong(name, &other, "a string")),
        }
    }

    fn wrong(&self, name: &str, value: &Value, expected: &str) -> Finding {
        let place = format!("{}/{name}", self.at.place);
        At { place: &place, ..self.at }.found(FindingCode::RecordMalformed, found(value), expected)
    }
}

fn found(value: &Value) -> String {
    let kind = match value {
        Value::Null => "`null`",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    format!("found {kind}")
}

/// A member that is a string and not empty.
pub(crate) fn text_in<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o str> {
    object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}
