//! Secure map-reduce: one item per worker, only validated values for the reduction.

use std::collections::BTreeMap;
use std::str::FromStr;

use dome_core::json::{Kind, Tape, read};
use dome_core::limits::SAFE_INTEGER;
use dome_core::{Envelope, Evidence, FailureReasonCode, PolicyReasonCode, Rejection, Sha256Hash, TargetId, canonical};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::contract::{MapFailure, OutputContract, OutputProblem, ValueShape, WorkerOutput};
use crate::limits;
use crate::pattern::{PatternDenial, PatternError, PatternFailure, PatternStep, Reporter, StepDetails, StepRefusal};

/// What a map-reduce may spend. Every admitted item has its full share set aside before any worker runs,
/// so that no worker can use up what another one needs. In a document, what is left out is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MapBudget"))]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Items that may be denied before nothing is reduced.
    pub denials_allowed: u64,
    /// Items that may fail before nothing is reduced.
    pub failures_allowed: u64,
    /// Bytes that a worker may be given.
    pub input_bytes: u64,
    /// Items that may fan out.
    pub items: u64,
    /// Bytes that one worker may write. A caller reads one more, to know that it wrote too many.
    pub output_bytes: u64,
    /// Bytes of all outputs together.
    pub total_output_bytes: u64,
    /// Time of all workers together, in milliseconds.
    pub total_time_ms: u64,
    /// Time of one worker, in milliseconds.
    pub worker_time_ms: u64,
}

impl Default for Budget {
    /// 1,024 items of 64 KiB, 4 KiB and 60 s each, and neither a failure nor a denial.
    fn default() -> Self {
        Self {
            denials_allowed: 0,
            failures_allowed: 0,
            input_bytes: 65_536,
            items: 1_024,
            output_bytes: 4_096,
            total_output_bytes: 4_096 * 1_024,
            total_time_ms: 60_000 * 1_024,
            worker_time_ms: 60_000,
        }
    }
}

impl FromStr for Budget {
    type Err = PatternError;

    /// Reads a budget.
    ///
    /// ```
    /// use dome_patterns::Budget;
    /// let budget: Budget = r#"{"failures_allowed": 3}"#.parse()?;
    /// assert_eq!(budget, Budget { failures_allowed: 3, ..Budget::default() });
    /// # Ok::<(), dome_patterns::PatternError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no such document, or a member is outside its limits.
    fn from_str(document: &str) -> Result<Self, PatternError> {
        let no_budget = |why: &dyn std::fmt::Display| PatternError::new("", format!("not a budget: {why}"));
        if read(document, &mut Tape::default()).map_err(|why| no_budget(&why))?.kind() != Kind::Object {
            return Err(no_budget(&"expected an object"));
        }
        let budget: Self = serde_json::from_str(document).map_err(|why| no_budget(&why))?;
        budget.check()?;
        Ok(budget)
    }
}

impl Budget {
    fn check(&self) -> Result<(), PatternError> {
        let items = limits::ITEMS as u64;
        let members = [
            ("denials_allowed", self.denials_allowed, 0, items),
            ("failures_allowed", self.failures_allowed, 0, items),
            ("input_bytes", self.input_bytes, 0, limits::INPUT_BYTES),
            ("items", self.items, 0, items),
            ("output_bytes", self.output_bytes, 1, limits::OUTPUT_BYTES),
            ("total_output_bytes", self.total_output_bytes, 0, limits::TOTAL_OUTPUT_BYTES),
            ("total_time_ms", self.total_time_ms, 0, limits::TOTAL_TIME_MS),
            ("worker_time_ms", self.worker_time_ms, 1, limits::WORKER_TIME_MS),
        ];
        let outside = members.into_iter().find(|(_, found, least, most)| !(least..=most).contains(&found));
        outside.map_or(Ok(()), |(member, found, least, most)| {
            Err(PatternError::new(member, format!("expected an integer from {least} to {most}, found {found}")))
        })
    }

    /// How many items there is room for, and why there is none for more.
    fn shares(&self) -> [(u64, PatternDenial); 3] {
        [
            (self.items, PatternDenial::FanOut),
            (self.total_output_bytes / self.output_bytes.max(1), PatternDenial::BytesBudget),
            (self.total_time_ms / self.worker_time_ms.max(1), PatternDenial::TimeBudget),
        ]
    }

