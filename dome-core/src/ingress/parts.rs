//! Reading what an envelope is made of: gates, guards, tool, env, remedy, evidence (section 2).

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use compact_str::CompactString;

use super::check::Check;
use super::names::Names;
use crate::envelope::{Evidence, Gate, GuardEval, Remedy, Tool};
use crate::hash::Sha256Hash;
use crate::id::{GateId, GuardId, IdentifierError, TokenError, has_control};
use crate::json::Value;
use crate::limits::{EVIDENCE, GATES, GUARD_EVALS, MESSAGE_BYTES, SAFE_INTEGER, SUMMARY_BYTES};
use crate::map::StringMap;
use crate::path::EvidencePath;
use crate::problem::ProblemCode;
use crate::text::quote;

impl Check {
    pub(crate) fn identifier<T: FromStr<Err = IdentifierError>>(&mut self, at: Value<'_>) -> Option<T> {
        self.parsed(at, ProblemCode::IdentifierInvalid)
    }

    pub(super) fn token<T: FromStr<Err = TokenError>>(&mut self, at: Value<'_>) -> Option<T> {
        self.parsed(at, ProblemCode::TokenInvalid)
    }

    pub(crate) fn hash(&mut self, at: Value<'_>) -> Option<Sha256Hash> {
        self.parsed(at, ProblemCode::HashInvalid)
    }

    fn path(&mut self, at: Value<'_>) -> Option<EvidencePath> {
        self.parsed(at, ProblemCode::PathUnsafe)
    }

    pub(crate) fn reason_code<T: FromStr<Err: Display>>(&mut self, at: Value<'_>) -> Option<T> {
        self.parsed(at, ProblemCode::ReasonCodeInvalid)
    }

    pub(super) fn gates(&mut self, at: Value<'_>) -> Option<Vec<Gate>> {
        let mut gates = self.array(at, GATES, Self::gate);
        if let Some(gates) = &mut gates {
            gates.sort_by(|a, b| a.gate_id.cmp(&b.gate_id));
        }
        let distinct = gates.as_ref().is_some_and(|gates| gates.is_sorted_by(|a, b| a.gate_id < b.gate_id));
        if !distinct {
            self.unique::<GateId>(at, "gate_id")?;
        }
        gates
    }

    fn gate(&mut self, at: Value<'_>) -> Option<Gate> {
        let [gate_id, status] = self.object(at, const { &Names::new(["gate_id", "status"]) })?;
        let gate_id = self.required(at, "gate_id", gate_id, Self::identifier);
        let status = self.required(at, "status", status, Self::choice);
        Some(Gate { gate_id: gate_id?, status: status? })
    }

    pub(super) fn guard_evals(&mut self, at: Value<'_>) -> Option<Vec<GuardEval>> {
        let mut evals = self.array(at, GUARD_EVALS, Self::guard_eval);
        if let Some(evals) = &mut evals {
            evals.sort_by(|a, b| a.guard_id.cmp(&b.guard_id));
        }
        let distinct = evals.as_ref().is_some_and(|evals| evals.is_sorted_by(|a, b| a.guard_id < b.guard_id));
        if !distinct {
            self.unique::<GuardId>(at, "guard_id")?;
        }
        evals
    }

    fn guard_eval(&mut self, at: Value<'_>) -> Option<GuardEval> {
        let names = const { &Names::new(["decision", "evidence_refs", "guard_id", "reason_codes", "status"]) };
        let [decision, refs, guard_id, codes, status] = self.object(at, names)?;
        let decision = self.optional(decision, Self::choice);
        let evidence_refs = self.optional(refs, |check, at| check.set(at, Self::any_text));
        let guard_id = self.required(at, "guard_id", guard_id, Self::identifier);
        let reason_codes = self.optional(codes, |check, at| check.set(at, Self::reason_code));
        let status = self.required(at, "status", status, Self::choice);
        Some(GuardEval {
            decision: decision?,
            evidence_refs: evidence_refs?.unwrap_or_default(),
            guard_id: guard_id?,
            reason_codes: reason_codes?.unwrap_or_default(),
            status: status?,
        })
    }

    /// Every id at most once among the entries of `at`, whatever else is wrong with an entry.
    fn unique<T: FromStr>(&mut self, at: Value<'_>, member: &str) -> Option<()> {
        let mut seen = BTreeSet::new();
        let mut sound = true;
        for entry in at.entries() {
            let Some((_, value)) = entry.members().find(|(key, _)| key.text() == Some(member)) else { continue };
            let Some(id) = value.text() else { continue };
            if !seen.insert(id) && id.parse::<T>().is_ok() {
                self.report(ProblemCode::DuplicateItem, value, format_args!("{} stands here a second time", quote(id)));
                sound = false;
            }
        }
        sound.then_some(())
    }

