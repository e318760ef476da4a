//! An answer in two kilobytes: one entry per root cause, in words that an agent can act on.

use std::collections::BTreeMap;

use compact_str::CompactString;
use dome_core::{EvidencePath, FailureReasonCode, RemedyKind, Sha256Hash};
use serde::Serialize;

use super::{AdvisoryBecause, Asked, Layer, Prior, Priors, Rollout, RolloutTerms, Tier};
use crate::confidence::confidence_ppm;
use crate::eligibility::{Hold, Verdict};
use crate::fold::CapsuleStanding;
use crate::remedy::{RemedyRecord, rerun_identity};

/// Bytes of a brief answer at the most, as canonical JSON.
pub const MOST_BRIEF_BYTES: usize = 2_048;

/// Bytes of a text of it at the most.
const MOST_TEXT_BYTES: usize = 160;

/// Room for the number of what is left off.
const LEFT_OFF_BYTES: usize = 20;

/// Room for the name of what the store holds.
const STORE_HOLDS_BYTES: usize = 17;

/// What the longest [`AdvisoryBecause`] takes as a member.
const ADVICE_BYTES: usize = 40;

/// An answer in few words, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BriefAnswer {
    /// The version of this document.
    pub format_version: &'static str,
    /// Entries that did not fit, or are of the same root cause; `--detail full` has them, as far as `--limit` goes.
    pub left_off: u64,
    /// One entry per root cause, the best first; beside one that knows no remedy, the nearest that does.
    pub priors: Vec<BriefPrior>,
    /// How far dome may go.
    pub rollout: Rollout,
    /// By what terms it was answered, where it was not simply answered as it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_terms: Option<RolloutTerms>,
    /// What is known in one sentence where there is no entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<&'static str>,
    /// What the store keeps that is about these entries: whether the tools of their remedies conform, whose word stands
    /// behind them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub store_holds: Vec<String>,
}

/// One root cause, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BriefPrior {
    /// Why it is advice, though nothing holds it back and the mode would let it steer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advisory_because: Option<AdvisoryBecause>,
    /// What a task that follows it reports as `applied_capsule`: the capsule's key, or one of those that the concept
    /// sums up.
    pub applied_capsule: Sha256Hash,
    /// M-91.
    pub confidence_ppm: u64,
    /// Which experiment would decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// How often it failed, of how many executions.
    pub failed: String,
    /// What went wrong.
    pub failure_reason_code: FailureReasonCode,
    /// What holds it back, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub held: Vec<&'static str>,
    /// The key of the capsule or concept: what `dome explain` takes.
    pub key: Sha256Hash,
    /// What stands behind it.
    pub layer: Layer,
    /// What is missing for a proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// The best remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<BriefRemedy>,
    /// What a rerun does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerun: Option<String>,
    /// Whether following it may have side effects; without this member it may not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub side_effects: bool,
    /// How it stands (M-85).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<CapsuleStanding>,
    /// Which target, where it is not the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub target_id: Option<CompactString>,
    /// How near it is.
    pub tier: Tier,
    /// What it may be used as.
    pub verdict: Verdict,
    /// How often the best remedy worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worked: Option<String>,
}

