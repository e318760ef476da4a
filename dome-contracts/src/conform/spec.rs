//! Tests that are made from the schemas of a manifest: documents, what the tool has to do with each, and the
//! smallest one that shows how it drifts.

use std::collections::BTreeSet;

use dome_core::build::{Draft, FailedCode, Origin};
use dome_core::conformance::{CheckName, CheckOutcome, CheckPart, ConformanceCheck};
use dome_core::{
    ActionKind, Envelope, Evidence, Rejection, Scope, Sha256Hash, TargetKind, TaskLine, Timestamp, Tool, WrapperPolicy,
};
use schema_compat::{Schema, pointer};
use serde_json::{Map, Value, json};

use super::checks::{canonical_text, reason_codes, refuses, short};
use super::manifest::{Expect, FailureOn, Fixture, Schemas, ToolManifest};
use super::run::{AnswerStatus, ToolRun};

/// How many documents of each kind are tried of the input; half as many of the configuration.
const VALID_MAX: usize = 24;
const OTHERS_MAX: usize = 40;
const TEXT_MAX: usize = 5_000;
const ITEMS_MAX: usize = 300;
const UNKNOWN: &str = "dome_unknown_member";

dome_core::choice! {
    /// What a document is made to show, in the order of a report.
    AssertionClass {
        /// What the schemas accept is accepted.
        Valid = "valid_accepted",
        /// What they refuse is refused, with a reason.
        Invalid = "invalid_refused",
        /// At the boundaries, too.
        Boundary = "boundaries",
        /// A member that no schema names.
        UnknownMember = "unknown_members",
    }
    /// How a tool does otherwise than its schemas say.
    Drift {
        /// It refuses what its schemas accept.
        ValidRefused = "valid input is refused",
        /// It accepts what they refuse.
        InvalidAccepted = "invalid input is accepted",
        /// It refuses what they refuse, and does not say so.
        InvalidUnnamed = "invalid input is refused for another reason",
        /// It gives no answer.
        NoAnswer = "no answer",
        /// Its schema refuses its output.
        OutputInvalid = "the output is none of its schema",
        /// Its reason codes are not those that it declares.
        ReasonCode = "reason codes are not as declared",
    }
}

/// A document, and whether the schemas accept it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assertion {
    /// What it is made to show.
    pub class: AssertionClass,
    /// The configuration.
    pub config: Value,
    /// The input.
    pub input: Value,
    /// Whether the schemas accept both.
    pub valid: bool,
    /// Where it comes from.
    pub what: String,
}

/// What was found against a tool: how it drifts, and what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How it drifts.
    pub drift: Drift,
    /// What it did.
    pub message: String,
}

/// One document that the tool was given, and the result.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecTest {
    /// The document.
    pub assertion: Assertion,
    /// What was found against the tool, and the smallest document that shows it.
    pub refused: Option<(Refused, Assertion)>,
}

impl Assertion {
    /// Both parts as one document.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({"config": self.config, "input": self.input})
    }

    /// The document in canonical bytes, for a person or a record; as it is where it has none.
    #[must_use]
    pub fn text(&self) -> String {
        canonical_text(&self.document())
    }

    /// How large it is: documents that are shrunk only get smaller.
    fn size(&self) -> (usize, String) {
        let text = self.document().to_string();
        (text.len(), text)
    }

    /// How the tool did otherwise than its schemas say, if it did.
    #[must_use]
    pub fn judge(&self, run: &ToolRun, manifest: &ToolManifest) -> Option<Refused> {
        let answer = match run.answer() {
            Err(why) => return Some(Refused { drift: Drift::NoAnswer, message: why.to_string() }),
            Ok(answer) => answer,
        };
        let codes = reason_codes(&answer, manifest);
        if !codes.is_empty() {
            return Some(Refused { drift: Drift::ReasonCode, message: codes.join("; ") });
        }
        let (drift, message) = match answer.status {
            AnswerStatus::Success => self.accepted(&answer.output?, manifest)?,
            AnswerStatus::Failure => self.refused(&answer.failure_reason_code?, manifest)?,
            AnswerStatus::Denial if self.valid => return None,
            AnswerStatus::Denial => (Drift::InvalidUnnamed, "a denial, not a refusal".to_owned()),
        };
        Some(Refused { drift, message })
    }

    fn accepted(&self, output: &Value, manifest: &ToolManifest) -> Option<(Drift, String)> {
        if !self.valid {
            return Some((Drift::InvalidAccepted, format!("it answers {}", short(output))));
        }
        let problems = manifest.schemas.output.problems("output", output);
        (!problems.is_empty()).then(|| (Drift::OutputInvalid, problems.join("; ")))
    }

    fn refused(&self, code: &str, manifest: &ToolManifest) -> Option<(Drift, String)> {
        let for_input = refuses(manifest, code);
        if self.valid {
            return for_input.then(|| (Drift::ValidRefused, format!("it answers `{code}`")));
        }
        let named = manifest.failures.iter().any(|failure| failure.on == FailureOn::InvalidInput);
        (named && !for_input)
            .then(|| (Drift::InvalidUnnamed, format!("it answers `{code}`, which is not said of invalid input")))
    }
}

