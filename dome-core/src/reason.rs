//! Reason codes as two types that never meet (M-04), and the table of their classes (M-90).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::choice::choice;
use crate::envelope::GuardEval;
use crate::hash::Sha256Hash;
use crate::id::checked_text;
use crate::ingress::without_mark;
use crate::limits;
use crate::problem::{Problem, ProblemCode, Rejection};

/// Why a text is not a reason code (M-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReasonCodeError {
    /// It does not have the shape of a reason code.
    #[error("a reason code matches `^[A-Z][A-Z0-9_]*(\\.[A-Z0-9_]+)*$`, at most 128 bytes")]
    Shape,
    /// `NONE` says "no domain failure", which no policy can say.
    #[error("`NONE` is reserved for `failure_reason_code`")]
    Reserved,
    /// `NONE` where something failed (M-11).
    #[error("`NONE` says that nothing failed")]
    NothingFailed,
}

const NONE: &str = "NONE";

fn check_failure(text: &str) -> Result<(), ReasonCodeError> {
    if is_reason_code(text) { Ok(()) } else { Err(ReasonCodeError::Shape) }
}

fn check_policy(text: &str) -> Result<(), ReasonCodeError> {
    check_failure(text)?;
    if text == NONE { Err(ReasonCodeError::Reserved) } else { Ok(()) }
}

checked_text! {
    /// `failure_reason_code`: what went wrong; `NONE` where nothing did.
    ///
    /// No code path turns it into a [`PolicyReasonCode`] or back:
    ///
    /// ```compile_fail
    /// use dome_core::{FailureReasonCode, PolicyReasonCode};
    /// let failed = FailureReasonCode::new("TESTS_FAILED").unwrap();
    /// let denied: PolicyReasonCode = failed.into();
    /// ```
    FailureReasonCode: check_failure => ReasonCodeError, "what went wrong";
    /// `policy_reason_code`: what was not allowed; never `NONE`.
    ///
    /// ```
    /// use dome_core::{PolicyReasonCode, ReasonCodeError};
    /// assert!(PolicyReasonCode::new("BUDGET_EXHAUSTED").is_ok());
    /// assert_eq!(PolicyReasonCode::new("NONE"), Err(ReasonCodeError::Reserved));
    /// ```
    PolicyReasonCode: check_policy => ReasonCodeError, "what was not allowed";
}

/// Words of `[A-Z0-9_]` joined by dots, a letter first, whichever the meaning (M-04).
pub(crate) const fn is_reason_code(text: &str) -> bool {
    let mut rest = text.as_bytes();
    let mut sound = text.len() <= limits::REASON_CODE_BYTES && matches!(rest, [b'A'..=b'Z', ..]);
    let mut in_word = false;
    while let [first, after @ ..] = rest {
        sound = sound && (in_word || *first != b'.') && matches!(first, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.');
        in_word = *first != b'.';
        rest = after;
    }
    sound && in_word
}

const fn says_something(text: &str) -> bool {
    is_reason_code(text) && !matches!(text.as_bytes(), b"NONE")
}

impl PolicyReasonCode {
    /// A code that stands in a program. In a `const`, a text that is no policy code does not compile.
    ///
    /// ```
    /// # use dome_core::PolicyReasonCode;
    /// const DENIED: PolicyReasonCode = PolicyReasonCode::constant("BUDGET.ITEMS");
    /// ```
    ///
    /// ```compile_fail
    /// # use dome_core::PolicyReasonCode;
    /// const DENIED: PolicyReasonCode = PolicyReasonCode::constant("NONE");
    /// ```
    ///
    /// # Panics
    ///
    /// When it is called at run time with a text that breaks M-04 or is `NONE`.
    #[must_use]
    pub const fn constant(text: &'static str) -> Self {
        assert!(says_something(text), "not a policy reason code");
        Self(CompactString::const_new(text))
    }
}

impl FailureReasonCode {
    /// A code other than `NONE`, as [`PolicyReasonCode::constant`].
    ///
    /// ```compile_fail
    /// # use dome_core::FailureReasonCode;
    /// const FAILED: FailureReasonCode = FailureReasonCode::constant("TESTS..FAILED");
    /// ```
    ///
    /// # Panics
    ///
    /// When it is called at run time with a text that breaks M-04 or is `NONE`.
    #[must_use]
    pub const fn constant(text: &'static str) -> Self {
        assert!(says_something(text), "not the code of a failure");
        Self(CompactString::const_new(text))
    }

    /// The code that says "no domain failure".
    #[must_use]
    pub fn none() -> Self {
        Self(CompactString::const_new(NONE))
    }

    /// Whether this is `NONE`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.as_str() == NONE
    }
}