    /// Why the item at a place, from 0, is denied; by nothing that a worker does.
    fn denies(&self, place: u64, input_bytes: u64) -> Option<PatternDenial> {
        let no_room = self.shares().into_iter().find(|(room, _)| place >= *room);
        let too_large = (input_bytes > self.input_bytes).then_some(PatternDenial::InputTooLarge);
        no_room.map(|(_, code)| code).or(too_large)
    }
}

/// One item: its id and all that its worker is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapItem {
    /// Which one; once in a plan.
    pub id: TargetId,
    /// What its worker is given.
    pub input: Vec<u8>,
}

/// What is to be done: the items in their order, the contract of every output, the budget.
///
/// ```
/// use dome_core::canonical;
/// use dome_patterns::{Budget, MapItem, MapPlan, WorkerEnd};
///
/// let contract = r#"{"contract_version": "1", "members": {"passed": {"type": "integer", "min": 0, "max": 99}}}"#;
/// let items = ["a", "b"].map(|id| MapItem { id: id.parse().unwrap(), input: id.into() });
/// let budget = Budget { failures_allowed: 1, ..Budget::default() };
/// let plan = MapPlan::new("nightly".parse()?, contract.parse()?, budget, items.into())?;
///
/// let mut run = plan.start();
/// run.record(&"b".parse()?, WorkerEnd::Answered(br#"{"passed": 100}"#.to_vec()))?; // beyond the contract
/// run.record(&"a".parse()?, WorkerEnd::Answered(br#"{"passed": 3}"#.to_vec()))?;
/// let reduced = run.reduce();
/// assert_eq!((reduced.accepted, reduced.failed, reduced.withheld), (1, 1, None));
/// assert_eq!(canonical::to_vec(&reduced.answer)?, br#"{"passed":{"max":3,"min":3,"sum":3}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapPlan {
    /// What the memory knows the work by.
    work: TargetId,
    contract: OutputContract,
    budget: Budget,
    items: Vec<MapItem>,
    places: BTreeMap<TargetId, usize>,
    /// The results if no worker reports.
    silent: Vec<ItemResult>,
}

impl MapPlan {
    /// Items of one plan, at the most.
    pub const MOST_ITEMS: usize = limits::ITEMS;

    /// Plans the work on `items`. Which are denied follows from their order, their sizes and the budget. `work` names it
    /// as a whole: the reduction is the target `work` of the memory, an item `work/item`, so that items of other work
    /// with the same name are other targets.
    ///
    /// # Errors
    ///
    /// A budget outside its limits, more than 65,536 items, one twice, or one whose name is too long.
    pub fn new(
        work: TargetId,
        contract: OutputContract,
        budget: Budget,
        items: Vec<MapItem>,
    ) -> Result<Self, PatternError> {
        budget.check()?;
        if items.len() > limits::ITEMS {
            return Err(PatternError::new("", format!("a plan has at most {} items", limits::ITEMS)));
        }
        let (mut places, mut silent) = (BTreeMap::new(), Vec::new());
        for (place, item) in items.iter().enumerate() {
            let refused = |what: String| PatternError::new(item.id.as_str(), what);
            let target = format!("{work}/{}", item.id);
            let target = target.parse().map_err(|why| refused(format!("`{target}` is no target: {why}")))?;
            if places.insert(item.id.clone(), place).is_some() {
                return Err(refused("the item is listed twice".to_owned()));
            }
            let denied = budget.denies(place as u64, item.input.len() as u64);
            let lost = ItemOutcome::Failed(PatternFailure::WorkerLost.into());
            silent.push(ItemResult {
                item: item.id.clone(),
                input_sha256: Sha256Hash::of(&item.input),
                outcome: denied.map_or(lost, |code| ItemOutcome::Denied(code.into())),
                output: None,
                target,
            });
        }
        Ok(Self { work, contract, budget, items, places, silent })
    }

    /// What each worker may spend, and all of them together.
    #[must_use]
    pub const fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What the memory knows the work by.
    #[must_use]
    pub const fn work(&self) -> &TargetId {
        &self.work
    }

