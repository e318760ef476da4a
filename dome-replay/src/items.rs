//! What goes from stage to stage: each item with what it is sorted by beside it, so that sorting hardly ever looks at
//! what the item points to.

use std::cmp::Ordering;
use std::hint::black_box;
use std::sync::Arc;

use dome_binder::views::RecentFailure;
use dome_binder::{
    Applied, AppliedCounts, Bound, Canonical, CapsuleState, Fact, FactOrder, FoldedCapsule, LineFigures, Lineage,
    Record, Row, RowReader, Trials, append_fact, append_row, in_run,
};
use dome_core::{RunId, Sha256Hash, Timestamp, WrapperPolicy};

use crate::sorter::Item;

/// What an identity takes that nothing else shares, about.
const IDENTITY_BYTES: usize = 900;
/// What a capsule's state takes, about, each of its remedies, and each of its runs.
const STATE_BYTES: usize = 1_500;
const REMEDY_BYTES: usize = 320;
const RUN_BYTES: usize = 40;

fn state_bytes(state: &CapsuleState) -> usize {
    let Trials { remedies, .. } = &state.trials;
    STATE_BYTES + remedies.len() * REMEDY_BYTES + state.trials.run_count() * RUN_BYTES
}

/// The start of a hash, as a number that sorts as the hash does: long enough that no two hashes share it.
pub(crate) fn lead(hash: &Sha256Hash) -> u128 {
    hash.as_bytes().first_chunk().map_or(0, |lead| u128::from_be_bytes(*lead))
}

/// Which of so many parts a number that is spread evenly belongs to; parts in order hold numbers in order.
fn part_of(lead: u128, parts: usize) -> usize {
    let high = (lead >> 96) as u64;
    ((high * parts as u64) >> 32) as usize
}

/// Appends a text so that its bytes sort as it does, whatever follows.
fn append_text(text: &str, bytes: &mut Vec<u8>) {
    for piece in text.as_bytes().split_inclusive(|byte| *byte == 0) {
        bytes.extend_from_slice(piece);
        if piece.ends_with(&[0]) {
            bytes.push(u8::MAX);
        }
    }
    bytes.extend_from_slice(&[0, 0]);
}

pub(crate) struct RunItem {
    run: u128,
    sequence: u64,
    pub(crate) record: Box<Record>,
}

impl RunItem {
    /// `run` is what [`run_lead`] says of the record's run.
    pub(crate) fn new(run: u128, record: Box<Record>) -> Self {
        Self { run, sequence: record.sequence, record }
    }

    pub(crate) const fn run(&self) -> u128 {
        self.run
    }
}

/// What runs are told apart and dealt out by.
pub(crate) fn run_lead(run: &RunId) -> u128 {
    lead(&Sha256Hash::of(run.as_str().as_bytes()))
}

impl Row for RunItem {
    fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.run.to_le_bytes());
        self.record.append(bytes);
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (run, more) = rest.split_first_chunk()?;
        *rest = more;
        Some(Self::new(u128::from_le_bytes(*run), Box::new(Record::take(reader, rest)?)))
    }
}

impl Item for RunItem {
    fn part(&self, parts: usize) -> usize {
        part_of(self.run, parts)
    }

    fn order(&self, other: &Self) -> Ordering {
        (self.run, self.sequence).cmp(&(other.run, other.sequence)).then_with(|| in_run(&self.record, &other.record))
    }

    fn append_order(&self, bytes: &mut Vec<u8>) {
        let Record { ts, event_id, keys, source, .. } = &*self.record;
        bytes.extend_from_slice(&self.run.to_be_bytes());
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&ts.to_sorting_bytes());
        append_text(event_id.as_str(), bytes);
        bytes.extend_from_slice(keys.digest.as_bytes());
        append_text(&source.name, bytes);
        bytes.extend_from_slice(&source.line.to_be_bytes());
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + record_bytes(&self.record)
    }

    fn look(&self) {
        look(&self.record);
    }
}

