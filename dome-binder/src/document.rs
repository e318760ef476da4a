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
    #[error("not the document that is expected: {message}")]
    Document {
        /// What the reader said, with line and column.
        message: String,
    },
    /// It has another version.
    #[error("`{pointer}`: expected \"{expected}\", found {found}")]
    Version {
        /// Where.
        pointer: String,
        /// The version that is read.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A threshold is out of its range.
    #[error("`{pointer}`: expected {least} to {most}, found {found}")]
    Range {
        /// Where.
        pointer: String,
        /// The least value it may have.
        least: u64,
        /// The greatest value it may have.
        most: u64,
        /// What was found.
        found: String,
    },
    /// A member has another type.
    #[error("`{pointer}`: expected {expected}, found {found}")]
    Type {
        /// Where.
        pointer: String,
        /// What it should be.
        expected: &'static str,
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

/// What a member of a document has to be.
pub(crate) enum Member {
    /// An integer from the first to the second.
    Number(u64, u64),
    /// The version.
    Version(&'static str),
    /// An object.
    Object(&'static [(&'static str, Member)]),
}

/// Reads a document that has exactly these members; `more` adds what members say of each other.
pub(crate) fn read<T: DeserializeOwned>(
    document: &[u8],
    members: &[(&'static str, Member)],
    more: impl FnOnce(&Value, &mut Vec<DocumentProblem>),
) -> Result<T, DocumentError> {
    let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
    let unread = |error: serde_json::Error| DocumentError {
        problems: vec![DocumentProblem::Document { message: error.to_string() }],
    };
    let value: Value = serde_json::from_slice(document).map_err(unread)?;
    let mut problems = Vec::new();
    object("", &value, members, &mut problems);
    if problems.is_empty() {
        more(&value, &mut problems);
    }
    if problems.is_empty() {
        // Which also refuses a member that stands twice.
        return serde_json::from_slice(document).map_err(unread);
    }
    Err(DocumentError { problems })
}

fn object(at: &str, value: &Value, members: &[(&'static str, Member)], problems: &mut Vec<DocumentProblem>) {
    let Value::Object(found) = value else {
        problems.push(DocumentProblem::Type { pointer: at.to_owned(), expected: "an object", found: shown(value) });
        return;
    };
    problems.extend(strangers(at, found, members));
    for (name, member) in members {
        let pointer = format!("{at}/{name}");
        match (found.get(*name), member) {
            (None, _) => problems.push(DocumentProblem::Missing { pointer }),
            (Some(value), Member::Object(members)) => object(&pointer, value, members, problems),
            (Some(value), Member::Number(least, most)) => problems.extend(number(pointer, value, *least, *most)),
            (Some(value), Member::Version(expected)) if value.as_str() != Some(expected) => {
                problems.push(DocumentProblem::Version { pointer, expected, found: shown(value) });
            }
            (Some(_), Member::Version(_)) => {}
        }
    }
}

fn strangers(at: &str, found: &Map<String, Value>, members: &[(&'static str, Member)]) -> Vec<DocumentProblem> {
    let unknown = found.keys().filter(|name| members.iter().all(|(known, _)| known != name));
    let pointer = |name: &String| format!("{at}/{}", pointer_step(name));
    unknown.map(|name| DocumentProblem::Unknown { pointer: pointer(name) }).collect()
}

fn number(pointer: String, value: &Value, least: u64, most: u64) -> Option<DocumentProblem> {
    match value {
        Value::Number(number) if !number.is_f64() => {
            let fits = number.as_u64().is_some_and(|number| (least..=most).contains(&number));
            (!fits).then(|| DocumentProblem::Range { pointer, least, most, found: number.to_string() })
        }
        _ => Some(DocumentProblem::Type { pointer, expected: "an integer", found: shown(value) }),
    }
}

/// What was found, in at most a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::String(text) => format!("\"{}\"", text.chars().take(40).collect::<String>()),
        other => format!("`{other}`"),
    }
}
