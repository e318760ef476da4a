//! Documents of JSON.

use serde_json::Value;

use super::Reading;
use crate::finding::{At, Finding, FindingCode};

impl Reading<'_> {
    /// The file as one JSON document. Nesting of more than 128 levels is not read.
    pub(crate) fn json(&mut self, what: &str) -> Result<Value, Finding> {
        let bytes = self.whole()?;
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        serde_json::from_slice(text).map_err(|error| not_json(self.at(""), &error, what))
    }
}

fn not_json(at: At<'_>, error: &serde_json::Error, what: &str) -> Finding {
    let place = if error.line() == 0 { String::new() } else { error.line().to_string() };
    At { place: &place, ..at }.found(FindingCode::JsonInvalid, format!("not JSON: {error}"), what)
}
