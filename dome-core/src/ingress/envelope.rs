//! Reading an envelope and its parts, and the checks across its members (sections 2 and 3, M-11).

use std::collections::BTreeSet;
use std::str::FromStr;

use compact_str::CompactString;

use super::check::{Check, members, object};
use crate::choice::{Signal, Status};
use crate::envelope::{
    Action, Envelope, EnvelopeVersion, Evidence, Gate, GuardEval, Remedy, SideEffects, Subject, Target, TaskSpec, Tool,
    Transition,
};
use crate::id::{EvidencePath, TokenError, has_control};
use crate::json::Value;
use crate::limits::{ATTEMPTS, EVIDENCE, GATES, GUARD_EVALS, MAP_MEMBERS, MESSAGE_BYTES, SAFE_INTEGER, SUMMARY_BYTES};
use crate::map::StringMap;
use crate::problem::{ProblemCode, Rejection};
use crate::reason::FailureReasonCode;
use crate::text::quote;
use crate::time::Timestamp;

/// A TaskSpec that was read. The code is looked at even where another member is wrong.
struct SpecRead {
    nothing_failed: bool,
    spec: Option<TaskSpec>,
}

impl TaskSpec {
    /// Reads a TaskSpec that stands alone, as it would be read in an envelope: the same problems, with pointers from its own
    /// root, and the alias of M-13.
    ///
    /// ```
    /// use dome_core::TaskSpec;
    /// let document = br#"{"scope": "repo", "target": {"kind": "repo", "id": "acme/app"},
    ///     "action": {"kind": "test"}, "reason_code": "TESTS_FAILED"}"#;
    /// assert_eq!(TaskSpec::parse(document)?.failure_reason_code.as_str(), "TESTS_FAILED");
    /// let rejection = TaskSpec::parse(br#"{"scope": "galaxy"}"#).unwrap_err();
    /// assert_eq!(rejection.problems()[2].pointer, "/scope");
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All that is wrong with the document (M-30).
    pub fn parse(document: &[u8]) -> Result<Self, Rejection> {
        super::document(document, |check, at| check.task_spec(at)?.spec)
    }
}

impl Envelope {
    /// Reads an envelope that stands alone in a document, over any number of lines; a byte order mark before it is skipped.
    ///
    /// ```
    /// use dome_core::Envelope;
    /// let rejection = Envelope::parse(b"{\n  \"lane\": main\n}").unwrap_err();
    /// assert!(rejection.problems()[0].message.ends_with("(line 2, column 11)"));
    /// ```
    ///
    /// # Errors
    ///
    /// As of a line ([`crate::read`], M-30), with line and column where it is not JSON.
    pub fn parse(document: &[u8]) -> Result<Self, Rejection> {
        super::document(document, |check, at| check.envelope(at, None))
    }
}

