//! Reading the envelope itself, and the checks across its members (M-11).

use super::check::Check;
use super::names::Names;
use crate::choice::Signal;
use crate::envelope::{Envelope, EnvelopeVersion, Gate};
use crate::json::Value;
use crate::limits::{ATTEMPTS, SAFE_INTEGER};
use crate::problem::ProblemCode;
use crate::reason::PolicyReasonCode;
use crate::text::quote;
use crate::time::Timestamp;

/// The members of an envelope with the two names that `policy_reason_code` has (M-13).
static NAMES: Names<24> = Names::new([
    "applied_capsule",
    "attempts",
    "duration_ms",
    "env",
    "envelope_version",
    "event_id",
    "evidence",
    "gates",
    "group_id",
    "guard_evals",
    "guard_reason_code",
    "labels",
    "lane",
    "message",
    "policy_reason_code",
    "remedy",
    "run_id",
    "sequence",
    "signal",
    "task_id",
    "task_spec",
    "tool",
    "ts",
    "wrapper_policy",
]);

impl Check {
    pub(super) fn envelope(&mut self, at: Value<'_>, not_after: Option<Timestamp>) -> Option<Envelope> {
        #[rustfmt::skip]
        let [
            applied, attempts, duration, env, version, event_id, evidence, gates, group_id, guard_evals, alias,
            labels, lane, message, policy, remedy, run_id, sequence, signal, task_id, task_spec, tool, ts, wrapper,
        ] = self.object(at, &NAMES)?;
        let applied_capsule = self.optional(applied, Self::hash);
        let attempts = self.optional(attempts, |check, at| check.integer(at, 1, ATTEMPTS));
        let duration_ms = self.optional(duration, |check, at| check.integer(at, 0, SAFE_INTEGER));
        let env = self.optional(env, Self::env);
        let envelope_version = self.required(at, "envelope_version", version, Self::version);
        let event_id = self.required(at, "event_id", event_id, Self::identifier);
        let evidence = self.evidence(at, evidence);
        let gates = self.optional(gates, Self::gates);
        let group_id = self.required(at, "group_id", group_id, Self::identifier);
        let guard_evals = self.optional(guard_evals, Self::guard_evals);
        let labels = self.optional(labels, Self::map);
        let lane = self.optional(lane, Self::identifier);
        let message = self.optional(message, Self::message);
        let policy_reason_code = self.aliased(policy, alias, Self::reason_code);
        let remedy_read = self.optional(remedy, Self::remedy);
        let run_id = self.required(at, "run_id", run_id, Self::identifier);
        let sequence = self.required(at, "sequence", sequence, |check, at| check.integer(at, 1, SAFE_INTEGER));
        let signal_read = self.required(at, "signal", signal, Self::choice);
        let task_id = self.required(at, "task_id", task_id, Self::identifier);
        let task_spec = self.required(at, "task_spec", task_spec, Self::task_spec);
        let tool = self.optional(tool, Self::tool);
        let ts = self.required(at, "ts", ts, |check, at| check.time(at, not_after));
        let wrapper_policy = self.required(at, "wrapper_policy", wrapper, Self::choice);
        if let (Some(says), Some(place)) = (signal_read, signal) {
            self.signal(
                place,
                &Beside {
                    signal: says,
                    nothing_failed: task_spec.as_ref().is_some_and(|read| read.nothing_failed),
                    policy: policy_reason_code.as_ref().map(Option::as_ref),
                    gates: gates.as_ref().and_then(Option::as_deref),
                    remedy,
                },
            );
        }
        Some(Envelope {
            applied_capsule: applied_capsule?,
            attempts: attempts?,
            duration_ms: duration_ms?,
            env: env?.unwrap_or_default(),
            envelope_version: envelope_version?,
            event_id: event_id?,
            evidence: evidence?,
            gates: gates?.unwrap_or_default(),
            group_id: group_id?,
            guard_evals: guard_evals?.unwrap_or_default(),
            labels: labels?.unwrap_or_default(),
            lane: lane?,
            message: message?,
            policy_reason_code: policy_reason_code?,
            remedy: remedy_read?,
            run_id: run_id?,
            sequence: sequence?,
            signal: signal_read?,
            task_id: task_id?,
            task_spec: task_spec?.spec?,
            tool: tool?,
            ts: ts?,
            wrapper_policy: wrapper_policy?,
        })
    }

    fn version(&mut self, at: Value<'_>) -> Option<EnvelopeVersion> {
        let text = self.text(at)?;
        if text == EnvelopeVersion::V1.as_str() {
            return Some(EnvelopeVersion::V1);
        }
        let message = format!("expected version `1`, found {}", quote(text));
        self.report(ProblemCode::UnsupportedVersion, at, message);
        None
    }

    fn time(&mut self, at: Value<'_>, not_after: Option<Timestamp>) -> Option<Timestamp> {
        let time = self.parsed(at, ProblemCode::TimestampInvalid)?;
        match not_after {
            Some(limit) if time > limit => {
                let message = format!("expected no time after `{limit}`, found `{time}`");
                self.report(ProblemCode::TimestampFuture, at, message);
                None
            }
            _ => Some(time),
        }
    }

    /// M-11: what a signal asks of the members beside it, where these are sound.
    fn signal(&mut self, place: Value<'_>, beside: &Beside<'_, '_>) {
        let Beside { signal, nothing_failed, policy, gates, remedy } = *beside;
        if signal == Signal::Failure && nothing_failed {
            let message = "a `failure` names a `failure_reason_code` other than `NONE`";
            self.report(ProblemCode::SignalMismatch, place, message);
        }
        if signal == Signal::Denial && policy == Some(None) {
            let message = "a `denial` names a `policy_reason_code`";
            self.report(ProblemCode::SignalMismatch, place, message);
        }
        let failed = gates.and_then(|gates| gates.iter().find(|gate| gate.status == crate::Status::Fail));
        if let (Signal::Success, Some(gate)) = (signal, failed) {
            let message = format!("a `success` has no gate that failed, but {} did", quote(gate.gate_id.as_str()));
            self.report(ProblemCode::SignalMismatch, place, message);
        }
        if let Some(remedy) = remedy.filter(|_| signal != Signal::Success) {
            let message = format!("a remedy stands on a `success` only, not on a `{signal}`");
            self.report(ProblemCode::SignalMismatch, remedy, message);
        }
    }
}

/// What stands beside a signal; the sound members only.
struct Beside<'b, 't> {
    signal: Signal,
    /// Whether the `failure_reason_code` is `NONE`, whatever else the TaskSpec says.
    nothing_failed: bool,
    /// `Some(None)` when the member is absent, `None` when it is wrong.
    policy: Option<Option<&'b PolicyReasonCode>>,
    gates: Option<&'b [Gate]>,
    remedy: Option<Value<'t>>,
}
