//! Putting together: capsules key by key, then concepts key by key, the keys in order (M-84, M-92, M-95).

use dome_binder::{
    Applied, AppliedCounts, Capsule, CapsuleKind, CapsuleState, FinishedCapsule, FoldedCapsule, FoldedLine, Rules,
    append_row, concepts, finish, finish_keys,
};
use dome_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::parts::Parts;
use super::scratch::{RowFile, Scratch};
use crate::artifacts::{CAPSULES, CONCEPTS, Folder, Verdicts};

/// What lines folded to, dealt out by derived key: files one after the other hold keys in order.
pub(super) struct Keyed {
    capsules: Parts,
    applied: Parts,
    parts: usize,
    bytes: Vec<u8>,
}

/// A capsule as its line folded it.
#[derive(Serialize, Deserialize)]
struct Folded<S> {
    state: S,
    guard_denied: bool,
}

/// A capsule with what was applied, to be finished again.
#[derive(Serialize, Deserialize)]
struct Counted<S> {
    folded: Folded<S>,
    confirmed: u64,
    refuted: u64,
    blocked: u64,
}

/// What capsules and concepts come to.
#[derive(Default)]
pub(super) struct Concluded {
    pub(super) verdicts: Verdicts,
    pub(super) capsules: u64,
    pub(super) concepts: u64,
    pub(super) applied_unknown: u64,
    pub(super) applied_too_early: u64,
}

impl Keyed {
    pub(super) fn new(scratch: &Scratch, parts: usize) -> Self {
        // Half of the files each, for the two stand beside the task lines' own.
        let parts = parts.div_ceil(2);
        let (capsules, applied) = (Parts::new(scratch, parts), Parts::new(scratch, parts));
        Self { capsules, applied, parts, bytes: Vec::new() }
    }

    pub(super) fn push(&mut self, line: &FoldedLine) -> anyhow::Result<()> {
        for state in &line.capsules {
            self.bytes.clear();
            serde_json::to_writer(&mut self.bytes, &Folded { state, guard_denied: line.guard_denied })?;
            self.capsules.push_in_order(state.keys.derived.as_bytes(), &self.bytes)?;
        }
        for applied in &line.applied {
            self.bytes.clear();
            serde_json::to_writer(&mut self.bytes, applied)?;
            self.applied.push_in_order(applied.capsule.as_bytes(), &self.bytes)?;
        }
        Ok(())
    }

    /// Writes the capsules and the concepts.
    pub(super) fn conclude(
        self,
        rules: &Rules,
        as_of: Option<Timestamp>,
        scratch: &Scratch,
        folder: &mut Folder,
    ) -> anyhow::Result<Concluded> {
        let mut concluded = Concluded::default();
        let mut by_concept = Parts::new(scratch, self.parts);
        let mut rows = folder.open(CAPSULES)?;
        let mut bytes = Vec::new();
        for (states, applied) in self.capsules.in_order()?.into_iter().zip(self.applied.in_order()?) {
            let (folded, applied) = folded(states.as_ref(), applied.as_ref())?;
            let finished = finish_keys(folded, applied, rules, as_of);
            concluded.applied_unknown += finished.applied_unknown;
            concluded.applied_too_early += finished.applied_too_early;
            let finished: Vec<FinishedCapsule> = finished.capsules.collect();
            bytes.clear();
            finished.iter().for_each(|finished| append_row(&finished.capsule, &mut bytes));
            rows.push(&bytes)?;
            concluded.add(finished, &mut by_concept)?;
        }
        folder.close(CAPSULES, rows)?;
        let mut rows = folder.open(CONCEPTS)?;
        for file in by_concept.finish()? {
            let finished = finished_again(&file, rules, as_of)?;
            let members = finished.iter().map(|finished| (&finished.capsule, &finished.state.remedies));
            let concepts = concepts(members, rules, as_of);
            bytes.clear();
            concepts.iter().for_each(|concept| append_row(concept, &mut bytes));
            rows.push(&bytes)?;
            concluded.concepts += concepts.len() as u64;
        }
        folder.close(CONCEPTS, rows)?;
        Ok(concluded)
    }
}

impl Concluded {
    /// Counts finished capsules, and deals those out that a concept may be made of.
    fn add(&mut self, finished: Vec<FinishedCapsule>, by_concept: &mut Parts) -> anyhow::Result<()> {
        self.capsules += finished.len() as u64;
        let mut capsules: Vec<Capsule> = Vec::with_capacity(finished.len());
        for FinishedCapsule { state, capsule } in finished {
            if capsule.kind == CapsuleKind::Failure {
                let counted = Counted {
                    confirmed: capsule.confirmed_count,
                    refuted: capsule.refuted_count,
                    blocked: capsule.blocked_count,
                    folded: Folded { state: &state, guard_denied: capsule.figures().guard_denied },
                };
                by_concept.push_in_order(capsule.concept_key.as_bytes(), &serde_json::to_vec(&counted)?)?;
            }
            capsules.push(capsule);
        }
        self.verdicts.add(&capsules);
        Ok(())
    }
}

/// The capsules of one file of keys, and what applied them.
fn folded(states: Option<&RowFile>, applied: Option<&RowFile>) -> anyhow::Result<(Vec<FoldedCapsule>, Vec<Applied>)> {
    let (mut folded, mut all_applied) = (Vec::new(), Vec::new());
    states.map_or(Ok(()), |states| {
        states.each(|row| {
            let Folded { state, guard_denied } = serde_json::from_slice::<Folded<Box<CapsuleState>>>(row)?;
            folded.push(FoldedCapsule { state, guard_denied });
            Ok(())
        })
    })?;
    applied.map_or(Ok(()), |applied| {
        applied.each(|row| {
            all_applied.push(serde_json::from_slice(row)?);
            Ok(())
        })
    })?;
    Ok((folded, all_applied))
}

/// The capsules of one file of concepts, which holds them by derived key.
fn finished_again(file: &RowFile, rules: &Rules, as_of: Option<Timestamp>) -> anyhow::Result<Vec<FinishedCapsule>> {
    let mut capsules = Vec::new();
    file.each(|row| {
        let Counted { folded, confirmed, refuted, blocked } =
            serde_json::from_slice::<Counted<Box<CapsuleState>>>(row)?;
        let applied = AppliedCounts { confirmed_count: confirmed, refuted_count: refuted, blocked_count: blocked };
        let capsule = finish(&folded.state, applied, folded.guard_denied, rules, as_of);
        capsules.push(FinishedCapsule { state: folded.state, capsule });
        Ok(())
    })?;
    Ok(capsules)
}
