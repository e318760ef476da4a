//! One outcome of an instance in a run, from all the files that speak of it.

use std::collections::BTreeMap;

use super::claim::{Claim, Verdict};
use super::raw::Files;
use crate::convert::{Conversion, Options};
use crate::finding::{FindingCode, quote};
use crate::out::{Out, State};
use crate::when::When;

/// The outcomes, each once, run by run and there by time as far as it is known, then by file.
pub(super) fn outcomes(files: &Files<'_>, done: &mut Conversion) -> Vec<Claim> {
    let mut claims = files.claims.clone();
    claims.extend(files.matrix.claims());
    claims.sort_by_key(|claim| claim.rank);
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut kept: Vec<Claim> = Vec::new();
    for claim in claims {
        let key = claim.run.clone().map(|run| (run, claim.instance.clone()));
        let earlier = key.as_ref().and_then(|key| known.get(key)).and_then(|place| kept.get_mut(*place));
        match earlier {
            Some(earlier) => again(earlier, &claim, files, done),
            None if claim.verdict == Verdict::Open => alone(&claim, files, done),
            None => {
                known.extend(key.map(|key| (key, kept.len())));
                kept.push(claim);
            }
        }
    }
    kept.sort_by(|a, b| (&a.run, instant(a), a.file).cmp(&(&b.run, instant(b), b.file)));
    kept
}

fn instant(claim: &Claim) -> Option<dome_core::Timestamp> {
    match claim.when {
        When::At(instant) => Some(instant),
        _ => None,
    }
}

/// Another file on an outcome that is known: it says the same, or it is left out.
fn again(earlier: &mut Claim, claim: &Claim, files: &Files<'_>, done: &mut Conversion) {
    done.counts.records += 1;
    let differs = (earlier.verdict == Verdict::Resolved) != (claim.verdict == Verdict::Resolved);
    let Some(file) = files.files.get(claim.file) else { return };
    if differs && claim.verdict != Verdict::Open {
        done.counts.left_out += 1;
        let other = files.files.get(earlier.file).map_or("", |file| file.input.name);
        let message = format!("{} ended otherwise than in {}, which is taken", quote(&claim.instance), quote(other));
        done.problems.push(file.at(&claim.place).found(FindingCode::RecordConflict, message, "one outcome of a run"));
        return;
    }
    done.counts.repeated += 1;
    if claim.file != earlier.file {
        earlier.absorb(claim, file.proof.evidence());
    }
}

/// A log that leaves the outcome open, and no report of its run that tells it.
fn alone(claim: &Claim, files: &Files<'_>, done: &mut Conversion) {
    let Some(file) = files.files.get(claim.file) else { return };
    done.counts.records += 1;
    done.counts.left_out += 1;
    let message = format!("the log of {} does not say which tests decide", quote(&claim.instance));
    let expected = "the report of its run among the inputs, with one `--run-id` for both";
    done.problems.push(file.at(&claim.place).found(FindingCode::OutcomeMissing, message, expected));
}

/// Writes the outcomes, run by run.
pub(super) fn write(files: &Files<'_>, claims: &[Claim], options: &Options, done: &mut Conversion) {
    let mut state = State::default();
    let mut envelopes = Vec::new();
    for claims in claims.chunk_by(|a, b| a.file == b.file) {
        let file = claims.first().and_then(|claim| files.files.get(claim.file));
        let Some(file) = file else { continue };
        let mut sink = |envelope| envelopes.push(envelope);
        let mut out = Out::new(&file.source, super::CODES, options, &mut state, &mut sink);
        claims.iter().for_each(|claim| out.push(&claim.record()));
        let report = out.finish(Ok(()));
        done.counts.add(report.counts);
        done.problems.extend(report.problems);
        let notes = report.notes.into_iter().filter(|note| note.code != FindingCode::PathLeftOut);
        done.notes.extend(notes);
    }
    done.envelopes.extend(envelopes);
}
