//! The engine: lines in, the rows of a result out, whatever the size.
//!
//! Between two stages everything goes through a [`Sorter`], which is a vector until its budget is used up and sorted
//! files beyond. L-4 is what allows each cut: runs are settled apart, task lines folded apart, derived keys and
//! concepts finished apart.
//!
//! ```text
//! lines -> door -> by run -> settle -> by task line -> fold -> by total order -> facts, lineage, recent failures
//!                                                       └───> by derived key -> finish -> capsules
//!                                                                                └───> by concept key -> concepts
//! ```

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dome_binder::views::{GateRollups, GuardDenials, RecentFailure};
use dome_binder::{
    AppliedCounts, CapsuleKind, Conflict, DenialKind, ENVELOPE_AT, Fact, FactOrder, FinishedCapsule, FinishedKey,
    FoldedCapsule, LineFact, LineState, Lineage, Record, Recorder, RowReader, Rules, RunCounts, Settled, Settling,
    Shared, Step, append_fact, append_row, concepts, finish, finish_key, snapshot_digest,
};
use dome_core::redact::RedactionCounts;
use dome_core::{BinderVersion, CodeTable, QuarantineRow, RunId, Sha256Hash, Source as LineRef, Timestamp, lines};

use crate::door::{Admitted, Door, LineCounts, Masking};
use crate::error::{Invariant, Result};
use crate::input::{Chunk, LineSource, all_chunks};
use crate::items::{BoundItem, DigestItem, FactRow, KeyItem, LineItem, Member, RejectItem, RunItem, run_lead};
use crate::latest::LatestFirst;
use crate::parallel::{self, held, opened};
use crate::result::{ResultFile, Rows, Sink};
use crate::sorter::{Room, SortedPart, Sorter};
use crate::spill::Scratch;
use crate::spool::{Kept, Spool, SpoolLimits};
use crate::summary::{CapsuleCounts, RejectedCounts, Summary, Totals};
use crate::watch::Watch;

/// How much is done at once, and how much is held. Tests make these small, so that small histories meet every cut.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of memory that sorters hold, all together.
    pub memory: u64,
    /// Identities that each reader of rows remembers, and half of those that readers of lines do, whom a forgotten one
    /// costs hashes. Each takes about a kilobyte.
    pub remembered: usize,
    /// Parts that runs and task lines are dealt out to.
    pub parts: usize,
    /// Items that go from one stage to the next at once.
    pub batch: usize,
    /// Rows that are rendered at once on one thread.
    pub rows: usize,
    /// Bytes of a file that are written between two syncs.
    pub early_bytes: usize,
    pub(crate) spool: SpoolLimits,
}

impl Limits {
    /// The usual ones for a process that is to take about so many bytes of memory.
    #[must_use]
    pub fn within(memory: u64) -> Self {
        /// What everything but sorters and what is remembered takes: the program, and what is being read and written.
        const FIXED: u64 = 24 << 20;
        let rest = memory.saturating_sub(FIXED).max(1 << 20);
        // An allocator keeps some of what was given back.
        let remembered = usize::try_from(rest / 16 / 1_024).unwrap_or(usize::MAX).clamp(1 << 8, 1 << 15);
        let (memory, spool) = (rest / 8 * 5, SpoolLimits::default());
        Self { memory, remembered, parts: 64, batch: 1_024, rows: 64, early_bytes: 16 << 20, spool }
    }

    /// Limits so small that a few dozen lines meet every cut.
    #[must_use]
    pub fn tiny(memory: u64, parts: usize, batch: usize) -> Self {
        let spool = SpoolLimits { held: 4_096, ahead: 0, pile: (700, 64 << 10) };
        Self { memory, remembered: 1 << 10, parts, batch, rows: 2, early_bytes: 64, spool }
    }
}

/// What a replay goes by.
#[derive(Clone, Copy)]
pub struct Spec<'s> {
    /// The policy, the reason codes and the mode.
    pub rules: &'s Rules,
    /// The binder that makes the keys.
    pub binder: BinderVersion,
    /// The instant after which lines are refused (M-32).
    pub not_after: Option<Timestamp>,
    /// What masks secrets before anything else looks at a line.
    pub masking: &'s Masking,
    /// Threads to use.
    pub threads: usize,
    /// How much is done at once, and how much is held.
    pub limits: Limits,
}