choice! {
    /// The class of a reason code. A table says which is the stronger one.
    CodeClass {
        /// Good to know.
        Advisory = "advisory",
        /// The work can be mended.
        Repairable = "repairable",
        /// Nothing may go on.
        Stop = "stop",
        /// The work itself is wrong.
        Structural = "structural",
    }
    /// Where a reason code may stand in an envelope.
    CodePlace {
        /// In `failure_reason_code`: it says what went wrong.
        Failure = "failure",
        /// In `policy_reason_code` and in the `reason_codes` of guards: it says what was not allowed.
        Policy = "policy",
    }
}

/// A reason-code table as its document stands (the owner's `reason_codes` 0.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeTable {
    /// The classes, the strongest first.
    pub classes_precedence: Vec<CodeClass>,
    /// The codes with their classes.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, CodeEntry>"))]
    pub codes: BTreeMap<CompactString, CodeEntry>,
    /// Beginnings of codes that end in `.`, with the class of every code that begins so and is not listed itself (M-97).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, CodeEntry>"))]
    pub prefixes: BTreeMap<CompactString, CodeEntry>,
    /// How a run goes on after a code of a class.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<CodeClass, String>"))]
    pub restart_mode_by_class: BTreeMap<CodeClass, CompactString>,
    /// The version of the document's shape.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub schema_version: CompactString,
    /// The version of the table.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: CompactString,
}

/// One code of a [`CodeTable`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeEntry {
    /// Its class.
    pub class: CodeClass,
    /// Where it may stand; absent where the table does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub places: Option<BTreeSet<CodePlace>>,
}

impl From<CodeClass> for CodeEntry {
    fn from(class: CodeClass) -> Self {
        Self { class, places: None }
    }
}

/// How the reason codes of an envelope stand by a table ([`CodeTable::placing`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placing {
    /// Each may stand where it does.
    Right,
    /// No table says of one of them where it may stand.
    Unsaid,
    /// One stands where it may not, with every such code.
    Misplaced(Rejection),
}

/// Why a table is not one, or cannot extend another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeTableError {
    /// It is not the document that is expected.
    #[error("not a reason-code table: {message}")]
    Document {
        /// What the reader said, with line and column.
        message: String,
    },
    /// A name in `codes` is not a reason code (M-04), or is `NONE`, which has no class.
    #[error("`/codes/{code}`: {why}")]
    Code {
        /// The name.
        code: CompactString,
        /// What is wrong with it.
        why: ReasonCodeError,
    },
    /// A name in `prefixes` is not a reason code with a `.` behind it (M-97).
    #[error("`/prefixes/{prefix}`: a prefix is a reason code and a `.` behind it, such as `EXCEPTION.`")]
    Prefix {
        /// The name.
        prefix: CompactString,
    },
    /// A code that may stand nowhere.
    #[error("`{pointer}`: names at least one of `failure` and `policy`, or is left out")]
    NoPlace {
        /// Where.
        pointer: String,
    },
    /// A code's class has no restart mode in the document.
    #[error("`/restart_mode_by_class/{class}` is missing")]
    RestartMode {
        /// The class.
        class: CodeClass,
    },
    /// The extension says something else than the table that it extends.
    #[error("`{pointer}`: the table says `{expected}`, the extension says `{found}`")]
    Contradiction {
        /// Where.
        pointer: String,
        /// What the table says.
        expected: String,
        /// What the extension says.
        found: String,
    },
}