/// Puts an answer into few words: one entry per root cause, which is one concept key, and at most
/// [`MOST_BRIEF_BYTES`] as canonical JSON. Where the best entry of a cause knows no remedy, the best that does stands
/// beside it, and what may be followed always does, as far as there is room.
///
/// ```
/// # use dome_binder::priors::{Memory, PriorsQuery, brief, priors};
/// # use dome_binder::{Policy, Record, Rules, replay};
/// # use dome_core::{CodeTable, Source};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
/// # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// # let query = PriorsQuery::of(envelope.task_spec.line());
/// # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// # let replay = replay(vec![Box::new(record)], &rules, None);
/// let answer = priors(&Memory::of(&replay, &rules), &query);
/// assert_eq!(brief(&answer).priors[0].failed, "1 of 1 executions, 100 %");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn brief(answer: &Priors) -> BriefAnswer {
    let said = match answer.rollout {
        Rollout::Shadow => Some("shadow: nothing is answered; --record keeps what would have been"),
        _ if answer.priors.is_empty() => Some("nothing is known of this; whatever you try, report how it ended"),
        _ => None,
    };
    let (rollout, left_off) = (answer.rollout, answer.left_off);
    let rollout_terms = answer.rollout_terms.as_ref().map(RolloutTerms::brief);
    let (priors, store_holds) = (Vec::new(), Vec::new());
    let mut brief = BriefAnswer { format_version: "2", left_off, priors, rollout, rollout_terms, said, store_holds };
    let reserved = LEFT_OFF_BYTES + if answer.store_holds.is_empty() { 0 } else { STORE_HOLDS_BYTES };
    let mut room = (MOST_BRIEF_BYTES - reserved).saturating_sub(bytes(&brief));
    // Causes, and whether something is shown that helped.
    let mut causes: BTreeMap<Sha256Hash, bool> = BTreeMap::new();
    for prior in &answer.priors {
        let helps = !prior.remedies.is_empty();
        // What may be followed stands beside what may not, whatever the cause.
        let adds = prior.verdict == Verdict::Prescriptive
            || causes.get(&prior.concept_key).is_none_or(|helped| helps && !helped);
        let entry = BriefPrior::of(prior, &answer.query);
        let said = store_says(prior, answer, &brief.store_holds);
        // Commas, and what it takes to say that it is advice after all.
        let advice = ADVICE_BYTES * usize::from(prior.verdict == Verdict::Prescriptive);
        let taken = bytes(&entry) + 1 + advice + said.iter().map(|said| bytes(said) + 1).sum::<usize>();
        if adds && taken <= room && prior.advisory_because != Some(AdvisoryBecause::NotShown) {
            room -= taken;
            brief.priors.push(entry);
            brief.store_holds.extend(said);
            *causes.entry(prior.concept_key).or_default() |= helps;
        } else {
            brief.left_off += 1;
        }
    }
    brief
}

/// What the store says of a prior, and no entry said before.
fn store_says(prior: &Prior, answer: &Priors, said: &[String]) -> Vec<String> {
    let of_it = answer.store_holds.iter().filter(|hold| hold.is_about(prior));
    of_it
        .map(|hold| short(&hold.to_string(), MOST_TEXT_BYTES).to_string())
        .filter(|text| !said.contains(text))
        .collect()
}

fn bytes(of: &impl Serialize) -> usize {
    let mut bytes = Vec::new();
    dome_core::canonical::append(of, &mut bytes);
    bytes.len()
}

/// A share in whole percent; what is not nothing is never 0 %, what is not all never 100 %.
fn percent(part: u64, whole: u64) -> u64 {
    let percent = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or_default() as u64;
    if part == 0 || part >= whole { percent } else { percent.clamp(1, 99) }
}

/// The beginning of a text, with a mark where it was cut.
pub(super) fn short(text: &str, most: usize) -> CompactString {
    let mut kept = most;
    if text.len() <= kept {
        return text.into();
    }
    while !text.is_char_boundary(kept) {
        kept -= 1;
    }
    compact_str::format_compact!("{}…", text.get(..kept).unwrap_or_default())
}

impl BriefPrior {
    fn of(prior: &Prior, query: &Asked) -> Self {
        let (counts, best) = (&prior.counts, prior.remedies.first());
        let failed = match counts.execution_count {
            Some(all) => {
                format!("{} of {all} executions, {} %", counts.failure_count, percent(counts.failure_count, all))
            }
            None => format!(
                "{} x in {} runs on {} targets",
                counts.failure_count,
                counts.run_count,
                counts.target_count.unwrap_or_default()
            ),
        };
        let is_rerun = |record: &&RemedyRecord| record.identity == rerun_identity();
        let own = best.filter(|record| !is_rerun(record));
        Self {
            advisory_because: prior.advisory_because,
            applied_capsule: prior.derived_key.or_else(|| prior.sums_up.first().copied()).unwrap_or(prior.concept_key),
            confidence_ppm: prior.confidence_ppm,
            experiment: experiment(prior),
            failed,
            failure_reason_code: prior.failure_reason_code.clone(),
            held: prior.held.iter().map(|held| held.hold.as_str()).collect(),
            key: prior.key(),
            layer: prior.layer,
            proof: proof(prior),
            remedy: best.map(BriefRemedy::of),
            rerun: prior.remedies.iter().find(is_rerun).map(rerun),
            side_effects: prior.side_effects,
            state: prior.state.as_ref().map(|state| state.standing),
            target_id: prior
                .target_id
                .as_ref()
                .filter(|id| **id != query.target_id)
                .map(|id| short(id.as_str(), MOST_TEXT_BYTES)),
            tier: prior.tier,
            verdict: prior.verdict,
            worked: own.map(|record| match record.count + record.contradicted_count {
                0 => "not yet proven".to_owned(),
                runs => format!("worked in {} of {runs} runs", record.count),
            }),
        }
    }
}

