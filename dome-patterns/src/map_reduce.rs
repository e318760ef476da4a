//! Secure map-reduce: one item per worker, only validated values for the reduction.

use std::collections::BTreeMap;

use dome_core::limits::SAFE_INTEGER;
use dome_core::{Envelope, Evidence, Rejection, Sha256Hash, TargetId, canonical};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::contract::{MapFailure, OutputContract, ValueShape, WorkerOutput};
use crate::limits;
use crate::pattern::{PatternDenial, PatternError, PatternFailure, PatternStep, Reporter, StepDetails, StepRefusal};

/// What a map-reduce may spend. Every admitted item has its full share set aside before any worker runs,
/// so that no worker can use up what another one needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Items that may be denied before nothing is reduced.
    pub denials_allowed: u64,
    /// Items that may fail before nothing is reduced.
    pub failures_allowed: u64,
    /// Bytes that a worker may be given.
    pub input_bytes: u64,
    /// Items that may fan out.
    pub items: u64,
    /// Bytes of one output. A caller reads one more, to know that a worker wrote too many.
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
/// let plan = MapPlan::new(contract.parse()?, Budget { failures_allowed: 1, ..Budget::default() }, items.into())?;
///
/// let mut run = plan.start();
/// run.record(&"b".parse()?, WorkerEnd::Exited(0), br#"{"passed": 100}"#, 7)?; // beyond the contract
/// run.record(&"a".parse()?, WorkerEnd::Exited(0), br#"{"passed": 3}"#, 9)?;
/// let reduced = run.reduce(|outputs| Ok(plan.summary(outputs)))?;
/// let expected = br#"{"accepted":1,"answer":{"passed":{"max":3,"min":3,"sum":3}},"denied":0,"failed":1}"#;
/// assert_eq!(canonical::to_vec(&reduced)?, expected);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapPlan {
    contract: OutputContract,
    budget: Budget,
    items: Vec<MapItem>,
    places: BTreeMap<TargetId, usize>,
    /// The results if no worker reports.
    silent: Vec<ItemResult>,
}

impl MapPlan {
    /// Plans the work on `items`. Which are denied follows from their order, their sizes and the budget.
    ///
    /// # Errors
    ///
    /// A budget outside its limits, more than 65,536 items, or one twice.
    pub fn new(contract: OutputContract, budget: Budget, items: Vec<MapItem>) -> Result<Self, PatternError> {
        budget.check()?;
        if items.len() > limits::ITEMS {
            return Err(PatternError::new("", "a plan has at most 65536 items"));
        }
        let (mut places, mut silent) = (BTreeMap::new(), Vec::new());
        for (place, item) in items.iter().enumerate() {
            if places.insert(item.id.clone(), place).is_some() {
                return Err(PatternError::new(item.id.as_str(), "the item is listed twice"));
            }
            let denied = budget.denies(place as u64, item.input.len() as u64);
            let lost = ItemOutcome::Failed(PatternFailure::WorkerLost.into());
            silent.push(ItemResult {
                item: item.id.clone(),
                input_sha256: Sha256Hash::of(&item.input),
                outcome: denied.map_or(lost, |policy_reason_code| ItemOutcome::Denied { policy_reason_code }),
                output: None,
                time_ms: None,
            });
        }
        Ok(Self { contract, budget, items, places, silent })
    }

    /// The admitted items, in order; run their workers in any order, as many at a time as you like.
    pub fn admitted(&self) -> impl Iterator<Item = &MapItem> {
        let items = self.items.iter().zip(&self.silent);
        items.filter(|(_, silent)| !matches!(silent.outcome, ItemOutcome::Denied { .. })).map(|(item, _)| item)
    }

