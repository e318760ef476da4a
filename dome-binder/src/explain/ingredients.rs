//! What went into a fingerprint, and what stayed out (M-50).

use dome_core::json::pointer_step;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::record::Record;

/// A member of a fingerprint, and the members of the envelope that it was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ingredient {
    /// Where in the canonical envelope (RFC 6901).
    pub from: String,
    /// What stands there.
    pub given: Value,
    /// The member of the fingerprint, with a name below it where it is an object.
    pub member: String,
    /// The rule.
    pub rule: &'static str,
    /// What went into the fingerprint.
    pub taken: Value,
}

/// What went into a fingerprint, and what stayed out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ingredients {
    /// What went in, by member.
    pub ingredients: Vec<Ingredient>,
    /// Members of the envelope that neither went in nor stand in the key beside the fingerprint.
    pub left_out: Vec<String>,
}

/// Members of the envelope that are looked into; the others are left out whole.
const LOOKED_INTO: [&str; 5] = ["env", "gates", "message", "task_spec", "tool"];
/// Members of the TaskSpec that stand in the derived key or in the fingerprint.
const IN_KEY: [&str; 5] = ["action", "failure_reason_code", "scope", "target", "versions"];

impl Ingredients {
    /// The ingredients of a record's fingerprint; none of a record whose canonical envelope is kept elsewhere.
    #[expect(clippy::expect_used, reason = "an envelope and a fingerprint are JSON objects")]
    pub(super) fn of(record: &Record) -> Self {
        let Some(canonical) = record.canonical.held() else { return Self::default() };
        let envelope: Value = serde_json::from_slice(canonical).expect("canonical bytes are JSON");
        let fingerprint = serde_json::to_value(&*record.keys.fingerprint).expect("a fingerprint is JSON");
        let members = fingerprint.as_object().expect("a fingerprint is an object");
        let mut all = Self::default();
        for (member, taken) in members {
            all.add(&envelope, member, taken);
        }
        all.left_out = left_out(&envelope, members);
        all
    }

    fn add(&mut self, envelope: &Value, member: &str, taken: &Value) {
        match (member, taken) {
            ("message_template", _) => self.one(envelope, "/message", member, "M-53", taken),
            ("tool_name", _) => self.one(envelope, "/tool/name", member, "M-50", taken),
            ("tool_version", _) => self.one(envelope, "/tool/version", member, "M-51", taken),
            ("config_sha256", _) => self.one(envelope, "/tool/config_sha256", member, "M-50", taken),
            ("failed_gates", Value::Array(gates)) => {
                for gate in gates {
                    let from = gate_pointer(envelope, gate);
                    self.one(envelope, &from, member, "M-50", gate);
                }
            }
            ("versions", Value::Object(versions)) => {
                for (name, version) in versions {
                    let from = format!("/task_spec/versions/{}", pointer_step(name));
                    self.one(envelope, &from, &format!("versions.{name}"), "M-51", version);
                }
            }
            ("env", Value::Object(env)) => {
                for (name, value) in env {
                    let given = names(envelope.get("env")).find(|given| given.eq_ignore_ascii_case(name));
                    let from = format!("/env/{}", pointer_step(given.map_or(name, |given| given)));
                    self.one(envelope, &from, &format!("env.{name}"), "M-52", value);
                }
            }
            _ => {}
        }
    }

    fn one(&mut self, envelope: &Value, from: &str, member: &str, rule: &'static str, taken: &Value) {
        let given = envelope.pointer(from).cloned().unwrap_or(Value::Null);
        let (from, member) = (from.to_owned(), member.to_owned());
        self.ingredients.push(Ingredient { from, given, member, rule, taken: taken.clone() });
    }
}

fn names(object: Option<&Value>) -> impl Iterator<Item = &String> {
    object.and_then(Value::as_object).into_iter().flat_map(Map::keys)
}

#[expect(clippy::expect_used, reason = "the fingerprint was made of this envelope")]
fn gate_pointer(envelope: &Value, gate: &Value) -> String {
    let gates = envelope.get("gates").and_then(Value::as_array).into_iter().flatten();
    let place = gates.into_iter().position(|listed| listed.get("gate_id") == Some(gate));
    format!("/gates/{}/gate_id", place.expect("a failed gate is a gate of the envelope"))
}

/// What the envelope gives and the failure's key does not hold, as pointers.
fn left_out(envelope: &Value, fingerprint: &Map<String, Value>) -> Vec<String> {
    let whole = names(Some(envelope)).filter(|name| !LOOKED_INTO.contains(&name.as_str()));
    let spec = names(envelope.get("task_spec")).filter(|name| !IN_KEY.contains(&name.as_str()));
    let is_used = |name: &&String| names(fingerprint.get("env")).any(|used| used.eq_ignore_ascii_case(name));
    let env = names(envelope.get("env")).filter(|name| !is_used(name));
    let mut left: Vec<String> = whole.map(|name| format!("/{}", pointer_step(name))).collect();
    left.extend(spec.map(|name| format!("/task_spec/{}", pointer_step(name))));
    left.extend(env.map(|name| format!("/env/{}", pointer_step(name))));
    left.sort_unstable();
    left
}
