//! Small histories: a table of what happened, what is asked, and what comes of it, written beforehand.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod backtest;
pub(crate) mod events;
mod laws;
mod rollout;

use dome_binder::priors::{AskedTool, Memory, PriorsQuery, Rollout, Tier, priors};
use dome_binder::{Capsule, Policy, RemedyRecord, Replay, Rules, replay};
use dome_core::conformance::{ConformanceReport, PresentTool, RemedyTool, ToolRecords};
use dome_core::guard::{GuardContext, GuardDecision, GuardrailsBundle, evaluate};
use dome_core::{CodeTable, EvidencePath, Remedy, Sha256Hash, TaskLine, Timestamp};
use serde_json::json;

const TABLE: &str = include_str!("table.txt");

const CODES: &[u8] = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":["stop","repairable"],
    "codes":{"TESTS_FAILED":{"class":"repairable"},"BUDGET_EXHAUSTED":{"class":"stop"}},
    "restart_mode_by_class":{"stop":"STOP","repairable":"RETRY"}}"#;

pub(crate) fn rules() -> Rules {
    Rules { policy: Policy::default(), codes: CodeTable::parse(CODES).unwrap(), mode: None, contracts: None }
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

/// A report on the tool that both remedies of the table run, and what says that they do.
fn report(which: &str) -> ToolRecords {
    let (name, conformant) = (if which == "other" { "mypy" } else { "pytest" }, which != "bad");
    let bytes = Sha256Hash::of(b"");
    let mut report = json!({
        "report_version": "1", "tool": {"name": name, "version": "v8.3.7"}, "conformant": conformant,
        "digests": {"config_schema": bytes, "input_schema": bytes, "manifest": bytes, "output_schema": bytes, "tool": bytes},
    });
    report["valid_until"] = json!(if which == "expired" { "2026-01-02T00:00:00Z" } else { "2027-01-01T00:00:00Z" });
    let tool =
        PresentTool { files: bytes, manifest: bytes, name: "pytest".parse().unwrap(), version: "8.3.2".to_owned() };
    let behind = [("recipe", "recipes/fix"), ("edit_argument", "arguments/edit")].map(|(kind, reference)| {
        let remedy = Remedy::at(kind.parse().unwrap(), EvidencePath::new(reference).unwrap()).identity();
        RemedyTool { remedy, tool: tool.clone() }
    });
    let reports = vec![ConformanceReport::parse(report.to_string().as_bytes()).unwrap()];
    ToolRecords { reports, tools: behind.to_vec() }
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
            "report" => query.conformance = report(value),
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

/// How a capsule stands, as the table writes it.
fn state(capsule: &Capsule) -> String {
    let state = capsule.state.map_or("none", |state| state.as_str());
    let lane = capsule.state_lane.as_ref().map_or(String::new(), |lane| format!("@{lane}"));
    let job = capsule.state_job.as_ref().map_or(String::new(), |job| format!("/{job}"));
    let clean = capsule.clean_count.zip(capsule.clean_needed);
    let clean = clean.map_or(String::new(), |(count, needed)| format!(" {count}/{needed}"));
    format!("{state}{lane}{job}{clean}")
}

/// The counters that are not 0, in the order of the table.
fn counters(capsule: &Capsule) -> String {
    let all = [
        ("failure", capsule.failure_count),
        ("intermittent", capsule.intermittent_count),
        ("stale", capsule.stale_count),
        ("resolved", capsule.resolved_count),
        ("contradicted", capsule.contradiction_count),
        ("held", capsule.held_count),
        ("recurred", capsule.recurrence_count),
        ("given_up", capsule.given_up_count),
        ("confirmed", capsule.confirmed_count),
        ("refuted", capsule.refuted_count),
        ("blocked", capsule.blocked_count),
        ("denied", capsule.denial_count),
    ];
    let named = all.iter().filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name} {count}"));
    named.collect::<Vec<_>>().join(" ")
}

/// The first remedy with its record.
fn first_remedy(remedies: &[RemedyRecord]) -> String {
    let Some(first) = remedies.first() else { return String::new() };
    let reference = first.remedy.reference.as_ref().unwrap();
    let within = first.reruns.map_or(String::new(), |reruns| format!(" within {reruns}"));
    format!("{reference} {}/{}{within}", first.count, first.contradicted_count)
}

/// The cells of a row behind what is asked, as they come out.
fn found(history: &str, asked: &str, rules: &Rules) -> [String; 5] {
    let (history, key) = events::history(history);
    let replay = replay(history, rules, None);
    let capsule = replay.derived.capsules.iter().find(|capsule| capsule.derived_key == key).unwrap();
    let (mut query, age) = query(asked);
    query.line.target_id = capsule.target_id.clone();
    let memory = Memory::of(&replay, rules);
    let as_of = age.map_or(memory.as_of, |age| Some(at_age(&replay, key, age)));
    let answer = priors(&Memory { as_of, ..memory }, &query);
    let prior = answer.priors.iter().find(|prior| prior.derived_key == Some(key)).unwrap();
    let holds: Vec<&str> = prior.held.iter().map(|held| held.hold.as_str()).collect();
    let verdict = prior.verdict.as_str().to_owned();
    [state(capsule), counters(capsule), first_remedy(&prior.remedies), verdict, holds.join(" ")]
}

#[test]
fn m92_the_table_of_small_histories() {
    let rows: Vec<&str> = TABLE.lines().filter(|row| !row.is_empty() && !row.starts_with('#')).collect();
    assert!(rows.len() >= 85, "{} histories", rows.len());
    let rules = rules();
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let found = found(cells[1], cells[2], &rules);
        if found[..] != cells[3..] {
            wrong.push(format!("{}: {found:?}, not {:?}", cells[0], &cells[3..]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What 60 targets went through in one run is one observation; in four runs it is enough to steer (M-95).
#[test]
fn m95_what_the_concept_of_an_outage_says() {
    for (outages, verdict, holds, remedy) in [
        (1, "advisory", "low_run_count low_confidence", "rerun/same-subject 1/0 within 1"),
        (2, "advisory", "low_confidence", "rerun/same-subject 2/0 within 1"),
        (4, "prescriptive", "", "rerun/same-subject 4/0 within 1"),
    ] {
        let outage = |number| format!("60*F{number}#out{number}=r{number}%t& 60*s+60#again{number}=r{number}%t&");
        let history: Vec<String> = (1..=outages).map(outage).collect();
        let rules = rules();
        let replay = replay(events::history(&history.join(" ")).0, &rules, None);
        assert_eq!(replay.derived.capsules.len(), 60);
        let stranger = PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line("acme/new")) };
        let answer = priors(&Memory::of(&replay, &rules), &stranger);
        let prior = &answer.priors[0];
        assert_eq!((prior.tier, prior.counts.run_count), (Tier::Concept, outages));
        assert_eq!((prior.counts.failure_count, prior.counts.intermittent_count), (60 * outages, 60 * outages));
        let held: Vec<&str> = prior.held.iter().map(|held| held.hold.as_str()).collect();
        let found = (prior.verdict.as_str(), held.join(" "), first_remedy(&prior.remedies));
        assert_eq!(found, (verdict, holds.to_owned(), remedy.to_owned()));
    }
}
