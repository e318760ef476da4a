//! The registry of reason codes: what a change of it means beyond what a schema says.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Bump, Direction, Finding, Rule, Verdict};

/// A registry of reason codes, read from its table or from a schema that fixes it.
///
/// ```
/// use dome_contracts::compat::{CodeRegistry, Rule};
/// use serde_json::json;
///
/// let old = json!({
///     "schema_version": "0.1", "version": "0.1", "classes_precedence": ["stop", "repairable"],
///     "codes": {"TESTS_FAILED": {"class": "repairable"}}, "restart_mode_by_class": {"stop": "STOP"},
/// });
/// let mut new = old.clone();
/// new["codes"]["TESTS_FAILED"]["class"] = json!("stop");
/// let (old, new) = (CodeRegistry::read(&old).unwrap(), CodeRegistry::read(&new).unwrap());
/// assert_eq!(old.changes(&new)[0].rule, Rule::CodeClassChanged);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRegistry {
    /// `schema_version` and `version`.
    pub versions: [String; 2],
    /// The classes, the strongest first.
    pub precedence: Vec<String>,
    /// The class of each code.
    pub codes: BTreeMap<String, String>,
    /// How a failure of each class restarts.
    pub restart_modes: BTreeMap<String, String>,
    /// Whether codes beyond these are refused.
    pub is_closed: bool,
}

impl CodeRegistry {
    /// Reads a table; `None` if the value is not of that form.
    #[must_use]
    pub fn read(table: &Value) -> Option<Self> {
        let text = |name: &str| table.get(name)?.as_str().map(str::to_owned);
        let codes = table.get("codes")?.as_object()?;
        let class = |(code, entry): (&String, &Value)| Some((code.clone(), entry.get("class")?.as_str()?.to_owned()));
        Some(Self {
            versions: [text("schema_version")?, text("version")?],
            precedence: texts(table.get("classes_precedence")?)?,
            codes: codes.iter().map(class).collect::<Option<_>>()?,
            restart_modes: table
                .get("restart_mode_by_class")?
                .as_object()?
                .iter()
                .map(|(class, mode)| Some((class.clone(), mode.as_str()?.to_owned())))
                .collect::<Option<_>>()?,
            is_closed: true,
        })
    }

    /// Reads the table that a schema fixes by its `const`s; `None` if it does not.
    #[must_use]
    pub fn read_schema(schema: &Value) -> Option<Self> {
        let properties = schema.get("properties")?;
        let codes = properties.get("codes")?;
        let table = json!({
            "schema_version": properties.pointer("/schema_version/const")?,
            "version": properties.pointer("/version/const")?,
            "classes_precedence": properties.pointer("/classes_precedence/const")?,
            "codes": members(codes, |code| Some(json!({"class": code.pointer("/properties/class/const")?})))?,
            "restart_mode_by_class": members(properties.get("restart_mode_by_class")?, |mode| mode.get("const").cloned())?,
        });
        let mut read = Self::read(&table)?;
        read.is_closed = codes.get("additionalProperties") == Some(&Value::Bool(false));
        Some(read)
    }

    /// The table as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let [schema_version, version] = &self.versions;
        let codes = self.codes.iter().map(|(code, class)| (code.clone(), json!({ "class": class })));
        json!({
            "schema_version": schema_version,
            "version": version,
            "classes_precedence": self.precedence,
            "codes": codes.collect::<Map<_, _>>(),
            "restart_mode_by_class": self.restart_modes,
        })
    }

    /// What a move from this table to `new` means.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Vec<Finding> {
        let mut found = self.code_changes(new);
        if self.precedence != new.precedence {
            let message = format!("the order was {}, is {}", self.precedence.join(" > "), new.precedence.join(" > "));
            found.push(change(Rule::PrecedenceReordered, "/classes_precedence", message, json!(self.precedence)));
        }
        for (class, mode) in &self.restart_modes {
            let now = new.restart_modes.get(class);
            if now != Some(mode) {
                let message = format!(
                    "class `{class}` restarted by `{mode}`, now by `{}`",
                    now.map_or("nothing", String::as_str)
                );
                found.push(change(
                    Rule::RestartModeChanged,
                    &format!("/restart_mode_by_class/{class}"),
                    message,
                    json!({ class: mode }),
                ));
            }
        }
        for (name, (old, new)) in ["schema_version", "version"].iter().zip(self.versions.iter().zip(&new.versions)) {
            if old != new {
                let message = format!("`{name}` was `{old}`, is `{new}`: tables of the old version are refused");
                found.push(change(Rule::VersionBumped, &format!("/{name}"), message, json!(old)));
            }
        }
        found
    }

    fn code_changes(&self, new: &Self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (code, class) in &self.codes {
            let at = format!("/codes/{code}");
            let row = json!({ code: { "class": class } });
            match new.codes.get(code) {
                None => found.push(change(Rule::CodeRemoved, &at, format!("code `{code}` is gone"), row)),
                Some(now) if now != class => {
                    let message = format!("code `{code}` was `{class}`, is `{now}`");
                    found.push(change(Rule::CodeClassChanged, &at, message, row));
                }
                Some(_) => {}
            }
        }
        for code in new.codes.keys().filter(|code| !self.codes.contains_key(*code)) {
            let at = format!("/codes/{code}");
            if self.is_closed {
                let message =
                    format!("code `{code}` was added to a closed set: neither version reads the other's table");
                found.push(change(Rule::CodeAdded, &at, message, self.to_json()));
            } else {
                let mut finding = change(Rule::CodeAdded, &at, format!("code `{code}` was added"), Value::Null);
                (finding.verdict, finding.bump, finding.witness) = (Verdict::Compatible, Bump::Minor, None);
                found.push(finding);
            }
        }
        found
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let texts = value.as_array()?.iter();
    texts.map(|text| text.as_str().map(str::to_owned)).collect()
}

fn members(schema: &Value, read: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    let properties = schema.get("properties")?.as_object()?.iter();
    let read = properties.map(|(name, inner)| Some((name.clone(), read(inner)?)));
    read.collect::<Option<Map<_, _>>>().map(Value::Object)
}

/// A change of the registry; the witness is what the old table said.
fn change(rule: Rule, at: &str, message: String, before: Value) -> Finding {
    Finding {
        rule,
        verdict: Verdict::Incompatible,
        direction: Direction::Backward,
        old: at.to_owned(),
        new: at.to_owned(),
        message,
        bump: Bump::Major,
        witness: Some(before),
    }
}
