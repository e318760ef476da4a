//! Reading the two documents, strict to the last member, every problem named (M-30).

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use super::bundle::{
    AppliesTo, ContextVersion, DenyDecision, Feedback, Guard, GuardContext, GuardrailsBundle, PredicateResult,
    TransitionPattern, UnknownsPolicy,
};
use crate::choice::{Decision, Status};
use crate::ingress::Check;
use crate::ingress::check::{members, object};
use crate::json::{Kind, Value};
use crate::limits::{ARRAY, GUARD_EVALS, SAFE_INTEGER};
use crate::problem::ProblemCode;
use crate::reason::{CodeClass, PolicyReasonCode};
use crate::text::quote;

const SENTENCE_CHARS: std::ops::RangeInclusive<usize> = 12..=240;

/// What evaluation needs of `meta`.
struct Requirements {
    required_evidence: BTreeSet<CompactString>,
    unknowns_policy: UnknownsPolicy,
}

impl Check {
    pub(super) fn guard_bundle(&mut self, at: Value<'_>) -> Option<GuardrailsBundle> {
        members!(self, at, {
            artifact_kind: required(|check, at| check.constant(at, ProblemCode::ValueNotAllowed, "guardrails_bundle")),
            bundle_id: required(Self::filled),
            guards: required(Self::guards),
            meta: required(Self::guard_meta),
            version: required(Self::filled),
        });
        artifact_kind?;
        let Requirements { required_evidence, unknowns_policy } = meta?;
        let (bundle_id, version, guards) = (bundle_id?, version?, guards?);
        Some(GuardrailsBundle { bundle_id, version, required_evidence, unknowns_policy, guards })
    }

    fn guards(&mut self, at: Value<'_>) -> Option<Vec<Guard>> {
        if at.kind() == Kind::Array && at.is_empty() {
            return self.refuse(ProblemCode::OutOfRange, at, "expected at least one guard");
        }
        self.sorted(at, GUARD_EVALS, "guard_id", Self::guard, |guard| &guard.guard_id)
    }

    fn guard(&mut self, at: Value<'_>) -> Option<Guard> {
        object!(self, at => Guard {
            applies_to: required(Self::applies_to),
            deny_decision: required(Self::choice),
            feedback: optional(Self::feedback),
            guard_id: required(Self::identifier),
            predicate_ref: optional(Self::any_text),
            reason_code: required(Self::pinned_code),
            required_evidence: required(Self::text_set),
        })
    }

    fn applies_to(&mut self, at: Value<'_>) -> Option<AppliesTo> {
        object!(self, at => AppliesTo {
            actions: defaulted(Self::text_set),
            artifact_kinds: defaulted(Self::text_set),
            known_states: defaulted(Self::states),
            transition: optional(Self::transition_pattern),
            transitions: defaulted(Self::text_set),
        })
    }

    fn transition_pattern(&mut self, at: Value<'_>) -> Option<TransitionPattern> {
        object!(self, at => TransitionPattern {
            from: required(Self::filled),
            phase: optional(Self::filled),
            to: required(Self::filled),
        })
    }

    fn feedback(&mut self, at: Value<'_>) -> Option<Feedback> {
        object!(self, at => Feedback {
            actionable_hint: required(Self::sentence),
            "confidence" confidence_ppm: required(Self::share),
            next_step: required(Self::choice),
            operator_message: required(Self::sentence),
            severity: required(Self::choice),
            unknowns: defaulted(|check, at| check.set(at, Self::filled)),
        })
    }

    fn guard_meta(&mut self, at: Value<'_>) -> Option<Requirements> {
        members!(self, at, {
            guards: required(Self::meta_guards),
            policy_linkage: required(Self::policy_linkage),
            requirements: required(Self::requirements),
        });
        guards.and(policy_linkage).and(requirements)
    }

    fn requirements(&mut self, at: Value<'_>) -> Option<Requirements> {
        object!(self, at => Requirements {
            required_evidence: required(Self::text_set),
            unknowns_policy: required(Self::unknowns_policy),
        })
    }

    fn unknowns_policy(&mut self, at: Value<'_>) -> Option<UnknownsPolicy> {
        members!(self, at, {
            emit_unknowns_field: required(|check, at| check.constant(at, ProblemCode::ValueNotAllowed, "unknowns")),
            max_unknowns: defaulted(|check, at| check.integer(at, 0, SAFE_INTEGER)),
            on_unknown_state: required(Self::choice),
            on_unknown_transition: required(Self::choice),
            reason_code: required(Self::pinned_code),
        });
        emit_unknowns_field?;
        Some(UnknownsPolicy {
            on_unknown_state: on_unknown_state?,
            on_unknown_transition: on_unknown_transition?,
            reason_code: reason_code?,
            max_unknowns: max_unknowns?,
        })
    }