impl Check {
    pub(super) fn envelope(&mut self, at: Value<'_>, not_after: Option<Timestamp>) -> Option<Envelope> {
        members!(self, at, {
            "abandoned" written_abandoned: slot,
            applied_capsule: optional(Self::hash),
            attempts: optional(|check, at| check.integer(at, 1, ATTEMPTS)),
            duration_ms: optional(|check, at| check.integer(at, 0, SAFE_INTEGER)),
            env: defaulted(Self::env),
            envelope_version: required(Self::version),
            event_id: required(Self::identifier),
            evidence: slot,
            gates: defaulted(Self::gates),
            group_id: required(Self::identifier),
            guard_evals: defaulted(Self::guard_evals),
            guard_reason_code: slot,
            labels: defaulted(Self::map),
            lane: optional(Self::identifier),
            message: optional(Self::message),
            policy_reason_code: slot,
            "remedy" written_remedy: slot,
            run_id: required(Self::identifier),
            sequence: required(|check, at| check.integer(at, 1, SAFE_INTEGER)),
            "signal" written_signal: slot,
            subject: optional(Self::subject),
            task_id: required(Self::identifier),
            task_spec: required(Self::task_spec),
            tool: optional(Self::tool),
            ts: required(|check, at| check.time(at, not_after)),
            wrapper_policy: required(Self::choice),
        });
        let evidence = self.evidence(at, evidence);
        let policy_reason_code = self.aliased(policy_reason_code, guard_reason_code, Self::reason_code);
        let remedy = self.optional(written_remedy, Self::remedy);
        let abandoned = self.optional(written_abandoned, Self::boolean);
        let signal = self.required(at, "signal", written_signal, Self::choice);
        if let (Some(signal), Some(place)) = (signal, written_signal) {
            let nothing_failed = task_spec.as_ref().is_some_and(|read| read.nothing_failed);
            let no_policy = matches!(policy_reason_code, Some(None));
            self.signal(place, signal, nothing_failed, no_policy, gates.as_deref());
            let is_abandoned = abandoned == Some(Some(true));
            self.beside_signal(signal, written_remedy, written_abandoned.filter(|_| is_abandoned));
        }
        Some(Envelope {
            abandoned: abandoned?,
            applied_capsule: applied_capsule?,
            attempts: attempts?,
            duration_ms: duration_ms?,
            env: env?,
            envelope_version: envelope_version?,
            event_id: event_id?,
            evidence: evidence?,
            gates: gates?,
            group_id: group_id?,
            guard_evals: guard_evals?,
            labels: labels?,
            lane: lane?,
            message: message?,
            policy_reason_code: policy_reason_code?,
            remedy: remedy?,
            run_id: run_id?,
            sequence: sequence?,
            signal: signal?,
            subject: subject?,
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
        self.refuse(ProblemCode::UnsupportedVersion, at, format_args!("expected version `1`, found {}", quote(text)))
    }

    fn time(&mut self, at: Value<'_>, not_after: Option<Timestamp>) -> Option<Timestamp> {
        let time = self.parsed(at, ProblemCode::TimestampInvalid)?;
        match not_after {
            Some(limit) if time > limit => {
                let message = format!("expected no time after `{limit}`, found `{time}`");
                self.refuse(ProblemCode::TimestampFuture, at, message)
            }
            _ => Some(time),
        }
    }

    /// M-11: what a signal asks of the members beside it, where these are sound: `nothing_failed` is said
    /// by a `failure_reason_code` of `NONE`, and there is `no_policy` where that code is absent, not wrong.
    fn signal(
        &mut self,
        place: Value<'_>,
        signal: Signal,
        nothing_failed: bool,
        no_policy: bool,
        gates: Option<&[Gate]>,
    ) {
        let failed = gates.and_then(|gates| gates.iter().find(|gate| gate.status == Status::Fail));
        let wrong = match (signal, failed) {
            (Signal::Failure, _) if nothing_failed => {
                Some("a `failure` names a `failure_reason_code` other than `NONE`".to_owned())
            }
            (Signal::Denial, _) if no_policy => Some("a `denial` names a `policy_reason_code`".to_owned()),
            (Signal::Success, Some(Gate { gate_id, .. })) => {
                Some(format!("a `success` has no gate that failed, but {} did", quote(gate_id.as_str())))
            }
            _ => None,
        };
        if let Some(message) = wrong {
            self.report(ProblemCode::SignalMismatch, place, message);
        }
    }

    /// M-11: which signals these members stand beside.
    fn beside_signal(&mut self, signal: Signal, remedy: Option<Value<'_>>, is_abandoned: Option<Value<'_>>) {
        if let Some(remedy) = remedy.filter(|_| !matches!(signal, Signal::Success | Signal::Failure)) {
            let message = format!("a remedy stands on a `success` or a `failure`, not on a `{signal}`");
            self.report(ProblemCode::SignalMismatch, remedy, message);
        }
        if let Some(abandoned) = is_abandoned.filter(|_| signal == Signal::Success) {
            let message = "what succeeded was not abandoned";
            self.report(ProblemCode::SignalMismatch, abandoned, message);
        }
    }

    fn subject(&mut self, at: Value<'_>) -> Option<Subject> {
        object!(self, at => Subject {
            base_revision: optional(Self::identifier),
            dirty: optional(Self::boolean),
            job: optional(Self::identifier),
            repository: optional(Self::identifier),
            revision: required(Self::identifier),
        })
    }

    fn token<T: FromStr<Err = TokenError>>(&mut self, at: Value<'_>) -> Option<T> {
        self.parsed(at, ProblemCode::TokenInvalid)
    }

    fn path(&mut self, at: Value<'_>) -> Option<EvidencePath> {
        self.parsed(at, ProblemCode::PathUnsafe)
    }

    /// A set of strings (M-40).
    fn string_set(&mut self, at: Value<'_>) -> Option<Vec<CompactString>> {
        self.set(at, Self::any_text)
    }

    fn gates(&mut self, at: Value<'_>) -> Option<Vec<Gate>> {
        self.sorted(at, GATES, "gate_id", Self::gate, |gate| &gate.gate_id)
    }

    fn gate(&mut self, at: Value<'_>) -> Option<Gate> {
        object!(self, at => Gate { gate_id: required(Self::identifier), status: required(Self::choice) })
    }

    fn guard_evals(&mut self, at: Value<'_>) -> Option<Vec<GuardEval>> {
        self.sorted(at, GUARD_EVALS, "guard_id", Self::guard_eval, |eval| &eval.guard_id)
    }

    fn guard_eval(&mut self, at: Value<'_>) -> Option<GuardEval> {
        object!(self, at => GuardEval {
            decision: optional(Self::choice),
            evidence_refs: defaulted(Self::string_set),
            guard_id: required(Self::identifier),
            reason_codes: defaulted(|check, at| check.set(at, Self::reason_code)),
            status: required(Self::choice),
        })
    }

    fn tool(&mut self, at: Value<'_>) -> Option<Tool> {
        object!(self, at => Tool {
            config_sha256: optional(Self::hash),
            name: required(Self::identifier),
            version: required(Self::any_text),
        })
    }

    /// `env`: two keys that are equal in lower case are one too many (section 2, M-52).
    fn env(&mut self, at: Value<'_>) -> Option<StringMap> {
        let map = self.map(at);
        let is_lower = |(key, _): (&str, &str)| !key.bytes().any(|byte| byte.is_ascii_uppercase());
        if map.as_ref().is_some_and(|map| map.iter().all(is_lower)) {
            return map;
        }
        if at.len() > MAP_MEMBERS {
            return None;
        }
        let mut seen = BTreeSet::new();
        let mut sound = true;
        for (key, value) in at.members() {
            let name = key.name_text();
            if !seen.insert(name.to_ascii_lowercase()) {
                let message = format!("another key is equal to {} in lower case", quote(name));
                self.report(ProblemCode::DuplicateItem, value, message);
                sound = false;
            }
        }
        map.filter(|_| sound)
    }

    fn message(&mut self, at: Value<'_>) -> Option<String> {
        let text = self.text(at)?;
        if text.len() > MESSAGE_BYTES {
            let message = format!("expected at most {MESSAGE_BYTES} bytes, found {}", text.len());
            return self.refuse(ProblemCode::OutOfRange, at, message);
        }
        Some(text.to_owned())
    }

    fn remedy(&mut self, at: Value<'_>) -> Option<Remedy> {
        members!(self, at, {
            kind: required(Self::token),
            "ref" written: slot,
            "sha256" digest: slot,
            summary: optional(Self::summary),
        });
        let reference = self.optional(written, Self::path);
        let sha256 = self.optional(digest, Self::hash);
        if written.or(digest).is_none() {
            return self.refuse_missing(ProblemCode::MissingField, at, "ref");
        }
        Some(Remedy { kind: kind?, reference: reference?, sha256: sha256?, summary: summary? })
    }

    fn summary(&mut self, at: Value<'_>) -> Option<CompactString> {
        let text = self.text(at)?;
        if !(1..=SUMMARY_BYTES).contains(&text.len()) {
            let message = format!("expected 1 to {SUMMARY_BYTES} bytes, found {}", text.len());
            return self.refuse(ProblemCode::OutOfRange, at, message);
        }
        if has_control(text) {
            let message = format!("expected no control character, found {}", quote(text));
            return self.refuse(ProblemCode::ValueNotAllowed, at, message);
        }
        Some(text.into())
    }

    /// `evidence`: required; missing, empty or with an empty entry it is `evidence_missing`.
    fn evidence(&mut self, object: Value<'_>, slot: Option<Value<'_>>) -> Option<Vec<Evidence>> {
        let Some(at) = slot else {
            return self.refuse_missing(ProblemCode::EvidenceMissing, object, "evidence");
        };
        let entries = self.array(at, EVIDENCE, Self::evidence_entry)?;
        if entries.is_empty() {
            return self.refuse(ProblemCode::EvidenceMissing, at, "expected at least one piece of evidence");
        }
        Some(entries)
    }

    fn evidence_entry(&mut self, at: Value<'_>) -> Option<Evidence> {
        members!(self, at, {
            bytes: optional(|check, at| check.integer(at, 0, SAFE_INTEGER)),
            "path" written: slot,
            "sha256" digest: slot,
        });
        let path = self.optional(written, Self::path);
        let sha256 = self.optional(digest, Self::hash);
        if written.or(digest).is_none() {
            return self.refuse(ProblemCode::EvidenceMissing, at, "expected a `path`, a `sha256` or both");
        }
        Some(Evidence { bytes: bytes?, path: path?, sha256: sha256? })
    }

    fn task_spec(&mut self, at: Value<'_>) -> Option<SpecRead> {
        members!(self, at, {
            action: required(Self::action),
            failure_reason_code: slot,
            reason_code: slot,
            scope: required(Self::choice),
            side_effects: optional(Self::side_effects),
            target: required(Self::target),
            transition: optional(Self::transition),
            versions: optional(Self::map),
        });
        let code = match self.aliased(failure_reason_code, reason_code, Self::reason_code) {
            Some(None) => self.refuse_missing(ProblemCode::MissingField, at, "failure_reason_code"),
            code => code.flatten(),
        };
        let nothing_failed = code.as_ref().is_some_and(FailureReasonCode::is_none);
        let spec = || {
            Some(TaskSpec {
                action: action?,
                failure_reason_code: code?,
                scope: scope?,
                side_effects: side_effects?,
                target: target?,
                transition: transition?,
                versions: versions?,
            })
        };
        Some(SpecRead { nothing_failed, spec: spec() })
    }

    /// A member that may stand under its name, its alias, or both with equal values (M-13); `Some(None)` when it stands
    /// under neither, `None` when it is wrong.
    fn aliased<T: PartialEq>(
        &mut self,
        named: Option<Value<'_>>,
        alias: Option<Value<'_>>,
        read: impl Fn(&mut Self, Value<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        let by_name = self.optional(named, &read);
        let by_alias = self.optional(alias, &read);
        match (by_name?, by_alias?, alias) {
            (Some(named_value), Some(alias_value), Some(alias)) if named_value != alias_value => {
                let written = quote(alias.text().unwrap_or(alias.written()));
                let message = format!("the alias says {written}, the member itself says otherwise");
                self.refuse(ProblemCode::AliasConflict, alias, message)
            }
            (by_name, by_alias, _) => Some(by_name.or(by_alias)),
        }
    }

    fn action(&mut self, at: Value<'_>) -> Option<Action> {
        object!(self, at => Action { kind: required(Self::token) })
    }

    fn target(&mut self, at: Value<'_>) -> Option<Target> {
        object!(self, at => Target { id: required(Self::identifier), kind: required(Self::token) })
    }

    fn side_effects(&mut self, at: Value<'_>) -> Option<SideEffects> {
        object!(self, at => SideEffects {
            allow_commands: optional(Self::string_set),
            allow_domains: optional(Self::string_set),
            allow_paths: optional(Self::string_set),
            mode: required(Self::choice),
        })
    }

    fn transition(&mut self, at: Value<'_>) -> Option<Transition> {
        object!(self, at => Transition {
            from_state: required(Self::identifier),
            to_state: required(Self::identifier),
            transition_id: optional(Self::identifier),
        })
    }
}
