//! dome's own contracts: the schemas that are committed are the ones that the types give, every
//! golden artifact fits them, and they agree with the validator.

use crate::harness::{Place, golden, project};
use dome_arbitrary::{broken_line, envelope};
use dome_core::{ProblemCode, read};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::Value;

/// Where the schemas are committed.
fn committed(name: &str) -> std::path::PathBuf {
    project("dome-contracts/schemas").join(format!("{name}.schema.json"))
}

fn schema(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(committed(name)).unwrap()).unwrap()
}

fn validator(name: &str) -> Validator {
    jsonschema::draft202012::new(&schema(name)).unwrap()
}

/// Problems that JSON Schema cannot express, each with the reason.
const BEYOND_SCHEMA: [(ProblemCode, &str); 14] = [
    (ProblemCode::Utf8Invalid, "of the line as text"),
    (ProblemCode::LineTooLong, "of the line as text"),
    (ProblemCode::JsonInvalid, "of the line as text"),
    (ProblemCode::JsonTooDeep, "of the line as text"),
    (ProblemCode::JsonDuplicateKey, "of the line as text"),
    (ProblemCode::WrongType, "1.0 is an integer to JSON Schema, and a fraction to M-15"),
    (ProblemCode::OutOfRange, "lengths are bytes here, characters there"),
    (ProblemCode::ValueNotAllowed, "a control character in a summary"),
    (ProblemCode::IdentifierInvalid, "control characters, white space at the ends, bytes"),
    (ProblemCode::TimestampInvalid, "dates and offsets that do not exist"),
    (ProblemCode::TimestampFuture, "a limit that is given from outside"),
    (ProblemCode::PathUnsafe, "segments and schemes (M-12)"),
    (ProblemCode::DuplicateItem, "equality of one member among entries"),
    (ProblemCode::AliasConflict, "equality of two members"),
];

#[test]
fn committed_schemas_are_the_ones_that_the_types_give() {
    let place = Place::new();
    let listed = place.dome(&["schema"], b"").stdout;
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next()).collect();
    for name in &names {
        let generated = place.dome(&["schema", name], b"").stdout;
        let found = std::fs::read_to_string(committed(name)).unwrap_or_default();
        let mend = format!("dome schema {name} > dome-contracts/schemas/{name}.schema.json");
        assert!(generated == found, "`{name}` has drifted; if that is meant, run: {mend}");
    }
    let files = std::fs::read_dir(project("dome-contracts/schemas")).unwrap().count();
    assert_eq!(files, names.len(), "a schema that no document has");
}

#[test]
fn every_schema_is_one_and_names_no_format_of_its_own() {
    for entry in std::fs::read_dir(project("dome-contracts/schemas")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert!(jsonschema::draft202012::meta::is_valid(&schema), "{text}");
        assert!(!text.contains("uint"), "a format that is not of the standard");
    }
}

