//! Reading `task_spec` (section 3).

use super::check::Check;
use super::names::Names;
use crate::json::Value;
use crate::problem::ProblemCode;
use crate::reason::FailureReasonCode;
use crate::spec::{Action, SideEffects, Target, TaskSpec, Transition};
use crate::text::quote;

/// What reading a TaskSpec comes to: the code is looked at even where another member is wrong.
pub(super) struct SpecRead {
    pub(super) nothing_failed: bool,
    pub(super) spec: Option<TaskSpec>,
}

impl Check {
    pub(super) fn task_spec(&mut self, at: Value<'_>) -> Option<SpecRead> {
        let names = const {
            &Names::new([
                "action",
                "failure_reason_code",
                "reason_code",
                "scope",
                "side_effects",
                "target",
                "transition",
                "versions",
            ])
        };
        let [action, code, alias, scope, effects, target, transition, versions] = self.object(at, names)?;
        let action = self.required(at, "action", action, Self::action);
        let code = self.aliased(code, alias, Self::reason_code);
        let code = match code {
            Some(None) => {
                self.missing(ProblemCode::MissingField, at, "failure_reason_code");
                None
            }
            code => code.flatten(),
        };
        let scope = self.required(at, "scope", scope, Self::choice);
        let side_effects = self.optional(effects, Self::side_effects);
        let target = self.required(at, "target", target, Self::target);
        let transition = self.optional(transition, Self::transition);
        let versions = self.optional(versions, Self::map);
        let nothing_failed = code.as_ref().is_some_and(FailureReasonCode::is_none);
        let whole = || {
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
        Some(SpecRead { nothing_failed, spec: whole() })
    }

    /// A member that may stand under its name, its alias, or both with equal values (M-13).
    ///
    /// `Some(None)` when it stands under neither, `None` when it is wrong.
    pub(super) fn aliased<T: PartialEq>(
        &mut self,
        named: Option<Value<'_>>,
        alias: Option<Value<'_>>,
        read: impl Fn(&mut Self, Value<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        let by_name = self.optional(named, &read);
        let by_alias = self.optional(alias, &read);
        match (by_name?, by_alias?, alias) {
            (Some(named_value), Some(alias_value), Some(alias)) if named_value != alias_value => {
                let written = alias.text().unwrap_or_default();
                let message = format!("the alias says {}, the member itself says otherwise", quote(written));
                self.report(ProblemCode::AliasConflict, alias, message);
                None
            }
            (by_name, by_alias, _) => Some(by_name.or(by_alias)),
        }
    }

    fn action(&mut self, at: Value<'_>) -> Option<Action> {
        let [kind] = self.object(at, const { &Names::new(["kind"]) })?;
        let kind = self.required(at, "kind", kind, Self::token)?;
        Some(Action { kind })
    }

    fn target(&mut self, at: Value<'_>) -> Option<Target> {
        let [id, kind] = self.object(at, const { &Names::new(["id", "kind"]) })?;
        let id = self.required(at, "id", id, Self::identifier);
        let kind = self.required(at, "kind", kind, Self::token);
        Some(Target { id: id?, kind: kind? })
    }

    fn side_effects(&mut self, at: Value<'_>) -> Option<SideEffects> {
        let names = const { &Names::new(["allow_commands", "allow_domains", "allow_paths", "mode"]) };
        let [commands, domains, paths, mode] = self.object(at, names)?;
        let [commands, domains, paths] =
            [commands, domains, paths].map(|slot| self.optional(slot, |check, at| check.set(at, Self::any_text)));
        let mode = self.required(at, "mode", mode, Self::choice);
        Some(SideEffects { allow_commands: commands?, allow_domains: domains?, allow_paths: paths?, mode: mode? })
    }

    fn transition(&mut self, at: Value<'_>) -> Option<Transition> {
        let [from, to, id] = self.object(at, const { &Names::new(["from_state", "to_state", "transition_id"]) })?;
        let from_state = self.required(at, "from_state", from, Self::identifier);
        let to_state = self.required(at, "to_state", to, Self::identifier);
        let transition_id = self.optional(id, Self::identifier);
        Some(Transition { from_state: from_state?, to_state: to_state?, transition_id: transition_id? })
    }
}