impl ToolManifest {
    /// The documents to try, in order; the same manifest gives the same ones.
    #[must_use]
    pub fn assertions(&self) -> Vec<Assertion> {
        let success = self.fixtures.iter().find(|fixture| matches!(fixture.expect, Expect::Output { .. }));
        let Some(base) = success.or(self.fixtures.first()) else { return Vec::new() };
        let mut made = Made { manifest: self, base, seen: BTreeSet::new(), found: Vec::new() };
        made.documents("input", &base.input, &self.schemas.input.schema, 1);
        made.documents("config", &base.config, &self.schemas.config.schema, 2);
        made.found
    }

    fn declared(&self) -> BTreeSet<&str> {
        let failures = self.failures.iter().map(|failure| failure.failure_reason_code.as_str());
        failures.chain(self.denials.iter().map(|denial| denial.as_str())).collect()
    }
}

/// Documents that differ from those of a fixture in one half.
struct Made<'m> {
    manifest: &'m ToolManifest,
    base: &'m Fixture,
    seen: BTreeSet<String>,
    found: Vec<Assertion>,
}

impl Made<'_> {
    /// Documents for one half, `which`: from its schema, and near its own value. `share` divides their number.
    fn documents(&mut self, which: &str, own: &Value, schema: &Schema, share: usize) {
        let samples = schema.samples().into_iter();
        let samples = samples.map(|value| (AssertionClass::Valid, format!("{which}: made from the schema"), value));
        let near = near(own, schema).into_iter();
        let all: Vec<_> =
            samples.chain(near.map(|(class, what, value)| (class, format!("{which} {what}"), value))).collect();
        for &class in AssertionClass::ALL {
            let mut room = if class == AssertionClass::Valid { VALID_MAX } else { OTHERS_MAX } / share;
            for (_, what, value) in all.iter().filter(|(of, ..)| *of == class) {
                if room > 0 && self.add(class, what, which, value) {
                    room -= 1;
                }
            }
        }
    }

    /// Adds a document, if it is another one than those before.
    fn add(&mut self, class: AssertionClass, what: &str, which: &str, value: &Value) -> bool {
        let (config, input) = if which == "input" { (&self.base.config, value) } else { (value, &self.base.input) };
        let (config, input, what) = (config.clone(), input.clone(), what.to_owned());
        let valid = self.manifest.schemas.accept(&config, &input);
        // A change that the schemas do not mind shows that valid input is accepted.
        let class = if class == AssertionClass::Invalid && valid { AssertionClass::Valid } else { class };
        let assertion = Assertion { class, config, input, valid, what };
        let is_new = self.seen.insert(assertion.document().to_string());
        self.found.extend(is_new.then_some(assertion));
        is_new
    }
}

/// Every document near `value`, with what it is like and where it differs.
fn near(value: &Value, schema: &Schema) -> Vec<(AssertionClass, String, Value)> {
    let around = |number: i64| [number.saturating_sub(1), number, number.saturating_add(1)];
    let numbers = schema.whole_numbers().into_iter().flat_map(around).chain([0, -1]).collect();
    let mut found = Vec::new();
    walk(value, "", &numbers, &mut |class, what, changed| found.push((class, what, changed)));
    found
}