    /// Begins to collect results.
    pub fn start(&self) -> MapRun<'_> {
        MapRun { plan: self, items: self.silent.clone() }
    }

    fn judge(
        &self,
        item: &TargetId,
        ended: WorkerEnd,
        output: &[u8],
        time_ms: u64,
    ) -> Result<WorkerOutput, MapFailure> {
        if ended == WorkerEnd::TimedOut || time_ms > self.budget.worker_time_ms {
            return Err(PatternFailure::WorkerTimeout.into());
        }
        if output.len() as u64 > self.budget.output_bytes {
            return Err(PatternFailure::OutputTooLarge.into());
        }
        if ended != WorkerEnd::Exited(0) {
            return Err(PatternFailure::WorkerFailed.into());
        }
        self.contract.validate(item, output)
    }

    /// Outputs summed up by their contract, under the path of each value, such as `tests.passed`; arrays are looked
    /// through. Integers give `max`, `min` and `sum`; words of a choice and booleans how often each is there, with 0
    /// for those that never are; ids and texts nothing.
    ///
    /// A sum is left out if the admitted items could take it beyond 2^53 - 1 within the contract: otherwise one worker
    /// could spoil it for all.
    #[must_use]
    pub fn summary(&self, outputs: &[&WorkerOutput]) -> Map<String, Value> {
        let mut summary = Map::new();
        let values: Vec<_> = outputs.iter().map(|output| output.value()).collect();
        summarise(&self.contract.root, &values, self.admitted().count() as u128, "", &mut summary);
        summary
    }

    /// SHA-256 over contract, budget and the items with the digests of their inputs.
    #[expect(clippy::expect_used, reason = "a budget within its limits has no integer beyond 2^53 - 1, and no float")]
    fn digest(&self) -> Sha256Hash {
        let rows = self.silent.iter().map(|row| json!({"input_sha256": row.input_sha256, "item": row.item}));
        let items: Vec<Value> = rows.collect();
        let plan = json!({"budget": self.budget, "contract": self.contract.digest, "items": items});
        Sha256Hash::of(&canonical::to_vec(&plan).expect("a plan has canonical bytes"))
    }
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerEnd {
    /// By itself, with this status; 0 is success.
    Exited(i32),
    /// By a signal, or it could not be started.
    Killed,
    /// By the caller, because its time was over.
    TimedOut,
}

/// The outcome of every item, in the order of the plan, whatever the order of completion.
#[derive(Clone, Debug)]
pub struct MapRun<'p> {
    plan: &'p MapPlan,
    items: Vec<ItemResult>,
}

/// The outcome of one item. A failure is never a denial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ItemOutcome {
    /// An output that keeps the contract.
    Accepted(WorkerOutput),
    /// The work failed.
    Failed(MapFailure),
    /// No worker was given it.
    Denied {
        /// Why.
        policy_reason_code: PatternDenial,
    },
}

/// One item with its outcome; serialised, its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemResult {
    /// Which item.
    pub item: TargetId,
    /// The digest of what its worker was given.
    #[serde(skip)]
    pub input_sha256: Sha256Hash,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: ItemOutcome,
    /// Digest and length of what its worker wrote, if it was recorded.
    #[serde(skip)]
    pub output: Option<Evidence>,
    /// How long its worker took, in milliseconds.
    #[serde(skip)]
    pub time_ms: Option<u64>,
}

/// An answer, with how many items it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reduced<A> {
    /// Items that were reduced.
    pub accepted: u64,
    /// The answer.
    pub answer: A,
    /// Items that were denied.
    pub denied: u64,
    /// Items that failed.
    pub failed: u64,
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
            ItemOutcome::Denied { policy_reason_code } => (Err((*policy_reason_code).into()), None),
        };
        let time_ms = self.time_ms.map(|time_ms| time_ms.min(SAFE_INTEGER));
        let details = StepDetails { message, output: self.output.clone(), time_ms, ..StepDetails::default() };
        reporter.envelope(PatternStep::MAP, &self.item, self.input_sha256, outcome, details)
    }
}