    fn policy_linkage(&mut self, at: Value<'_>) -> Option<()> {
        object!(self, at => {
            control_strategy_ref: optional(Self::versioned_ref),
            guardrails_bundle_ref: optional(Self::versioned_ref),
            pattern_catalog_ref: optional(Self::versioned_ref),
            plant_spec_ref: optional(Self::versioned_ref),
            rank_policy_ref: optional(Self::versioned_ref),
            reason_codes_ref: required(Self::versioned_ref),
            src_conventions_ref: optional(Self::versioned_ref),
        })
    }

    fn versioned_ref(&mut self, at: Value<'_>) -> Option<()> {
        object!(self, at => {
            id: optional(Self::filled),
            path: required(Self::filled),
            sha256: optional(Self::filled),
            version: required(Self::filled),
        })
    }

    fn meta_guards(&mut self, at: Value<'_>) -> Option<()> {
        object!(self, at => {
            eval: required(|check, at| check.array(at, ARRAY, Self::meta_eval)),
            spec: required(|check, at| check.array(at, ARRAY, Self::meta_spec)),
        })
    }

    fn meta_spec(&mut self, at: Value<'_>) -> Option<()> {
        object!(self, at => {
            deny_decision: required(Self::choice::<DenyDecision>),
            deny_reason_code: required(Self::pinned_code),
            evidence_kinds: required(Self::texts),
            guard_id: required(Self::filled),
            guard_kind: optional(Self::choice::<CodeClass>),
            predicate_ref: optional(Self::filled),
        })
    }

    fn meta_eval(&mut self, at: Value<'_>) -> Option<()> {
        object!(self, at => {
            decision: optional(Self::choice::<Decision>),
            evidence_refs: optional(Self::texts),
            guard_id: required(Self::filled),
            notes: optional(Self::any_text),
            reason_codes: optional(Self::texts),
            status: required(Self::choice::<Status>),
        })
    }

    pub(super) fn guard_context(&mut self, at: Value<'_>) -> Option<GuardContext> {
        object!(self, at => GuardContext {
            action: optional(Self::filled),
            artifact_kind: optional(Self::filled),
            context_version: required(|check, at| {
                check.constant(at, ProblemCode::UnsupportedVersion, "1").map(|()| ContextVersion::V1)
            }),
            evidence_kinds: defaulted(Self::text_set),
            from_state: optional(Self::filled),
            phase: optional(Self::filled),
            predicates: defaulted(Self::predicates),
            to_state: optional(Self::filled),
            transition_id: optional(Self::filled),
        })
    }

    fn predicates(&mut self, at: Value<'_>) -> Option<BTreeMap<CompactString, PredicateResult>> {
        if at.kind() != Kind::Object {
            return self.refuse_type(at, "an object");
        }
        self.count(at, ARRAY, "members")?;
        let read: Vec<_> = at.members().map(|(key, value)| (key.name_text(), self.predicate_result(value))).collect();
        read.into_iter().map(|(name, result)| Some((name.into(), result?))).collect()
    }

    fn predicate_result(&mut self, at: Value<'_>) -> Option<PredicateResult> {
        match (at.kind(), at.written(), at.text()) {
            (Kind::Boolean, "true", _) => Some(PredicateResult::True),
            (Kind::Boolean, ..) => Some(PredicateResult::False),
            (.., Some("unknown")) => Some(PredicateResult::Unknown),
            (_, written, text) => {
                let message = format!("expected true, false or `unknown`, found {}", quote(text.unwrap_or(written)));
                self.refuse(ProblemCode::ValueNotAllowed, at, message)
            }
        }
    }

    /// A policy code of M-04 that the pinned schema takes too: it knows no dots.
    fn pinned_code(&mut self, at: Value<'_>) -> Option<PolicyReasonCode> {
        let code: PolicyReasonCode = self.reason_code(at)?;
        if code.as_str().contains('.') {
            let found = quote(code.as_str());
            return self.refuse(
                ProblemCode::ReasonCodeInvalid,
                at,
                format_args!("expected no dot here, found {found}"),
            );
        }
        Some(code)
    }

    fn filled(&mut self, at: Value<'_>) -> Option<CompactString> {
        let text = self.text(at)?;
        if text.is_empty() {
            return self.refuse(ProblemCode::OutOfRange, at, "expected at least one character");
        }
        Some(text.into())
    }

    fn texts(&mut self, at: Value<'_>) -> Option<Vec<CompactString>> {
        self.set(at, Self::any_text)
    }

