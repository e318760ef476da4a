//! Sections 2, 6 and 7: the canonical envelope, its fingerprint and its keys, as JSON values.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Input, Rules, time};

/// The mode that overrides what facts declare.
pub(crate) type Mode = Option<&'static str>;

/// M-73: lane and job.
pub(super) type Stream = (Option<String>, Option<String>);

/// M-74: repository, revision and job.
pub(super) type Subject<'f> = (Option<&'f str>, &'f str, Option<&'f str>);

/// SHA-256 of canonical bytes, as hex.
pub(super) fn hash(value: &Value) -> String {
    let digest = Sha256::digest(dome_core::canonical::to_vec(value).unwrap());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fact: its canonical envelope, what M-41 and M-42 say of it, and how it was bound.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(super) envelope: Value,
    pub(super) digest: String,
    pub(super) source: (String, u64),
    pub(super) ts: i128,
    pub(super) ordered: i128,
    pub(super) place: usize,
    pub(super) fingerprint: Value,
    pub(super) key: String,
    pub(super) triggers: Vec<&'static str>,
    pub(super) minted: bool,
}

fn sorted_set(value: &Value) -> Value {
    let mut texts: Vec<&str> = value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into()
}

fn sorted_by(value: &Value, id: &str) -> Value {
    let mut entries = value.as_array().unwrap().clone();
    entries.sort_by(|a, b| a[id].as_str().cmp(&b[id].as_str()));
    entries.into()
}

fn rename(object: &mut Map<String, Value>, alias: &str, name: &str) {
    if let Some(value) = object.remove(alias) {
        object.insert(name.to_owned(), value);
    }
}

/// M-15: `-0` is 0; there is no other float in a valid envelope.
fn without_negative_zero(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => *value = 0.into(),
        Value::Array(entries) => entries.iter_mut().for_each(without_negative_zero),
        Value::Object(members) => members.values_mut().for_each(without_negative_zero),
        _ => {}
    }
}

/// M-13 and M-40.
fn canonical(value: &Value) -> Value {
    let mut value = value.clone();
    without_negative_zero(&mut value);
    let mut envelope = value.as_object().unwrap().clone();
    rename(&mut envelope, "guard_reason_code", "policy_reason_code");
    rename(envelope["task_spec"].as_object_mut().unwrap(), "reason_code", "failure_reason_code");
    envelope["ts"] = time::text(time::nanoseconds(envelope["ts"].as_str().unwrap())).into();
    for (name, default) in [("gates", json!([])), ("guard_evals", json!([])), ("env", json!({})), ("labels", json!({}))]
    {
        envelope.entry(name).or_insert(default);
    }
    envelope["gates"] = sorted_by(&envelope["gates"], "gate_id");
    envelope["guard_evals"] = sorted_by(&envelope["guard_evals"], "guard_id");
    for eval in envelope["guard_evals"].as_array_mut().unwrap() {
        for name in ["reason_codes", "evidence_refs"] {
            eval[name] = sorted_set(eval.get(name).unwrap_or(&json!([])));
        }
    }
    if let Some(effects) = envelope["task_spec"].get_mut("side_effects").and_then(Value::as_object_mut) {
        for (_, list) in effects.iter_mut().filter(|(name, _)| name.starts_with("allow_")) {
            *list = sorted_set(list);
        }
    }
    Value::Object(envelope)
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c| matches!(c, '\u{9}'..='\u{d}' | ' '))
}

/// M-51.
pub(super) fn version(text: &Value) -> Value {
    let lower = trim(text.as_str().unwrap()).to_ascii_lowercase();
    let mut text = lower.as_str();
    if text.len() > 1 && text.starts_with('v') && text.as_bytes()[1].is_ascii_digit() {
        text = &text[1..];
    }
    let hex = text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    let both = text.contains(|c: char| c.is_ascii_digit()) && text.contains(|c: char| c.is_ascii_lowercase());
    if hex && both && (7..=64).contains(&text.len()) {
        return "commit".into();
    }
    let digits = |from: usize| text[from..].chars().take_while(char::is_ascii_digit).count();
    let mut end = digits(0);
    if end > 0 && text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    let cut = end > 0 && !text[end..].starts_with(|c: char| c.is_ascii_alphabetic());
    if cut { text[..end].into() } else { text.into() }
}

