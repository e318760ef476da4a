//! Envelopes built from code: what is built reads back, and what is refused has the codes of reading.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use dome_arbitrary::envelope;
use dome_core::build::{Draft, FailedCode, Failure, MayFail, Origin, SignalType};
use dome_core::{Envelope, Evidence, ProblemCode, Rejection, Signal, Status, TaskLine, read};
use proptest::prelude::*;

fn origin(envelope: &Envelope) -> Origin {
    Origin {
        event_id: envelope.event_id.clone(),
        sequence: envelope.sequence,
        run_id: envelope.run_id.clone(),
        task_id: envelope.task_id.clone(),
        group_id: envelope.group_id.clone(),
        ts: envelope.ts,
        wrapper_policy: envelope.wrapper_policy,
    }
}

/// What every signal can have.
fn common<S: SignalType>(mut draft: Draft<S>, from: &Envelope) -> Draft<S> {
    for gate in &from.gates {
        draft = match gate.status {
            Status::Pass => draft.passed(gate.gate_id.clone()),
            Status::Skip => draft.skipped(gate.gate_id.clone()),
            Status::Fail => draft,
        };
    }
    draft = from.guard_evals.iter().rev().cloned().fold(draft, Draft::guard);
    draft = from.evidence.iter().skip(1).cloned().fold(draft, Draft::evidence);
    draft = from.env.iter().fold(draft, |draft, (key, value)| draft.env(key, value));
    draft = from.labels.iter().fold(draft, |draft, (key, value)| draft.label(key, value));
    draft = from.task_spec.versions.iter().flat_map(|map| map.iter()).fold(draft, |draft, (k, v)| draft.version(k, v));
    draft = from.lane.iter().cloned().fold(draft, Draft::lane);
    draft = from.subject.iter().cloned().fold(draft, Draft::subject);
    draft = from.abandoned.iter().copied().fold(draft, Draft::abandoned);
    draft = from.tool.iter().cloned().fold(draft, Draft::tool);
    draft = from.attempts.iter().copied().fold(draft, Draft::attempts);
    draft = from.duration_ms.iter().copied().fold(draft, Draft::duration_ms);
    draft = from.message.iter().cloned().fold(draft, Draft::message);
    draft = from.applied_capsule.iter().copied().fold(draft, Draft::applied_capsule);
    draft = from.task_spec.side_effects.iter().cloned().fold(draft, Draft::side_effects);
    from.task_spec.transition.iter().cloned().fold(draft, Draft::transition)
}

fn failed<S: MayFail>(draft: Draft<S>, from: &Envelope) -> Draft<S> {
    from.failed_gates().cloned().fold(draft, Draft::failed)
}

/// The envelope again, by way of the constructor of its signal.
fn rebuilt(from: &Envelope) -> Result<Envelope, Rejection> {
    let (origin, work, proof) = (origin(from), from.task_spec.line(), from.evidence.first().unwrap().clone());
    let (code, policy) = (from.task_spec.failure_reason_code.clone(), from.policy_reason_code.clone());
    let policies = || policy.iter().cloned();
    match from.signal {
        Signal::Failure => {
            let draft = Draft::failure(origin, work, FailedCode::try_from(code).unwrap(), proof);
            let draft = from.remedy.iter().cloned().fold(draft, Draft::remedy);
            failed(policies().fold(common(draft, from), Draft::policy_reason_code), from).build()
        }
        Signal::Denial => {
            let draft = Draft::denial(origin, work, policy.unwrap(), proof).failure_reason_code(code);
            failed(common(draft, from), from).build()
        }
        Signal::Success => {
            let draft = Draft::success(origin, work, proof).failure_reason_code(code);
            let draft = policies().fold(common(draft, from), Draft::policy_reason_code);
            from.remedy.iter().cloned().fold(draft, Draft::remedy).build()
        }
        Signal::Anomaly => {
            let draft = Draft::anomaly(origin, work, proof).failure_reason_code(code);
            failed(policies().fold(common(draft, from), Draft::policy_reason_code), from).build()
        }
        Signal::Observation => {
            let draft = Draft::observation(origin, work, proof).failure_reason_code(code);
            failed(policies().fold(common(draft, from), Draft::policy_reason_code), from).build()
        }
    }
}

