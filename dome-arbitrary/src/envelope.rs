//! One valid envelope (section 2), with any of its optional members.

use dome_core::limits;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::dice::{Dice, dice};
use super::text;
use super::write::write_oddly;

pub(crate) type JsonMembers = Map<String, Value>;

/// The members of an object; those that are `null`, here or deeper, are left out.
pub(crate) fn object(literal: Value) -> JsonMembers {
    let Value::Object(members) = literal else { return JsonMembers::new() };
    let present = members.into_iter().filter(|(_, value)| !value.is_null());
    present.map(|(name, value)| (name, if value.is_object() { object(value).into() } else { value })).collect()
}

/// A valid envelope as JSON: aliases or names or both, defaults left out or written, any order of
/// gates and guards, repeats in sets.
pub fn envelope() -> BoxedStrategy<Value> {
    (identity(), spec(), outcome(), rest())
        .prop_map(|(identity, spec, outcome, rest)| {
            let mut members = Map::new();
            for part in [identity, outcome, rest] {
                members.extend(part);
            }
            members.insert("envelope_version".to_owned(), "1".into());
            members.insert("task_spec".to_owned(), Value::Object(spec));
            make_sound(&mut members);
            Value::Object(members)
        })
        .boxed()
}

/// A valid envelope as a line of JSON that is written oddly: blanks, escapes, any order.
pub fn envelope_line() -> BoxedStrategy<Vec<u8>> {
    (envelope(), dice(400))
        .prop_map(|(envelope, mut dice)| {
            let blank = |dice: &mut Dice| dice.pick(["", "", " ", "\t"]);
            let (before, after) = (blank(&mut dice), blank(&mut dice));
            format!("{before}{}{after}", write_oddly(&envelope, &mut dice)).into_bytes()
        })
        .boxed()
}

/// A value under its name, its alias or both (M-13).
fn aliased(members: &mut JsonMembers, name: &str, alias: &str, value: Value, way: u8) {
    if way != 1 {
        members.insert(name.to_owned(), value.clone());
    }
    if way != 0 {
        members.insert(alias.to_owned(), value);
    }
}

