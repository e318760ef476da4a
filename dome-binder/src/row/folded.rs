//! Rows of what a task line was folded to.

use std::collections::BTreeMap;
use std::sync::Arc;

use dome_core::Sha256Hash;

use super::{
    Row, RowReader, append_fingerprint, append_keys, append_remedy, append_task_line, array, byte, choice, hash, list,
    number, option, take_bool, take_choice, take_fingerprint, take_keys, take_list, take_number, take_option,
    take_remedy, take_task_line, take_text, text,
};
use crate::applied::AppliedCounts;
use crate::fold::{
    Applied, CapsuleStanding, CapsuleState, FactRef, FailureCounts, LineFigures, RemedyState, RowFigures, RunIn,
    RunSets, StandingIn, Support, Trials,
};
use crate::settle::FactOrder;
use crate::trigger::TriggerCounts;

impl Row for AppliedCounts {
    fn append(&self, bytes: &mut Vec<u8>) {
        [self.confirmed_count, self.refuted_count, self.blocked_count]
            .into_iter()
            .for_each(|count| number(count, bytes));
    }

    fn take(_: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (confirmed_count, refuted_count) = (take_number(rest)?, take_number(rest)?);
        Some(Self { confirmed_count, refuted_count, blocked_count: take_number(rest)? })
    }
}

impl Row for Applied {
    fn append(&self, bytes: &mut Vec<u8>) {
        self.order.append(bytes);
        bytes.extend_from_slice(self.capsule.as_bytes());
        bytes.extend([u8::from(self.spoke_already), u8::from(self.denied)]);
        option(self.failed.as_ref(), bytes, Sha256Hash::append);
        list(self.resolved.len(), bytes);
        self.resolved.iter().for_each(|concept| concept.append(bytes));
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (order, capsule) = (FactOrder::take(reader, rest)?, hash(rest)?);
        let (spoke_already, denied) = (take_bool(rest)?, take_bool(rest)?);
        let failed = take_option(rest, hash)?;
        Some(Self { order, capsule, spoke_already, denied, failed, resolved: take_list(rest, hash)? })
    }
}

impl Row for LineFigures {
    fn append(&self, bytes: &mut Vec<u8>) {
        number(self.execution_count, bytes);
        bytes.push(u8::from(self.guard_denied));
    }

    fn take(_: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        Some(Self { execution_count: take_number(rest)?, guard_denied: take_bool(rest)? })
    }
}

impl Row for CapsuleState {
    fn append(&self, bytes: &mut Vec<u8>) {
        append_task_line(&self.line, bytes);
        text(self.failure_reason_code.as_str(), bytes);
        append_keys(&self.keys, bytes);
        append_fingerprint(&self.fingerprint, bytes);
        let Support { support_count, denial_count, first, last, policy_reason_codes, triggers } = &self.support;
        [*support_count, *denial_count].into_iter().chain(triggers.0).for_each(|count| number(count, bytes));
        first.append(bytes);
        last.append(bytes);
        list(policy_reason_codes.len(), bytes);
        policy_reason_codes.iter().for_each(|(code, count)| {
            text(code.as_str(), bytes);
            number(*count, bytes);
        });
        append_counts(&self.counts, bytes);
        option(self.last_resolved.as_ref(), bytes, FactRef::append);
        option(self.standing.as_ref(), bytes, |standing, bytes| {
            choice(CapsuleStanding::ALL, standing.standing, bytes);
            option(standing.lane.as_ref(), bytes, |lane, bytes| text(lane.as_str(), bytes));
            option(standing.job.as_ref(), bytes, |job, bytes| text(job.as_str(), bytes));
            option(standing.clean, bytes, |(count, needed), bytes| {
                number(count, bytes);
                number(needed, bytes);
            });
            option(standing.row, bytes, |row, bytes| {
                let RowFigures { failed_runs, passed_runs, uncleared_runs } = row;
                [failed_runs, passed_runs, uncleared_runs].into_iter().for_each(|count| number(count, bytes));
            });
        });
        self.trials.append(bytes);
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let (line, failure_reason_code) = (take_task_line(rest)?, take_text(rest)?.parse().ok()?);
        let (keys, fingerprint) = (take_keys(rest)?, Arc::new(take_fingerprint(rest)?));
        let (support_count, denial_count) = (take_number(rest)?, take_number(rest)?);
        let mut triggers = TriggerCounts::default();
        for count in &mut triggers.0 {
            *count = take_number(rest)?;
        }
        let (first, last) = (FactRef::take(reader, rest)?, FactRef::take(reader, rest)?);
        let codes = take_list(rest, |rest| Some((take_text(rest)?.parse().ok()?, take_number(rest)?)))?;
        let policy_reason_codes = BTreeMap::from_iter(codes);
        let support = Support { support_count, denial_count, first, last, policy_reason_codes, triggers };
        let counts = take_counts(rest)?;
        let last_resolved = take_option(rest, |rest| FactRef::take(reader, rest))?;
        let standing = take_option(rest, |rest| {
            let standing = take_choice(CapsuleStanding::ALL, rest)?;
            let lane = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
            let job = take_option(rest, |rest| take_text(rest)?.parse().ok())?;
            let clean = take_option(rest, |rest| Some((take_number(rest)?, take_number(rest)?)))?;
            let row = take_option(rest, |rest| {
                let (failed_runs, passed_runs) = (take_number(rest)?, take_number(rest)?);
                Some(RowFigures { failed_runs, passed_runs, uncleared_runs: take_number(rest)? })
            })?;
            Some(StandingIn { standing, lane, job, clean, row })
        })?;
        let trials = Trials::take(reader, rest)?;
        Some(Self { line, failure_reason_code, keys, fingerprint, support, counts, last_resolved, standing, trials })
    }
}

