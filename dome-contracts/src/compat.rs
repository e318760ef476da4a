//! Compatibility of contracts: that of their JSON Schemas, which [`schema_compat`] decides, and that of the
//! table of reason codes, which has rules of its own.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

pub use schema_compat::{
    Bump, CompatFinding, CompatReport, Compatibility, Dialect, Direction, Schema, SchemaError, SchemaRule, Votes,
};

/// A finding under the rules for contracts.
pub type ContractFinding = CompatFinding<ContractRule>;

/// A report under the rules for contracts.
pub type ContractReport = CompatReport<ContractRule>;

/// A named rule: one for schemas, or one for contracts and their registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContractRule {
    /// A rule for schemas.
    Schema(SchemaRule),
    /// A reason code is gone.
    CodeRemoved,
    /// A reason code moved to another class.
    CodeClassChanged,
    /// The order of precedence of the classes changed.
    PrecedenceReordered,
    /// The restart mode of a class changed.
    RestartModeChanged,
    /// A reason code was added: the owner's set is closed.
    CodeAdded,
    /// The version that the registry states changed.
    VersionBumped,
    /// A whole contract was removed.
    ContractRemoved,
    /// A whole contract was added.
    ContractAdded,
}

impl ContractRule {
    /// The stable name, in snake_case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schema(rule) => rule.name(),
            Self::CodeRemoved => "code_removed",
            Self::CodeClassChanged => "code_class_changed",
            Self::PrecedenceReordered => "precedence_reordered",
            Self::RestartModeChanged => "restart_mode_changed",
            Self::CodeAdded => "code_added",
            Self::VersionBumped => "version_bumped",
            Self::ContractRemoved => "contract_removed",
            Self::ContractAdded => "contract_added",
        }
    }
}

impl fmt::Display for ContractRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for ContractRule {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

/// Compares two schemas of contracts.
///
/// ```
/// use dome_contracts::compat::{Compatibility, ContractRule, Dialect, Direction, Schema, SchemaRule, compat};
///
/// let old = Schema::parse(br#"{"type": "string"}"#, Dialect::Draft07)?;
/// let new = Schema::parse(br#"{"type": "string", "maxLength": 3}"#, Dialect::Draft07)?;
/// let report = compat(&old, &new, Direction::Backward);
/// assert_eq!(report.verdict, Compatibility::Incompatible);
/// assert_eq!(report.findings[0].rule, ContractRule::Schema(SchemaRule::MaxLengthLowered));
/// # Ok::<(), dome_contracts::compat::SchemaError>(())
/// ```
#[must_use]
pub fn compat(old: &Schema, new: &Schema, direction: Direction) -> ContractReport {
    schema_compat::compat(old, new, direction).map_rules(ContractRule::Schema)
}

/// A registry of reason codes: what its table says.
///
/// ```
/// use dome_contracts::compat::{CodeRegistry, ContractRule};
/// use serde_json::json;
///
/// let old = json!({
///     "schema_version": "0.1", "version": "0.1", "classes_precedence": ["stop", "repairable"],
///     "codes": {"TESTS_FAILED": {"class": "repairable"}}, "restart_mode_by_class": {"stop": "STOP"},
/// });
/// let mut new = old.clone();
/// new["codes"]["TESTS_FAILED"]["class"] = json!("stop");
/// let (old, new) = (CodeRegistry::read(&old).unwrap(), CodeRegistry::read(&new).unwrap());
/// assert_eq!(old.changes(&new)[0].rule, ContractRule::CodeClassChanged);
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
}

impl CodeRegistry {
    /// Reads a table; `None` if the value is not of that form.
    #[must_use]
    pub fn read(table: &Value) -> Option<Self> {
        let text = |name: &str| table.get(name)?.as_str().map(str::to_owned);
        let named = |list: &str, text: fn(&Value) -> Option<&str>| -> Option<BTreeMap<String, String>> {
            let members = table.get(list)?.as_object()?.iter();
            members.map(|(name, value)| Some((name.clone(), text(value)?.to_owned()))).collect()
        };
        let precedence = table.get("classes_precedence")?.as_array()?.iter();
        Some(Self {
            versions: [text("schema_version")?, text("version")?],
            precedence: precedence.map(|class| class.as_str().map(str::to_owned)).collect::<Option<_>>()?,
            codes: named("codes", |code| code.get("class")?.as_str())?,
            restart_modes: named("restart_mode_by_class", Value::as_str)?,
        })
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
    pub fn changes(&self, new: &Self) -> Vec<ContractFinding> {
        let mut found = self.code_changes(new);
        if self.precedence != new.precedence {
            let message = format!("the order was {}, is {}", self.precedence.join(" > "), new.precedence.join(" > "));
            found.push(change(
                ContractRule::PrecedenceReordered,
                "/classes_precedence",
                message,
                json!(self.precedence),
            ));
        }
        for (class, mode) in &self.restart_modes {
            let now = new.restart_modes.get(class);
            if now != Some(mode) {
                let now = now.map_or("nothing", String::as_str);
                let message = format!("class `{class}` restarted by `{mode}`, now by `{now}`");
                let at = format!("/restart_mode_by_class/{class}");
                found.push(change(ContractRule::RestartModeChanged, &at, message, json!({ class: mode })));
            }
        }
        for (name, (old, new)) in ["schema_version", "version"].iter().zip(self.versions.iter().zip(&new.versions)) {
            if old != new {
                let message = format!("`{name}` was `{old}`, is `{new}`: tables of the old version are refused");
                found.push(change(ContractRule::VersionBumped, &format!("/{name}"), message, json!(old)));
            }
        }
        found
    }

    fn code_changes(&self, new: &Self) -> Vec<ContractFinding> {
        let mut found = Vec::new();
        for (code, class) in &self.codes {
            let at = format!("/codes/{code}");
            let row = json!({ code: { "class": class } });
            match new.codes.get(code) {
                None => found.push(change(ContractRule::CodeRemoved, &at, format!("code `{code}` is gone"), row)),
                Some(now) if now != class => {
                    let message = format!("code `{code}` was `{class}`, is `{now}`");
                    found.push(change(ContractRule::CodeClassChanged, &at, message, row));
                }
                Some(_) => {}
            }
        }
        for code in new.codes.keys().filter(|code| !self.codes.contains_key(*code)) {
            let at = format!("/codes/{code}");
            let message = format!("code `{code}` was added to a closed set: neither version reads the other's table");
            found.push(change(ContractRule::CodeAdded, &at, message, self.to_json()));
        }
        found
    }
}

/// A change of the registry; the witness is what the old table said.
fn change(rule: ContractRule, at: &str, message: String, before: Value) -> ContractFinding {
    ContractFinding {
        rule,
        verdict: Compatibility::Incompatible,
        direction: Direction::Backward,
        old: at.to_owned(),
        new: at.to_owned(),
        message,
        bump: Bump::Major,
        witness: Some(before),
    }
}