/// M-50 to M-53.
fn fingerprint(envelope: &Value) -> Value {
    let mut failed: Vec<&str> = Vec::new();
    for gate in envelope["gates"].as_array().unwrap() {
        if gate["status"] == "FAIL" {
            failed.push(gate["gate_id"].as_str().unwrap());
        }
    }
    let mut object = json!({"fingerprint_version": "1", "failed_gates": failed});
    if let Some(tool) = envelope.get("tool") {
        object["tool_name"] = tool["name"].clone();
        object["tool_version"] = version(&tool["version"]);
        if let Some(config) = tool.get("config_sha256") {
            object["config_sha256"] = config.clone();
        }
    }
    for (name, text) in envelope["task_spec"].get("versions").and_then(Value::as_object).into_iter().flatten() {
        object["versions"][name] = version(text);
    }
    for (name, text) in envelope["env"].as_object().unwrap() {
        let name = name.to_ascii_lowercase();
        if ["os", "arch", "runtime", "env_class"].contains(&name.as_str()) {
            object["env"][name] = trim(text.as_str().unwrap()).to_ascii_lowercase().into();
        }
    }
    if let Some(message) = envelope.get("message") {
        object["message_template"] = dome_core::message_template(message.as_str().unwrap()).as_str().into();
    }
    object
}

impl Fact {
    pub(super) fn new(input: &Input) -> Self {
        let envelope = canonical(&input.value);
        let fingerprint = fingerprint(&envelope);
        let mut fact = Self {
            digest: hash(&envelope),
            source: input.source.clone(),
            ts: time::nanoseconds(envelope["ts"].as_str().unwrap()),
            ordered: 0,
            place: 0,
            fingerprint,
            key: String::new(),
            triggers: Vec::new(),
            minted: false,
            envelope,
        };
        fact.key = fact.derived_key();
        fact
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.envelope[name].as_str().unwrap()
    }

    pub(super) fn sequence(&self) -> u64 {
        self.envelope["sequence"].as_u64().unwrap()
    }

    pub(super) fn lane(&self) -> Option<&str> {
        self.envelope.get("lane").map(|lane| lane.as_str().unwrap())
    }

    fn of_subject(&self, name: &str) -> Option<&str> {
        self.envelope.get("subject")?.get(name).map(|value| value.as_str().unwrap())
    }

    pub(super) fn job(&self) -> Option<&str> {
        self.of_subject("job")
    }

    /// (`lane`, `subject.job`): M-73.
    pub(super) fn stream(&self) -> Stream {
        (self.lane().map(str::to_owned), self.job().map(str::to_owned))
    }