impl MapRun<'_> {
    /// Records how the worker of `item` ended, what it wrote, and how long it took by the caller's clock. Whose worker
    /// it was is for the caller to know: nothing that the worker wrote decides it. The bytes are validated and dropped.
    ///
    /// # Errors
    ///
    /// When the caller mixed something up: the plan has no such item, it was denied, or its worker was recorded
    /// already. What the worker did wrong is no error but its outcome.
    pub fn record(
        &mut self,
        item: &TargetId,
        ended: WorkerEnd,
        output: &[u8],
        time_ms: u64,
    ) -> Result<(), PatternError> {
        let refused = |what: &str| PatternError::new(item.as_str(), what);
        let row = self.plan.places.get(item).and_then(|place| self.items.get_mut(*place));
        let row = row.ok_or_else(|| refused("the plan has no such item"))?;
        if matches!(row.outcome, ItemOutcome::Denied { .. }) {
            return Err(refused("the item was denied"));
        }
        if row.output.is_some() {
            return Err(refused("its worker was recorded already"));
        }
        let judged = self.plan.judge(item, ended, output, time_ms);
        row.outcome = judged.map_or_else(ItemOutcome::Failed, ItemOutcome::Accepted);
        row.output = Some(Evidence::of(Sha256Hash::of(output)).with_bytes(output.len() as u64));
        row.time_ms = Some(time_ms);
        Ok(())
    }

    /// The items, in the order of the plan; one without a completion is lost.
    #[must_use]
    pub fn items(&self) -> &[ItemResult] {
        &self.items
    }

    /// Reduces the accepted outputs, in the order of the plan: by [`MapPlan::summary`], or any other function of what
    /// the contract let through.
    ///
    /// # Errors
    ///
    /// Denied with `REDUCE.FAILURES_EXCEEDED` or `REDUCE.DENIALS_EXCEEDED` when more items failed or were denied than
    /// the budget allows; failed when the reducer fails.
    pub fn reduce<A>(
        &self,
        reducer: impl FnOnce(&[&WorkerOutput]) -> Result<A, PatternFailure>,
    ) -> Result<Reduced<A>, StepRefusal> {
        let [accepted, denied, failed] = self.counts();
        if failed > self.plan.budget.failures_allowed {
            return Err(PatternDenial::TooManyFailures.into());
        }
        if denied > self.plan.budget.denials_allowed {
            return Err(PatternDenial::TooManyDenials.into());
        }
        let outputs: Vec<_> = self.items.iter().filter_map(ItemResult::accepted).collect();
        Ok(Reduced { accepted, answer: reducer(&outputs)?, denied, failed })
    }

    /// Accepted, denied and failed items.
    fn counts(&self) -> [u64; 3] {
        let mut counts = [0; 3];
        let [accepted, denied, failed] = &mut counts;
        for item in &self.items {
            match item.outcome {
                ItemOutcome::Accepted(_) => *accepted += 1,
                ItemOutcome::Failed(_) => *failed += 1,
                ItemOutcome::Denied { .. } => *denied += 1,
            }
        }
        counts
    }

    /// The envelopes of all items, in the order of the plan.
    ///
    /// # Errors
    ///
    /// As [`Reporter::envelope`].
    pub fn envelopes(&self, reporter: &mut Reporter) -> Result<Vec<Envelope>, Rejection> {
        self.items.iter().map(|item| item.envelope(reporter)).collect()
    }

    /// The envelope of a reduction; `job` names the work as a whole.
    ///
    /// # Errors
    ///
    /// As [`Reporter::envelope`].
    pub fn reduce_envelope<A>(
        &self,
        job: &TargetId,
        reduced: &Result<Reduced<A>, StepRefusal>,
        reporter: &mut Reporter,
    ) -> Result<Envelope, Rejection> {
        let counts = ["accepted", "denied", "failed"].into_iter().zip(self.counts());
        let labels = counts.map(|(name, count)| (name, count.to_string())).collect();
        let (details, plan) = (StepDetails { labels, ..StepDetails::default() }, self.plan.digest());
        reporter.envelope(PatternStep::REDUCE, job, plan, reduced.as_ref().map(drop).map_err(|why| *why), details)
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
