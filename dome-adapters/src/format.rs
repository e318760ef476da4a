//! Which formats there are, and what each emits.

use std::fmt;

use dome_core::CodeClass;

use crate::terminal_bench;

/// A format that can be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// Results of terminal-bench runs with their run metadata.
    TerminalBench,
}

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
    pub const ALL: &[Self] = &[Self::TerminalBench];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TerminalBench => "terminal-bench",
        }
    }

    /// What it reads, in one line.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::TerminalBench => "results of terminal-bench runs (`results.json`) with their `run_metadata.json`",
        }
    }

    /// How the names of its files end, before any compression: what counts in a folder.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::TerminalBench => &[".json"],
        }
    }

    /// The table of reason codes that it emits, as the document that `--reason-codes` takes.
    ///
    /// ```
    /// use dome_adapters::Format;
    /// use dome_core::{CodeClass, CodeTable};
    /// let table = CodeTable::parse(Format::TerminalBench.reason_codes())?;
    /// assert_eq!(table.class("AGENT.TIMEOUT"), Some(CodeClass::Repairable));
    /// # Ok::<(), dome_core::CodeTableError>(())
    /// ```
    #[must_use]
    pub const fn reason_codes(self) -> &'static [u8] {
        match self {
            Self::TerminalBench => terminal_bench::REASON_CODES,
        }
    }

    /// The same codes with what they mean, by code.
    #[must_use]
    pub const fn code_meanings(self) -> &'static [CodeMeaning] {
        match self {
            Self::TerminalBench => terminal_bench::CODE_MEANINGS,
        }
    }

    fn listed() -> String {
        Self::ALL.iter().map(|format| format!("`{format}`")).collect::<Vec<_>>().join(", ")
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
        let named = Self::ALL.iter().find(|format| format.name() == text);
        named.copied().ok_or_else(|| FormatError { name: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use dome_core::{CodeTable, FailureReasonCode};

    use super::*;

    #[test]
    fn every_format_has_a_name_that_finds_it() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(*format));
        }
        let unknown = "terminal_bench".parse::<Format>().map_err(|error| error.to_string());
        assert_eq!(unknown, Err("no such format `terminal_bench`; there is `terminal-bench`".to_owned()));
    }

    #[test]
    fn every_table_holds_the_codes_that_have_a_meaning_and_no_other() {
        for format in Format::ALL {
            let table = CodeTable::parse(format.reason_codes());
            let in_table = table.map(|table| {
                table.codes.into_iter().map(|(code, entry)| (code.to_string(), entry.class)).collect::<Vec<_>>()
            });
            let meant = |meaning: &CodeMeaning| (meaning.code.to_owned(), meaning.class);
            assert_eq!(in_table, Ok(format.code_meanings().iter().map(meant).collect()), "{format}");
            for CodeMeaning { code, meaning, .. } in format.code_meanings() {
                assert!(FailureReasonCode::new(code).is_ok(), "{code}");
                assert!(!meaning.is_empty() && !meaning.contains('\n'), "{code}");
            }
        }
    }
}