/// Looks at all cache lines of a record, and at the first of what it points to.
fn look(record: &Record) {
    let ids = [record.event_id.as_str(), record.run_id.as_str(), record.task_id.as_str(), record.group_id.as_str()];
    let texts = ids.map(str::len).into_iter().fold(record.source.name.len(), |all, length| all ^ length);
    let numbers = record.source.line ^ record.sequence ^ texts as u64;
    black_box((numbers, record.keys.digest.as_bytes().first(), record.keys.idempotency.as_bytes().first()));
    black_box((record.keys.identity.derived.as_bytes().first(), record.canonical.held().is_some(), record.signal));
    black_box((record.gates.first().map(|gate| gate.status), record.guard_evals().first().map(|eval| eval.status)));
}

fn record_bytes(record: &Record) -> usize {
    let long = |text: &str| if text.len() > 24 { text.len() } else { 0 };
    let ids = [record.event_id.as_str(), record.run_id.as_str(), record.task_id.as_str(), record.group_id.as_str()];
    let texts: usize = ids.into_iter().chain([record.source.name.as_str()]).map(long).sum();
    let guards = record.guard_evals().len() * 160;
    // A pool and the table of one thread hold an identity beside its first record.
    let own = if Arc::strong_count(&record.keys.identity) <= 3 { IDENTITY_BYTES } else { 0 };
    let held = record.canonical.held().map_or(0, <[u8]>::len);
    size_of::<Record>() + texts + guards + own + held
}

/// A fact, by task line and total order.
pub(crate) struct LineItem {
    line: u128,
    pub(crate) fact: Fact,
}

impl LineItem {
    pub(crate) fn new(fact: Fact) -> Self {
        Self { line: lead(&fact.keys.line), fact }
    }

    pub(crate) const fn line(&self) -> u128 {
        self.line
    }
}

impl Row for LineItem {
    fn append(&self, bytes: &mut Vec<u8>) {
        self.fact.append(bytes);
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        Fact::take(reader, rest).map(Self::new)
    }
}

impl Item for LineItem {
    fn part(&self, parts: usize) -> usize {
        part_of(self.line, parts)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.line.cmp(&other.line).then_with(|| self.fact.total_order(&other.fact))
    }

    fn append_order(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.line.to_be_bytes());
        self.fact.append_order(bytes);
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + record_bytes(&self.fact)
    }

    fn look(&self) {
        look(&self.fact);
    }
}

/// A fact with how it was bound, in total order.
pub(crate) enum BoundItem {
    Whole {
        fact: Fact,
        bound: Bound,
        /// The mode that it was bound under (M-70).
        mode: WrapperPolicy,
    },
    /// As its rows will stand in the result: what is left of one that went through a file.
    Rendered(Box<RenderedFact>),
}

/// The rows of a fact, but for its envelope.
pub(crate) struct RenderedFact {
    order: FactOrder,
    row: Vec<u8>,
}

pub(crate) struct FactRow<'r> {
    pub(crate) digest: Sha256Hash,
    pub(crate) canonical: Canonical,
    /// The row of `facts.jsonl`, without the envelope.
    pub(crate) fact: &'r [u8],
    pub(crate) lineage: &'r [u8],
    /// The row of the view, if it is failing.
    pub(crate) recent: &'r [u8],
}

impl RenderedFact {
    /// The rows, which are read late so that any thread can do so.
    pub(crate) fn rows(&self, reader: &mut RowReader) -> Option<FactRow<'_>> {
        let rest = &mut self.row.as_slice();
        let (digest, canonical) = (Sha256Hash::take(reader, rest)?, Canonical::take(reader, rest)?);
        let mut piece = || {
            let (length, more) = rest.split_first_chunk()?;
            let (piece, more) = more.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            *rest = more;
            Some(piece)
        };
        Some(FactRow { digest, canonical, fact: piece()?, lineage: piece()?, recent: piece()? })
    }
}