#[test]
fn golden_artifacts_fit_their_schemas() {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let [input, codes] = [&input, &codes].map(|path| path.to_str().unwrap());
    let ended = place.dome(&["replay", input, "--reason-codes", codes, "--mode", "lenient", "--out", "o"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let files = place.files("o");
    for (file, name) in [
        ("facts.jsonl", "fact"),
        ("capsules.jsonl", "capsule"),
        ("concepts.jsonl", "concept"),
        ("lineage.jsonl", "lineage"),
        ("quarantine.jsonl", "quarantine"),
        ("views/mv_recent_failures_by_taskspec.jsonl", "recent-failure"),
        ("views/mv_gate_rollup_by_failure_reason_code.jsonl", "gate-rollup"),
        ("views/mv_guard_denials_by_policy_reason_code.jsonl", "guard-denial"),
        ("manifest.json", "manifest"),
    ] {
        let validator = validator(name);
        let text = str::from_utf8(files.get(file).unwrap()).unwrap();
        assert!(!text.is_empty(), "{file}");
        for row in text.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            let errors: Vec<String> = validator.iter_errors(&row).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{file}: {errors:?}");
            let mut wider = row.clone();
            wider.as_object_mut().unwrap().insert("not_a_member".to_owned(), Value::Null);
            assert!(!validator.is_valid(&wider), "{name} is closed");
        }
    }
    for (file, name) in [("policy.json", "policy"), ("reason-codes.json", "reason-codes")] {
        let document: Value = serde_json::from_slice(&std::fs::read(golden(file)).unwrap()).unwrap();
        assert!(validator(name).is_valid(&document), "{file}");
    }
}

#[test]
fn answers_and_explanations_fit_their_schemas() {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let [input, codes] = [&input, &codes].map(|path| path.to_str().unwrap());
    assert_eq!(place.dome(&["replay", input, "--reason-codes", codes, "--out", "o"], b"").code, 0);
    for view in ["recent-failures", "gate-rollup", "guard-denials"] {
        let asked = ["query", view, "--from", "o", "--limit", "1", "--format", "json"];
        for filters in [&[][..], &["--run", "r", "--since", "2026-01-01T00:00:00Z"]] {
            let answer = place.dome(&[&asked, filters].concat(), b"").stdout;
            let header: Value = serde_json::from_str(answer.lines().next().unwrap()).unwrap();
            assert!(validator("query").is_valid(&header), "{header}");
        }
    }
    let files = place.files("o");
    let row = |file: &str| -> Value {
        let text = str::from_utf8(files.get(file).unwrap()).unwrap();
        serde_json::from_str(text.lines().next_back().unwrap()).unwrap()
    };
    let text = |file: &str, pointer: &str| row(file).pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let rejected = row("quarantine.jsonl");
    let source = rejected.get("source").unwrap();
    let place_of = format!("{}:{}", source.get("name").unwrap().as_str().unwrap(), source.get("line").unwrap());
    for (subject, key) in [
        ("capsule", text("capsules.jsonl", "/derived_key")),
        ("concept", text("concepts.jsonl", "/concept_key")),
        ("line", text("facts.jsonl", "/line_key")),
        ("fact", text("facts.jsonl", "/digest")),
        ("rejected", place_of),
        ("unlisted", "a.jsonl:999999".to_owned()),
    ] {
        let told = place.dome(&["explain", "--from", "o", "--format", "json", &key], b"");
        assert_eq!(told.code, 0, "{subject}: {}", told.stderr);
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        let errors: Vec<String> = validator("explanation").iter_errors(&told).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{subject}: {errors:?}");
        assert_eq!(told.get("subject").unwrap(), subject);
        assert!(told.get(subject).is_some(), "{subject}");
    }
}

#[test]
fn documents_that_verbs_print_fit_their_schemas() {
    let (place, input) = (Place::new(), project("dome-cli/tests/data/missing-module.jsonl"));
    for (out, binder) in [("a", "v1"), ("b", "v2")] {
        let args = ["replay", input.to_str().unwrap(), "--out", out, "--binder-version", binder];
        assert_eq!(place.dome(&args, b"").code, 0);
    }
    let mut capsules = place.files("b").remove("capsules.jsonl").unwrap();
    capsules.extend(b"{}\n");
    place.file("c/capsules.jsonl", capsules);
    place.file("c/manifest.json", place.files("b").remove("manifest.json").unwrap());
    for (name, args) in [
        ("verification", &["verify", "a"][..]),
        ("verification", &["verify", "c"]),
        ("diff", &["diff", "a", "b"]),
        ("plan", &["plan", "--against", "a", "--binder-version", "v2"]),
        ("plan", &["plan", "--against", "a", "--mode", "lenient", "--as-of", "2030-01-01T00:00:00Z"]),
    ] {
        let printed = place.dome(&[args, &["--format", "json"]].concat(), b"").stdout;
        let document: Value = serde_json::from_str(&printed).unwrap();
        let errors: Vec<String> = validator(name).iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:?}");
    }
}

