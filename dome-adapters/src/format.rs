//! The formats: one line each in [`TABLE`].

use std::fmt;

use dome_core::{CodeClass, CodeTable};

use crate::codes;
use crate::convert::{Conversion, ConvertOptions, ToolFile};
use crate::finding::Finding;
use crate::head::Head;
use crate::out::Out;
use crate::reading::FileReader;

/// The formats, by name. A format is added by its `mod` line and a line here.
const TABLE: &[&Descriptor] = &[
    // One per line, to avoid merge conflicts.
    &crate::cedar::FORMAT,
    &crate::cloudevents::FORMAT,
    &crate::ctrf::FORMAT,
    &crate::github_actions::FORMAT,
    &crate::go_test::FORMAT,
    &crate::junit::FORMAT,
    &crate::libtest::FORMAT,
    &crate::opa::FORMAT,
    &crate::otlp::FORMAT,
    &crate::pytest_json::FORMAT,
    &crate::sarif::FORMAT,
    &crate::swe_bench::FORMAT,
    &crate::tau_bench::FORMAT,
    &crate::terminal_bench::FORMAT,
    &crate::trx::FORMAT,
];

#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) name: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) endings: &'static [&'static str],
    /// By code.
    pub(crate) codes: &'static [CodeMeaning],
    pub(crate) sniff: fn(&Head) -> bool,
    pub(crate) converts: Converts,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Converts {
    /// One by one, each read piece by piece; an error ends the file, and what came before it is kept.
    Each(fn(&mut FileReader<'_>, &mut Out<'_>) -> Result<(), Finding>),
    /// All together and whole, because one explains another.
    Together(fn(&[ToolFile<'_>], &ConvertOptions) -> Conversion),
}

/// A format that can be converted.
#[derive(Clone, Copy)]
pub struct Format(&'static Descriptor);

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such format `{name}`; there is {}", Format::listed())]
pub struct FormatError {
    /// The name.
    pub name: String,
}

/// A failure code that a format emits, with its class and meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeMeaning {
    /// The failure code.
    pub code: &'static str,
    /// Its class in the format's reason-code table.
    pub class: CodeClass,
    /// What it says, in one line.
    pub meaning: &'static str,
}

impl Format {
    /// Every format, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|descriptor| Self(descriptor))
    }

    /// The formats that take a file with such a beginning for one of their own.
    ///
    /// ```
    /// use dome_adapters::{Format, Head};
    /// let head = Head::of(br#"{"results": [{"trial_name": "t.1-of-1.r", "task_id": "t"}]}"#);
    /// assert_eq!(Format::of(&head).map(Format::name).collect::<Vec<_>>(), ["terminal-bench"]);
    /// ```
    pub fn of(head: &Head) -> impl Iterator<Item = Self> {
        Self::all().filter(|format| (format.0.sniff)(head))
    }

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// What it reads, in one line.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.0.summary
    }

    /// How the names of its files end, before any compression: what counts in a folder.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        self.0.endings
    }

    /// Whether its files have to be held whole and together; else each is read piece by piece.
    #[must_use]
    pub const fn is_together(self) -> bool {
        matches!(self.0.converts, Converts::Together(_))
    }

    /// The table of reason codes that it emits.
    ///
    /// ```
    /// use dome_adapters::Format;
    /// use dome_core::CodeClass;
    /// let table = "terminal-bench".parse::<Format>()?.reason_codes();
    /// assert_eq!(table.class("AGENT.TIMEOUT"), Some(CodeClass::Repairable));
    /// # Ok::<(), dome_adapters::FormatError>(())
    /// ```
    #[must_use]
    pub fn reason_codes(self) -> CodeTable {
        codes::table(self.0.codes.iter().map(|meaning| (meaning.code, meaning.class)))
    }

    /// The same codes with what they mean, by code.
    #[must_use]
    pub const fn code_meanings(self) -> &'static [CodeMeaning] {
        self.0.codes
    }

    pub(crate) const fn converts(self) -> Converts {
        self.0.converts
    }

    fn listed() -> String {
        Self::all().map(|format| format!("`{format}`")).collect::<Vec<_>>().join(", ")
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Format({})", self.name())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::all().find(|format| format.name() == text).ok_or_else(|| FormatError { name: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use dome_core::FailureReasonCode;

    use super::*;

    #[test]
    fn every_format_has_a_name_that_finds_it_and_names_are_sorted() {
        for format in Format::all() {
            assert_eq!(format.name().parse(), Ok(format));
        }
        assert!(TABLE.is_sorted_by_key(|descriptor| descriptor.name));
        let unknown = "terminal_bench".parse::<Format>().map_err(|error| error.to_string());
        assert!(unknown.is_err_and(|message| message.contains("`terminal-bench`")));
    }

    #[test]
    fn every_code_is_one_has_a_meaning_and_stands_in_its_place() {
        for format in Format::all() {
            let meanings = format.code_meanings();
            assert!(meanings.is_sorted_by(|a, b| a.code < b.code), "{format}");
            for CodeMeaning { code, meaning, .. } in meanings {
                assert!(FailureReasonCode::new(code).is_ok_and(|code| !code.is_none()), "{code}");
                assert!(!meaning.is_empty() && !meaning.contains('\n'), "{code}");
            }
        }
    }
}