impl CodeTable {
    /// Reads a table from its document.
    ///
    /// # Errors
    ///
    /// When the document is not a table, or holds what is not a reason code.
    pub fn parse(document: &[u8]) -> Result<Self, CodeTableError> {
        let table: Self = serde_json::from_slice(without_mark(document))
            .map_err(|error| CodeTableError::Document { message: error.to_string() })?;
        table.check()?;
        Ok(table)
    }

    fn check(&self) -> Result<(), CodeTableError> {
        for code in self.codes.keys() {
            check_policy(code).map_err(|why| CodeTableError::Code { code: code.clone(), why })?;
        }
        for prefix in self.prefixes.keys() {
            if !prefix.strip_suffix('.').is_some_and(says_something) {
                return Err(CodeTableError::Prefix { prefix: prefix.clone() });
            }
        }
        for (member, table) in [("codes", &self.codes), ("prefixes", &self.prefixes)] {
            for (name, CodeEntry { class, places }) in table {
                if !self.restart_mode_by_class.contains_key(class) {
                    return Err(CodeTableError::RestartMode { class: *class });
                }
                if places.as_ref().is_some_and(BTreeSet::is_empty) {
                    return Err(CodeTableError::NoPlace { pointer: format!("/{member}/{name}/places") });
                }
            }
        }
        Ok(())
    }

    /// This table with the codes of another one, which may repeat it but not contradict it.
    ///
    /// # Errors
    ///
    /// [`CodeTableError::Contradiction`] with the place, for a code of another class or with other places, another
    /// restart mode, another precedence or another version of the document.
    pub fn extended(mut self, extension: Self) -> Result<Self, CodeTableError> {
        same("/schema_version", &self.schema_version, &extension.schema_version)?;
        same("/classes_precedence", &words(&self.classes_precedence), &words(&extension.classes_precedence))?;
        for (class, mode) in extension.restart_mode_by_class {
            let known = self.restart_mode_by_class.entry(class).or_insert_with(|| mode.clone());
            same(&format!("/restart_mode_by_class/{class}"), known, &mode)?;
        }
        let all = [("codes", &mut self.codes, extension.codes), ("prefixes", &mut self.prefixes, extension.prefixes)];
        for (member, table, more) in all {
            for (name, entry) in more {
                let pointer = format!("/{member}/{name}");
                let known = table.entry(name).or_insert_with(|| entry.clone());
                same(&format!("{pointer}/class"), known.class.as_str(), entry.class.as_str())?;
                if let Some(places) = entry.places {
                    let known = known.places.get_or_insert_with(|| places.clone());
                    same(&format!("{pointer}/places"), &words(known.iter()), &words(&places))?;
                }
            }
        }
        Ok(self)
    }

    /// This table with what another one says beside it; where both say something, this one is right.
    ///
    /// ```
    /// use dome_core::{CodeClass, CodeTable};
    /// let table = |class, code| CodeTable::parse(format!(r#"{{
    ///     "classes_precedence": [], "codes": {{"BOTH": {{"class": "{class}"}}, "{code}": {{"class": "{class}"}}}},
    ///     "restart_mode_by_class": {{"{class}": "RESTART"}}, "schema_version": "0.1", "version": "0.1"
    /// }}"#).as_bytes());
    /// let table = table("stop", "MINE")?.before(table("advisory", "THEIRS")?);
    /// assert_eq!(["BOTH", "MINE", "THEIRS"].map(|code| table.class(code)), [
    ///     Some(CodeClass::Stop), Some(CodeClass::Stop), Some(CodeClass::Advisory)]);
    /// # Ok::<(), dome_core::CodeTableError>(())
    /// ```
    #[must_use]
    pub fn before(mut self, other: Self) -> Self {
        for (class, mode) in other.restart_mode_by_class {
            self.restart_mode_by_class.entry(class).or_insert(mode);
        }
        for (table, more) in [(&mut self.codes, other.codes), (&mut self.prefixes, other.prefixes)] {
            for (name, entry) in more {
                let known = table.entry(name).or_insert_with(|| entry.clone());
                known.places = known.places.take().or(entry.places);
            }
        }
        self
    }

