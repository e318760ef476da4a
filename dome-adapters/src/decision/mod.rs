//! What logs of policy engines share: a decision is of policy, an error of its evaluation a failure,
//! and neither is ever told as the other (M-04, M-11).

use dome_core::{Decision, Signal, Status};

use crate::draft::GuardDraft;
use crate::record::{Record, cut, identifier};

/// A guard that decided, by its id and, where it denied, its policy code.
pub(crate) struct Guard {
    pub(crate) id: String,
    pub(crate) code: String,
}

/// A record of a decision. A denial names the code of its first guard; its failure code stays `NONE`.
pub(crate) fn decided(place: &str, target: (&'static str, &str), allowed: bool, guards: Vec<Guard>) -> Record {
    let signal = if allowed { Signal::Success } else { Signal::Denial };
    let mut record = Record::new(place, signal, target, "authorize");
    record.policy_reason_code = guards.first().filter(|_| !allowed).map(|guard| guard.code.clone());
    let (status, decision) = if allowed { (Status::Pass, Decision::Allow) } else { (Status::Fail, Decision::Deny) };
    let mut seen = std::collections::BTreeSet::new();
    record.guard_evals = guards
        .into_iter()
        .filter_map(|guard| {
            let guard_id = identifier(&guard.id).filter(|id| seen.insert(id.clone()))?;
            let reason_codes = if allowed { Vec::new() } else { vec![guard.code] };
            let (status, decision) = (Some(status), Some(decision));
            Some(GuardDraft { guard_id, status, decision, reason_codes, ..GuardDraft::default() })
        })
        .take(dome_core::limits::GUARD_EVALS)
        .collect();
    record
}

/// A label's text, which has no limit of its own, kept short.
pub(crate) fn short(text: &str) -> &str {
    cut(text.trim(), 512)
}
