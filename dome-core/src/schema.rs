//! JSON Schemas (2020-12) of the public documents, generated from the types.
//!
//! What JSON Schema cannot say is left to [`crate::read`]: lengths in bytes rather than characters,
//! control characters and white space at the ends of identifiers, times that exist, the segments of
//! paths (M-12), and whether two members are equal.

use std::borrow::Cow;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema, json_schema};
use serde_json::{Value, json};

use crate::envelope::{Envelope, EnvelopeVersion, TaskSpec};
use crate::limits;
use crate::{
    ActionKind, EventId, EvidencePath, FailureReasonCode, GateId, GroupId, GuardId, Job, Lane, PolicyReasonCode,
    RemedyKind, Repository, Revision, RunId, Sha256Hash as Sha256, StateId, StringMap, TargetId, TargetKind, TaskId,
    Timestamp, ToolName,
};

macro_rules! text_schemas {
    ($($($type:ident)* => $schema:expr,)*) => {$($(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*)*};
}

fn identifier() -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": limits::IDENTIFIER_BYTES})
}

fn token() -> Schema {
    json_schema!({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"})
}

const REASON_CODE: &str = "^[A-Z][A-Z0-9_]*(\\.[A-Z0-9_]+)*$";

text_schemas! {
    EventId RunId TaskId GroupId Lane Revision Repository Job TargetId GateId GuardId ToolName StateId => identifier(),
    TargetKind ActionKind RemedyKind => token(),
    FailureReasonCode =>
        json_schema!({"type": "string", "pattern": REASON_CODE, "maxLength": limits::REASON_CODE_BYTES}),
    PolicyReasonCode => json_schema!({
        "type": "string", "pattern": REASON_CODE, "maxLength": limits::REASON_CODE_BYTES, "not": {"const": "NONE"}
    }),
    EvidencePath => json_schema!({"type": "string", "minLength": 1, "maxLength": limits::PATH_BYTES}),
    Sha256 => json_schema!({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
    Timestamp => json_schema!({
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"
    }),
    EnvelopeVersion => json_schema!({"type": "string", "const": "1"}),
    StringMap => json_schema!({
        "type": "object", "additionalProperties": {"type": "string"}, "maxProperties": limits::MAP_MEMBERS
    }),
}

/// The schema of a document that dome writes: a member that can be left out is not required, and
/// `null` stands nowhere (M-10).
#[must_use]
pub fn of_output<T: JsonSchema>() -> Schema {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    tighten(schema.ensure_object());
    schema
}

/// The schema of an envelope as a wrapper writes it: members with a default may be left out, and
/// the aliases of M-13 are accepted.
#[must_use]
pub fn input_envelope() -> Schema {
    let mut schema = of_output::<Envelope>();
    let root = schema.ensure_object();
    root.insert("title".to_owned(), "dome wrapper envelope, version 1".into());
    root.insert("description".to_owned(), "One outcome of one task, as a wrapper writes it.".into());
    may_be_left_out(root, &["env", "gates", "guard_evals", "labels"]);
    alias(root, "policy_reason_code", "guard_reason_code");
    root.insert("allOf".to_owned(), signals());
    let definitions = root.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flatten();
    definitions.for_each(|(name, schema)| schema.as_object_mut().into_iter().for_each(|members| loosen(name, members)));
    schema
}

/// The schema of a TaskSpec that stands alone: the alias of M-13 is accepted.
#[must_use]
pub fn task_spec() -> Schema {
    let mut schema = of_output::<TaskSpec>();
    let root = schema.ensure_object();
    root.insert("title".to_owned(), "dome TaskSpec".into());
    loosen("TaskSpec", root);
    schema
}

/// The schema of a document of redaction rules: every list may be left out.
#[cfg(any(test, feature = "redact"))]
#[must_use]
pub fn redaction() -> Schema {
    let mut schema = of_output::<crate::redact::RedactionRules>();
    may_be_left_out(schema.ensure_object(), &["members", "off", "patterns"]);
    schema
}

/// The schema of a transition context: only its version is required.
#[must_use]
pub fn guard_context() -> Schema {
    let mut schema = of_output::<crate::guard::GuardContext>();
    may_be_left_out(schema.ensure_object(), &["evidence_kinds", "predicates"]);
    if let Some(kinds) = schema.pointer_mut("/properties/evidence_kinds") {
        kinds["items"] = json!({"type": "string", "minLength": 1});
    }
    schema
}

/// What a definition of the envelope lets a wrapper leave out or write under an alias.
fn loosen(name: &str, members: &mut Members) {
    match name {
        "GuardEval" => may_be_left_out(members, &["evidence_refs", "reason_codes"]),
        "Evidence" => {
            members.insert("anyOf".to_owned(), json!([{"required": ["path"]}, {"required": ["sha256"]}]));
        }
        "Remedy" => {
            members.insert("anyOf".to_owned(), json!([{"required": ["ref"]}, {"required": ["sha256"]}]));
        }
        "TaskSpec" => {
            may_be_left_out(members, &["failure_reason_code"]);
            alias(members, "failure_reason_code", "reason_code");
            let either = json!([{"required": ["failure_reason_code"]}, {"required": ["reason_code"]}]);
            members.insert("anyOf".to_owned(), either);
        }
        _ => {}
    }
}

/// M-11, as far as one member asks it of another.
fn signals() -> Value {
    let when = |signal: &str| json!({"properties": {"signal": {"const": signal}}, "required": ["signal"]});
    let not_none = json!({"not": {"const": "NONE"}});
    let codes = json!({"properties": {"failure_reason_code": not_none, "reason_code": not_none}});
    let passed = json!({"items": {"not": {"properties": {"status": {"const": "FAIL"}}, "required": ["status"]}}});
    json!([
        {"if": when("failure"), "then": {"properties": {"task_spec": codes}}},
        {"if": when("denial"), "then": {
            "anyOf": [{"required": ["policy_reason_code"]}, {"required": ["guard_reason_code"]}]
        }},
        {"if": when("success"), "then": {"properties": {"abandoned": {"const": false}, "gates": passed}}},
        {"if": {"required": ["remedy"]}, "then": {"properties": {"signal": {"enum": ["failure", "success"]}}}},
    ])
}

type Members = serde_json::Map<String, Value>;

fn may_be_left_out(schema: &mut Members, names: &[&str]) {
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !names.iter().any(|left_out| name == left_out));
    }
}

fn alias(schema: &mut Members, name: &str, alias: &str) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut)
        && let Some(member) = properties.get(name).cloned()
    {
        properties.insert(alias.to_owned(), member);
    }
}

/// Says what the types know and `schemars` does not, here and below: objects are closed (M-10), an
/// optional member is absent rather than `null`, and integers have a range, not a format.
fn tighten(schema: &mut Members) {
    if schema.get("properties").is_some_and(Value::is_object) {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
    // Formats of schemars, not of the standard.
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    if let "uint64" | "uint" = format {
        schema.remove("format");
        schema.entry("maximum").or_insert_with(|| limits::SAFE_INTEGER.into());
    } else if format == "int64" {
        schema.remove("format");
    }
    never_null(schema);
    for value in schema.values_mut() {
        match value {
            Value::Object(members) => tighten(members),
            Value::Array(entries) => entries.iter_mut().filter_map(Value::as_object_mut).for_each(tighten),
            _ => {}
        }
    }
}

fn never_null(schema: &mut Members) {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let null = json!({"type": "null"});
    if let Some(Value::Array(mut either)) = schema.remove("anyOf") {
        either.retain(|schema| *schema != null);
        match either.as_mut_slice() {
            [Value::Object(only)] => schema.append(only),
            _ => {
                schema.insert("anyOf".to_owned(), either.into());
            }
        }
    }
}