    /// States: none of them twice.
    fn states(&mut self, at: Value<'_>) -> Option<BTreeSet<CompactString>> {
        let mut states = BTreeSet::new();
        self.array(at, ARRAY, |check, at| {
            let state = check.filled(at)?;
            if states.contains(&state) {
                let message = format!("{} stands here a second time", quote(&state));
                return check.refuse(ProblemCode::DuplicateItem, at, message);
            }
            states.insert(state);
            Some(())
        })?;
        Some(states)
    }

    fn text_set(&mut self, at: Value<'_>) -> Option<BTreeSet<CompactString>> {
        self.texts(at).map(BTreeSet::from_iter)
    }

    fn constant(&mut self, at: Value<'_>, code: ProblemCode, word: &str) -> Option<()> {
        let text = self.text(at)?;
        if text != word {
            return self.refuse(code, at, format_args!("expected `{word}`, found {}", quote(text)));
        }
        Some(())
    }

    fn sentence(&mut self, at: Value<'_>) -> Option<CompactString> {
        let text = self.text(at)?;
        let length = text.chars().count();
        if !SENTENCE_CHARS.contains(&length) {
            let (least, most) = (SENTENCE_CHARS.start(), SENTENCE_CHARS.end());
            let message = format!("expected {least} to {most} characters, found {length}");
            return self.refuse(ProblemCode::OutOfRange, at, message);
        }
        Some(text.into())
    }

    /// A number from 0 to 1, in parts per million.
    fn share(&mut self, at: Value<'_>) -> Option<u64> {
        if !matches!(at.kind(), Kind::Integer | Kind::UnsafeInteger | Kind::Fraction) {
            let found = quote(at.text().unwrap_or(at.written()));
            return self.refuse(ProblemCode::WrongType, at, format_args!("expected a number, found {found}"));
        }
        ppm(at.written()).or_else(|| {
            let message = format!("expected a number from 0 to 1, found {}", quote(at.written()));
            self.refuse(ProblemCode::OutOfRange, at, message)
        })
    }
}

/// Parts per million, rounded down, of a number from 0 to 1: by its digits, without a float (M-01).
fn ppm(written: &str) -> Option<u64> {
    let (negative, number) = written.strip_prefix('-').map_or((false, written), |rest| (true, rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let zeros = digits.bytes().take_while(|digit| *digit == b'0').count();
    let (_, digits) = digits.split_at(zeros);
    if digits.is_empty() {
        return Some(0);
    }
    // The value is 0.DIGITS times ten to the power of `point`.
    let point = point(whole.len(), zeros, exponent);
    match (negative, point) {
        (true, _) | (_, 2..) => None,
        (_, 1) => (digits.trim_end_matches('0') == "1").then_some(1_000_000),
        _ => Some(six_digits(digits, point.unsigned_abs())),
    }
}

fn point(whole: usize, zeros: usize, exponent: &str) -> i64 {
    let huge = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let exponent: i64 = exponent.trim_start_matches('+').parse().unwrap_or(huge);
    exponent.saturating_add(length(whole)).saturating_sub(length(zeros))
}

/// The first six digits behind the point of `0.00…DIGITS`, with so many zeros before the digits.
fn six_digits(digits: &str, zeros: u64) -> u64 {
    let zeros = usize::try_from(zeros.min(6)).unwrap_or(6);
    let shown = std::iter::repeat_n(b'0', zeros).chain(digits.bytes()).chain(std::iter::repeat(b'0'));
    shown.take(6).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::ppm;

    #[test]
    fn m01_a_share_is_read_by_its_digits() {
        for (written, parts) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0e9", 0),
            ("1", 1_000_000),
            ("1.000", 1_000_000),
            ("10e-1", 1_000_000),
            ("0.1e1", 1_000_000),
            ("0.9", 900_000),
            ("9E-1", 900_000),
            ("0.1234567", 123_456),
            ("0.0000009", 0),
            ("0.000001", 1),
            ("1e-6", 1),
            ("1e-99999999999999999999", 0),
            ("0.5e+0", 500_000),
            ("0e99999999999999999999", 0),
        ] {
            assert_eq!(ppm(written), Some(parts), "{written}");
        }
        for beyond in ["1.0000000000000000001", "2", "-0.1", "1e1", "1e99999999999999999999", "-1e-99"] {
            assert_eq!(ppm(beyond), None, "{beyond}");
        }
    }

    proptest::proptest! {
        #[test]
        fn m01_it_is_total(written in "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,25})?") {
            proptest::prop_assert!(ppm(&written).is_none_or(|parts| parts <= 1_000_000));
        }
    }
}
