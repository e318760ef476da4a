//! Whether documents survive a round trip: `dump(load(dump(x)))` is `dump(x)` in canonical bytes.

use dome_core::canonical as bytes;
use schema_compat::json;
use serde_json::Value;

use super::verdict::{Check, CheckName, Outcome, Part};

/// A document that has to survive a round trip.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Which part it belongs to: `config`, `input` or `output`.
    pub part: &'static str,
    /// Its name.
    pub name: String,
    /// What Python's own `json` made of its canonical bytes, `dumps(loads(x))`, or why it made nothing.
    pub python: Option<Result<String, String>>,
    /// The document.
    pub value: Value,
}

/// The sub-check.
///
/// ```
/// use dome_contracts::conform::{Document, Outcome, canonical};
/// use serde_json::json;
/// let document = |value| Document { part: "input", name: "a".into(), python: None, value };
/// assert_eq!(canonical(&[document(json!({"b": 1}))]).outcome, Outcome::Pass);
/// assert_eq!(canonical(&[document(json!({"b": 0.5}))]).outcome, Outcome::Fail);
/// ```
#[must_use]
pub fn canonical(documents: &[Document]) -> Check {
    let parts = ["config", "input", "output"].map(|kind| {
        let of: Vec<&Document> = documents.iter().filter(|document| document.part == kind).collect();
        let problems: Vec<String> = of.iter().filter_map(|document| problem(document)).collect();
        if of.is_empty() { Part::of(kind, Outcome::NotRun, "there is none") } else { Part::by(kind, &problems) }
    });
    Check::of(CheckName::CanonicalSerialisation, parts.to_vec())
}

fn problem(document: &Document) -> Option<String> {
    let name = &document.name;
    let dumped = match bytes::to_vec(&document.value) {
        Ok(dumped) => dumped,
        Err(why) => return Some(format!("`{name}`: no canonical bytes: {why}")),
    };
    if again(&dumped).as_ref() != Ok(&dumped) {
        return Some(format!("`{name}`: other bytes after a round trip"));
    }
    match &document.python {
        None => None,
        Some(Err(why)) => Some(format!("`{name}`: Python cannot read it back: {why}")),
        Some(Ok(text)) => match again(text.as_bytes()) {
            Ok(found) if found == dumped => None,
            Ok(_) => Some(format!("`{name}`: other bytes after a round trip through Python")),
            Err(why) => Some(format!("`{name}`: after a round trip through Python: {why}")),
        },
    }
}

fn again(text: &[u8]) -> Result<Vec<u8>, String> {
    let value = json::parse(text).map_err(|why| why.to_string())?;
    bytes::to_vec(&value).map_err(|why| why.to_string())
}
