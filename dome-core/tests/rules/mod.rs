//! Rules of reading that the golden files do not hold: every problem, limits, number forms, aliases.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod keys;
mod limits;
mod problems;
mod reading;

use dome_core::{EXAMPLE_LINE, Problem, read};
use serde_json::Value;

fn example() -> Value {
    serde_json::from_slice(EXAMPLE_LINE).unwrap()
}

/// The example with the members of `changes`; a null takes a member away.
fn with(changes: Value) -> String {
    let mut value = example();
    for (pointer, change) in changes.as_object().unwrap() {
        let (outer, name) = pointer.rsplit_once('/').unwrap();
        let object = value.pointer_mut(outer).unwrap().as_object_mut().unwrap();
        match change {
            Value::Null => object.remove(name),
            change => object.insert(name.to_owned(), change.clone()),
        };
    }
    value.to_string()
}

fn problems(line: &str) -> Vec<Problem> {
    read(line.as_bytes()).map_or_else(dome_core::Rejection::into_problems, |_| Vec::new())
}

/// `pointer code` of every problem, in the order in which they are reported.
fn found(line: &str) -> Vec<String> {
    problems(line).iter().map(|problem| format!("{} {}", problem.pointer, problem.code)).collect()
}

fn accepted(changes: Value) {
    let line = with(changes);
    assert_eq!(found(&line), [] as [&str; 0], "{}", line.get(..300).unwrap_or(&line));
}

fn refused(changes: Value, expected: &[&str]) {
    let line = with(changes);
    assert_eq!(found(&line), expected, "{}", line.get(..300).unwrap_or(&line));
}

/// The example with `text` in front of its first member.
fn written(text: &str) -> String {
    str::from_utf8(EXAMPLE_LINE).unwrap().replacen('{', &format!("{{{text},"), 1)
}
