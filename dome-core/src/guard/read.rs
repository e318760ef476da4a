//! Reading a bundle by the pinned schema, every problem named (M-30).

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::bundle::{AppliesTo, Feedback, Guard, GuardrailsBundle, TransitionPattern};
use super::ppm::ppm;
use crate::id::GuardId;
use crate::ingress::check::Check;
use crate::ingress::names::Names;
use crate::json::{Kind, Value};
use crate::limits::GUARD_EVALS;
use crate::problem::ProblemCode;
use crate::reason::PolicyReasonCode;
use crate::text::quote;

/// Characters of a sentence of feedback.
const SENTENCE_CHARS: std::ops::RangeInclusive<usize> = 12..=240;

pub(super) fn bundle(check: &mut Check, at: Value<'_>) -> Option<GuardrailsBundle> {
    let [kind, id, guards, meta, version] =
        check.object(at, const { &Names::new(["artifact_kind", "bundle_id", "guards", "meta", "version"]) })?;
    let kind = check.required(at, "artifact_kind", kind, |check, at| {
        check.constant(at, ProblemCode::ValueNotAllowed, "guardrails_bundle")
    });
    let bundle_id = check.required(at, "bundle_id", id, Check::filled);
    let guards = check.required(at, "guards", guards, Check::guards);
    let meta = check.required(at, "meta", meta, Check::guard_meta);
    let version = check.required(at, "version", version, Check::filled);
    kind?;
    let (required_evidence, unknowns_policy) = meta?;
    let (bundle_id, version, guards) = (bundle_id?, version?, guards?);
    Some(GuardrailsBundle { bundle_id, version, required_evidence, unknowns_policy, guards })
}

impl Check {
    fn guards(&mut self, at: Value<'_>) -> Option<Vec<Guard>> {
        if at.kind() == Kind::Array && at.is_empty() {
            self.report(ProblemCode::OutOfRange, at, "expected at least one guard");
            return None;
        }
        let guards = self.array(at, GUARD_EVALS, Self::guard);
        self.once(at)?;
        let mut guards = guards?;
        guards.sort_by(|a, b| a.guard_id.cmp(&b.guard_id));
        Some(guards)
    }

    /// Every guard's id at most once.
    fn once(&mut self, at: Value<'_>) -> Option<()> {
        let mut seen = BTreeSet::new();
        let mut sound = true;
        for entry in at.entries() {
            let Some((_, value)) = entry.members().find(|(key, _)| key.text() == Some("guard_id")) else { continue };
            let Some(id) = value.text() else { continue };
            if !seen.insert(id) && GuardId::new(id).is_ok() {
                self.report(ProblemCode::DuplicateItem, value, format_args!("{} stands here a second time", quote(id)));
                sound = false;
            }
        }
        sound.then_some(())
    }

    fn guard(&mut self, at: Value<'_>) -> Option<Guard> {
        let names = const {
            &Names::new([
                "applies_to",
                "deny_decision",
                "feedback",
                "guard_id",
                "predicate_ref",
                "reason_code",
                "required_evidence",
            ])
        };
        let [applies_to, decision, feedback, id, predicate, code, evidence] = self.object(at, names)?;
        let applies_to = self.required(at, "applies_to", applies_to, Self::applies_to);
        let deny_decision = self.required(at, "deny_decision", decision, Self::choice);
        let feedback = self.optional(feedback, Self::feedback);
        let guard_id = self.required(at, "guard_id", id, Self::identifier);
        let predicate_ref = self.optional(predicate, Self::filled);
        let reason_code = self.required(at, "reason_code", code, Self::pinned_code);
        let required_evidence = self.required(at, "required_evidence", evidence, Self::text_set);
        Some(Guard {
            guard_id: guard_id?,
            applies_to: applies_to?,
            deny_decision: deny_decision?,
            reason_code: reason_code?,
            required_evidence: required_evidence?,
            predicate_ref: predicate_ref?,
            feedback: feedback?,
        })
    }