fn draft() -> Draft<Failure> {
    let example = read(dome_core::EXAMPLE_LINE).unwrap();
    let work: TaskLine = example.task_spec.line();
    let proof = example.evidence.first().unwrap().clone();
    Draft::failure(origin(&example), work, FailedCode::new("TESTS_FAILED").unwrap(), proof)
}

proptest! {
    #[test]
    fn m40_every_envelope_can_be_built_and_reads_back_to_itself(value in envelope()) {
        let mut from = read(value.to_string().as_bytes())?;
        let built = rebuilt(&from)?;
        // Versions without a member come to none.
        from.task_spec.versions = from.task_spec.versions.filter(|versions| !versions.is_empty());
        prop_assert_eq!(&built, &from);
        let line = built.to_line();
        prop_assert_eq!(line.as_bytes(), built.to_canonical());
        prop_assert_eq!(read(line.as_bytes())?, built);
    }

    #[test]
    fn what_types_cannot_show_is_checked_and_what_is_taken_reads_back(
        attempts in prop_oneof![0_u64..3, 999_999_u64..1_000_002, any::<u64>()],
        duration in prop_oneof![9_007_199_254_740_990_u64..9_007_199_254_740_993, any::<u64>()],
        gates in proptest::collection::vec("[ab]", 0..4),
        keys in proptest::collection::vec("[aAb]", 0..3),
        message in 65_535_usize..65_538,
        bare in any::<bool>(),
    ) {
        let mut draft = draft().attempts(attempts).duration_ms(duration).message("x".repeat(message));
        draft = gates.iter().fold(draft, |draft, gate| draft.passed(gate.parse().unwrap()));
        draft = keys.iter().fold(draft, |draft, key| draft.env(key, "v"));
        if bare {
            draft = draft.evidence(Evidence { bytes: Some(1), path: None, sha256: None });
        }
        let mut distinct = gates.clone();
        distinct.sort();
        distinct.dedup();
        let meets = keys.contains(&"a".to_owned()) && keys.contains(&"A".to_owned());
        let expected: Vec<ProblemCode> = [
            (!(1..=1_000_000).contains(&attempts) && attempts <= dome_core::limits::SAFE_INTEGER, ProblemCode::OutOfRange),
            (attempts > dome_core::limits::SAFE_INTEGER, ProblemCode::NumberUnsafe),
            (duration > dome_core::limits::SAFE_INTEGER, ProblemCode::NumberUnsafe),
            (meets, ProblemCode::DuplicateItem),
            (bare, ProblemCode::EvidenceMissing),
            (distinct.len() < gates.len(), ProblemCode::DuplicateItem),
            (message > 65_536, ProblemCode::OutOfRange),
        ].iter().filter(|(wrong, _)| *wrong).map(|(_, code)| *code).collect();
        match draft.build() {
            Ok(built) => {
                prop_assert!(expected.is_empty(), "{expected:?}");
                prop_assert_eq!(read(built.to_line().as_bytes())?, built);
            }
            Err(rejection) => {
                let found: Vec<_> = rejection.problems().iter().map(|problem| problem.code).collect();
                prop_assert!(!expected.is_empty() && expected.iter().all(|code| found.contains(code)), "{found:?}");
                prop_assert!(found.iter().all(|code| expected.contains(code)), "{found:?}, not {expected:?}");
            }
        }
    }
}

#[test]
fn m11_a_failure_has_a_code_and_none_is_not_one() {
    assert!(FailedCode::new("NONE").is_err());
    assert!(FailedCode::new("tests_failed").is_err());
    assert_eq!(draft().build().unwrap().task_spec.failure_reason_code.as_str(), "TESTS_FAILED");
}

#[test]
fn l6_a_denial_leaves_the_failure_code_alone() {
    let example = read(dome_core::EXAMPLE_LINE).unwrap();
    let proof = example.evidence.first().unwrap().clone();
    let why = "BUDGET_EXHAUSTED".parse().unwrap();
    let denied = Draft::denial(origin(&example), example.task_spec.line(), why, proof).build().unwrap();
    assert!(denied.task_spec.failure_reason_code.is_none());
    assert_eq!(denied.policy_reason_code.unwrap().as_str(), "BUDGET_EXHAUSTED");
}