#[test]
fn guards_and_priors_fit_their_schemas() {
    let (place, input) = (Place::new(), project("dome-cli/tests/data/missing-module.jsonl"));
    assert_eq!(place.dome(&["replay", input.to_str().unwrap(), "--out", "a"], b"").code, 0);
    let [guardrails, context] =
        ["guardrails.json", "context.json"].map(|name| project("dome-cli/tests/data/guards").join(name));
    let [guardrails, context_path] = [&guardrails, &context].map(|path| path.to_str().unwrap());
    let ask = ["priors", "--from", "a", "--scope", "repo", "--target-kind", "ci_job", "--target-id", "slow-tests"];
    let ask = [&ask[..], &["--action-kind", "test", "--guardrails", guardrails, "--tool", "pytest=9"]].concat();
    for (name, args) in [
        ("guard-decision", &["guard", "eval", "--guardrails", guardrails, "--context", context_path][..]),
        ("priors", &[&ask[..], &["--detail", "full"]].concat()),
        ("priors-brief", &ask),
        (
            "priors",
            &[&ask[..], &["--detail", "full", "--rollout", "shadow", "--record", "r.jsonl", "--version", "python=3"]]
                .concat(),
        ),
    ] {
        let printed = place.dome(&[args, &["--format", "json"]].concat(), b"").stdout;
        let document: Value = serde_json::from_str(&printed).unwrap();
        let errors: Vec<String> = validator(name).iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:?}");
    }
    let recorded: Value = serde_json::from_slice(&std::fs::read(place.path("r.jsonl")).unwrap()).unwrap();
    assert!(validator("priors").is_valid(&recorded));
    assert_eq!(recorded.pointer("/priors").and_then(Value::as_array).map(Vec::is_empty), Some(false));
    let context: Value = serde_json::from_slice(&std::fs::read(context).unwrap()).unwrap();
    assert!(validator("guard-context").is_valid(&context));
    let report = r#"{"report_version":"1","tool":{"name":"pytest","version":"8"},"conformant":true}"#;
    assert!(validator("conformance-report").is_valid(&serde_json::from_str(report).unwrap()));
}

#[test]
fn backtests_and_rollouts_fit_their_schemas() {
    let (place, input) = (Place::new(), project("dome-cli/tests/data/missing-module.jsonl"));
    assert_eq!(place.dome(&["replay", input.to_str().unwrap(), "--out", "a"], b"").code, 0);
    for (name, args) in [
        ("backtest", &["backtest", "--from", "a"][..]),
        ("rollout-status", &["rollout", "status", "--from", "a"]),
        ("rollout-status", &["rollout", "status", "--from", "a", "--mode", "prescriptive"]),
        ("rollout-policy", &["rollout", "policy"]),
    ] {
        let printed = place.dome(&[args, &["--format", "json"]].concat(), b"").stdout;
        let document: Value = serde_json::from_str(&printed).unwrap();
        let errors: Vec<String> = validator(name).iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:?}");
    }
    // What a schema refuses, the reader refuses, and the other way round.
    for (name, verb, pointer) in [
        ("policy", &["backtest", "--from", "a"][..], "/min_confidence_ppm"),
        ("policy", &["backtest", "--from", "a"], "/latency_min_samples"),
        ("policy", &["backtest", "--from", "a"], "/policy_version"),
        ("rollout-policy", &["rollout", "status", "--from", "a"], "/guided/min_precision_ppm"),
        ("rollout-policy", &["rollout", "status", "--from", "a"], "/rollout_policy_version"),
    ] {
        let printed = match name {
            "policy" => place.dome(&["backtest", "--from", "a", "--format", "json"], b"").stdout,
            _ => place.dome(&["rollout", "policy", "--format", "json"], b"").stdout,
        };
        let sound: Value = serde_json::from_str(&printed).unwrap();
        let mut sound = sound.get("policy").cloned().unwrap_or(sound);
        if name == "policy" {
            // That the window holds the samples is of two members, which no schema says.
            *sound.pointer_mut("/latency_window").unwrap() = 2_000_000.into();
        }
        for broken in [Value::from(1_000_001), Value::from(0), Value::from("1"), Value::from(-1), Value::Null] {
            let mut document = sound.clone();
            *document.pointer_mut(pointer).unwrap() = broken;
            place.file("p.json", document.to_string());
            let read = place.dome(&[verb, &["--policy", "p.json"]].concat(), b"").code != 3;
            assert_eq!(validator(name).is_valid(&document), read, "{document}");
        }
    }
}