    /// The class of a code: its own where the table lists it, else that of the longest prefix that it begins with
    /// (M-97).
    ///
    /// ```
    /// use dome_core::{CodeClass, CodeTable};
    /// let table = CodeTable::parse(br#"{
    ///     "classes_precedence": ["stop", "repairable"],
    ///     "codes": {"EXCEPTION.KNOWN": {"class": "stop"}},
    ///     "prefixes": {"EXCEPTION.": {"class": "repairable"}},
    ///     "restart_mode_by_class": {"repairable": "RETRY", "stop": "STOP"},
    ///     "schema_version": "0.1", "version": "0.1"
    /// }"#)?;
    /// assert_eq!(table.class("EXCEPTION.KNOWN"), Some(CodeClass::Stop));
    /// assert_eq!(table.class("EXCEPTION.VALUE_ERROR"), Some(CodeClass::Repairable));
    /// assert_eq!(table.class("EXCEPTION"), None);
    /// # Ok::<(), dome_core::CodeTableError>(())
    /// ```
    #[must_use]
    pub fn class(&self, code: &str) -> Option<CodeClass> {
        self.entry(code).map(|entry| entry.class)
    }

    fn entry(&self, code: &str) -> Option<&CodeEntry> {
        let dots = code.rmatch_indices('.').map(|(at, _)| at);
        let by_prefix = || dots.filter_map(|at| code.get(..=at)).find_map(|prefix| self.prefixes.get(prefix));
        self.codes.get(code).or_else(by_prefix)
    }

    /// Whether the reason codes of an envelope may stand where they do: what went wrong and what was not allowed are
    /// told apart by vocabulary too, as far as the table goes (M-97).
    ///
    /// ```
    /// use dome_core::{CodeTable, Placing, ProblemCode};
    /// let table = |places| CodeTable::parse(format!(r#"{{
    ///     "classes_precedence": [], "codes": {{"TESTS_FAILED": {{"class": "repairable"{places}}}}},
    ///     "restart_mode_by_class": {{"repairable": "RETRY"}}, "schema_version": "0.1", "version": "0.1"
    /// }}"#).as_bytes());
    /// let failed = "TESTS_FAILED".parse()?;
    /// assert_eq!(table("")?.placing(&failed, None, &[]), Placing::Unsaid);
    /// assert_eq!(table(r#", "places": ["failure"]"#)?.placing(&failed, None, &[]), Placing::Right);
    /// let placing = table(r#", "places": ["policy"]"#)?.placing(&failed, None, &[]);
    /// let Placing::Misplaced(rejection) = placing else { panic!() };
    /// assert_eq!(rejection.problems()[0].code, ProblemCode::ReasonCodeMisplaced);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn placing(
        &self,
        failure: &FailureReasonCode,
        policy: Option<&PolicyReasonCode>,
        guard_evals: &[GuardEval],
    ) -> Placing {
        let (mut problems, mut unsaid) = (Vec::new(), false);
        let mut look = |code: &str, place, pointer: &str, guard: Option<&GuardEval>| {
            let Some(places) = self.entry(code).and_then(|entry| entry.places.as_ref()) else {
                unsaid = true;
                return;
            };
            if !places.contains(&place) {
                let of = guard.map_or_else(String::new, |guard| format!(" of guard `{}`", guard.guard_id));
                let message = format!("`{code}`{of} may stand as {}, not as {place}", words(places));
                let code = ProblemCode::ReasonCodeMisplaced;
                problems.push(Problem { code, message, pointer: pointer.to_owned(), span: 0..0 });
            }
        };
        if !failure.is_none() {
            look(failure.as_str(), CodePlace::Failure, "/task_spec/failure_reason_code", None);
        }
        if let Some(code) = policy {
            look(code.as_str(), CodePlace::Policy, "/policy_reason_code", None);
        }
        for guard in guard_evals {
            guard
                .reason_codes
                .iter()
                .for_each(|code| look(code.as_str(), CodePlace::Policy, "/guard_evals", Some(guard)));
        }
        match Rejection::of(problems) {
            Some(rejection) => Placing::Misplaced(rejection),
            None if unsaid => Placing::Unsaid,
            None => Placing::Right,
        }
    }

    /// How a run goes on after a code of this class.
    #[must_use]
    pub fn restart_mode(&self, class: CodeClass) -> Option<&str> {
        self.restart_mode_by_class.get(&class).map(CompactString::as_str)
    }

    /// SHA-256 of the table's canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        canonical::digest(self)
    }
}

