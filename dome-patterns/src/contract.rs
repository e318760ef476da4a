//! What an output may be, as data, and the only way from bytes to an output.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use compact_str::CompactString;
use dome_core::json::{Kind, Tape, TextProblem, Value as JsonPlace, read};
use dome_core::limits::SAFE_INTEGER;
use dome_core::{ActionKind, FailureReasonCode, ProblemCode, Sha256Hash, StateId, TargetId, canonical};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::limits;
use crate::pattern::{PatternError, PatternFailure as Code};

/// What the output of a worker may be: an object with these members and no others, every value of it
/// bounded. A contract is data; it is read once, by whoever plans the work.
///
/// ```
/// use dome_patterns::{OutputContract, PatternFailure};
///
/// let contract: OutputContract = r#"{
///   "contract_version": "1",
///   "members": {
///     "item": {"type": "item"},
///     "verdict": {"type": "choice", "of": ["failed", "resolved"]},
///     "passed": {"type": "integer", "min": 0, "max": 1000},
///     "note": {"type": "text", "max_bytes": 80}
///   },
///   "optional": ["note"]
/// }"#.parse()?;
///
/// let item = "trial-7".parse()?;
/// let output = contract.validate(&item, br#"{"item": "trial-7", "verdict": "resolved", "passed": 3}"#)?;
/// assert_eq!(output.value()["passed"], 3);
///
/// let poisoned = br#"{"item": "trial-8", "verdict": "resolved", "passed": 1e9, "next": "rm -rf"}"#;
/// let failure = contract.validate(&item, poisoned).unwrap_err();
/// assert_eq!(failure.code, PatternFailure::ItemMismatch);
/// assert_eq!(failure.problems.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputContract {
    pub(crate) root: ValueShape,
    /// SHA-256 of the document's canonical bytes.
    pub(crate) digest: Sha256Hash,
}

/// What one value of an output may be. There is no shape for "anything". Of a choice the contract's word is kept, not
/// the worker's; an item is the worker's own id and no other; of a text only length and digest are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ValueShape {
    Array { max_entries: u64, of: Box<ValueShape> },
    Boolean {},
    Choice { of: BTreeSet<CompactString> },
    Integer { max: i64, min: i64 },
    Item {},
    Object(ObjectShape),
    Text { max_bytes: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectShape {
    pub(crate) members: BTreeMap<CompactString, ValueShape>,
    #[serde(default)]
    optional: BTreeSet<CompactString>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractDocument {
    contract_version: CompactString,
    members: BTreeMap<CompactString, ValueShape>,
    #[serde(default)]
    optional: BTreeSet<CompactString>,
}

/// What a worker said about its item, after validation: only [`OutputContract::validate`] makes one.
///
/// Nothing in it is the worker's text. Its words are those of the contract, its id is that of the
/// plan, and of a text there is a length and a digest. So no reducer can be handed an instruction.
///
/// ```compile_fail,E0451
/// # fn f(item: dome_core::TargetId) {
/// let forged = dome_patterns::WorkerOutput { item, value: todo!() };
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerOutput {
    item: TargetId,
    value: Value,
}

/// One thing that is wrong with an output.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputProblem {
    /// What kind of problem it is.
    #[cfg_attr(feature = "schema", schemars(with = "FailureReasonCode"))]
    pub code: Code,
    /// Where: a JSON Pointer of the contract's names and of places in arrays. A name that the contract does not
    /// know is reported at the object that holds it.
    pub pointer: String,
}

/// Why the work on an item failed. Nothing in it was written by the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapFailure {
    /// The code that decides.
    pub code: Code,
    /// All that is wrong with the output, by code, then pointer; at most 16. Empty when what the
    /// output says is not the cause.
    pub problems: Vec<OutputProblem>,
    /// The code of its manifest that the tool reported, with `MAP.TOOL_FAILED`.
    pub reported: Option<FailureReasonCode>,
}

impl FromStr for OutputContract {
    type Err = PatternError;

    /// Reads a contract.
    ///
    /// # Errors
    ///
    /// When it is too long, not JSON as dome reads it, another document or version, or breaks a rule: where, and what
    /// is asked for.
    fn from_str(document: &str) -> Result<Self, PatternError> {
        let no_contract = |why: &dyn fmt::Display| PatternError::new("", format!("not a contract: {why}"));
        if document.len() > limits::CONTRACT_BYTES {
            return Err(no_contract(&"it has more than 65536 bytes"));
        }
        read(document, &mut Tape::default()).map_err(|why| no_contract(&why))?;
        let document: ContractDocument = serde_json::from_str(document).map_err(|why| no_contract(&why))?;
        if document.contract_version != "1" {
            return Err(PatternError::new("/contract_version", "expected `1`"));
        }
        let bytes = canonical::to_vec(&document);
        let root = ValueShape::Object(ObjectShape { members: document.members, optional: document.optional });
        root.check(0, "")?;
        Ok(Self { root, digest: Sha256Hash::of(&bytes.map_err(|why| no_contract(&why))?) })
    }
}

