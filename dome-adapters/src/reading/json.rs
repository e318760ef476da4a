//! Documents of JSON.

use serde_json::Value;

use super::Reading;
use super::lines::Line;
use crate::finding::{At, Finding, FindingCode, quote};

impl Reading<'_> {
    /// The file as one JSON document. Nesting of more than 128 levels is not read.
    pub(crate) fn json(&mut self, what: &str) -> Result<Value, Finding> {
        let bytes = self.whole()?;
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        serde_json::from_slice(text).map_err(|error| not_json(self.at(""), &error, what))
    }
}

impl Line<'_> {
    /// The line as one JSON value.
    pub(crate) fn json(&self, at: At<'_>, what: &str) -> Result<Value, Finding> {
        serde_json::from_slice(self.bytes).map_err(|error| {
            let shown = quote(&String::from_utf8_lossy(self.bytes));
            at.found(FindingCode::JsonInvalid, format!("not JSON, column {}: {shown}", error.column()), what)
        })
    }
}

fn not_json(at: At<'_>, error: &serde_json::Error, what: &str) -> Finding {
    let place = if error.line() == 0 { String::new() } else { error.line().to_string() };
    At { place: &place, ..at }.found(FindingCode::JsonInvalid, format!("not JSON: {error}"), what)
}