pub(crate) struct Engine<'s> {
    spec: Spec<'s>,
    room: Room,
    spool: Spool,
    runs: Sorter<RunItem>,
    rejects: Sorter<RejectItem>,
    lines: LineCounts,
    masks: RedactionCounts,
    rejected: Mutex<RejectedCounts>,
    steps: Vec<(&'static str, std::time::Duration)>,
}

#[derive(Default)]
struct SettledRuns {
    gates: GateRollups,
    denials: GuardDenials,
    /// The first fact of each kind of denial (M-71).
    firsts: BTreeMap<DenialKind, FactOrder>,
    conflicts: Vec<Conflict>,
    counts: RunCounts,
    facts: u64,
    last_ts: Option<Timestamp>,
}

#[derive(Default)]
struct FinishedKeys {
    capsules: CapsuleCounts,
    count: u64,
    applied_unknown: u64,
    applied_too_early: u64,
}

#[derive(Default)]
struct FactRows {
    facts: Vec<u8>,
    lineage: Vec<u8>,
    /// Rows of those that fail.
    recent: Vec<u8>,
    /// The instant of each, and where it ends.
    failing: Vec<(Timestamp, usize)>,
    digests: Vec<DigestItem>,
}

impl<'s> Engine<'s> {
    pub(crate) fn new(spec: Spec<'s>, scratch: Scratch) -> Self {
        let limits = spec.limits;
        let room = Room::new(scratch, limits.memory);
        Self {
            spool: Spool::new(room.scratch(), limits.spool),
            runs: Sorter::new(&room, limits.parts),
            rejects: Sorter::new(&room, 1),
            lines: LineCounts::default(),
            masks: RedactionCounts::default(),
            rejected: Mutex::default(),
            steps: Vec::new(),
            room,
            spec,
        }
    }

    fn rows(&self) -> RowReader {
        RowReader::at_most(self.spec.limits.remembered)
    }

    fn timed<T>(&mut self, name: &'static str, work: impl FnOnce(&mut Self) -> T) -> T {
        let start = Instant::now();
        let result = work(self);
        self.steps.push((name, start.elapsed()));
        result
    }

    pub(crate) fn read(&mut self, sources: &[LineSource], watch: &dyn Watch) -> Result<()> {
        self.timed("reading", |engine| engine.read_all(sources, watch))
    }

    fn read_all(&mut self, sources: &[LineSource], watch: &dyn Watch) -> Result<()> {
        let (spec, shared, failed) =
            (self.spec, Shared::at_most(2 * self.spec.limits.remembered), AtomicBool::new(false));
        let chunks = all_chunks(sources).take_while(|_| !failed.load(Ordering::Relaxed));
        let (this, all) = (&*self, Mutex::new((LineCounts::default(), RedactionCounts::default())));
        let taken = parallel::map_with(
            spec.threads,
            chunks,
            || Intake::new(this, &shared, &all),
            |intake, chunk| {
                let taken = chunk.and_then(|(index, chunk)| {
                    watch.read(chunk.bytes());
                    intake.chunk(chunk, sources.get(index).invariant("a chunk belongs to a source")?, index as u64)
                });
                failed.fetch_or(taken.is_err(), Ordering::Relaxed);
                taken
            },
        );
        taken.into_iter().collect::<Result<()>>()?;
        let (lines, masks) = opened(all);
        self.lines += lines;
        self.masks += masks;
        Ok(())
    }