fn walk(value: &Value, at: &str, numbers: &BTreeSet<i64>, emit: &mut dyn FnMut(AssertionClass, String, Value)) {
    for (class, what, changed) in replacements(value, numbers) {
        emit(class, format!("`{at}`: {what}"), changed);
    }
    match value {
        Value::Object(members) => {
            for name in members.keys() {
                let mut fewer = members.clone();
                fewer.remove(name);
                emit(AssertionClass::Invalid, format!("`{}`: left out", pointer(at, name)), fewer.into());
            }
            let more = with_member(members, UNKNOWN, json!(1));
            emit(AssertionClass::UnknownMember, format!("`{}`: a member more", pointer(at, UNKNOWN)), more);
            for (name, inner) in members {
                walk(inner, &pointer(at, name), numbers, &mut |class, place, changed| {
                    emit(class, place, with_member(members, name, changed));
                });
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate().take(2) {
                walk(inner, &format!("{at}/{index}"), numbers, &mut |class, place, changed| {
                    emit(class, place, with_item(items, index, changed));
                });
            }
        }
        _ => {}
    }
}

fn with_member(members: &Map<String, Value>, name: &str, value: Value) -> Value {
    let mut changed = members.clone();
    changed.insert(name.to_owned(), value);
    changed.into()
}

fn with_item(items: &[Value], index: usize, value: Value) -> Value {
    let mut changed = items.to_vec();
    changed.splice(index..=index, [value]);
    changed.into()
}

fn replacements(value: &Value, numbers: &BTreeSet<i64>) -> Vec<(AssertionClass, String, Value)> {
    let others = [json!(null), json!(true), json!(7), json!("dome_other"), json!([]), json!({})];
    let others = others.into_iter().filter(|other| std::mem::discriminant(other) != std::mem::discriminant(value));
    let mut found: Vec<_> =
        others.map(|other| (AssertionClass::Invalid, format!("{other} in its place"), other)).collect();
    let counts = |most: usize| {
        let counts = numbers.iter().filter_map(|number| usize::try_from(*number).ok());
        counts.filter(move |count| *count <= most)
    };
    if value.is_string() {
        found.push((AssertionClass::Invalid, "another word".to_owned(), json!("dome_other")));
    }
    let mut boundary = |what: String, value: Value| found.push((AssertionClass::Boundary, what, value));
    match value {
        Value::Number(_) => numbers.iter().for_each(|number| boundary(number.to_string(), json!(number))),
        Value::String(_) => {
            counts(TEXT_MAX).for_each(|length| boundary(format!("{length} characters"), json!("a".repeat(length))));
            boundary("beyond ASCII".to_owned(), json!("é\u{1F600}\u{FB33}"));
        }
        Value::Array(items) => {
            for count in counts(ITEMS_MAX).filter(|count| *count == 0 || !items.is_empty()) {
                let filled = items.iter().cycle().take(count).cloned().collect();
                boundary(format!("{count} entries"), Value::Array(filled));
            }
        }
        _ => {}
    }
    found
}

/// Whether the tool does what its schemas say: `reached` are the reason codes of all runs, of fixtures and of
/// tests.
#[must_use]
pub fn spec_as_test(manifest: &ToolManifest, tests: &[SpecTest], reached: &BTreeSet<String>) -> ConformanceCheck {
    let mut parts: Vec<CheckPart> = AssertionClass::ALL.iter().map(|class| of_class(*class, tests)).collect();
    let missing = manifest.declared().into_iter().filter(|code| !reached.contains(*code));
    let missing: Vec<String> = missing.map(|code| format!("nothing reaches `{code}`")).collect();
    parts.push(CheckPart::by("declared_failures_reachable", &missing));
    ConformanceCheck::of(CheckName::SpecAsTest, parts)
}

fn of_class(class: AssertionClass, tests: &[SpecTest]) -> CheckPart {
    let of: Vec<&SpecTest> = tests.iter().filter(|test| test.assertion.class == class).collect();
    if of.is_empty() {
        return CheckPart::of(class.as_str(), CheckOutcome::NotRun, "the schemas give no such document");
    }
    let (mut problems, mut found) = (Vec::new(), BTreeSet::new());
    for SpecTest { assertion, refused } in of {
        if let Some((Refused { drift, message }, smallest)) = refused {
            problems.push(format!("{drift}: {}, {message}", assertion.what));
            found.insert(smallest.text());
        }
    }
    let found = found.into_iter().take(CheckPart::FOUND_MAX).collect();
    CheckPart { found, ..CheckPart::by(class.as_str(), &problems) }
}

impl ToolRun {
    /// The declared reason codes that the answer shows as what they are: a denial that is reported as a
    /// failure reaches neither.
    #[must_use]
    pub fn reason_codes(&self, manifest: &ToolManifest) -> Vec<String> {
        let Ok(answer) = self.answer() else { return Vec::new() };
        let failure = answer.failure_reason_code.filter(|code| manifest.declares_failure(code));
        let denial = answer.policy_reason_code.filter(|code| manifest.declares_denial(code));
        failure.into_iter().chain(denial).collect()
    }
}

/// Goes from a document to smaller ones. The caller runs the tool, and says of each whether it still shows it.
///
/// ```
/// use dome_contracts::conform::{Assertion, AssertionClass, Shrink, ToolManifest};
/// # use serde_json::json;
/// # let manifest = ToolManifest::parse(serde_json::to_string(&json!({
/// #   "manifest_version": "1", "tool": {"name": "t", "version": "1"}, "target_kinds": ["a"], "action_kinds": ["b"],
/// #   "schema_version": "1", "entry": "t.py", "schemas": {"input": {"type": "object"}, "config": {}, "output": {}},
/// #   "side_effects": {"mode": "none"},
/// #   "fixtures": [{"name": "a", "input": {}, "config": {}, "expect": {"output": 1}}]
/// # })).unwrap().as_bytes()).unwrap();
/// let input = json!({"a": [1, 2, 3], "b": "long", "c": {"d": true}});
/// let start = Assertion { class: AssertionClass::Valid, config: json!({}), input, valid: true, what: "".into() };
/// let mut shrink = Shrink::of(start, &manifest, 100);
/// while let Some(candidate) = shrink.next() {
///     let shows_it = candidate.input.get("c").is_some();
///     shrink.tried(candidate, shows_it);
/// }
/// assert_eq!(shrink.smallest().input, json!({"c": {}}));
/// ```
pub struct Shrink<'m> {
    smallest: Assertion,
    waiting: Vec<Assertion>,
    schemas: &'m Schemas,
    budget: usize,
}