    /// A policy code of M-04 that the pinned schema takes too: it knows no dots.
    pub(super) fn pinned_code(&mut self, at: Value<'_>) -> Option<PolicyReasonCode> {
        let code: PolicyReasonCode = self.reason_code(at)?;
        if code.as_str().contains('.') {
            let found = quote(code.as_str());
            self.report(ProblemCode::ReasonCodeInvalid, at, format_args!("expected no dot here, found {found}"));
            return None;
        }
        Some(code)
    }

    pub(super) fn text_set(&mut self, at: Value<'_>) -> Option<BTreeSet<CompactString>> {
        self.texts(at).map(BTreeSet::from_iter)
    }

    fn applies_to(&mut self, at: Value<'_>) -> Option<AppliesTo> {
        let names = const { &Names::new(["actions", "artifact_kinds", "known_states", "transition", "transitions"]) };
        let [actions, kinds, states, transition, transitions] = self.object(at, names)?;
        let [actions, kinds, states, transitions] =
            [actions, kinds, states, transitions].map(|slot| self.optional(slot, Self::text_set));
        let transition = self.optional(transition, Self::transition_pattern);
        Some(AppliesTo {
            artifact_kinds: kinds?.unwrap_or_default(),
            transitions: transitions?.unwrap_or_default(),
            transition: transition?,
            known_states: states?.unwrap_or_default(),
            actions: actions?.unwrap_or_default(),
        })
    }

    fn transition_pattern(&mut self, at: Value<'_>) -> Option<TransitionPattern> {
        let [from, phase, to] = self.object(at, const { &Names::new(["from", "phase", "to"]) })?;
        let from = self.required(at, "from", from, Self::filled);
        let phase = self.optional(phase, Self::filled);
        let to = self.required(at, "to", to, Self::filled);
        Some(TransitionPattern { from: from?, to: to?, phase: phase? })
    }

    fn feedback(&mut self, at: Value<'_>) -> Option<Feedback> {
        let names = const {
            &Names::new(["actionable_hint", "confidence", "next_step", "operator_message", "severity", "unknowns"])
        };
        let [hint, confidence, next_step, message, severity, unknowns] = self.object(at, names)?;
        let actionable_hint = self.required(at, "actionable_hint", hint, Self::sentence);
        let confidence_ppm = self.required(at, "confidence", confidence, Self::share);
        let next_step = self.required(at, "next_step", next_step, Self::choice);
        let operator_message = self.required(at, "operator_message", message, Self::sentence);
        let severity = self.required(at, "severity", severity, Self::choice);
        let unknowns = self.required(at, "unknowns", unknowns, Self::texts);
        Some(Feedback {
            actionable_hint: actionable_hint?,
            confidence_ppm: confidence_ppm?,
            next_step: next_step?,
            operator_message: operator_message?,
            severity: severity?,
            unknowns: unknowns?,
        })
    }

    fn sentence(&mut self, at: Value<'_>) -> Option<CompactString> {
        let text = self.text(at)?;
        let length = text.chars().count();
        if !SENTENCE_CHARS.contains(&length) {
            let (least, most) = (SENTENCE_CHARS.start(), SENTENCE_CHARS.end());
            let message = format!("expected {least} to {most} characters, found {length}");
            self.report(ProblemCode::OutOfRange, at, message);
            return None;
        }
        Some(text.into())
    }

    /// A number from 0 to 1, in parts per million.
    fn share(&mut self, at: Value<'_>) -> Option<u64> {
        let found = || quote(at.text().unwrap_or(at.written()));
        if !matches!(at.kind(), Kind::Integer | Kind::UnsafeInteger | Kind::Fraction) {
            self.report(ProblemCode::WrongType, at, format_args!("expected a number, found {}", found()));
            return None;
        }
        let parts = ppm(at.written());
        if parts.is_none() {
            self.report(ProblemCode::OutOfRange, at, format_args!("expected a number from 0 to 1, found {}", found()));
        }
        parts
    }
}