    /// The admitted items, in order; run their workers in any order, as many at a time as you like.
    pub fn admitted(&self) -> impl Iterator<Item = &MapItem> {
        let items = self.items.iter().zip(&self.silent);
        items.filter(|(_, silent)| !matches!(silent.outcome, ItemOutcome::Denied(_))).map(|(item, _)| item)
    }

    /// Begins to collect results.
    pub fn start(&self) -> MapRun<'_> {
        MapRun { plan: self, items: self.silent.clone() }
    }

    fn judge(&self, item: &TargetId, output: &[u8]) -> Result<WorkerOutput, MapFailure> {
        if output.len() as u64 > self.budget.output_bytes {
            return Err(PatternFailure::OutputTooLarge.into());
        }
        self.contract.validate(item, output)
    }

    /// Outputs summed up by their contract, under the path of each value, such as `tests.passed`; arrays are looked
    /// through. Integers give `max`, `min` and `sum`; words of a choice and booleans how often each is there, with 0
    /// for those that never are; ids and texts nothing.
    ///
    /// A sum is left out if the admitted items could take it beyond 2^53 - 1 within the contract: otherwise one worker
    /// could spoil it for all.
    fn summary(&self, outputs: &[&WorkerOutput]) -> Map<String, Value> {
        let mut summary = Map::new();
        let values: Vec<_> = outputs.iter().map(|output| output.value()).collect();
        summarise(&self.contract.root, &values, self.admitted().count() as u128, "", &mut summary);
        summary
    }

    /// SHA-256 over the name of the work, contract, budget and the items with the digests of their inputs.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a budget within its limits has no integer beyond 2^53 - 1, and no float")]
    pub fn digest(&self) -> Sha256Hash {
        let rows = self.silent.iter().map(|row| json!({"input_sha256": row.input_sha256, "item": row.item}));
        let items: Vec<Value> = rows.collect();
        let plan = json!({"budget": self.budget, "contract": self.contract.digest, "items": items, "work": self.work});
        Sha256Hash::of(&canonical::to_vec(&plan).expect("a plan has canonical bytes"))
    }
}

/// How a worker ended, as whoever ran it saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerEnd {
    /// With this output: the contract judges it.
    Answered(Vec<u8>),
    /// With a denial that its manifest declares.
    Denied(PolicyReasonCode),
    /// Without an output, for this cause.
    Failed(PatternFailure),
    /// With a failure that its manifest declares.
    Reported(FailureReasonCode),
}

/// The outcome of every item, in the order of the plan, whatever the order of completion.
#[derive(Clone, Debug)]
pub struct MapRun<'p> {
    plan: &'p MapPlan,
    items: Vec<ItemResult>,
}

/// The outcome of one item. A failure is never a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemOutcome {
    /// An output that keeps the contract.
    Accepted(WorkerOutput),
    /// The work failed.
    Failed(MapFailure),
    /// It was not allowed.
    Denied(MapDenial),
}

/// Why the work on an item was not allowed. Nothing in it was written by the worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapDenial {
    /// The code that decides.
    pub code: PatternDenial,
    /// The code of its manifest that the tool reported, with `MAP.TOOL_DENIED`.
    pub reported: Option<PolicyReasonCode>,
}

impl From<PatternDenial> for MapDenial {
    /// A denial that no tool reported.
    fn from(code: PatternDenial) -> Self {
        Self { code, reported: None }
    }
}

/// One item with its outcome; serialised, its [`ItemRow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "ItemRow")]
pub struct ItemResult {
    /// Which item.
    pub item: TargetId,
    /// The digest of what its worker was given.
    pub input_sha256: Sha256Hash,
    /// What became of it.
    pub outcome: ItemOutcome,
    /// Digest and length of its worker's output, if there was one.
    pub output: Option<Evidence>,
    /// What the memory knows it by.
    target: TargetId,
}