impl<'m> Shrink<'m> {
    /// Starts at a document; at most `budget` candidates are offered.
    #[must_use]
    pub fn of(start: Assertion, manifest: &'m ToolManifest, budget: usize) -> Self {
        let mut shrink = Self { smallest: start, waiting: Vec::new(), schemas: &manifest.schemas, budget };
        shrink.refill();
        shrink
    }

    /// The next document to try: smaller, and as valid or invalid as the first.
    #[expect(clippy::should_implement_trait, reason = "what comes next depends on the results in between")]
    pub fn next(&mut self) -> Option<Assertion> {
        self.budget = self.budget.checked_sub(1)?;
        self.waiting.pop()
    }

    /// Says whether a candidate still shows it.
    pub fn tried(&mut self, candidate: Assertion, shows_it: bool) {
        if shows_it {
            self.smallest = candidate;
            self.refill();
        }
    }

    /// The smallest document that was said to show it.
    #[must_use]
    pub fn smallest(self) -> Assertion {
        self.smallest
    }

    fn refill(&mut self) {
        let here = &self.smallest;
        let inputs = smaller(&here.input).into_iter().map(|input| Assertion { input, ..here.clone() });
        let configs = smaller(&here.config).into_iter().map(|config| Assertion { config, ..here.clone() });
        let size = here.size();
        let mut waiting: Vec<Assertion> = inputs.chain(configs).filter(|candidate| candidate.size() < size).collect();
        waiting.retain(|candidate| self.schemas.accept(&candidate.config, &candidate.input) == here.valid);
        // The smallest is tried first, and that is the last.
        waiting.sort_by_cached_key(|candidate| std::cmp::Reverse(candidate.size()));
        waiting.dedup();
        self.waiting = waiting;
    }
}

