//! The arguments of `dome query`.

use clap::Args;
use dome_binder::query::{Cursor, Filters, Limit, OrEmpty, Question, View};
use dome_core::{
    ActionKind, FailureReasonCode, GateId, GuardId, PolicyReasonCode, RunId, Scope, TargetId, TargetKind, Timestamp,
};

use crate::args::word;
use crate::exit::usage;
use crate::known::At;
use crate::lookup::IndexArgs;
use crate::output::note;

/// Ask one of the three views
///
/// VIEW is `recent-failures`, `gate-rollup` or `guard-denials`, or the view's full name. Filters
/// select facts, and the counts of a row are counts of the facts that were selected; `--gate`,
/// and for denials `--guard` and `--policy-reason-code`, select rows.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome query recent-failures --from result --target-id app --since 2026-02-01T00:00:00Z\n    dome query gate-rollup --from result --limit 200 --format json"
)]
pub(crate) struct QueryArgs {
    /// The view
    #[arg(value_parser = word::<View>, value_name = "VIEW")]
    view: View,
    #[command(flatten)]
    pub(super) at: At,
    #[command(flatten)]
    filters: FilterArgs,
    /// Rows of a page, at most 200
    #[arg(long, value_parser = word::<Limit>, value_name = "N", default_value = "20")]
    limit: Limit,
    /// Go on where a page ended: what it gave as its next cursor, with the same filters
    #[arg(long, value_parser = word::<Cursor>, value_name = "CURSOR", allow_hyphen_values = true)]
    cursor: Option<Cursor>,
    #[command(flatten)]
    pub(super) index: IndexArgs,
    /// End with exit code 4 when no row matches
    #[arg(long)]
    pub(super) require_match: bool,
}

/// The filters; each says which views take it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filters")]
struct FilterArgs {
    /// Facts of this scope: task, run or repo
    #[arg(long, value_parser = word::<Scope>, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// Facts of this kind of target
    #[arg(long, value_parser = word::<TargetKind>, value_name = "KIND")]
    target_kind: Option<TargetKind>,
    /// Facts of this target
    #[arg(long, value_parser = word::<TargetId>, value_name = "ID")]
    target_id: Option<TargetId>,
    /// Facts of this kind of action
    #[arg(long, value_parser = word::<ActionKind>, value_name = "KIND")]
    action_kind: Option<ActionKind>,
    /// Facts with this failure code
    #[arg(long, value_parser = word::<FailureReasonCode>, value_name = "CODE")]
    failure_reason_code: Option<FailureReasonCode>,
    /// The alias of M-13, accepted and answered with a note
    #[arg(long, value_parser = word::<FailureReasonCode>, hide = true)]
    reason_code: Option<FailureReasonCode>,
    /// Rows with this policy code, '' for none (recent-failures, guard-denials)
    #[arg(long, value_parser = word::<OrEmpty<PolicyReasonCode>>, value_name = "CODE")]
    policy_reason_code: Option<OrEmpty<PolicyReasonCode>>,
    /// The alias of M-13, accepted and answered with a note
    #[arg(long, value_parser = word::<OrEmpty<PolicyReasonCode>>, hide = true)]
    guard_reason_code: Option<OrEmpty<PolicyReasonCode>>,
    /// Rows of this gate (gate-rollup)
    #[arg(long, value_parser = word::<GateId>, value_name = "ID")]
    gate: Option<GateId>,
    /// Rows of this guard, '' for none (guard-denials)
    #[arg(long, value_parser = word::<OrEmpty<GuardId>>, value_name = "ID")]
    guard: Option<OrEmpty<GuardId>>,
    /// Facts of this run
    #[arg(long, value_parser = word::<RunId>, value_name = "ID")]
    run: Option<RunId>,
    /// Facts at this time or later
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Facts before this time
    #[arg(long, value_parser = word::<Timestamp>, value_name = "TIME")]
    until: Option<Timestamp>,
}

/// What is asked, wherever the rows are.
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) limit: Limit,
    pub(super) cursor: Option<Cursor>,
}

impl QueryArgs {
    /// The question, if the filters make one.
    pub(super) fn asked(&self) -> anyhow::Result<Asked> {
        let question = Question::new(self.view, self.filters.filters()?).map_err(usage)?;
        Ok(Asked { question, limit: self.limit, cursor: self.cursor })
    }
}

impl FilterArgs {
    fn filters(&self) -> anyhow::Result<Filters> {
        let failure = ("failure-reason-code", &self.failure_reason_code);
        let policy = ("policy-reason-code", &self.policy_reason_code);
        Ok(Filters {
            action_kind: self.action_kind.clone(),
            failure_reason_code: either(failure, ("reason-code", &self.reason_code))?,
            gate: self.gate.clone(),
            guard: self.guard.clone(),
            policy_reason_code: either(policy, ("guard-reason-code", &self.guard_reason_code))?,
            run: self.run.clone(),
            scope: self.scope,
            since: self.since,
            target_id: self.target_id.clone(),
            target_kind: self.target_kind.clone(),
            until: self.until,
        })
    }
}

/// A value under its name or its alias; both may be given when they agree (M-13).
fn either<T: Clone + PartialEq>(
    (name, value): (&str, &Option<T>),
    (alias, other): (&str, &Option<T>),
) -> anyhow::Result<Option<T>> {
    let Some(aliased) = other else { return Ok(value.clone()) };
    if value.as_ref().is_some_and(|value| value != aliased) {
        return Err(usage(format!("`--{alias}` is an alias of `--{name}`, and the two say different things")));
    }
    note(&format!("dome: `--{alias}` is read as `--{name}`"));
    Ok(Some(aliased.clone()))
}
