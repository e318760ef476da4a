//! M-92 on small histories: a table of what happened, what is asked, and what holds, written beforehand.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod backtest;
pub(crate) mod events;
mod laws;
mod rollout;

use dome_binder::priors::{AskedTool, Memory, PriorsQuery, Rollout, priors};
use dome_binder::{Policy, Replay, Rules, replay};
use dome_core::conformance::ConformanceReport;
use dome_core::guard::{GuardContext, GuardDecision, GuardrailsBundle, evaluate};
use dome_core::{CodeTable, TaskLine, Timestamp};
use serde_json::json;

const TABLE: &str = include_str!("table.txt");

const CODES: &[u8] = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":["stop","repairable"],
    "codes":{"TESTS_FAILED":{"class":"repairable"},"BUDGET_EXHAUSTED":{"class":"stop"}},
    "restart_mode_by_class":{"stop":"STOP","repairable":"RETRY"}}"#;

pub(crate) fn rules() -> Rules {
    Rules { policy: Policy::default(), codes: CodeTable::parse(CODES).unwrap(), mode: None }
}

pub(crate) fn line(target: &str) -> TaskLine {
    TaskLine {
        scope: dome_core::Scope::Repo,
        target_kind: "repo".parse().unwrap(),
        target_id: target.parse().unwrap(),
        action_kind: "test".parse().unwrap(),
    }
}

fn asked_of_guards(result: &str) -> GuardDecision {
    let bundle = json!({
        "artifact_kind": "guardrails_bundle", "bundle_id": "b", "version": "1",
        "meta": {
            "policy_linkage": {"reason_codes_ref": {"path": "reason_codes.json", "version": "0.1"}},
            "requirements": {"required_evidence": [], "unknowns_policy": {
                "on_unknown_state": "DENY", "on_unknown_transition": "DENY",
                "reason_code": "AMBIGUOUS_STATE_DENIED", "emit_unknowns_field": "unknowns"}},
            "guards": {"spec": [], "eval": []},
        },
        "guards": [{"guard_id": "g", "applies_to": {}, "deny_decision": "STOP", "reason_code": "LINT_FAILED",
                    "required_evidence": [], "predicate_ref": "p"}],
    });
    let result = if result == "unknown" { json!("unknown") } else { json!(result == "true") };
    let context = json!({"context_version": "1", "predicates": {"p": result}});
    let bundle = GuardrailsBundle::parse(bundle.to_string().as_bytes()).unwrap();
    evaluate(&bundle, &GuardContext::parse(context.to_string().as_bytes()).unwrap())
}

fn report(which: &str) -> ConformanceReport {
    let (name, conformant) = (if which == "other" { "mypy" } else { "pytest" }, which != "bad");
    let mut report =
        json!({"report_version": "1", "tool": {"name": name, "version": "v8.3.7"}, "conformant": conformant});
    report["valid_until"] = json!(if which == "expired" { "2026-01-02T00:00:00Z" } else { "2027-01-01T00:00:00Z" });
    ConformanceReport::parse(report.to_string().as_bytes()).unwrap()
}

/// The query that a cell of the table asks, and how old the capsule is when it is asked.
pub(crate) fn query(asked: &str) -> (PriorsQuery, Option<i64>) {
    let mut query = PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line("acme/app")) };
    let mut age = None;
    for part in asked.split_whitespace() {
        let (name, value) = part.split_once('=').unwrap();
        match name {
            "age" => age = Some(value.parse().unwrap()),
            "version" => query.versions = [("python", value)].into_iter().collect(),
            "tool" => query.tool = Some(AskedTool { name: "pytest".parse().unwrap(), version: value.into() }),
            "report" => query.conformance = Some(vec![report(value)]),
            "guard" => query.guard = Some(asked_of_guards(value)),
            _ => query.rollout = value.parse().unwrap(),
        }
    }
    (query, age)
}

/// So many seconds after the last time that the first capsule of the line was seen.
fn at_age(replay: &Replay, key: dome_core::Sha256Hash, age: i64) -> Timestamp {
    let capsule = replay.derived.capsules.iter().find(|capsule| capsule.derived_key == key).unwrap();
    let (seconds, nanoseconds) = capsule.last_seen_ts.to_unix();
    Timestamp::from_unix(seconds + age, nanoseconds).unwrap()
}

#[test]
fn m92_the_table_of_small_histories() {
    let rows: Vec<&str> = TABLE.lines().filter(|row| !row.is_empty() && !row.starts_with('#')).collect();
    assert!(rows.len() >= 40, "{} histories", rows.len());
    let rules = rules();
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let (history, key) = events::history(cells[1]);
        let replay = replay(history, &rules, None);
        let (query, age) = query(cells[2]);
        let memory = Memory::of(&replay, &rules);
        let as_of = age.map_or(memory.as_of, |age| Some(at_age(&replay, key, age)));
        let answer = priors(&Memory { as_of, ..memory }, &query);
        let prior = answer.priors.iter().find(|prior| prior.derived_key == Some(key)).unwrap();
        let verdict = serde_json::to_value(prior.verdict).unwrap();
        let holds: Vec<&str> = prior.held.iter().map(|held| held.hold.as_str()).collect();
        let found = (verdict.as_str().unwrap().to_owned(), holds.join(" "));
        if found != (cells[3].to_owned(), cells[4].to_owned()) {
            wrong.push(format!("{}: {found:?}", cells[0]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