fn smaller(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(_) => vec![Value::Null],
        Value::Number(number) => {
            let half = number.as_i64().map(|number| Value::from(number / 2));
            [Value::Null, Value::from(0)].into_iter().chain(half).collect()
        }
        Value::String(text) => {
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            let fewer: String = text.chars().skip(1).collect();
            vec![Value::Null, Value::from(""), Value::from(half), Value::from(fewer)]
        }
        Value::Array(items) => {
            let mut found = vec![Value::Null, json!([])];
            for (index, item) in items.iter().enumerate() {
                let mut fewer = items.clone();
                fewer.remove(index);
                found.push(fewer.into());
                found.extend(smaller(item).into_iter().map(|inner| with_item(items, index, inner)));
            }
            found
        }
        Value::Object(members) => {
            let mut found = vec![Value::Null, json!({})];
            for (name, member) in members {
                let mut fewer = members.clone();
                fewer.remove(name);
                found.push(fewer.into());
                found.extend(smaller(member).into_iter().map(|inner| with_member(members, name, inner)));
            }
            found
        }
    }
}

/// The failure reason code of drift envelopes.
pub const REASON_CODE: &str = "SPEC_DRIFT";

/// Why there is no envelope.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// A name is no identifier.
    #[error(transparent)]
    Identifier(#[from] dome_core::IdentifierError),
    /// A word is not what it should be.
    #[error("{0}")]
    Value(String),
    /// The envelope as a whole.
    #[error("not an envelope: {0:?}")]
    Envelope(#[from] Rejection),
}

/// One envelope per drift, as JSON Lines, for the memory; the same drift on the same document only once. `tool`
/// is the digest of the tool, `ts` when it was judged.
///
/// # Errors
///
/// [`EnvelopeError`] for a tool name that is no identifier of a target, and for what [`Draft::build`] refuses.
pub fn envelopes(
    manifest: &ToolManifest,
    tests: &[SpecTest],
    tool: Sha256Hash,
    ts: Timestamp,
) -> Result<String, EnvelopeError> {
    let (mut lines, mut seen) = (String::new(), BTreeSet::new());
    for (refused, smallest) in tests.iter().filter_map(|test| test.refused.as_ref()) {
        if seen.insert((refused.drift, smallest.text())) {
            let sequence = seen.len() as u64;
            lines.push_str(&envelope(manifest, refused, smallest, sequence, tool, ts)?.to_line());
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// The envelope of one drift: the target is the tool, the evidence the smallest document.
fn envelope(
    manifest: &ToolManifest,
    refused: &Refused,
    smallest: &Assertion,
    sequence: u64,
    tool: Sha256Hash,
    ts: Timestamp,
) -> Result<Envelope, EnvelopeError> {
    let text = smallest.text();
    let id = format!("spec-drift-{sequence}");
    let origin = Origin {
        event_id: id.parse()?,
        sequence,
        run_id: format!("conform/{tool}/{ts}").parse()?,
        task_id: "spec_as_test".parse()?,
        group_id: id.parse()?,
        ts,
        wrapper_policy: WrapperPolicy::Strict,
    };
    let work = TaskLine {
        scope: Scope::Task,
        target_kind: TargetKind::new("tool").map_err(|why| EnvelopeError::Value(why.to_string()))?,
        target_id: manifest.tool.name.as_str().parse()?,
        action_kind: ActionKind::new("conform").map_err(|why| EnvelopeError::Value(why.to_string()))?,
    };
    let code = FailedCode::new(REASON_CODE).map_err(|why| EnvelopeError::Value(why.to_string()))?;
    let evidence = Evidence::of(Sha256Hash::of(text.as_bytes())).with_bytes(text.len() as u64);
    let shown: String = text.chars().take(2_000).collect();
    let draft = Draft::failure(origin, work, code, evidence)
        .failed(smallest.class.as_str().parse()?)
        .tool(Tool::new(manifest.tool.name.clone(), &manifest.tool.version))
        .message(format!("{}: {}\n{shown}", refused.drift, refused.message))
        .version("schema", &manifest.schema_version)
        .label("tool_sha256", tool.to_string());
    Ok(draft.build()?)
}
