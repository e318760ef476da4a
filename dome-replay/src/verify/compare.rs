//! Comparing a file with what it should be: line by line, member by member.

use std::collections::BTreeSet;

use dome_core::json::pointer_step;
use serde_json::Value;

use super::Differences;

const NOTHING: &str = "nothing";

/// Lines that both have at the start and at the end are left out, so that one row more or less is one difference.
pub(super) fn file(path: &str, expected: &[u8], found: &[u8], differences: &mut Differences) {
    if expected == found {
        return;
    }
    let [mut expected, mut found] = [expected, found].map(|bytes| lines(bytes).collect::<Vec<_>>());
    let same = |pair: &(&&[u8], &&[u8])| pair.0 == pair.1;
    let before = expected.iter().zip(&found).take_while(same).count();
    let behind = expected.iter().rev().zip(found.iter().rev()).take_while(same).count();
    let behind = behind.min(expected.len() - before).min(found.len() - before);
    expected.truncate(expected.len() - behind);
    found.truncate(found.len() - behind);
    let mut rows = (expected.into_iter().skip(before), found.into_iter().skip(before));
    for number in before + 1.. {
        let number = Some(number as u64);
        match (rows.0.next(), rows.1.next()) {
            (Some(expected), Some(found)) => row(path, number, expected, found, differences),
            (Some(expected), None) => differences.add(path, number, "", &text(expected), NOTHING),
            (None, Some(found)) => differences.add(path, number, "", NOTHING, &text(found)),
            (None, None) => break,
        }
    }
}

pub(super) fn row(path: &str, number: Option<u64>, expected: &[u8], found: &[u8], differences: &mut Differences) {
    if expected == found {
        return;
    }
    if expected.strip_suffix(b"\n") == Some(found) {
        return differences.add(path, number, "", "a line feed at the end", NOTHING);
    }
    let (Ok(wanted), Ok(given)) = (serde_json::from_slice(expected), serde_json::from_slice(found)) else {
        return differences.add(path, number, "", &text(expected), &text(found));
    };
    let before = differences.count;
    value(path, number, &mut String::new(), &wanted, &given, differences);
    if differences.count == before {
        differences.add(path, number, "", "canonical JSON", "the same value, written otherwise");
    }
}

fn value(
    path: &str,
    line: Option<u64>,
    pointer: &mut String,
    expected: &Value,
    found: &Value,
    differences: &mut Differences,
) {
    match (expected, found) {
        (Value::Object(wanted), Value::Object(given)) => {
            let names: BTreeSet<&String> = wanted.keys().chain(given.keys()).collect();
            for name in names {
                let step = pointer_step(name);
                below(path, line, pointer, &step, (wanted.get(name), given.get(name)), differences);
            }
        }
        (Value::Array(wanted), Value::Array(given)) if wanted.len() == given.len() => {
            for (index, (wanted, given)) in wanted.iter().zip(given).enumerate() {
                below(path, line, pointer, &index.to_string(), (Some(wanted), Some(given)), differences);
            }
        }
        _ if expected == found => {}
        _ => differences.add(path, line, pointer, &expected.to_string(), &found.to_string()),
    }
}

fn below(
    path: &str,
    line: Option<u64>,
    pointer: &mut String,
    step: &str,
    pair: (Option<&Value>, Option<&Value>),
    differences: &mut Differences,
) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(step);
    match pair {
        (Some(expected), Some(found)) => value(path, line, pointer, expected, found, differences),
        (expected, found) => {
            let written = |value: Option<&Value>| value.map_or_else(|| NOTHING.to_owned(), Value::to_string);
            differences.add(path, line, pointer, &written(expected), &written(found));
        }
    }
    pointer.truncate(length);
}

/// The lines of a file, with their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned()
}