/// One item as it is printed, its members in canonical order. Nothing in it was written by the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ItemRow {
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<FailureReasonCode>,
    /// Which item.
    pub item: TargetId,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_reason_code: Option<PolicyReasonCode>,
    /// All that is wrong with the output, by code, then pointer; at most 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<OutputProblem>,
    /// The code of its manifest that the tool reported, with `MAP.TOOL_FAILED` or `MAP.TOOL_DENIED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<String>,
    /// What became of it.
    #[cfg_attr(feature = "schema", schemars(extend("enum" = ["accepted", "denied", "failed"])))]
    pub status: &'static str,
    /// What an accepted output says: of a text, its length and SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl From<ItemResult> for ItemRow {
    fn from(ItemResult { item, outcome, .. }: ItemResult) -> Self {
        let row = Self {
            failure_reason_code: None,
            item,
            policy_reason_code: None,
            problems: Vec::new(),
            reported: None,
            status: "accepted",
            value: None,
        };
        match outcome {
            ItemOutcome::Accepted(output) => Self { value: Some(output.into_value()), ..row },
            ItemOutcome::Failed(MapFailure { code, problems, reported }) => Self {
                failure_reason_code: Some(code.code().into()),
                problems,
                reported: reported.map(|code| code.to_string()),
                status: "failed",
                ..row
            },
            ItemOutcome::Denied(MapDenial { code, reported }) => Self {
                policy_reason_code: Some(code.code()),
                reported: reported.map(|code| code.to_string()),
                status: "denied",
                ..row
            },
        }
    }
}

/// What a map-reduce comes to, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reduced {
    /// Items that were reduced.
    pub accepted: u64,
    /// The outputs summed up by their contract, under the path of each value; not there where it is withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Map<String, Value>>,
    /// Items that were denied.
    pub denied: u64,
    /// Items that failed.
    pub failed: u64,
    /// Every item, in the order of the plan.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<ItemRow>"))]
    pub items: Vec<ItemResult>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<PolicyReasonCode>"))]
    pub withheld: Option<PatternDenial>,
}

impl ItemResult {
    /// The output, if it keeps the contract.
    #[must_use]
    pub const fn accepted(&self) -> Option<&WorkerOutput> {
        if let ItemOutcome::Accepted(output) = &self.outcome { Some(output) } else { None }
    }

    fn envelope(&self, reporter: &mut Reporter) -> Result<Envelope, Rejection> {
        let (outcome, message) = match &self.outcome {
            ItemOutcome::Accepted(_) => (Ok(()), None),
            ItemOutcome::Failed(failure) => (Err(failure.code.into()), Some(failure.to_string())),
            ItemOutcome::Denied(denial) => (Err(denial.code.into()), denial.reported.as_ref().map(ToString::to_string)),
        };
        let details = StepDetails { message, output: self.output.clone(), ..StepDetails::default() };
        reporter.envelope(PatternStep::MAP, &self.target, self.input_sha256, outcome, details)
    }
}

