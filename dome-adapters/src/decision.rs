//! What logs of policy engines share: a decision is of policy, an error of its evaluation a failure,
//! and neither is ever told as the other (M-04, M-11).

use std::collections::BTreeSet;

use dome_core::limits::GUARD_EVALS;
use dome_core::{Decision, Signal, Status};
use serde_json::json;

use crate::record::{OutcomeRecord, cut, identifier};

/// `guards` are ids and policy codes; a denial names the code of the first, and its failure code stays `NONE`.
pub(crate) fn decided(
    place: &str,
    target: (&'static str, &str),
    allowed: bool,
    guards: Vec<(String, String)>,
) -> OutcomeRecord {
    let (signal, status, decision) = if allowed {
        (Signal::Success, Status::Pass, Decision::Allow)
    } else {
        (Signal::Denial, Status::Fail, Decision::Deny)
    };
    let mut record = OutcomeRecord::new(place, signal, target, "authorize");
    record.policy_reason_code = guards.first().filter(|_| !allowed).map(|(_, code)| code.clone());
    let mut seen = BTreeSet::new();
    let answers = guards.into_iter().filter_map(|(id, code)| {
        let guard_id = identifier(&id).filter(|id| seen.insert(id.clone()))?;
        let codes = if allowed { Vec::new() } else { vec![code] };
        Some(json!({"guard_id": guard_id, "status": status, "decision": decision, "reason_codes": codes}))
    });
    record.guard_evals = answers.take(GUARD_EVALS).collect();
    record
}

/// A label's text, which has no limit of its own, kept short.
pub(crate) fn short(text: &str) -> &str {
    cut(text.trim(), 512)
}
