//! Strings: of the lengths, patterns, words and formats that the schemas mention.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Hints;
use crate::compat::node::Known;
use crate::compat::pattern;
use crate::compat::shape;

const LENGTH_MAX: usize = 5_000;

/// A text of each format that validators know, and of some that they do not.
const FORMATS: &[(&str, &str)] = &[
    ("date", "2026-03-01"),
    ("date-time", "2026-03-01T09:30:00Z"),
    ("time", "09:30:00Z"),
    ("duration", "P1D"),
    ("email", "a@b.example"),
    ("hostname", "a.example"),
    ("ipv4", "192.0.2.1"),
    ("ipv6", "2001:db8::1"),
    ("json-pointer", "/a"),
    ("regex", "a+"),
    ("uri", "urn:a:b"),
    ("uri-reference", "a/b"),
    ("uuid", "123e4567-e89b-12d3-a456-426614174000"),
];

pub(super) fn samples(hints: &Hints, known: &Known<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    for pattern in known.keyword("pattern").filter_map(Value::as_str) {
        found.extend(pattern::examples(pattern));
    }
    let wanted = known.keyword("format").filter_map(Value::as_str);
    for format in wanted.chain(hints.formats.iter().map(String::as_str)) {
        let texts = FORMATS.iter().filter(|(name, _)| *name == format);
        found.extend(texts.map(|(_, text)| (*text).to_owned()));
    }
    found.extend(lengths(hints, known).into_iter().map(|length| "a".repeat(length)));
    found.extend(hints.texts.iter().cloned());
    for pattern in &hints.patterns {
        found.extend(pattern::examples(pattern));
    }
    found.extend(["?", "\u{1f600}", "A", "0", "a b"].map(str::to_owned));
    found.into_iter().map(Value::String).collect()
}

fn lengths(hints: &Hints, known: &Known<'_>) -> BTreeSet<usize> {
    let mut found = hints.counts(LENGTH_MAX);
    let limits = [Some(shape::at_least(known, "minLength")), shape::at_most(known, "maxLength")];
    let limits = limits.into_iter().flatten().filter_map(|limit| usize::try_from(limit).ok());
    found.extend(limits.chain([0, 1]).filter(|length| *length <= LENGTH_MAX));
    found
}