impl ValueShape {
    /// Checks that everything below is bounded, inside so many arrays and objects.
    fn check(&self, outer: usize, at: &str) -> Result<(), PatternError> {
        let rule = |sound: bool, what: &str| if sound { Ok(()) } else { Err(PatternError::new(at, what)) };
        let holds_others = matches!(self, Self::Array { .. } | Self::Object(_));
        rule(!holds_others || outer < limits::CONTRACT_LEVELS, "a contract nests at most 8 levels")?;
        match self {
            Self::Array { max_entries, of } => {
                rule(*max_entries <= limits::ENTRIES, "an array has at most 1024 entries")?;
                of.check(outer + 1, &format!("{at}/of"))
            }
            Self::Choice { of } => {
                rule((1..=limits::WORDS).contains(&of.len()), "a choice has 1 to 256 words")?;
                let word = |word: &CompactString| word.len() <= limits::WORD_BYTES && StateId::new(word).is_ok();
                rule(of.iter().all(word), "a word is an identifier of at most 64 bytes (M-03)")
            }
            Self::Integer { max, min } => {
                let safe = [max, min].iter().all(|bound| bound.unsigned_abs() <= SAFE_INTEGER);
                rule(safe, "a bound lies beyond 2^53 - 1")?;
                rule(min <= max, "`min` is greater than `max`")
            }
            Self::Object(ObjectShape { members, optional }) => {
                rule(members.len() <= limits::MEMBERS, "an object has at most 64 members")?;
                let named = members.keys().all(|name| ActionKind::new(name).is_ok());
                rule(named, "a member's name matches `^[a-z][a-z0-9_]{0,63}$`")?;
                let known = optional.iter().all(|name| members.contains_key(name));
                rule(known, "`optional` names a member that `members` does not list")?;
                members.iter().try_for_each(|(name, shape)| shape.check(outer + 1, &format!("{at}/members/{name}")))
            }
            Self::Text { max_bytes } => rule(*max_bytes <= limits::TEXT_BYTES, "a text has at most 4096 bytes"),
            Self::Boolean {} | Self::Item {} => Ok(()),
        }
    }
}

impl OutputContract {
    /// Makes an output of what a worker wrote about `item`. There is no other way to make one.
    ///
    /// # Errors
    ///
    /// `MAP.OUTPUT_TOO_LARGE` (over 65,536 bytes), `MAP.OUTPUT_MISSING`,
    /// `MAP.OUTPUT_NOT_JSON`, `MAP.OUTPUT_TOO_DEEP`, `MAP.OUTPUT_DUPLICATE_MEMBER`; else all problems of
    /// all members: `MAP.ITEM_MISMATCH`, `MAP.OUTPUT_UNKNOWN_MEMBER`, `MAP.OUTPUT_MEMBER_MISSING`,
    /// `MAP.OUTPUT_WRONG_TYPE`, `MAP.OUTPUT_NOT_ALLOWED`, `MAP.OUTPUT_OUT_OF_RANGE`.
    #[expect(clippy::expect_used, reason = "a value is missing only where a problem was reported")]
    pub fn validate(&self, item: &TargetId, output: &[u8]) -> Result<WorkerOutput, MapFailure> {
        if output.len() as u64 > limits::OUTPUT_BYTES {
            return Err(Code::OutputTooLarge.into());
        }
        if output.trim_ascii().is_empty() {
            return Err(Code::OutputMissing.into());
        }
        let text = str::from_utf8(output).map_err(|_| Code::OutputNotJson)?;
        let mut tape = Tape::default();
        let root = read(text, &mut tape).map_err(|problem| Code::from(&problem))?;
        let mut problems = Vec::new();
        let value = OutputWalk { item, problems: &mut problems }.value(&self.root, root, String::new());
        problems.sort_unstable();
        problems.dedup();
        problems.truncate(limits::PROBLEMS);
        match (value, problems.first()) {
            (Some(value), None) => Ok(WorkerOutput { item: item.clone(), value }),
            (_, problem) => {
                let code = problem.expect("a problem").code;
                Err(MapFailure { code, problems, reported: None })
            }
        }
    }
}