    fn key_of_revision(&self, revision: &str) -> Option<Subject<'_>> {
        if self.envelope.get("subject")?.get("dirty").is_some_and(|dirty| dirty == true) {
            return None;
        }
        Some((self.of_subject("repository"), self.of_subject(revision)?, self.job()))
    }

    /// M-74: none where nothing is said of what was tested, or not all of it.
    pub(super) fn subject_key(&self) -> Option<Subject<'_>> {
        self.key_of_revision("revision")
    }

    /// M-74.
    pub(super) fn base_key(&self) -> Option<Subject<'_>> {
        self.key_of_revision("base_revision")
    }

    /// M-74: two facts of a line.
    pub(super) fn same_subject(&self, other: &Self) -> bool {
        self.subject_key().is_some() && self.subject_key() == other.subject_key()
    }

    /// (`scope`, `target.kind`, `target.id`, `action.kind`): M-20.
    pub(super) fn line(&self) -> [&str; 4] {
        let spec = &self.envelope["task_spec"];
        let parts = [&spec["scope"], &spec["target"]["kind"], &spec["target"]["id"], &spec["action"]["kind"]];
        parts.map(|part| part.as_str().unwrap())
    }

    pub(super) fn code(&self) -> &str {
        self.envelope["task_spec"]["failure_reason_code"].as_str().unwrap()
    }

    pub(super) fn policy_code(&self) -> Option<&str> {
        self.envelope.get("policy_reason_code").map(|code| code.as_str().unwrap())
    }

    pub(super) fn gates(&self) -> &[Value] {
        self.envelope["gates"].as_array().unwrap()
    }

    pub(super) fn guard_evals(&self) -> &[Value] {
        self.envelope["guard_evals"].as_array().unwrap()
    }

    pub(super) fn has_gate(&self, gate: &Value, status: &str) -> bool {
        self.gates().iter().any(|entry| entry["gate_id"] == *gate && entry["status"] == status)
    }

    /// M-72.
    pub(super) fn failing(&self) -> bool {
        self.text("signal") == "failure" || self.gates().iter().any(|gate| gate["status"] == "FAIL")
    }

    /// M-72.
    pub(super) fn succeeding(&self) -> bool {
        self.text("signal") == "success"
    }

    /// M-75.
    pub(super) fn execution(&self) -> bool {
        self.failing() || self.succeeding()
    }

    /// M-75: of a key with this fingerprint.
    pub(super) fn clears(&self, fingerprint: &Value) -> bool {
        let failed = fingerprint["failed_gates"].as_array().unwrap();
        self.succeeding() && (self.gates().is_empty() || failed.iter().all(|gate| self.has_gate(gate, "PASS")))
    }

    /// M-75.
    pub(super) fn failure_of(&self, key: &str) -> bool {
        self.failing() && self.minted && self.key == key
    }

    pub(super) fn remedy(&self) -> Option<&Value> {
        self.envelope.get("remedy")
    }

    pub(super) fn ordered_ts(&self) -> String {
        time::text(self.ordered)
    }

    fn derived_key(&self) -> String {
        let [scope, target_kind, target_id, action_kind] = self.line();
        hash(&json!({
            "action_kind": action_kind, "binder_version": "v1", "domain": "dome.derived/1",
            "failure_reason_code": self.code(), "fingerprint_hash": hash(&self.fingerprint), "scope": scope,
            "target_id": target_id, "target_kind": target_kind,
        }))
    }

    pub(super) fn line_key(&self) -> String {
        let [scope, target_kind, target_id, action_kind] = self.line();
        hash(&json!({
            "action_kind": action_kind, "domain": "dome.line/1", "scope": scope, "target_id": target_id,
            "target_kind": target_kind,
        }))
    }

    pub(super) fn concept_key(&self) -> String {
        let [_, target_kind, _, action_kind] = self.line();
        hash(&json!({
            "action_kind": action_kind, "binder_version": "v1", "domain": "dome.concept/1",
            "failure_reason_code": self.code(), "fingerprint_hash": hash(&self.fingerprint), "target_kind": target_kind,
        }))
    }

    pub(super) fn idempotency_key(&self) -> String {
        hash(&json!({
            "binder_version": "v1", "domain": "dome.idempotency/1", "group_id": self.text("group_id"),
            "run_id": self.text("run_id"), "task_id": self.text("task_id"),
        }))
    }

    pub(super) fn mode(&self, rules: &Rules<'_>) -> String {
        rules.mode.unwrap_or(self.text("wrapper_policy")).to_owned()
    }

    /// A row of `facts.jsonl`.
    pub(super) fn lineage(&self) -> Value {
        json!({
            "digest": self.digest, "event_id": self.text("event_id"), "run_id": self.text("run_id"),
            "sequence": self.sequence(), "source": {"line": self.source.1, "name": self.source.0},
        })
    }

    pub(super) fn row(&self, rules: &Rules<'_>) -> Value {
        json!({
            "derived_key": self.key, "digest": self.digest, "envelope": self.envelope,
            "fingerprint_hash": hash(&self.fingerprint), "idempotency_key": self.idempotency_key(),
            "line_key": self.line_key(), "minted": self.minted, "mode": self.mode(rules),
            "ordered_ts": self.ordered_ts(), "triggers": self.triggers,
        })
    }
}
