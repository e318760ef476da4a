//! What differs: where, what was expected and what was found.

use serde::Serialize;

/// Characters of a value that are shown.
const VALUE_CHARS: usize = 160;

/// One difference, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// What the facts and the rules come to, as canonical JSON where it is a value.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// The line of the file, from 1; absent for the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The member, as a JSON Pointer; empty for the whole line or file.
    pub member: String,
    /// The file, from the directory of the result.
    pub path: String,
}

/// The first differences, and how many there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    pub(super) first: Vec<Difference>,
    pub(super) count: u64,
    most: usize,
}

impl Findings {
    pub(super) const fn at_most(most: usize) -> Self {
        Self { first: Vec::new(), count: 0, most }
    }

    /// A difference on a line, from 1, or of a file as a whole.
    pub(super) fn add(&mut self, path: &str, line: Option<u64>, member: &str, expected: &str, found: &str) {
        self.count += 1;
        if self.first.len() < self.most {
            let [expected, found] = [expected, found].map(shortened);
            self.first.push(Difference { expected, found, line, member: member.to_owned(), path: path.to_owned() });
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}
