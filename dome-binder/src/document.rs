//! Documents of thresholds: small JSON objects of integers, every problem named.

use std::fmt;

use dome_core::json::pointer_step;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One thing that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentProblem {
    /// It cannot be read at all.
    #[error("not {expected}: {message}")]
    Document {
        /// Which document is expected.
        expected: &'static str,
        /// What the reader said, with line and column.
        message: String,
    },
    /// A member has another type, is out of its range, or another version.
    #[error("`{pointer}`: expected {expected}, found {found}")]
    Value {
        /// Where.
        pointer: String,
        /// What it should be.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A member is not there.
    #[error("`{pointer}`: it is missing")]
    Missing {
        /// Where it should be.
        pointer: String,
    },
    /// A member has no meaning.
    #[error("`{pointer}`: there is no such member")]
    Unknown {
        /// Where.
        pointer: String,
    },
}

/// Everything that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    problems: Vec<DocumentProblem>,
}

impl DocumentError {
    /// The problems, at least one.
    #[must_use]
    pub fn problems(&self) -> &[DocumentProblem] {
        &self.problems
    }
}

impl fmt::Display for DocumentError {
    /// One problem a line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            let before = if number == 0 { "" } else { "\n  " };
            write!(formatter, "{before}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DocumentError {}

pub(crate) enum DocumentMember {
    /// An integer from the first to the second.
    Number(u64, u64),
    Version(&'static str),
    Object(&'static [(&'static str, DocumentMember)]),
}

/// Reads a document that has exactly these members.
pub(crate) fn read<T: DeserializeOwned>(
    document: &[u8],
    members: &[(&'static str, DocumentMember)],
) -> Result<T, DocumentError> {
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    let unread = |error| DocumentProblem::unread("the document that is expected", &error);
    let value: Value = serde_json::from_slice(document).map_err(unread)?;
    let mut problems = Vec::new();
    object("", &value, members, &mut problems);
    if problems.is_empty() {
        // This also refuses a member that is given twice.
        return Ok(serde_json::from_slice(document).map_err(unread)?);
    }
    Err(DocumentError { problems })
}

impl From<DocumentProblem> for DocumentError {
    fn from(problem: DocumentProblem) -> Self {
        Self { problems: vec![problem] }
    }
}

fn object(at: &str, value: &Value, members: &[(&'static str, DocumentMember)], problems: &mut Vec<DocumentProblem>) {
    let Value::Object(found) = value else { return problems.push(DocumentProblem::value(at, "an object", value)) };
    problems.extend(strangers(at, found, members));
    for (name, member) in members {
        let pointer = format!("{at}/{name}");
        match (found.get(*name), member) {
            (None, _) => problems.push(DocumentProblem::Missing { pointer }),
            (Some(value), DocumentMember::Object(members)) => object(&pointer, value, members, problems),
            (Some(Value::Number(number)), DocumentMember::Number(least, most)) if !number.is_f64() => {
                if number.as_u64().is_none_or(|number| !(least..=most).contains(&&number)) {
                    problems.push(DocumentProblem::range(&pointer, *least, *most, number));
                }
            }
            (Some(value), DocumentMember::Number(..)) => {
                problems.push(DocumentProblem::value(&pointer, "an integer", value));
            }
            (Some(value), DocumentMember::Version(expected)) => {
                if value.as_str() != Some(expected) {
                    problems.push(DocumentProblem::value(&pointer, format!("\"{expected}\""), value));
                }
            }
        }
    }
}

fn strangers(at: &str, found: &Map<String, Value>, members: &[(&'static str, DocumentMember)]) -> Vec<DocumentProblem> {
    let unknown = found.keys().filter(|name| members.iter().all(|(known, _)| known != name));
    let pointer = |name: &String| format!("{at}/{}", pointer_step(name));
    unknown.map(|name| DocumentProblem::Unknown { pointer: pointer(name) }).collect()
}

impl DocumentProblem {
    pub(crate) fn unread(expected: &'static str, error: &serde_json::Error) -> Self {
        Self::Document { expected, message: error.to_string() }
    }

    pub(crate) fn value(pointer: &str, expected: impl Into<String>, found: &Value) -> Self {
        let found = match found {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "an array".to_owned(),
            Value::String(text) => format!("\"{}\"", text.chars().take(40).collect::<String>()),
            other => format!("`{other}`"),
        };
        Self::Value { pointer: pointer.to_owned(), expected: expected.into(), found }
    }

    pub(crate) fn range(pointer: &str, least: u64, most: u64, found: impl fmt::Display) -> Self {
        let (pointer, found) = (pointer.to_owned(), found.to_string());
        Self::Value { pointer, expected: format!("{least} to {most}"), found }
    }
}