#[test]
fn the_rollout_of_a_store_and_what_it_answers_by_fit_their_schemas() {
    let (place, input) = (Place::new(), project("dome-cli/tests/data/missing-module.jsonl"));
    assert_eq!(place.dome(&["ingest", input.to_str().unwrap(), "--store", "s"], b"").code, 0);
    let fits = |name: &str, args: &[&str]| {
        let printed = place.dome(&[args, &["--format", "json"]].concat(), b"").stdout;
        let document: Value = serde_json::from_str(&printed).unwrap();
        let errors: Vec<String> = validator(name).iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:?}");
        document
    };
    let ask = ["priors", "--store", "s", "--scope", "repo", "--target-kind", "ci_job", "--target-id", "slow-tests"];
    let ask = [&ask[..], &["--action-kind", "test", "--rollout", "prescriptive", "--run", "r"]].concat();
    fits("store-rollout", &["store", "rollout", "show", "--store", "s"]);
    assert!(fits("priors-brief", &ask).pointer("/rollout_terms/limits/0/reason").is_some());
    let whole = [&ask[..], &["--detail", "full"]].concat();
    assert!(fits("priors", &whole).pointer("/rollout_terms/limits/0/reason").is_some());
    let set = ["store", "rollout", "set", "prescriptive", "--store", "s", "--override", "Ada", "--why", "a freeze"];
    fits("store-rollout", &set);
    assert!(fits("priors", &whole).pointer("/rollout_terms/override/by").is_some());
    fits("rollout-status", &["store", "rollout", "set", "prescriptive", "--store", "s"]);
}

#[test]
fn m13_the_alias_is_locked_on_both_sides() {
    let (input, emitted) = (schema("envelope"), schema("canonical-envelope"));
    let spec = "/$defs/TaskSpec/properties";
    for (properties, name, alias) in
        [(spec, "failure_reason_code", "reason_code"), ("/properties", "policy_reason_code", "guard_reason_code")]
    {
        let taken = input.pointer(properties).unwrap();
        assert!(taken.get(name).is_some(), "{name}");
        assert_eq!(taken.get(name), taken.get(alias), "`{alias}` is accepted wherever `{name}` is");
        assert!(emitted.pointer(properties).unwrap().get(alias).is_none(), "`{alias}` is never emitted");
    }
    let line = str::from_utf8(dome_core::EXAMPLE_LINE).unwrap().replace("failure_reason_code", "reason_code");
    let value: Value = serde_json::from_str(&line).unwrap();
    assert!(validator("envelope").is_valid(&value));
    let canonical = String::from_utf8(read(line.as_bytes()).unwrap().to_canonical()).unwrap();
    assert!(canonical.contains("\"failure_reason_code\"") && !canonical.contains("\"reason_code\""));
    assert!(validator("canonical-envelope").is_valid(&serde_json::from_str(&canonical).unwrap()));
}

fn agree(validator: &Validator, line: &[u8]) -> Result<(), TestCaseError> {
    let parsed: Option<Value> = serde_json::from_slice(line).ok();
    let fits = parsed.as_ref().is_some_and(|value| validator.is_valid(value));
    match read(line) {
        Ok(_) => prop_assert!(fits, "the schema refuses what the validator takes"),
        Err(rejection) if fits => {
            let beyond = |code| BEYOND_SCHEMA.iter().any(|(known, _)| *known == code);
            let missed: Vec<_> = rejection.problems().iter().filter(|problem| !beyond(problem.code)).collect();
            prop_assert!(missed.is_empty(), "the schema takes what the validator refuses: {missed:?}");
        }
        Err(_) => {}
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_envelope_schema_and_the_validator_agree_on_sound_lines(value in envelope()) {
        agree(&validator("envelope"), value.to_string().as_bytes())?;
        let canonical = read(value.to_string().as_bytes())?.to_canonical();
        let canonical: Value = serde_json::from_slice(&canonical).unwrap();
        prop_assert!(validator("canonical-envelope").is_valid(&canonical));
    }

    #[test]
    fn the_envelope_schema_and_the_validator_agree_on_broken_lines(broken in broken_line()) {
        agree(&validator("envelope"), &broken.line)?;
    }
}
