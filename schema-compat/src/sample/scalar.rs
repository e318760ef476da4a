//! Numbers near the bounds of both schemas; strings of the lengths, patterns, words and formats that they
//! mention.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Hints;
use crate::decimal::Decimal;
use crate::known::{self, Known};
use crate::pattern;
use crate::types::Type;

const POINTS_MAX: usize = 24;

pub(super) fn numbers(hints: &Hints, known: &Known<'_>, kind: Type) -> Vec<Value> {
    let mut found = BTreeSet::new();
    let (lower, upper) = known::bounds(known);
    let bounds = [lower, upper].into_iter().flatten().map(|(value, _)| value);
    let points = bounds.chain([Decimal::whole(0)]).chain(hints.numbers.iter().copied());
    let divisors = known.keyword("multipleOf").filter_map(Decimal::of).collect::<Vec<_>>();
    for point in points.take(POINTS_MAX) {
        found.extend(around(point, &divisors));
    }
    let mut fitting = found.into_iter().collect::<Vec<_>>();
    fitting.retain(|value| {
        value.is_whole() == (kind == Type::Integer)
            && within(*value, lower, upper)
            && divisors.iter().all(|divisor| value.is_multiple_of(*divisor) == Some(true))
    });
    // The smallest magnitudes first, but the far ones stay in.
    fitting.sort_by_key(|value| (*value < Decimal::whole(0), *value));
    fitting.into_iter().filter_map(Decimal::to_value).collect()
}

fn within(value: Decimal, lower: Option<known::Bound>, upper: Option<known::Bound>) -> bool {
    lower.is_none_or(|(bound, open)| value > bound || (value == bound && !open))
        && upper.is_none_or(|(bound, open)| value < bound || (value == bound && !open))
}

fn around(point: Decimal, divisors: &[Decimal]) -> Vec<Decimal> {
    let mut found = vec![Some(point)];
    for step in [Decimal::ONE, Decimal::HALF] {
        found.extend([point.plus(step), point.minus(step)]);
    }
    found.push(point.times(2));
    for divisor in divisors {
        let quotient = point.quotient(*divisor).unwrap_or(0);
        for offset in -1..=2_i64 {
            found.push(quotient.checked_add(offset).and_then(|factor| divisor.times(factor)));
        }
    }
    found.into_iter().flatten().collect()
}

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

pub(super) fn strings(hints: &Hints, known: &Known<'_>) -> Vec<Value> {
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
    let limits = [Some(known::at_least(known, "minLength")), known::at_most(known, "maxLength")];
    let limits = limits.into_iter().flatten().filter_map(|limit| usize::try_from(limit).ok());
    found.extend(limits.chain([0, 1]).filter(|length| *length <= LENGTH_MAX));
    found
}
