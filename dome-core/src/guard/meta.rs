//! Reading `meta` of a bundle: strict to the last member, though evaluation asks for little of it.

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::bundle::{DenyDecision, GuardKind, UnknownsPolicy};
use crate::choice::{Decision, Status};
use crate::ingress::check::Check;
use crate::ingress::names::Names;
use crate::json::Value;
use crate::limits::{ARRAY, SAFE_INTEGER};
use crate::problem::ProblemCode;

/// What evaluation needs of `meta`.
type Requirements = (BTreeSet<CompactString>, UnknownsPolicy);

impl Check {
    pub(super) fn guard_meta(&mut self, at: Value<'_>) -> Option<Requirements> {
        let [guards, linkage, requirements] =
            self.object(at, const { &Names::new(["guards", "policy_linkage", "requirements"]) })?;
        let guards = self.required(at, "guards", guards, Self::meta_guards);
        let linkage = self.required(at, "policy_linkage", linkage, Self::policy_linkage);
        let requirements = self.required(at, "requirements", requirements, Self::requirements);
        guards.and(linkage).and(requirements)
    }

    fn requirements(&mut self, at: Value<'_>) -> Option<Requirements> {
        let [evidence, policy] = self.object(at, const { &Names::new(["required_evidence", "unknowns_policy"]) })?;
        let evidence = self.required(at, "required_evidence", evidence, Self::text_set);
        let policy = self.required(at, "unknowns_policy", policy, Self::unknowns_policy);
        Some((evidence?, policy?))
    }

    fn unknowns_policy(&mut self, at: Value<'_>) -> Option<UnknownsPolicy> {
        let names = const {
            &Names::new([
                "emit_unknowns_field",
                "max_unknowns",
                "on_unknown_state",
                "on_unknown_transition",
                "reason_code",
            ])
        };
        let [field, most, state, transition, code] = self.object(at, names)?;
        let field = self.required(at, "emit_unknowns_field", field, |check, at| {
            check.constant(at, ProblemCode::ValueNotAllowed, "unknowns")
        });
        let most = self.optional(most, |check, at| check.integer(at, 0, SAFE_INTEGER));
        let on_unknown_state = self.required(at, "on_unknown_state", state, Self::choice);
        let on_unknown_transition = self.required(at, "on_unknown_transition", transition, Self::choice);
        let reason_code = self.required(at, "reason_code", code, Self::pinned_code);
        field?;
        Some(UnknownsPolicy {
            on_unknown_state: on_unknown_state?,
            on_unknown_transition: on_unknown_transition?,
            reason_code: reason_code?,
            max_unknowns: most?.unwrap_or_default(),
        })
    }

    fn policy_linkage(&mut self, at: Value<'_>) -> Option<()> {
        let names = const {
            &Names::new([
                "evidence_ref",
                "guardrails_ref",
                "policy_ref",
                "reason_codes_ref",
                "run_manifest_ref",
                "state_space_ref",
                "transition_ref",
            ])
        };
        let [evidence, guardrails, policy, codes, run, states, transition] = self.object(at, names)?;
        let codes = self.required(at, "reason_codes_ref", codes, Self::versioned_ref);
        let others = [evidence, guardrails, policy, run, states, transition];
        let others = others.map(|slot| self.optional(slot, Self::versioned_ref));
        others.iter().all(Option::is_some).then_some(()).and(codes)
    }

    fn versioned_ref(&mut self, at: Value<'_>) -> Option<()> {
        let [id, path, sha256, version] =
            self.object(at, const { &Names::new(["id", "path", "sha256", "version"]) })?;
        let id = self.optional(id, Self::filled);
        let path = self.required(at, "path", path, Self::filled);
        let sha256 = self.optional(sha256, Self::hash);
        let version = self.required(at, "version", version, Self::filled);
        (id.is_some() && path.is_some() && sha256.is_some() && version.is_some()).then_some(())
    }

    fn meta_guards(&mut self, at: Value<'_>) -> Option<()> {
        let [eval, spec] = self.object(at, const { &Names::new(["eval", "spec"]) })?;
        let eval = self.required(at, "eval", eval, |check, at| check.array(at, ARRAY, Self::meta_eval));
        let spec = self.required(at, "spec", spec, |check, at| check.array(at, ARRAY, Self::meta_spec));
        eval.and(spec).map(drop)
    }

    fn meta_spec(&mut self, at: Value<'_>) -> Option<()> {
        let names = const {
            &Names::new([
                "deny_decision",
                "deny_reason_code",
                "evidence_kinds",
                "guard_id",
                "guard_kind",
                "predicate_ref",
            ])
        };
        let [decision, code, kinds, id, kind, predicate] = self.object(at, names)?;
        let decision = self.required(at, "deny_decision", decision, Self::choice::<DenyDecision>);
        let code = self.required(at, "deny_reason_code", code, Self::pinned_code);
        let kinds = self.required(at, "evidence_kinds", kinds, Self::texts);
        let id = self.required(at, "guard_id", id, Self::filled);
        let kind = self.optional(kind, Self::choice::<GuardKind>);
        let predicate = self.optional(predicate, Self::filled);
        decision.and(code).and(kinds).and(id).and(kind).and(predicate).map(drop)
    }

    fn meta_eval(&mut self, at: Value<'_>) -> Option<()> {
        let names = const { &Names::new(["decision", "evidence_refs", "guard_id", "notes", "reason_codes", "status"]) };
        let [decision, refs, id, notes, codes, status] = self.object(at, names)?;
        let decision = self.optional(decision, Self::choice::<Decision>);
        let refs = self.optional(refs, Self::texts);
        let id = self.required(at, "guard_id", id, Self::filled);
        let notes = self.optional(notes, Self::any_text);
        let codes = self.optional(codes, |check, at| check.set(at, Self::pinned_code));
        let status = self.required(at, "status", status, Self::choice::<Status>);
        decision.and(refs).and(id).and(notes).and(codes).and(status).map(drop)
    }
}
