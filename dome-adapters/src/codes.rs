//! Reason codes: tables of them, and names of other worlds brought into their shape (M-04).

use std::collections::BTreeMap;

use dome_core::limits::REASON_CODE_BYTES;
use dome_core::{CodeClass, CodeTable, Sha256Hash};

use crate::format::{CodeMeaning, Format};

/// The classes, the strongest first, and how a run goes on after each.
const CLASSES: [(CodeClass, &str); 4] = [
    (CodeClass::Stop, "STOP"),
    (CodeClass::Structural, "REITERATE_FROM_LAST_GOOD"),
    (CodeClass::Repairable, "REITERATE_FROM_CANDIDATE"),
    (CodeClass::Advisory, "REITERATE_FROM_CANDIDATE"),
];

/// The table of the codes that a conversion gave out ([`crate::Conversion::codes`],
/// [`crate::Converter::codes`]), so that all of them are known.
#[must_use]
pub fn code_table(codes: &BTreeMap<String, CodeClass>) -> CodeTable {
    table(codes.iter().map(|(code, class)| (code.as_str(), *class)))
}

pub(crate) const fn means(code: &'static str, class: CodeClass, meaning: &'static str) -> CodeMeaning {
    CodeMeaning { code, class, meaning }
}

pub(crate) fn table<'c>(codes: impl Iterator<Item = (&'c str, CodeClass)>) -> CodeTable {
    CodeTable {
        classes_precedence: CLASSES.map(|(class, _)| class).to_vec(),
        codes: codes.map(|(code, class)| (code.into(), class.into())).collect(),
        prefixes: BTreeMap::new(),
        restart_mode_by_class: CLASSES.map(|(class, mode)| (class, mode.into())).into(),
        schema_version: "0.1".into(),
        version: "0.1".into(),
    }
}

/// What starts codes that are made of names of other worlds ([`coded`]), and their class where none is listed.
const PREFIXES: [(&str, CodeClass); 6] = [
    ("CEDAR.", CodeClass::Repairable),
    ("EXCEPTION.", CodeClass::Repairable),
    ("OPA.", CodeClass::Repairable),
    ("RULE.", CodeClass::Repairable),
    ("TERMINATION.", CodeClass::Repairable),
    ("TOOL.", CodeClass::Advisory),
];

/// The codes of all formats, and the prefixes of those that they make of names: what a replay knows by default (M-97).
///
/// ```
/// use dome_core::CodeClass;
/// let table = dome_adapters::built_in_codes();
/// assert_eq!(table.class("AGENT.TIMEOUT"), Some(CodeClass::Repairable));
/// assert_eq!(table.class("EXCEPTION.NOT_YET_SEEN_ERROR"), Some(CodeClass::Repairable));
/// ```
#[must_use]
pub fn built_in_codes() -> CodeTable {
    let meanings = Format::all().flat_map(|format| format.code_meanings());
    let mut all = table(meanings.map(|meaning| (meaning.code, meaning.class)));
    all.prefixes = PREFIXES.map(|(prefix, class)| (prefix.into(), class.into())).into();
    all
}

/// `prefix`, a dot and `name` as a word of a code: humps of letters parted by `_`, in upper case,
/// everything that a code cannot hold an `_`. `None` where nothing of the name is left. A word that
/// is too long is cut and ends in eight digits of its SHA-256.
///
/// `NullPointerException` is `NULL_POINTER_EXCEPTION`, `IOError` is `IO_ERROR`, `E0308` stays,
/// `no-unused-vars` is `NO_UNUSED_VARS`.
pub(crate) fn coded(prefix: &str, name: &str) -> Option<String> {
    let word = word(name);
    if word.is_empty() {
        return None;
    }
    let code = format!("{prefix}.{word}");
    if code.len() <= REASON_CODE_BYTES {
        return Some(code);
    }
    let digest = Sha256Hash::of(name.as_bytes()).to_string().to_ascii_uppercase();
    Some(format!("{code:.kept$}_{digest:.8}", kept = REASON_CODE_BYTES - 9))
}

fn word(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut word = String::new();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| letters.get(place));
        let after_small = before.is_some_and(char::is_ascii_lowercase);
        let after_other = before.is_some_and(|before| before.is_ascii_uppercase() || before.is_ascii_digit());
        let before_small = letters.get(place + 1).is_some_and(char::is_ascii_lowercase);
        let hump = letter.is_ascii_uppercase() && (after_small || after_other && before_small);
        if (hump || !letter.is_ascii_alphanumeric()) && !word.is_empty() && !word.ends_with('_') {
            word.push('_');
        }
        if letter.is_ascii_alphanumeric() {
            word.push(letter.to_ascii_uppercase());
        }
    }
    word.truncate(word.trim_end_matches('_').len());
    word
}

#[cfg(test)]
mod tests {
    use dome_core::FailureReasonCode;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn m04_names_become_words_of_codes() {
        for (name, code) in [
            ("NullPointerException", "X.NULL_POINTER_EXCEPTION"),
            ("IOError", "X.IO_ERROR"),
            ("E0308", "X.E0308"),
            ("no-unused-vars", "X.NO_UNUSED_VARS"),
            ("HTTPError2", "X.HTTP_ERROR2"),
            ("Sha256Error", "X.SHA256_ERROR"),
            ("__a  b__", "X.A_B"),
        ] {
            assert_eq!(coded("X", name).as_deref(), Some(code), "{name}");
        }
        assert_eq!((coded("X", ""), coded("X", "é-ü")), (None, None));
    }

    #[test]
    fn m97_no_two_formats_give_one_code_two_classes() {
        for format in Format::all() {
            assert_eq!(built_in_codes().extended(format.reason_codes()), Ok(built_in_codes()), "{format}");
        }
    }

    proptest! {
        #[test]
        fn m04_every_name_gives_a_code_or_none(name in "\\PC{0,200}") {
            if let Some(code) = coded("TEST", &name) {
                prop_assert!(FailureReasonCode::new(&code).is_ok(), "{code}");
            }
        }
    }
}