/// A remedy as far as it fits, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BriefRemedy {
    /// What two uses of it have in common.
    pub identity: Sha256Hash,
    /// What kind of thing it is.
    pub kind: RemedyKind,
    /// Where it can be found, whole or not at all.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<EvidencePath>,
    /// Its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Hash>,
    /// A sentence for people, or its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub summary: Option<CompactString>,
}

impl BriefRemedy {
    fn of(record: &RemedyRecord) -> Self {
        let remedy = &record.remedy;
        Self {
            identity: record.identity,
            kind: remedy.kind.clone(),
            reference: remedy.reference.clone().filter(|reference| reference.as_str().len() <= MOST_TEXT_BYTES),
            sha256: remedy.sha256,
            summary: remedy.summary.as_deref().map(|summary| short(summary, MOST_TEXT_BYTES)),
        }
    }
}

fn rerun(record: &RemedyRecord) -> String {
    let RemedyRecord { count, contradicted_count, reruns, .. } = record;
    let runs = count + contradicted_count;
    match reruns {
        Some(1) | None => format!("passed the next time {count} of {runs}"),
        Some(most) => format!("passed within {most} reruns {count} of {runs}"),
    }
}

fn proof(prior: &Prior) -> Option<String> {
    let state = prior.state.as_ref()?;
    match (state.standing, state.clean_count, state.clean_needed) {
        (CapsuleStanding::Pending, Some(count), Some(needed)) => Some(format!("{count} of {needed} clean runs")),
        (CapsuleStanding::Held, ..) => Some("its last resolution is proven".to_owned()),
        _ => None,
    }
}

/// What would tell more than is known, in the cheapest way.
fn experiment(prior: &Prior) -> Option<String> {
    let state = prior.state.as_ref();
    let more = state.and_then(|state| state.until_broken);
    match state.map(|state| state.standing) {
        Some(CapsuleStanding::Pending) => {
            let state = state?;
            let missing = state.clean_needed?.saturating_sub(state.clean_count?);
            Some(match missing {
                1 => "1 more clean run proves it".to_owned(),
                more => format!("{more} more clean runs prove it"),
            })
        }
        Some(CapsuleStanding::Broken) => {
            Some("it fails too often in a row for chance: a rerun tells nothing, one clean run proves a fix".to_owned())
        }
        Some(CapsuleStanding::Failing) if more == Some(1) => {
            Some("rerun once: if it fails again, it is broken, and one clean run proves a fix".to_owned())
        }
        Some(CapsuleStanding::Failing) => Some(format!(
            "rerun at the same revision: a pass says that it is a flake, {} more failing runs that it is broken",
            more?
        )),
        _ => more_trials(prior),
    }
}

/// How often the first remedy has to work yet, where that is all that is missing.
fn more_trials(prior: &Prior) -> Option<String> {
    // What is known of another target, or of another failure, is advice whatever it proves.
    if matches!(prior.tier, Tier::Elsewhere | Tier::Line) {
        return None;
    }
    let (best, [held]) = (prior.remedies.first()?, prior.held.as_slice()) else { return None };
    let least = held.threshold.filter(|_| held.hold == Hold::LowConfidence)?;
    let more = (1..=50).find(|more| confidence_ppm(best.count + more, best.contradicted_count) >= least)?;
    let runs = if more == 1 { "1 more run".to_owned() } else { format!("{more} more runs") };
    Some(format!("if its first remedy works in {runs}, it may be followed"))
}