fn words(words: impl IntoIterator<Item: ToString>) -> String {
    words.into_iter().map(|word| word.to_string()).collect::<Vec<_>>().join(" ")
}

fn same(pointer: &str, expected: &str, found: &str) -> Result<(), CodeTableError> {
    if expected == found {
        return Ok(());
    }
    let [pointer, expected, found] = [pointer, expected, found].map(str::to_owned);
    Err(CodeTableError::Contradiction { pointer, expected, found })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    #[test]
    fn m04_codes_are_upper_case_words_joined_by_dots() {
        for good in ["A", "A1_", "TESTS_FAILED", "EXEC.NONZERO_EXIT", "A._.0", &"A".repeat(128)] {
            assert!(FailureReasonCode::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "1A", "_A", "A.", ".A", "A..B", "A-B", "É", &"A".repeat(129)] {
            assert_eq!(FailureReasonCode::new(bad), Err(ReasonCodeError::Shape), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn m04_a_code_is_what_the_expression_matches(text in "[A-Z0-9_.a]{0,6}") {
            let word = |word: &str| !word.is_empty() && !word.contains('a');
            let matches = text.starts_with(|first: char| first.is_ascii_uppercase()) && text.split('.').all(word);
            proptest::prop_assert_eq!(is_reason_code(&text), matches);
        }
    }

    fn table(prefixes: &str) -> Result<CodeTable, CodeTableError> {
        let document = format!(
            r#"{{"classes_precedence":["stop"],"codes":{{}},"prefixes":{prefixes},"restart_mode_by_class":{{"stop":"S"}},
            "schema_version":"0.1","version":"0.1"}}"#
        );
        CodeTable::parse(document.as_bytes())
    }

    #[test]
    fn m97_the_longest_prefix_says_the_class() {
        let stop = table(r#"{"A.":{"class":"stop"}}"#).unwrap();
        let mut both = stop.clone();
        both.prefixes.insert("A.B.".into(), CodeClass::Advisory.into());
        for (code, expected) in [
            ("A.C", Some(CodeClass::Stop)),
            ("A.B", Some(CodeClass::Stop)),
            ("A.B.C", Some(CodeClass::Advisory)),
            ("A.B.C.D", Some(CodeClass::Advisory)),
            ("A", None),
            ("AA.B", None),
        ] {
            assert_eq!(both.class(code), expected, "{code}");
        }
        let mut other = stop.clone();
        other.prefixes.insert("A.".into(), CodeClass::Advisory.into());
        let refused = stop.clone().extended(other).unwrap_err();
        assert!(refused.to_string().starts_with("`/prefixes/A./class`: "), "{refused}");
        assert_eq!(table("{}").unwrap().extended(stop.clone()).unwrap().prefixes, stop.prefixes);
        for wrong in ["A", "A..", ".", "a.", "NONE."] {
            let prefixes = format!(r#"{{"{wrong}":{{"class":"stop"}}}}"#);
            assert_eq!(table(&prefixes), Err(CodeTableError::Prefix { prefix: wrong.into() }));
        }
        let no_mode = table(r#"{"A.":{"class":"advisory"}}"#);
        assert_eq!(no_mode, Err(CodeTableError::RestartMode { class: CodeClass::Advisory }));
    }

    #[test]
    fn m04_none_says_no_domain_failure() {
        assert!(FailureReasonCode::none().is_none());
        assert_eq!(FailureReasonCode::new("NONE"), Ok(FailureReasonCode::none()));
    }
}
