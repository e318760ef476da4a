//! The rows of an index as values, and back.

use std::collections::BTreeMap;

use dome_binder::views::{GateRollup, GuardDenial};
use dome_binder::{Applied, AppliedCounts, Bound, CapsuleState, FactOrder, FoldedCapsule, Row, RowReader, RunCounts};
use dome_core::{FailureReasonCode, Problem, Sha256Hash, TaskLine, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Error, Fits, Result};

/// A fact of a run: the entry that it is lineage of, when it is ordered, and its task line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunFact(pub(super) u64, pub(super) Timestamp, pub(super) i64);

/// What a run came to (M-41), and what it adds to the views that count (M-110).
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RunRow {
    /// By place.
    pub(super) facts: Vec<RunFact>,
    /// Entries that repeat a fact.
    pub(super) repeats: Vec<u64>,
    /// Entries that a fact rules out.
    pub(super) conflicts: Vec<(u64, Problem)>,
    pub(super) counts: RunCounts,
    pub(super) gates: Vec<GateRollup>,
    pub(super) denials: Vec<GuardDenial>,
}

impl RunRow {
    /// All its entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = u64> {
        let facts = self.facts.iter().map(|fact| fact.0);
        facts.chain(self.repeats.iter().copied()).chain(self.conflicts.iter().map(|(id, _)| *id))
    }
}

/// A fact of a task line, in total order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TaskFact {
    pub(super) id: u64,
    pub(super) ordered_ts: Timestamp,
    pub(super) place: u64,
    pub(super) unseen_denial: bool,
    pub(super) bound: Bound,
}

/// What a task line came to.
#[derive(Debug)]
pub(super) struct TaskRow {
    pub(super) line: TaskLine,
    pub(super) facts: Vec<TaskFact>,
    /// How many derived keys its facts have.
    pub(super) keys: u64,
    /// The derived keys that its facts applied.
    pub(super) applied: Vec<Sha256Hash>,
}

impl TaskRow {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let line = serde_json::to_vec(&self.line)?;
        let mut bytes = Vec::with_capacity(line.len() + 32 + self.facts.len() * 30 + self.applied.len() * 32);
        count(line.len(), &mut bytes);
        bytes.extend_from_slice(&line);
        bytes.extend_from_slice(&self.keys.to_le_bytes());
        count(self.facts.len(), &mut bytes);
        for fact in &self.facts {
            let (seconds, nanoseconds) = fact.ordered_ts.to_unix();
            bytes.extend_from_slice(&fact.id.to_le_bytes());
            bytes.extend_from_slice(&seconds.to_le_bytes());
            bytes.extend_from_slice(&nanoseconds.to_le_bytes());
            bytes.extend_from_slice(&fact.place.to_le_bytes());
            bytes.push(u8::from(fact.unseen_denial));
            fact.bound.append(&mut bytes);
        }
        self.applied.iter().for_each(|key| bytes.extend_from_slice(key.as_bytes()));
        Ok(bytes)
    }

    pub(super) fn read(reader: &mut RowReader, bytes: &[u8]) -> Result<Self> {
        Self::take(reader, bytes).fits("a row of a task line has another form")
    }

    fn take(reader: &mut RowReader, mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let length = usize::try_from(number(rest)?).ok()?;
        let (line, more) = rest.split_at_checked(length)?;
        *rest = more;
        let line = serde_json::from_slice(line).ok()?;
        let (keys, facts) = (number(rest)?, number(rest)?);
        let mut fact = || {
            let (id, seconds) = (number(rest)?, i64::from_le_bytes(array(rest)?));
            let ordered_ts = Timestamp::from_unix(seconds, u32::from_le_bytes(array(rest)?)).ok()?;
            let (place, [unseen]) = (number(rest)?, array(rest)?);
            let bound = Bound::take(reader, rest)?;
            Some(TaskFact { id, ordered_ts, place, unseen_denial: unseen == 1, bound })
        };
        let facts = (0..facts).map(|_| fact()).collect::<Option<_>>()?;
        let (hashes, []) = rest.as_chunks::<32>() else { return None };
        let applied = hashes.iter().map(|key| Sha256Hash::from_bytes(*key)).collect();
        Some(Self { line, facts, keys, applied })
    }
}