fn append_counts(counts: &FailureCounts, bytes: &mut Vec<u8>) {
    let FailureCounts { contradiction_count, failure_count, given_up_count, held_count, .. } = *counts;
    let FailureCounts { intermittent_count, recurrence_count, resolved_count, stale_count, stream_count, .. } = *counts;
    [contradiction_count, failure_count, given_up_count, held_count, intermittent_count, recurrence_count]
        .into_iter()
        .chain([resolved_count, stale_count, stream_count])
        .for_each(|count| number(count, bytes));
}

fn take_counts(rest: &mut &[u8]) -> Option<FailureCounts> {
    let mut count = || take_number(rest);
    Some(FailureCounts {
        contradiction_count: count()?,
        failure_count: count()?,
        given_up_count: count()?,
        held_count: count()?,
        intermittent_count: count()?,
        recurrence_count: count()?,
        resolved_count: count()?,
        stale_count: count()?,
        stream_count: count()?,
    })
}

impl Row for Trials {
    fn append(&self, bytes: &mut Vec<u8>) {
        option(self.rerun.as_ref(), bytes, FactRef::append);
        list(self.runs.len(), bytes);
        for RunIn { run, sets } in &self.runs {
            text(run.as_str(), bytes);
            bytes.extend_from_slice(&sets.0.to_le_bytes());
        }
        list(self.remedies.len(), bytes);
        for (identity, state) in &self.remedies {
            bytes.extend_from_slice(identity.as_bytes());
            number(state.pending_count, bytes);
            state.last.append(bytes);
            append_remedy(&state.remedy, bytes);
            list(state.runs.len(), bytes);
            for (run, sets) in &state.runs {
                bytes.extend_from_slice(&run.to_le_bytes());
                bytes.push(*sets);
            }
        }
    }

    fn take(reader: &mut RowReader, rest: &mut &[u8]) -> Option<Self> {
        let rerun = take_option(rest, |rest| FactRef::take(reader, rest))?;
        let runs = take_list(rest, |rest| {
            let run = take_text(rest)?.parse().ok()?;
            Some(RunIn { run, sets: RunSets(u16::from_le_bytes(array(rest)?)) })
        })?;
        let remedies = take_list(rest, |rest| {
            let (identity, pending_count) = (hash(rest)?, take_number(rest)?);
            let (last, remedy) = (FactRef::take(reader, rest)?, Arc::new(take_remedy(rest)?));
            let own = take_list(rest, |rest| Some((u32::from_le_bytes(array(rest)?), byte(rest)?)))?;
            own.iter().all(|(run, _)| (*run as usize) < runs.len()).then_some(())?;
            Some((identity, Box::new(RemedyState { runs: own, pending_count, last, remedy })))
        })?;
        Some(Self { runs, remedies: BTreeMap::from_iter(remedies), rerun })
    }
}