    pub(super) fn tool(&mut self, at: Value<'_>) -> Option<Tool> {
        let [config, name, version] = self.object(at, const { &Names::new(["config_sha256", "name", "version"]) })?;
        let config_sha256 = self.optional(config, Self::hash);
        let name = self.required(at, "name", name, Self::identifier);
        let version = self.required(at, "version", version, Self::any_text);
        Some(Tool { config_sha256: config_sha256?, name: name?, version: version? })
    }

    /// `env`: two keys that are equal in lower case are one too many (section 2, M-52).
    pub(super) fn env(&mut self, at: Value<'_>) -> Option<StringMap> {
        let map = self.map(at);
        let is_lower = |(key, _): (&str, &str)| !key.bytes().any(|byte| byte.is_ascii_uppercase());
        if map.as_ref().is_some_and(|map| map.iter().all(is_lower)) {
            return map;
        }
        let mut seen = BTreeSet::new();
        let mut sound = true;
        for (key, value) in at.members() {
            let name = key.text().unwrap_or_default();
            if !seen.insert(name.to_ascii_lowercase()) {
                let message = format!("another key is equal to {} in lower case", quote(name));
                self.report(ProblemCode::DuplicateItem, value, message);
                sound = false;
            }
        }
        map.filter(|_| sound)
    }

    pub(super) fn message(&mut self, at: Value<'_>) -> Option<String> {
        let text = self.text(at)?;
        if text.len() > MESSAGE_BYTES {
            let message = format!("expected at most {MESSAGE_BYTES} bytes, found {}", text.len());
            self.report(ProblemCode::OutOfRange, at, message);
            return None;
        }
        Some(text.to_owned())
    }

    pub(super) fn remedy(&mut self, at: Value<'_>) -> Option<Remedy> {
        let [kind, reference, sha256, summary] =
            self.object(at, const { &Names::new(["kind", "ref", "sha256", "summary"]) })?;
        let neither = reference.is_none() && sha256.is_none();
        let kind = self.required(at, "kind", kind, Self::token);
        let reference = self.optional(reference, Self::path);
        let sha256 = self.optional(sha256, Self::hash);
        let summary = self.optional(summary, Self::summary);
        if neither {
            self.missing(ProblemCode::MissingField, at, "ref");
            return None;
        }
        Some(Remedy { kind: kind?, reference: reference?, sha256: sha256?, summary: summary? })
    }

    fn summary(&mut self, at: Value<'_>) -> Option<CompactString> {
        let text = self.text(at)?;
        if !(1..=SUMMARY_BYTES).contains(&text.len()) {
            let message = format!("expected 1 to {SUMMARY_BYTES} bytes, found {}", text.len());
            self.report(ProblemCode::OutOfRange, at, message);
            return None;
        }
        if has_control(text) {
            let message = format!("expected no control character, found {}", quote(text));
            self.report(ProblemCode::ValueNotAllowed, at, message);
            return None;
        }
        Some(text.into())
    }

    /// `evidence`: required; missing, empty or with an empty entry it is `evidence_missing`.
    pub(super) fn evidence(&mut self, object: Value<'_>, slot: Option<Value<'_>>) -> Option<Vec<Evidence>> {
        let Some(at) = slot else {
            self.missing(ProblemCode::EvidenceMissing, object, "evidence");
            return None;
        };
        let entries = self.array(at, EVIDENCE, Self::evidence_entry)?;
        if entries.is_empty() {
            self.report(ProblemCode::EvidenceMissing, at, "expected at least one piece of evidence");
            return None;
        }
        Some(entries)
    }

    fn evidence_entry(&mut self, at: Value<'_>) -> Option<Evidence> {
        let [bytes, path, sha256] = self.object(at, const { &Names::new(["bytes", "path", "sha256"]) })?;
        let neither = path.is_none() && sha256.is_none();
        let bytes = self.optional(bytes, |check, at| check.integer(at, 0, SAFE_INTEGER));
        let path = self.optional(path, Self::path);
        let sha256 = self.optional(sha256, Self::hash);
        if neither {
            self.report(ProblemCode::EvidenceMissing, at, "expected a `path`, a `sha256` or both");
            return None;
        }
        Some(Evidence { bytes: bytes?, path: path?, sha256: sha256? })
    }
}