impl MapRun<'_> {
    /// Records how the worker of `item` ended. Whose worker it was is for the caller to know: nothing that the worker
    /// wrote decides it. An output is validated and dropped.
    ///
    /// # Errors
    ///
    /// When the caller mixed something up: the plan has no such item, it was denied, or its worker was recorded
    /// already. What the worker did wrong is no error but its outcome.
    pub fn record(&mut self, item: &TargetId, ended: WorkerEnd) -> Result<(), PatternError> {
        let refused = |what: &str| PatternError::new(item.as_str(), what);
        let row = self.plan.places.get(item).and_then(|place| self.items.get_mut(*place));
        let row = row.ok_or_else(|| refused("the plan has no such item"))?;
        match &row.outcome {
            ItemOutcome::Failed(failure) if failure.code == PatternFailure::WorkerLost => {}
            ItemOutcome::Denied(denial) if denial.reported.is_none() => return Err(refused("the item was denied")),
            _ => return Err(refused("its worker was recorded already")),
        }
        row.outcome = match ended {
            WorkerEnd::Answered(output) => {
                row.output = Some(Evidence::of(Sha256Hash::of(&output)).with_bytes(output.len() as u64));
                self.plan.judge(item, &output).map_or_else(ItemOutcome::Failed, ItemOutcome::Accepted)
            }
            WorkerEnd::Denied(code) => {
                ItemOutcome::Denied(MapDenial { code: PatternDenial::ToolDenied, reported: Some(code) })
            }
            WorkerEnd::Failed(code) => ItemOutcome::Failed(code.into()),
            WorkerEnd::Reported(code) => {
                ItemOutcome::Failed(MapFailure { reported: Some(code), ..PatternFailure::ToolFailed.into() })
            }
        };
        Ok(())
    }

    /// The items, in the order of the plan; one without a completion is lost.
    #[must_use]
    pub fn items(&self) -> &[ItemResult] {
        &self.items
    }

    /// Sums up the accepted outputs, or says why it does not: more items failed or were denied than the budget allows.
    #[must_use]
    pub fn reduce(&self) -> Reduced {
        let [accepted, denied, failed] = self.counts();
        let withheld = if failed > self.plan.budget.failures_allowed {
            Some(PatternDenial::TooManyFailures)
        } else if denied > self.plan.budget.denials_allowed {
            Some(PatternDenial::TooManyDenials)
        } else {
            None
        };
        let outputs: Vec<_> = self.items.iter().filter_map(ItemResult::accepted).collect();
        let answer = withheld.is_none().then(|| self.plan.summary(&outputs));
        Reduced { accepted, answer, denied, failed, items: self.items.clone(), withheld }
    }

    /// Accepted, denied and failed items.
    fn counts(&self) -> [u64; 3] {
        let mut counts = [0; 3];
        let [accepted, denied, failed] = &mut counts;
        for item in &self.items {
            match item.outcome {
                ItemOutcome::Accepted(_) => *accepted += 1,
                ItemOutcome::Failed(_) => *failed += 1,
                ItemOutcome::Denied(_) => *denied += 1,
            }
        }
        counts
    }

    /// The envelopes of all items, in the order of the plan, then that of the reduction.
    ///
    /// # Errors
    ///
    /// As [`Reporter::envelope`].
    pub fn envelopes(&self, reporter: &mut Reporter) -> Result<Vec<Envelope>, Rejection> {
        let mut envelopes: Vec<_> = self.items.iter().map(|item| item.envelope(reporter)).collect::<Result<_, _>>()?;
        let counts = ["accepted", "denied", "failed"].into_iter().zip(self.counts());
        let labels = counts.map(|(name, count)| (name, count.to_string())).collect();
        let outcome = self.reduce().withheld.map_or(Ok(()), |code| Err(StepRefusal::Denied(code)));
        let details = StepDetails { labels, ..StepDetails::default() };
        envelopes.push(reporter.envelope(
            PatternStep::REDUCE,
            &self.plan.work,
            self.plan.digest(),
            outcome,
            details,
        )?);
        Ok(envelopes)
    }
}

/// Sums up the values of one shape, of which all items together have at most `most`.
fn summarise(shape: &ValueShape, values: &[&Value], most: u128, path: &str, summary: &mut Map<String, Value>) {
    let tally = |words: Vec<(&str, Value)>| -> Value {
        let count = |word: &Value| values.iter().filter(|value| **value == word).count();
        words.into_iter().map(|(name, word)| (name.to_owned(), Value::from(count(&word)))).collect()
    };
    let answer = match shape {
        ValueShape::Array { max_entries, of } => {
            let entries: Vec<_> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
            return summarise(of, &entries, most.saturating_mul(u128::from(*max_entries)), path, summary);
        }
        ValueShape::Object(object) => {
            let dot = if path.is_empty() { "" } else { "." };
            return object.members.iter().for_each(|(name, shape)| {
                let inner: Vec<_> = values.iter().filter_map(|value| value.get(name.as_str())).collect();
                summarise(shape, &inner, most, &format!("{path}{dot}{name}"), summary);
            });
        }
        ValueShape::Boolean {} => tally(vec![("false", false.into()), ("true", true.into())]),
        ValueShape::Choice { of } => tally(of.iter().map(|word| (word.as_str(), word.as_str().into())).collect()),
        ValueShape::Integer { max, min } => {
            let integers = || values.iter().filter_map(|value| value.as_i64());
            let greatest = u128::from(max.unsigned_abs().max(min.unsigned_abs()));
            let safe = most.saturating_mul(greatest) <= u128::from(SAFE_INTEGER);
            let sum = safe.then(|| integers().sum::<i64>());
            let figures = [("max", integers().max()), ("min", integers().min()), ("sum", sum)];
            figures.into_iter().filter_map(|(name, figure)| Some((name.to_owned(), Value::from(figure?)))).collect()
        }
        ValueShape::Item {} | ValueShape::Text { .. } => return,
    };
    summary.insert(path.to_owned(), answer);
}