impl BoundItem {
    pub(crate) const fn ts(&self) -> Timestamp {
        match self {
            Self::Whole { fact, .. } => fact.ordered_ts,
            Self::Rendered(rendered) => rendered.order.ts,
        }
    }

    fn place(&self) -> (Timestamp, &RunId, u64) {
        match self {
            Self::Whole { fact, .. } => (fact.ordered_ts, &fact.run_id, fact.place),
            Self::Rendered(rendered) => (rendered.order.ts, &rendered.order.run_id, rendered.order.place),
        }
    }
}

impl Row for BoundItem {
    fn append(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Whole { fact, bound, mode } => {
                fact.order().append(bytes);
                fact.keys.digest.append(bytes);
                fact.canonical.append(bytes);
                piece(bytes, |bytes| append_fact(*mode, fact, &[], bound, bytes));
                piece(bytes, |bytes| append_row(&Lineage::of(fact), bytes));
                piece(bytes, |bytes| {
                    if fact.is_failing() {
                        append_row(&RecentFailure::of(fact), bytes);
                    }
                });
            }
            Self::Rendered(rendered) => {
                rendered.order.append(bytes);
                bytes.extend_from_slice(&rendered.row);
            }
        }
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let order = FactOrder::take(reader, rest)?;
        Some(Self::Rendered(Box::new(RenderedFact { order, row: std::mem::take(rest).to_vec() })))
    }
}

/// Appends bytes behind their length.
fn piece(bytes: &mut Vec<u8>, append: impl FnOnce(&mut Vec<u8>)) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    append(bytes);
    // A row is about as long as its line, which has at most a megabyte (M-14).
    let length = ((bytes.len() - at - 4) as u32).to_le_bytes();
    bytes.iter_mut().skip(at).zip(length).for_each(|(place, byte)| *place = byte);
}

impl Item for BoundItem {
    fn part(&self, _: usize) -> usize {
        0
    }

    fn order(&self, other: &Self) -> Ordering {
        self.ts().cmp(&other.ts()).then_with(|| self.place().cmp(&other.place()))
    }

    fn append_order(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Whole { fact, .. } => fact.append_order(bytes),
            Self::Rendered(rendered) => bytes.extend_from_slice(&rendered.order.to_bytes()),
        }
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Whole { fact, .. } => record_bytes(fact),
                Self::Rendered(rendered) => size_of::<RenderedFact>() + rendered.row.len(),
            }
    }

    fn look(&self) {
        if let Self::Whole { fact, .. } = self {
            look(fact);
        }
    }
}

/// What lines say of a derived key, by key: the capsule, then what applied it.
pub(crate) enum KeyItem {
    Capsule(FoldedCapsule),
    Applied(Box<Applied>),
}

impl KeyItem {
    pub(crate) fn key(&self) -> Sha256Hash {
        match self {
            Self::Capsule(folded) => folded.state.keys.derived,
            Self::Applied(applied) => applied.capsule,
        }
    }
}

impl Row for KeyItem {
    fn append(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Capsule(FoldedCapsule { state, line }) => {
                bytes.push(1);
                line.append(bytes);
                state.append(bytes);
            }
            Self::Applied(applied) => {
                bytes.push(2);
                applied.append(bytes);
            }
        }
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (kind, more) = rest.split_first()?;
        *rest = more;
        Some(match kind {
            1 => {
                let line = LineFigures::take(reader, rest)?;
                Self::Capsule(FoldedCapsule { state: Box::new(CapsuleState::take(reader, rest)?), line })
            }
            2 => Self::Applied(Box::new(Applied::take(reader, rest)?)),
            _ => return None,
        })
    }
}

impl Item for KeyItem {
    fn part(&self, parts: usize) -> usize {
        part_of(lead(&self.key()), parts)
    }