/// The task line of a row, without its facts.
pub(super) fn line_of(mut bytes: &[u8]) -> Option<TaskLine> {
    let length = usize::try_from(number(&mut bytes)?).ok()?;
    serde_json::from_slice(bytes.get(..length)?).ok()
}

fn count(count: usize, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(count as u64).to_le_bytes());
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    array(rest).map(u64::from_le_bytes)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, more) = rest.split_first_chunk()?;
    *rest = more;
    Some(*first)
}

/// The capsule of a derived key as its line folded it; nothing where no fact mints it.
pub(super) fn key_bytes(folded: Option<&FoldedCapsule>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(FoldedCapsule { state, guard_denied }) = folded {
        bytes.push(u8::from(*guard_denied));
        state.append(&mut bytes);
    }
    bytes
}

pub(super) fn read_key(reader: &mut RowReader, bytes: &[u8]) -> Result<Option<FoldedCapsule>> {
    let Some((guard, state)) = bytes.split_first() else { return Ok(None) };
    let state: CapsuleState = reader.read(state).ok().fits("a row of a capsule has another form")?;
    Ok(Some(FoldedCapsule { state: Box::new(state), guard_denied: *guard == 1 }))
}

/// Facts that applied one key, one behind the other.
pub(super) fn applied_bytes(applied: &[Applied]) -> Vec<u8> {
    let mut bytes = Vec::new();
    applied.iter().for_each(|applied| applied.append(&mut bytes));
    bytes
}

pub(super) fn read_applied(reader: &mut RowReader, mut bytes: &[u8]) -> Result<Vec<Applied>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        all.push(Applied::take(reader, &mut bytes).fits("a row of applications has another form")?);
    }
    Ok(all)
}

/// What the applications of one key came to (M-84, M-44).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) counts: AppliedCounts,
    pub(super) unknown: u64,
    pub(super) too_early: u64,
}

impl Judged {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(40);
        self.counts.append(&mut bytes);
        bytes.extend_from_slice(&self.unknown.to_le_bytes());
        bytes.extend_from_slice(&self.too_early.to_le_bytes());
        bytes
    }

    pub(super) fn read(reader: &mut RowReader, mut bytes: &[u8]) -> Result<Self> {
        let rest = &mut bytes;
        let mut take = || {
            let counts = AppliedCounts::take(reader, rest)?;
            Some(Self { counts, unknown: number(rest)?, too_early: number(rest)? })
        };
        take().fits("a row of judgements has another form")
    }
}

/// A row of a view that counts, summed over all runs. `beside` counts the runs that saw a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Total {
    pub(super) counts: [u64; 3],
    pub(super) runs: u64,
    pub(super) first_ts: Timestamp,
    pub(super) last_ts: Timestamp,
    pub(super) beside: BTreeMap<FailureReasonCode, u64>,
}

/// What is known of the whole history: sums that change with each derivation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies {
    /// Envelopes, whatever became of them.
    pub entries: u64,
    /// Facts.
    pub facts: u64,
    /// Facts that fail (M-72).
    pub failing: u64,
    /// Envelopes that a fact rules out.
    pub conflicts: u64,
    /// Derived keys of facts, minted or not.
    pub keys: u64,
    /// Capsules.
    pub capsules: u64,
    /// Concepts that are listed.
    pub concepts: u64,
    /// Task lines.
    pub lines: u64,
    /// Facts that apply a key that no fact mints (M-44).
    pub applied_unknown: u64,
    /// Facts that apply a key that some fact mints, but no earlier one (M-44).
    pub applied_too_early: u64,
    /// Rows of the view of gates.
    pub gate_rows: u64,
    /// Rows of the view of denials.
    pub denial_rows: u64,
    /// What was counted of the runs (M-44).
    pub runs: RunCounts,
}

pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|_| Error::Unfit("a row has another form"))
}

/// The order of a fact, as a row keeps it.
pub(super) fn order(bytes: &[u8]) -> Result<FactOrder> {
    FactOrder::from_bytes(bytes).fits("a place in the total order has another form")
}