/// One walk over an output. A value that breaks its shape is reported, and there is none in its place.
struct OutputWalk<'i> {
    item: &'i TargetId,
    problems: &'i mut Vec<OutputProblem>,
}

impl OutputWalk<'_> {
    fn report(&mut self, code: Code, pointer: String) {
        self.problems.push(OutputProblem { code, pointer });
    }

    fn value(&mut self, shape: &ValueShape, at: JsonPlace<'_>, pointer: String) -> Option<Value> {
        let (right, wrong) = match (shape, at.kind(), at.text()) {
            (ValueShape::Array { max_entries, of }, Kind::Array, _) if at.len() as u64 <= *max_entries => {
                // All entries are looked at, also those after a wrong one: every problem is reported.
                let entries = at.entries().enumerate();
                let entries: Vec<_> = entries.map(|(n, at)| self.value(of, at, format!("{pointer}/{n}"))).collect();
                return entries.into_iter().collect::<Option<_>>().map(Value::Array);
            }
            (ValueShape::Array { .. }, Kind::Array, _) => (None, Code::OutputOutOfRange),
            (ValueShape::Boolean {}, Kind::Boolean, _) => return Some((at.written() == "true").into()),
            (ValueShape::Choice { of }, _, Some(text)) => {
                (of.get(text).map(|word| word.as_str().into()), Code::OutputNotAllowed)
            }
            (ValueShape::Integer { max, min }, Kind::Integer | Kind::UnsafeInteger, _) => {
                let value = at.written().parse::<i64>().ok().filter(|value| (min..=max).contains(&value));
                (value.map(Value::from), Code::OutputOutOfRange)
            }
            (ValueShape::Item {}, _, Some(text)) => {
                ((text == self.item.as_str()).then(|| self.item.as_str().into()), Code::ItemMismatch)
            }
            (ValueShape::Object(shape), Kind::Object, _) => return self.object(shape, at, &pointer),
            (ValueShape::Text { max_bytes }, _, Some(text)) => {
                let mark = json!({"bytes": text.len(), "sha256": Sha256Hash::of(text.as_bytes())});
                ((text.len() as u64 <= *max_bytes).then_some(mark), Code::OutputOutOfRange)
            }
            _ => (None, Code::OutputWrongType),
        };
        if right.is_none() {
            self.report(wrong, pointer);
        }
        right
    }

    fn object(&mut self, shape: &ObjectShape, at: JsonPlace<'_>, pointer: &str) -> Option<Value> {
        let ObjectShape { members, optional } = shape;
        let mut values = BTreeMap::new();
        for (name, at) in at.members() {
            match name.text().and_then(|name| members.get_key_value(name)) {
                Some((name, shape)) => {
                    values.insert(name.to_string(), self.value(shape, at, format!("{pointer}/{name}")));
                }
                None => self.report(Code::OutputUnknownMember, pointer.to_owned()),
            }
        }
        for name in members.keys().filter(|name| !values.contains_key(name.as_str()) && !optional.contains(*name)) {
            self.report(Code::OutputMemberMissing, format!("{pointer}/{name}"));
        }
        values.into_iter().map(|(name, value)| Some((name, value?))).collect::<Option<_>>().map(Value::Object)
    }
}

impl WorkerOutput {
    /// The item that it is about, as the plan has it.
    #[must_use]
    pub const fn item(&self) -> &TargetId {
        &self.item
    }

    /// What it says: the contract's members and words. Of a text there is `{"bytes": .., "sha256": ..}`.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn into_value(self) -> Value {
        self.value
    }
}

impl From<&TextProblem> for Code {
    /// What it is that a worker wrote no readable document.
    fn from(problem: &TextProblem) -> Self {
        match problem.code {
            ProblemCode::JsonTooDeep => Self::OutputTooDeep,
            ProblemCode::JsonDuplicateKey => Self::OutputDuplicateMember,
            _ => Self::OutputNotJson,
        }
    }
}

impl From<Code> for MapFailure {
    /// A failure that is not about what the output says.
    fn from(code: Code) -> Self {
        Self { code, problems: Vec::new(), reported: None }
    }
}

impl fmt::Display for MapFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> =
            self.problems.iter().map(|OutputProblem { code, pointer }| format!("{code} at `{pointer}`")).collect();
        match &self.reported {
            Some(reported) => write!(formatter, "{}: {reported}", self.code),
            None if problems.is_empty() => self.code.fmt(formatter),
            None => formatter.write_str(&problems.join("\n")),
        }
    }
}

impl std::error::Error for MapFailure {}