    fn order(&self, other: &Self) -> Ordering {
        // What applied a key is put in order by who counts it.
        self.key().cmp(&other.key())
    }

    fn append_order(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.key().as_bytes());
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Capsule(FoldedCapsule { state, .. }) => state_bytes(state),
                Self::Applied(_) => size_of::<Applied>() + 64,
            }
    }
}

/// A capsule that a concept may be made of, by concept and derived key: its state, and what finishing it again takes.
pub(crate) struct Member {
    pub(crate) folded: FoldedCapsule,
    pub(crate) applied: AppliedCounts,
}

impl Row for Member {
    fn append(&self, bytes: &mut Vec<u8>) {
        self.folded.line.append(bytes);
        self.folded.state.append(bytes);
        self.applied.append(bytes);
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let line = LineFigures::take(reader, rest)?;
        let folded = FoldedCapsule { state: Box::new(CapsuleState::take(reader, rest)?), line };
        Some(Self { folded, applied: AppliedCounts::take(reader, rest)? })
    }
}

impl Item for Member {
    fn part(&self, parts: usize) -> usize {
        part_of(lead(&self.folded.state.keys.concept), parts)
    }

    fn order(&self, other: &Self) -> Ordering {
        let key = |member: &Self| (member.folded.state.keys.concept, member.folded.state.keys.derived);
        key(self).cmp(&key(other))
    }

    fn append_order(&self, bytes: &mut Vec<u8>) {
        let keys = &self.folded.state.keys;
        bytes.extend_from_slice(keys.concept.as_bytes());
        bytes.extend_from_slice(keys.derived.as_bytes());
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + state_bytes(&self.folded.state)
    }
}

pub(crate) struct DigestItem(pub(crate) Sha256Hash);

impl Row for DigestItem {
    fn append(&self, bytes: &mut Vec<u8>) {
        self.0.append(bytes);
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        Sha256Hash::take(reader, rest).map(Self)
    }
}

impl Item for DigestItem {
    fn part(&self, parts: usize) -> usize {
        part_of(lead(&self.0), parts)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn append_order(&self, bytes: &mut Vec<u8>) {
        self.append(bytes);
    }

    fn memory(&self) -> usize {
        size_of::<Self>()
    }
}

/// A row of the quarantine, by source, then line (M-120). Sources of one name keep the order in which they were given,
/// and lines that settling ruled out stand behind the others.
pub(crate) struct RejectItem {
    pub(crate) name: String,
    pub(crate) line: u64,
    pub(crate) offset: u64,
    pub(crate) tie: u64,
    /// The row, with its line feed.
    pub(crate) row: Vec<u8>,
}

impl Row for RejectItem {
    fn append(&self, bytes: &mut Vec<u8>) {
        for number in [self.line, self.offset, self.tie, self.name.len() as u64] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend_from_slice(&self.row);
    }

    fn take(_: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (numbers, more) = rest.as_chunks::<8>().0.split_first_chunk::<4>().zip(rest.get(32..))?;
        let [line, offset, tie, length] = numbers.0.map(u64::from_le_bytes);
        let (name, row) = more.split_at_checked(usize::try_from(length).ok()?)?;
        *rest = &[];
        Some(Self { name: str::from_utf8(name).ok()?.to_owned(), line, offset, tie, row: row.to_vec() })
    }
}

impl Item for RejectItem {
    fn part(&self, _: usize) -> usize {
        0
    }

    fn order(&self, other: &Self) -> Ordering {
        let key = |item: &Self| (item.line, item.offset, item.tie);
        self.name.cmp(&other.name).then_with(|| key(self).cmp(&key(other)))
    }

    fn append_order(&self, bytes: &mut Vec<u8>) {
        append_text(&self.name, bytes);
        [self.line, self.offset, self.tie]
            .into_iter()
            .for_each(|number| bytes.extend_from_slice(&number.to_be_bytes()));
    }

    fn memory(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.row.len()
    }
}