fn words(words: &[&str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}

fn identity() -> impl Strategy<Value = JsonMembers> + Clone {
    let sequence = prop_oneof![6 => 1_u64..20, 1 => Just(limits::SAFE_INTEGER)];
    let ids = (text::identifier(), text::identifier(), text::identifier(), text::identifier());
    (ids, prop::option::of(text::identifier()), sequence, text::timestamp()).prop_map(
        |((event_id, run_id, task_id, group_id), lane, sequence, ts)| {
            object(json!({
                "event_id": event_id, "run_id": run_id, "task_id": task_id, "group_id": group_id, "lane": lane,
                "sequence": sequence, "ts": ts,
            }))
        },
    )
}

fn subject() -> impl Strategy<Value = Value> + Clone {
    let [repository, job, base] = [0.6, 0.4, 0.4].map(|often| prop::option::weighted(often, text::identifier()));
    (text::identifier(), repository, job, base, prop::option::of(any::<bool>())).prop_map(
        |(revision, repository, job, base, dirty)| {
            let subject = json!({
                "revision": revision, "repository": repository, "job": job, "base_revision": base, "dirty": dirty,
            });
            Value::Object(object(subject))
        },
    )
}

fn strings() -> impl Strategy<Value = Vec<String>> + Clone {
    prop::collection::vec(prop_oneof![text::any_text(), Just("same".to_owned())], 0..4)
}

/// An object of strings whose keys differ in lower case.
fn string_map(keys: &[&str]) -> impl Strategy<Value = JsonMembers> + Clone {
    let key = prop_oneof![3 => words(keys), 1 => text::any_text()];
    prop::collection::vec((key, text::version()), 0..5).prop_map(|pairs| {
        let mut map = JsonMembers::new();
        for (key, value) in pairs {
            if !map.keys().any(|known| known.eq_ignore_ascii_case(&key)) {
                map.insert(key, value.into());
            }
        }
        map
    })
}

fn side_effects() -> impl Strategy<Value = Value> + Clone {
    let allowed = || prop::option::of(strings());
    (words(&["none", "read_only", "scoped", "unrestricted"]), allowed(), allowed(), allowed()).prop_map(
        |(mode, paths, domains, commands)| {
            json!({"allow_paths": paths, "allow_domains": domains, "allow_commands": commands, "mode": mode})
        },
    )
}

fn transition() -> impl Strategy<Value = Value> + Clone {
    (text::identifier(), text::identifier(), prop::option::of(text::identifier()))
        .prop_map(|(from, to, id)| json!({"from_state": from, "to_state": to, "transition_id": id}))
}

fn spec() -> impl Strategy<Value = JsonMembers> + Clone {
    let line = (words(&["task", "run", "repo"]), text::token(), text::identifier(), text::token());
    let versions = prop::option::weighted(0.4, string_map(&["data", "model", "\u{1f600}", "\u{fb33}"]));
    let more = (prop::option::weighted(0.3, side_effects()), versions, prop::option::weighted(0.2, transition()));
    (line, text::failure_reason_code(), 0_u8..3, more).prop_map(
        |((scope, kind, id, action), code, way, (effects, versions, transition))| {
            let mut spec = object(json!({
                "scope": scope, "target": {"kind": kind, "id": id}, "action": {"kind": action},
                "side_effects": effects, "versions": versions, "transition": transition,
            }));
            aliased(&mut spec, "failure_reason_code", "reason_code", code.into(), way);
            spec
        },
    )
}

fn gates() -> impl Strategy<Value = Vec<Value>> + Clone {
    let status = words(&["PASS", "FAIL", "SKIP"]);
    prop::collection::btree_map(text::identifier(), status, 0..4).prop_map(|gates| {
        let written = gates.into_iter().map(|(id, status)| json!({"gate_id": id, "status": status}));
        written.rev().collect()
    })
}

fn guard_evals() -> impl Strategy<Value = Vec<Value>> + Clone {
    let codes = prop::option::of(prop::collection::vec(text::policy_reason_code(), 0..3));
    let refs = prop::option::of(strings());
    let decision = prop::option::of(words(&["ALLOW", "DENY", "STOP"]));
    let eval = (words(&["PASS", "FAIL", "SKIP"]), decision, codes, refs);
    prop::collection::btree_map(text::identifier(), eval, 0..4).prop_map(|evals| {
        let written = evals.into_iter().map(|(id, (status, decision, codes, refs))| {
            Value::Object(object(json!({
                "guard_id": id, "status": status, "decision": decision, "reason_codes": codes, "evidence_refs": refs,
            })))
        });
        written.rev().collect()
    })
}

fn remedy() -> impl Strategy<Value = Value> + Clone {
    let identity = (text::path(), text::sha256(), 0_u8..3);
    let summary = prop::option::of(prop_oneof![Just("pin it".to_owned()), Just("s".repeat(limits::SUMMARY_BYTES))]);
    (text::token(), identity, summary).prop_map(|(kind, (path, sha256, which), summary)| {
        let (path, sha256) = ((which != 1).then_some(path), (which != 0).then_some(sha256));
        json!({"kind": kind, "ref": path, "sha256": sha256, "summary": summary})
    })
}

fn outcome() -> impl Strategy<Value = JsonMembers> + Clone {
    let signal = words(&["failure", "denial", "success", "anomaly", "observation"]);
    let policy = words(&["strict", "hybrid", "lenient"]);
    let code = (prop::option::of(text::policy_reason_code()), 0_u8..3);
    let checks = (prop::option::of(gates()), prop::option::of(guard_evals()));
    (signal, policy, code, checks, prop::option::of(remedy())).prop_map(
        |(signal, policy, (code, way), (gates, evals), remedy)| {
            let mut outcome = object(json!({
                "signal": signal, "wrapper_policy": policy, "gates": gates, "guard_evals": evals, "remedy": remedy,
            }));
            if let Some(code) = code {
                aliased(&mut outcome, "policy_reason_code", "guard_reason_code", code.into(), way);
            }
            outcome
        },
    )
}

fn tool() -> impl Strategy<Value = Value> + Clone {
    (text::identifier(), text::version(), prop::option::of(text::sha256()))
        .prop_map(|(name, version, config)| json!({"name": name, "version": version, "config_sha256": config}))
}

fn evidence() -> impl Strategy<Value = Vec<Value>> + Clone {
    let bytes = prop::option::of(prop_oneof![Just(0), 1_u64..5_000, Just(limits::SAFE_INTEGER)]);
    let entry = (text::path(), text::sha256(), 0_u8..3, bytes).prop_map(|(path, sha256, which, bytes)| {
        let (path, sha256) = ((which != 1).then_some(path), (which != 0).then_some(sha256));
        Value::Object(object(json!({"path": path, "sha256": sha256, "bytes": bytes})))
    });
    prop::collection::vec(entry, 1..4)
}

fn rest() -> impl Strategy<Value = JsonMembers> + Clone {
    let env = prop::option::of(string_map(&["OS", "os", "arch", "Runtime", "env_class", "HOME"]));
    let labels = prop::option::of(string_map(&["a", "\u{e000}", "\u{10ffff}", "A"]));
    let attempts = prop::option::of(prop_oneof![1_u64..9, Just(limits::ATTEMPTS)]);
    let duration = prop::option::of(prop_oneof![Just(0), 1_u64..90_000, Just(limits::SAFE_INTEGER)]);
    let more = (prop::option::of(text::message()), prop::option::weighted(0.2, text::sha256()));
    let tested = (prop::option::of(subject()), prop::option::of(any::<bool>()));
    (env, labels, attempts, duration, more, tested, prop::option::of(tool()), evidence()).prop_map(
        |(env, labels, attempts, duration, (message, applied), (subject, abandoned), tool, evidence)| {
            object(json!({
                "env": env, "labels": labels, "attempts": attempts, "duration_ms": duration, "message": message,
                "applied_capsule": applied, "subject": subject, "abandoned": abandoned, "tool": tool,
                "evidence": evidence,
            }))
        },
    )
}

/// Brings the members that M-11 looks at together in line.
pub(super) fn make_sound(members: &mut JsonMembers) {
    let signal = members.get("signal").cloned().unwrap_or_default();
    if signal == "success" {
        for gate in members.get_mut("gates").and_then(Value::as_array_mut).into_iter().flatten() {
            gate.pointer_mut("/status")
                .into_iter()
                .filter(|status| **status == "FAIL")
                .for_each(|it| *it = "PASS".into());
        }
        if members.get("abandoned").is_some_and(|abandoned| *abandoned == true) {
            members.remove("abandoned");
        }
    } else if signal != "failure" {
        members.remove("remedy");
    }
    let named = ["policy_reason_code", "guard_reason_code"].iter().any(|name| members.contains_key(*name));
    if signal == "denial" && !named {
        members.insert("policy_reason_code".to_owned(), "NOT_ALLOWED".into());
    }
    let spec = members.get_mut("task_spec").and_then(Value::as_object_mut);
    for code in spec.into_iter().flat_map(|spec| spec.iter_mut()).filter(|(name, _)| name.ends_with("reason_code")) {
        if signal == "failure" && *code.1 == "NONE" {
            *code.1 = "FAILED".into();
        }
    }
}
