//! Mutations of the pinned schemas, each with the verdicts that were written down beforehand.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

use dome_contracts::Folder;
use dome_contracts::compat::{Compatibility, ContractReport, ContractRule, Dialect, Direction, SchemaRule, compat};
use serde_json::{Value, json};
use xtrlv2_fixtures::V0_1;

use Compatibility::{Compatible, Incompatible};

/// What is done to a schema.
enum Edit {
    /// Sets the value at a pointer, whether there was one or not.
    Set(&'static str, Value),
    /// Takes the value at a pointer away.
    Remove(&'static str),
    /// Appends to the array at a pointer.
    Push(&'static str, Value),
    /// Puts a referenced definition of a file in place of the `$ref` at a pointer.
    Inline(&'static str, &'static str, &'static str),
}

use Edit::{Inline, Push, Remove, Set};

struct Mutation {
    /// The file that is edited, and the contract that is compared.
    file: &'static str,
    contract: &'static str,
    edit: Edit,
    /// Is what was valid still valid, and was what is valid now valid before?
    backward: Compatibility,
    forward: Compatibility,
    /// A rule that has to be named, in whichever direction is refuted.
    rule: Option<ContractRule>,
}

fn mutation(
    file: &'static str,
    contract: &'static str,
    edit: Edit,
    verdicts: (Compatibility, Compatibility),
    rule: impl Into<Option<ContractRule>>,
) -> Mutation {
    let (backward, forward) = verdicts;
    Mutation { file, contract, edit, backward, forward, rule: rule.into() }
}

const SAFE: (Compatibility, Compatibility) = (Compatible, Compatible);
const WIDER: (Compatibility, Compatibility) = (Compatible, Incompatible);
const NARROWER: (Compatibility, Compatibility) = (Incompatible, Compatible);
const OTHER: (Compatibility, Compatibility) = (Incompatible, Incompatible);

fn mutations() -> Vec<Mutation> {
    [values(), registry(), objects(), strings(), numbers(), arrays(), shapes()].into_iter().flatten().collect()
}

/// Values.
fn values() -> Vec<Mutation> {
    vec![
        mutation(
            "gate_decision",
            "gate_decision",
            Push("/properties/decision/enum", json!("HOLD")),
            WIDER,
            ContractRule::Schema(SchemaRule::ValueRemoved),
        ),
        mutation(
            "gate_decision",
            "gate_decision",
            Remove("/properties/decision/enum/0"),
            NARROWER,
            ContractRule::Schema(SchemaRule::ValueRemoved),
        ),
        mutation(
            "gate_decision",
            "gate_decision",
            Set("/properties/artifact_kind/const", json!("gate")),
            OTHER,
            ContractRule::Schema(SchemaRule::ValueRemoved),
        ),
        mutation(
            "gate_decision",
            "gate_decision",
            Set("/properties/decision/enum", json!(["STOP", "PROMOTE", "DENY"])),
            SAFE,
            None,
        ),
        mutation(
            "common",
            "latest_state",
            Push("/definitions/ledger_decision/enum", json!("PENDING")),
            WIDER,
            ContractRule::Schema(SchemaRule::ValueRemoved),
        ),
        mutation(
            "common",
            "guardrails_bundle",
            Remove("/definitions/deny_decision/enum/1"),
            NARROWER,
            ContractRule::Schema(SchemaRule::ValueRemoved),
        ),
    ]
}

/// The registry of reason codes.
fn registry() -> Vec<Mutation> {
    let removed = || ContractRule::Schema(SchemaRule::ValueRemoved);
    let entry = json!({"$ref": "#/definitions/entry"});
    let of_codes = |edit, verdicts, rule: ContractRule| mutation("reason_codes", "reason_codes", edit, verdicts, rule);
    vec![
        of_codes(Set("/properties/version/const", json!("0.2")), OTHER, removed()),
        of_codes(Set("/properties/restart_mode_by_class/properties/advisory/const", json!("STOP")), OTHER, removed()),
        of_codes(Set("/definitions/entry/properties/class", json!({"const": "stop"})), NARROWER, removed()),
        of_codes(
            Set("/properties/classes_precedence/const", json!(["structural", "stop", "repairable", "advisory"])),
            NARROWER,
            removed(),
        ),
        of_codes(
            Set("/properties/codes/properties/FLAKY", entry),
            WIDER,
            ContractRule::Schema(SchemaRule::PropertyClosed),
        ),
        of_codes(Remove("/properties/codes/required/0"), WIDER, ContractRule::Schema(SchemaRule::RequiredAdded)),
    ]
}

/// Objects.
fn objects() -> Vec<Mutation> {
    vec![
        mutation(
            "run_manifest",
            "run_manifest",
            Set("/properties/budgets/minProperties", json!(1)),
            NARROWER,
            ContractRule::Schema(SchemaRule::MinPropertiesRaised),
        ),
        mutation(
            "ledger_entry",
            "ledger_entry",
            Remove("/required/0"),
            WIDER,
            ContractRule::Schema(SchemaRule::RequiredAdded),
        ),
        mutation(
            "guard",
            "gate_decision",
            Push("/definitions/eval/required", json!("decision")),
            NARROWER,
            ContractRule::Schema(SchemaRule::RequiredAdded),
        ),
        mutation(
            "gate_decision",
            "gate_decision",
            Set("/properties/note", json!({"type": "string"})),
            WIDER,
            ContractRule::Schema(SchemaRule::PropertyClosed),
        ),
        mutation(
            "gate_decision",
            "gate_decision",
            Set("/additionalProperties", json!(true)),
            WIDER,
            ContractRule::Schema(SchemaRule::PropertyClosed),
        ),
        mutation(
            "gate_decision",
            "gate_decision",
            Set("/properties/pointers/additionalProperties", json!(false)),
            NARROWER,
            ContractRule::Schema(SchemaRule::PropertyClosed),
        ),
        mutation(
            "gate_decision",
            "gate_decision",
            Set("/properties/pointers/additionalProperties", json!({"type": "string"})),
            NARROWER,
            ContractRule::Schema(SchemaRule::AdditionalNarrowed),
        ),
        mutation(
            "guardrails_bundle",
            "guardrails_bundle",
            Remove("/definitions/applies_to/properties/actions"),
            NARROWER,
            ContractRule::Schema(SchemaRule::PropertyClosed),
        ),
    ]
}

/// Strings.
fn strings() -> Vec<Mutation> {
    let hex40 = json!("^[0-9a-f]{40}$");
    vec![
        mutation(
            "helper_event",
            "helper_event",
            Set("/properties/base_sha/pattern", hex40),
            NARROWER,
            ContractRule::Schema(SchemaRule::PatternChanged),
        ),
        mutation(
            "common",
            "helper_event",
            Remove("/definitions/reason_code/pattern"),
            WIDER,
            ContractRule::Schema(SchemaRule::PatternChanged),
        ),
        mutation(
            "guardrails_bundle",
            "guardrails_bundle",
            Set("/definitions/sentence/minLength", json!(13)),
            NARROWER,
            ContractRule::Schema(SchemaRule::MinLengthRaised),
        ),
        mutation(
            "guardrails_bundle",
            "guardrails_bundle",
            Set("/definitions/sentence/maxLength", json!(241)),
            WIDER,
            ContractRule::Schema(SchemaRule::MaxLengthLowered),
        ),
        mutation(
            "latest_state",
            "latest_state",
            Set("/properties/next_base_ref/minLength", json!(1)),
            NARROWER,
            ContractRule::Schema(SchemaRule::MinLengthRaised),
        ),
        mutation(
            "helper_event",
            "helper_event",
            Remove("/definitions/relative_path/pattern"),
            WIDER,
            ContractRule::Schema(SchemaRule::PatternChanged),
        ),
        mutation(
            "common",
            "ledger_entry",
            Remove("/definitions/timestamp/format"),
            WIDER,
            ContractRule::Schema(SchemaRule::FormatChanged),
        ),
    ]
}

/// Numbers.
fn numbers() -> Vec<Mutation> {
    vec![
        mutation(
            "guardrails_bundle",
            "guardrails_bundle",
            Set("/definitions/feedback/properties/confidence/maximum", json!(100)),
            WIDER,
            ContractRule::Schema(SchemaRule::MaximumLowered),
        ),
        mutation(
            "helper_event",
            "helper_event",
            Set("/properties/diffstat/properties/files_changed/minimum", json!(0)),
            WIDER,
            ContractRule::Schema(SchemaRule::MinimumRaised),
        ),
        mutation(
            "helper_event",
            "helper_event",
            Set("/properties/diffstat/properties/lines_added/multipleOf", json!(2)),
            NARROWER,
            ContractRule::Schema(SchemaRule::MultipleOfChanged),
        ),
    ]
}

/// Arrays.
fn arrays() -> Vec<Mutation> {
    vec![
        mutation(
            "guardrails_bundle",
            "guardrails_bundle",
            Remove("/properties/guards/minItems"),
            WIDER,
            ContractRule::Schema(SchemaRule::MinItemsRaised),
        ),
        mutation(
            "helper_event",
            "helper_event",
            Set("/properties/touched_paths/uniqueItems", json!(true)),
            NARROWER,
            ContractRule::Schema(SchemaRule::UniqueItemsAdded),
        ),
        mutation(
            "guardrails_bundle",
            "guardrails_bundle",
            Remove("/definitions/applies_to/properties/known_states/uniqueItems"),
            WIDER,
            ContractRule::Schema(SchemaRule::UniqueItemsAdded),
        ),
        mutation(
            "common",
            "evidence_capsule",
            Set("/definitions/texts/maxItems", json!(100)),
            NARROWER,
            ContractRule::Schema(SchemaRule::MaxItemsLowered),
        ),
    ]
}

/// Types, references, combinators, annotations.
fn shapes() -> Vec<Mutation> {
    let inline = Inline("/properties/meta", "meta", "");
    let sha = Inline("/properties/helper_hash", "common", "/definitions/sha256");
    vec![
        mutation(
            "state_space",
            "state_space",
            Set("/properties/repo/properties/head_sha", json!({"type": ["string", "null"]})),
            WIDER,
            ContractRule::Schema(SchemaRule::TypeRemoved),
        ),
        mutation("run_manifest", "run_manifest", inline, SAFE, None),
        mutation("helper_event", "helper_event", sha, SAFE, None),
        mutation(
            "helper_event",
            "helper_event",
            Set("/properties/helper_hash/$ref", json!("common.schema.json#/definitions/text")),
            WIDER,
            ContractRule::Schema(SchemaRule::PatternChanged),
        ),
        mutation(
            "latest_state",
            "latest_state",
            Set(
                "/properties/out_dir",
                json!({"anyOf": [{"$ref": "common.schema.json#/definitions/text"}, {"type": "null"}]}),
            ),
            WIDER,
            ContractRule::Schema(SchemaRule::TypeRemoved),
        ),
        mutation(
            "latest_state",
            "latest_state",
            Set(
                "/properties/out_dir",
                json!({"allOf": [{"$ref": "common.schema.json#/definitions/text"}, {"not": {"const": "."}}]}),
            ),
            NARROWER,
            ContractRule::Schema(SchemaRule::NotAdded),
        ),
        mutation("state_space", "state_space", Set("/title", json!("Another title")), SAFE, None),
    ]
}

fn read(contract: &str) -> Value {
    serde_json::from_slice(V0_1.schema(contract).unwrap().bytes).unwrap()
}

fn edited(file: &str, edit: &Edit) -> Value {
    let mut schema = read(file);
    let (parent, last) = match edit {
        Set(at, _) | Remove(at) | Push(at, _) | Inline(at, ..) => at.rsplit_once('/').unwrap(),
    };
    let parent = schema.pointer_mut(parent).unwrap();
    match (parent, edit) {
        (Value::Object(members), Set(_, value)) => {
            members.insert(last.to_owned(), value.clone());
        }
        (Value::Object(members), Remove(_)) => {
            members.remove(last).unwrap();
        }
        (Value::Array(items), Remove(_)) => {
            items.remove(last.parse().unwrap());
        }
        (Value::Object(members), Push(_, value)) => {
            members.get_mut(last).unwrap().as_array_mut().unwrap().push(value.clone());
        }
        (Value::Object(members), Inline(_, file, at)) => {
            let mut target = read(file).pointer(at).unwrap().clone();
            target.as_object_mut().unwrap().remove("$schema");
            members.insert(last.to_owned(), target);
        }
        _ => unreachable!("an edit that does not fit its place"),
    }
    schema
}

fn report(mutation: &Mutation, direction: Direction) -> ContractReport {
    let old = V0_1.artifacts().map(|artifact| (artifact.path, artifact.bytes)).collect::<Folder>();
    let mut new = old.clone();
    let path = |contract: &str| format!("schemas/{contract}.schema.json");
    let schema = edited(mutation.file, &mutation.edit);
    assert_ne!(schema, read(mutation.file), "the mutation of {} does nothing", mutation.file);
    new.insert(path(mutation.file), schema.to_string());
    let load = |folder: &Folder| folder.schema(&path(mutation.contract), Dialect::Draft07).unwrap();
    compat(&load(&old), &load(&new), direction)
}

#[test]
fn every_mutation_gets_the_verdict_that_was_written_down() {
    let mutations = mutations();
    assert_eq!(mutations.len(), 41);
    for (index, mutation) in mutations.iter().enumerate() {
        let name = format!("mutation {index} of {}", mutation.file);
        let wanted = [(Direction::Backward, mutation.backward), (Direction::Forward, mutation.forward)];
        let mut named = Vec::new();
        for (direction, verdict) in wanted {
            let found = report(mutation, direction);
            assert_eq!(found.verdict, verdict, "{name} {direction:?}: {found:#?}");
            let broken = found.findings.iter().filter(|finding| finding.verdict != Compatible);
            named.extend(broken.map(|finding| finding.rule));
        }
        assert!(!named.contains(&ContractRule::Schema(SchemaRule::VotesDisagree)), "{name}: {named:?}");
        match mutation.rule {
            Some(rule) => assert!(named.contains(&rule), "{name}: {rule} is not in {named:?}"),
            None => assert!(named.is_empty(), "{name}: {named:?}"),
        }
    }
    let broken = mutations.iter().filter(|mutation| mutation.rule.is_some()).count();
    println!("{} mutations, {broken} of them break something: each verdict is the expected one", mutations.len());
}