    pub(crate) fn add(&mut self, records: impl IntoIterator<Item = Result<Box<Record>>>) -> Result<()> {
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            let batch: Vec<RunItem> = records
                .by_ref()
                .take(self.spec.limits.batch)
                .map(|record| record.map(|record| RunItem::new(run_lead(&record.run_id), record)))
                .collect::<Result<_>>()?;
            self.lines.lines += batch.len() as u64;
            self.runs.add(batch)?;
        }
        Ok(())
    }

    pub(crate) const fn add_blank(&mut self, blank: u64) {
        self.lines.lines += blank;
        self.lines.blank += blank;
    }

    pub(crate) fn reject(&mut self, row: &QuarantineRow) -> Result<()> {
        self.lines.lines += 1;
        self.keep_rejected(row, 0)
    }

    fn keep_rejected(&self, row: &QuarantineRow, tie: u64) -> Result<()> {
        held(&self.rejected).add(row);
        let mut bytes = Vec::new();
        append_row(row, &mut bytes);
        let name = row.source.name.to_string();
        self.rejects.add(vec![RejectItem { name, line: row.source.line, offset: row.offset, tie, row: bytes }])
    }

    /// `reread` hands out the rows of the quarantine that settling adds: the lines that it ruled out.
    pub(crate) fn finish(
        mut self,
        as_of: Option<Timestamp>,
        sink: &Sink,
        reread: impl FnOnce(&[Conflict], &mut dyn FnMut(QuarantineRow) -> Result<()>) -> Result<()>,
    ) -> Result<(Vec<(ResultFile, Rows)>, Summary)> {
        let limits = self.spec.limits;
        // There are as many facts as records, but for repeated ones.
        let facts = Sorter::spilling(&self.room, limits.parts, self.runs.has_spilled())?;
        let settled = self.timed("settling", |engine| engine.settle(&facts))?;
        let as_of = as_of.or(settled.last_ts);
        let ordered = Sorter::spilling(&self.room, 1, facts.has_spilled())?;
        let keys = Sorter::new(&self.room, limits.parts);
        self.timed("folding", |engine| engine.fold(facts, &settled.firsts, &ordered, &keys))?;
        let members = Sorter::new(&self.room, limits.parts);
        let (capsules, finished) = self.timed("assembling", |engine| {
            engine.finish_keys(keys, as_of, &members, sink.open(ResultFile::Capsules)?)
        })?;
        let (concepts, listed) =
            self.timed("assembling", |engine| engine.concepts(members, as_of, sink.open(ResultFile::Concepts)?))?;
        self.timed("quarantine", |engine| {
            // Behind all sources, in the order in which they are read again.
            let mut ties = 1 << 63..;
            reread(&settled.conflicts, &mut |row| {
                engine.keep_rejected(&row, ties.next().invariant("few lines conflict")?)
            })
        })?;
        let (mut files, snapshot_digest) = self.timed("writing", |engine| engine.write(ordered, &settled, sink))?;
        files.extend([(ResultFile::Capsules, capsules), (ResultFile::Concepts, concepts)]);
        let totals = Totals {
            as_of,
            facts: settled.facts,
            runs: settled.counts,
            capsules: finished.count,
            concepts: listed,
            applied_unknown: finished.applied_unknown,
            applied_too_early: finished.applied_too_early,
            snapshot_digest,
        };
        let redacted = self.spec.masking.redacted(self.masks);
        let rejected = opened(self.rejected);
        let summary =
            Summary { totals, lines: self.lines, rejected, capsules: finished.capsules, redacted, steps: self.steps };
        Ok((files, summary))
    }

    /// Settles every run (M-41, M-42).
    fn settle(&mut self, facts: &Sorter<LineItem>) -> Result<SettledRuns> {
        let none = Sorter::new(&self.room, 1);
        let runs = std::mem::replace(&mut self.runs, none);
        let Spec { threads, limits, rules, .. } = self.spec;
        let codes = &rules.codes;
        let settled = parallel::map_with(
            threads,
            runs.into_parts()?.into_iter(),
            || self.rows(),
            |reader, part| settle_part(part, reader, (limits, codes), facts),
        );
        let mut all = SettledRuns::default();
        settled.into_iter().try_for_each(|part| {
            all.merge(part?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Folds every task line (section 9).
    fn fold(
        &self,
        facts: Sorter<LineItem>,
        firsts: &BTreeMap<DenialKind, FactOrder>,
        ordered: &Sorter<BoundItem>,
        keys: &Sorter<KeyItem>,
    ) -> Result<()> {
        let Spec { threads, limits, rules, .. } = self.spec;
        let fold = |reader: &mut RowReader, part: SortedPart<LineItem>| {
            let mut folding =
                Folding { rules, firsts, batch: limits.batch, ordered, keys, facts: Vec::new(), key_items: Vec::new() };
            let (mut line, mut state) = (None, LineState::default());
            for item in part.sorted(reader)? {
                let item = item?;
                if line != Some(item.line()) {
                    folding.end_line(std::mem::take(&mut state))?;
                    line = Some(item.line());
                }
                folding.push(item.fact, &mut state)?;
            }
            folding.end_line(state)?;
            folding.end()
        };
        parallel::map_with(threads, facts.into_parts()?.into_iter(), || self.rows(), fold).into_iter().collect()
    }

    /// Finishes every derived key, and writes the capsules (M-84, M-90 to M-92).
    fn finish_keys(
        &self,
        keys: Sorter<KeyItem>,
        as_of: Option<Timestamp>,
        members: &Sorter<Member>,
        mut rows: Rows,
    ) -> Result<(Rows, FinishedKeys)> {
        let Spec { threads, rules, limits, .. } = self.spec;
        let mut all = FinishedKeys::default();
        let work = |part: SortedPart<KeyItem>| finish_part(part, rules, as_of, limits.batch, members);
        parallel::in_order(threads, keys.into_parts()?.into_iter(), work, |part: Result<(Vec<u8>, FinishedKeys)>| {
            let (bytes, finished) = part?;
            all.capsules.merge(finished.capsules);
            all.count += finished.count;
            all.applied_unknown += finished.applied_unknown;
            all.applied_too_early += finished.applied_too_early;
            rows.push(&bytes)
        })?;
        rows.flush()?;
        Ok((rows, all))
    }

    /// Gathers the concepts, and writes those that are listed (M-95).
    fn concepts(&self, members: Sorter<Member>, as_of: Option<Timestamp>, mut rows: Rows) -> Result<(Rows, u64)> {
        let Spec { threads, rules, .. } = self.spec;
        let mut listed = 0;
        let work = |part: SortedPart<Member>| concepts_of_part(part, rules, as_of);
        parallel::in_order(threads, members.into_parts()?.into_iter(), work, |part: Result<(Vec<u8>, u64)>| {
            let (bytes, count) = part?;
            listed += count;
            rows.push(&bytes)
        })?;
        Ok((rows, listed))
    }

    fn write(
        &mut self,
        ordered: Sorter<BoundItem>,
        settled: &SettledRuns,
        sink: &Sink,
    ) -> Result<(Vec<(ResultFile, Rows)>, Sha256Hash)> {
        let limits = self.spec.limits;
        let spool = std::mem::replace(&mut self.spool, Spool::new(self.room.scratch(), limits.spool)).kept();
        let digests = Sorter::new(&self.room, limits.parts);
        let mut files = self.write_facts(ordered, &spool, &digests, sink)?;
        let open = |file| Ok::<_, crate::Error>((file, sink.open(file)?));
        let (file, rows) = open(ResultFile::GateRollup)?;
        files.push((file, rows.all(settled.gates.rows(), limits.rows)?));
        let (file, rows) = open(ResultFile::GuardDenials)?;
        files.push((file, rows.all(settled.denials.rows(), limits.rows)?));
        let (file, mut rows) = open(ResultFile::Quarantine)?;
        let none = Sorter::new(&self.room, 1);
        for part in std::mem::replace(&mut self.rejects, none).into_parts()? {
            part.sorted(&mut RowReader::default())?.try_for_each(|item| rows.push(&item?.row))?;
        }
        files.push((file, rows));
        spool.let_go();
        Ok((files, digest_of(digests)?))
    }

    /// Rows are rendered on all threads, hashed and written in total order meanwhile: each fact is looked at once.
    fn write_facts(
        &self,
        ordered: Sorter<BoundItem>,
        spool: &Kept,
        digests: &Sorter<DigestItem>,
        sink: &Sink,
    ) -> Result<Vec<(ResultFile, Rows)>> {
        let Spec { threads, limits, .. } = self.spec;
        let (mut facts, mut lineage) = (sink.open(ResultFile::Facts)?, sink.open(ResultFile::Lineage)?);
        let mut latest = LatestFirst::new(self.room.scratch());
        let mut reader = self.rows();
        let ordered = ordered.into_parts()?.into_iter().next().invariant("what is in total order is one part")?;
        let mut items = ordered.sorted(&mut reader)?;
        let batches = std::iter::from_fn(move || {
            let batch: Result<Vec<BoundItem>> = items.by_ref().take(limits.rows).collect();
            batch.map(|batch| (!batch.is_empty()).then_some(batch)).transpose()
        });
        let rendered = |batch: Result<Vec<BoundItem>>| FactRows::of(batch?, spool);
        let Rows { to, sums } = &mut facts;
        parallel::in_stages(
            threads,
            batches,
            rendered,
            [
                &mut |rows: &mut FactRows| {
                    digests.add(std::mem::take(&mut rows.digests))?;
                    let mut start = 0;
                    for (ts, end) in rows.failing.iter().copied() {
                        latest.push(ts, rows.recent.get(start..end).invariant("rows end one behind the other")?)?;
                        start = end;
                    }
                    lineage.push(&rows.lineage)
                },
                &mut |rows| {
                    sums.add(&rows.facts);
                    Ok(())
                },
                &mut |rows| to.write(&rows.facts),
            ],
        )?;
        facts.flush()?;
        lineage.flush()?;
        let mut recent = sink.open(ResultFile::RecentFailures)?;
        latest.each(|rows| recent.push(rows))?;
        Ok(vec![(ResultFile::Facts, facts), (ResultFile::Lineage, lineage), (ResultFile::RecentFailures, recent)])
    }
}

struct Intake<'e, 's> {
    engine: &'e Engine<'s>,
    door: Door<'s>,
    recorder: Recorder,
    /// What runs are dealt out by, as far as it is remembered.
    runs: HashMap<RunId, u128>,
    pile: Vec<u8>,
    all: &'e Mutex<(LineCounts, RedactionCounts)>,
}

impl<'e, 's> Intake<'e, 's> {
    const RUNS: usize = 1 << 12;

    fn new(engine: &'e Engine<'s>, shared: &Shared, all: &'e Mutex<(LineCounts, RedactionCounts)>) -> Self {
        let Spec { masking, not_after, binder, .. } = engine.spec;
        let (door, recorder) = (Door::new(masking, not_after), Recorder::sharing(binder, shared));
        Self { engine, door, recorder, runs: HashMap::new(), pile: Vec::new(), all }
    }

    fn chunk(&mut self, chunk: Chunk, source: &LineSource, number: u64) -> Result<()> {
        let mut records = Vec::new();
        match chunk {
            Chunk::Lines { number: first, offset, bytes } => {
                // Canonical bytes are hardly ever more than their lines: the pile need not grow step by step.
                self.pile.reserve_exact(bytes.len());
                for line in lines(&bytes, first, offset) {
                    let at = LineRef { line: line.number, name: source.name.as_str().into() };
                    match self.door.admit(&line, &source.name) {
                        Admitted::Blank => {}
                        Admitted::Envelope(envelope, _) => {
                            records.push(Box::new(self.recorder.record_onto(&mut self.pile, *envelope, at)));
                        }
                        Admitted::Quarantined(row, _) => self.engine.keep_rejected(&row, number)?,
                    }
                }
            }
            Chunk::Long(line) => {
                if let Admitted::Quarantined(row, _) = self.door.admit_long(line, &source.name) {
                    self.engine.keep_rejected(&row, number)?;
                }
            }
        }
        self.engine.spool.keep(&mut self.pile, &mut records)?;
        let items = records.into_iter().map(|record| RunItem::new(self.run(&record.run_id), record)).collect();
        self.engine.runs.add(items)?;
        let mut all = held(self.all);
        all.0 += std::mem::take(&mut self.door.counts);
        all.1 += std::mem::take(&mut self.door.masks);
        Ok(())
    }

    fn run(&mut self, run: &RunId) -> u128 {
        if let Some(known) = self.runs.get(run) {
            return *known;
        }
        if self.runs.len() >= Self::RUNS {
            self.runs.clear();
        }
        let lead = run_lead(run);
        self.runs.insert(run.clone(), lead);
        lead
    }
}

impl SettledRuns {
    fn merge(&mut self, other: Self) {
        self.gates.merge(other.gates);
        self.denials.merge(other.denials);
        for (kind, order) in other.firsts {
            self.first(kind, order);
        }
        self.conflicts.extend(other.conflicts);
        self.counts += other.counts;
        self.facts += other.facts;
        self.last_ts = self.last_ts.max(other.last_ts);
    }

    fn first(&mut self, kind: DenialKind, order: FactOrder) {
        match self.firsts.get_mut(&kind) {
            Some(first) if *first <= order => {}
            Some(first) => *first = order,
            None => drop(self.firsts.insert(kind, order)),
        }
    }

    fn fact(&mut self, fact: &Fact) {
        self.facts += 1;
        self.last_ts = self.last_ts.max(Some(fact.ordered_ts));
        self.gates.add(fact);
        self.denials.add(fact);
        if let Some(kind) = DenialKind::of(fact) {
            self.first(kind, fact.order());
        }
    }
}

fn settle_part(
    part: SortedPart<RunItem>,
    reader: &mut RowReader,
    (limits, codes): (Limits, &CodeTable),
    facts: &Sorter<LineItem>,
) -> Result<SettledRuns> {
    let (mut all, mut batch) = (SettledRuns::default(), Vec::with_capacity(limits.batch));
    let (mut run, mut settling) = (None, Settling::new(codes));
    for item in part.sorted(reader)? {
        let item = item?;
        if run != Some(item.run()) {
            run = Some(item.run());
            let counts = std::mem::replace(&mut settling, Settling::new(codes))
                .finish(&mut |settled| all.settled(settled, &mut batch));
            all.counts += counts;
            all.gates.next_run();
            all.denials.next_run();
        }
        settling.push(item.record, &mut |settled| all.settled(settled, &mut batch));
        if batch.len() >= limits.batch {
            facts.add(std::mem::replace(&mut batch, Vec::with_capacity(limits.batch)))?;
        }
    }
    let counts = settling.finish(&mut |settled| all.settled(settled, &mut batch));
    all.counts += counts;
    facts.add(batch)?;
    Ok(all)
}

impl SettledRuns {
    fn settled(&mut self, settled: Settled, batch: &mut Vec<LineItem>) {
        match settled {
            Settled::Fact(fact) => {
                self.fact(&fact);
                batch.push(LineItem::new(fact));
            }
            Settled::Conflict(conflict) => self.conflicts.push(conflict),
        }
    }
}

struct Folding<'f> {
    rules: &'f Rules,
    firsts: &'f BTreeMap<DenialKind, FactOrder>,
    batch: usize,
    ordered: &'f Sorter<BoundItem>,
    keys: &'f Sorter<KeyItem>,
    facts: Vec<BoundItem>,
    key_items: Vec<KeyItem>,
}

impl Folding<'_> {
    fn push(&mut self, fact: Fact, state: &mut LineState) -> Result<()> {
        let first = DenialKind::of(&fact).and_then(|kind| self.firsts.get(&kind));
        let unseen_denial = first.is_some_and(|first| *first == fact.order());
        let Step { bound, applied, .. } = state.push(&LineFact { position: 0, fact: &fact, unseen_denial }, self.rules);
        self.key_items.extend(applied.map(|applied| KeyItem::Applied(Box::new(applied))));
        let mode = self.rules.mode_of(fact.wrapper_policy);
        self.facts.push(BoundItem::Whole { fact, bound, mode });
        if self.facts.len() >= self.batch {
            self.ordered.add(std::mem::replace(&mut self.facts, Vec::with_capacity(self.batch)))?;
        }
        Ok(())
    }

    fn end_line(&mut self, state: LineState) -> Result<()> {
        let line = state.figures();
        let capsules = state.into_capsules(self.rules).into_iter().map(|state| FoldedCapsule { state, line });
        self.key_items.extend(capsules.map(KeyItem::Capsule));
        if self.key_items.len() >= self.batch { self.keys.add(std::mem::take(&mut self.key_items)) } else { Ok(()) }
    }

    fn end(self) -> Result<()> {
        self.ordered.add(self.facts)?;
        self.keys.add(self.key_items)
    }
}

fn finish_part(
    part: SortedPart<KeyItem>,
    rules: &Rules,
    as_of: Option<Timestamp>,
    batch: usize,
    members: &Sorter<Member>,
) -> Result<(Vec<u8>, FinishedKeys)> {
    let (mut bytes, mut all, mut concept_of) = (Vec::new(), FinishedKeys::default(), Vec::new());
    let mut reader = RowReader::default();
    let mut items = part.sorted(&mut reader)?.peekable();
    while let Some(first) = items.next().transpose()? {
        let key = first.key();
        let (mut folded, mut applied) = (None, Vec::new());
        let mut take = |item| match item {
            KeyItem::Capsule(capsule) => folded = Some(capsule),
            KeyItem::Applied(one) => applied.push(*one),
        };
        take(first);
        while let Some(item) = items.next_if(|item| item.as_ref().map_or(true, |item| item.key() == key)) {
            take(item?);
        }
        let line = folded.as_ref().map(|folded: &FoldedCapsule| folded.line).unwrap_or_default();
        let FinishedKey { capsule, applied_unknown, applied_too_early } = finish_key(folded, applied, rules, as_of);
        all.applied_unknown += applied_unknown;
        all.applied_too_early += applied_too_early;
        let Some(FinishedCapsule { state, capsule }) = capsule else { continue };
        append_row(&capsule, &mut bytes);
        all.count += 1;
        if capsule.kind == CapsuleKind::Failure {
            let (confirmed_count, refuted_count) = (capsule.confirmed_count, capsule.refuted_count);
            let applied = AppliedCounts { confirmed_count, refuted_count, blocked_count: capsule.blocked_count };
            concept_of.push(Member { folded: FoldedCapsule { state, line }, applied });
            if concept_of.len() >= batch {
                members.add(std::mem::take(&mut concept_of))?;
            }
        }
        all.capsules.add(capsule);
    }
    members.add(concept_of)?;
    Ok((bytes, all))
}

fn concepts_of_part(part: SortedPart<Member>, rules: &Rules, as_of: Option<Timestamp>) -> Result<(Vec<u8>, u64)> {
    let (mut bytes, mut listed) = (Vec::new(), 0);
    let mut reader = RowReader::default();
    let mut members = part.sorted(&mut reader)?.peekable();
    while let Some(first) = members.next().transpose()? {
        let key = first.folded.state.keys.concept;
        let mut all = vec![first];
        let same =
            |member: &Result<Member>| member.as_ref().map_or(true, |member| member.folded.state.keys.concept == key);
        while let Some(member) = members.next_if(same) {
            all.push(member?);
        }
        let capsules: Vec<_> = all
            .iter()
            .map(|Member { folded, applied }| finish(&folded.state, *applied, folded.line, rules, as_of))
            .collect();
        let trials = all.iter().map(|member| &member.folded.state.trials);
        for concept in concepts(capsules.iter().zip(trials), rules, as_of) {
            append_row(&concept, &mut bytes);
            listed += 1;
        }
    }
    Ok((bytes, listed))
}

impl FactRows {
    fn of(batch: Vec<BoundItem>, spool: &Kept) -> Result<Self> {
        const ROW_BYTES: usize = 1_536;
        let room = batch.len() * ROW_BYTES;
        let facts = Vec::with_capacity(room);
        let mut rows = Self { facts, recent: Vec::with_capacity(room / 4), ..Self::default() };
        let (mut read, mut reader) = (Vec::new(), RowReader::at_most(0));
        for item in batch {
            let ts = item.ts();
            match item {
                BoundItem::Whole { fact, bound, mode } => {
                    let envelope = spool.canonical(&fact.canonical, &mut read)?;
                    append_fact(mode, &fact, envelope, &bound, &mut rows.facts);
                    append_row(&Lineage::of(&fact), &mut rows.lineage);
                    rows.digests.push(DigestItem(fact.keys.digest));
                    if fact.is_failing() {
                        append_row(&RecentFailure::of(&fact), &mut rows.recent);
                        rows.failing.push((ts, rows.recent.len()));
                    }
                }
                BoundItem::Rendered(rendered) => {
                    let FactRow { digest, canonical, fact, lineage, recent } =
                        rendered.rows(&mut reader).invariant("a temporary file is what was written to it")?;
                    let (head, behind) =
                        fact.split_at_checked(ENVELOPE_AT).invariant("a row has its envelope there")?;
                    rows.facts.extend_from_slice(head);
                    rows.facts.extend_from_slice(spool.canonical(&canonical, &mut read)?);
                    rows.facts.extend_from_slice(behind);
                    rows.lineage.extend_from_slice(lineage);
                    rows.digests.push(DigestItem(digest));
                    if !recent.is_empty() {
                        rows.recent.extend_from_slice(recent);
                        rows.failing.push((ts, rows.recent.len()));
                    }
                }
            }
        }
        Ok(rows)
    }
}

/// SHA-256 over all digests in order (M-120).
fn digest_of(digests: Sorter<DigestItem>) -> Result<Sha256Hash> {
    let (mut failed, mut reader) = (None, RowReader::default());
    let part = |part: SortedPart<DigestItem>| {
        let digests = part.sorted(&mut reader).and_then(|sorted| sorted.map(|item| Ok(item?.0)).collect());
        digests.unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        })
    };
    let digest = snapshot_digest(digests.into_parts()?.into_iter().flat_map(part));
    failed.map_or(Ok(digest), Err)
}
