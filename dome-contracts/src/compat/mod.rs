//! Compatibility of contracts: that of their JSON Schemas, which [`schema_compat`] decides, and that of the
//! registry of reason codes, which has rules of its own.

mod registry;

use std::fmt;

use serde::{Serialize, Serializer};

pub use registry::CodeRegistry;
pub use schema_compat::{Bump, Dialect, Direction, Rule as SchemaRule, Schema, SchemaError, Verdict, Vote, Votes};

/// A finding under the rules for contracts.
pub type Finding = schema_compat::Finding<Rule>;

/// A report under the rules for contracts.
pub type Report = schema_compat::Report<Rule>;

/// A named rule: one for schemas, or one for contracts and their registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A rule for schemas.
    Schema(SchemaRule),
    /// A reason code is gone.
    CodeRemoved,
    /// A reason code moved to another class.
    CodeClassChanged,
    /// The precedence of the classes is another.
    PrecedenceReordered,
    /// A class restarts otherwise than before.
    RestartModeChanged,
    /// A reason code was added to a set that the schema closes.
    CodeAdded,
    /// The version that the registry states is another.
    VersionBumped,
    /// A whole contract was removed.
    ContractRemoved,
    /// A whole contract was added.
    ContractAdded,
}

impl Rule {
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

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

/// Compares two schemas, and the registries of reason codes if both fix one.
///
/// ```
/// use dome_contracts::compat::{Dialect, Direction, Rule, Schema, SchemaRule, Verdict, compat};
///
/// let old = Schema::parse(br#"{"type": "string"}"#, Dialect::Draft07)?;
/// let new = Schema::parse(br#"{"type": "string", "maxLength": 3}"#, Dialect::Draft07)?;
/// let report = compat(&old, &new, Direction::Backward)?;
/// assert_eq!(report.verdict, Verdict::Incompatible);
/// assert_eq!(report.findings[0].rule, Rule::Schema(SchemaRule::MaxLengthLowered));
/// # Ok::<(), dome_contracts::compat::SchemaError>(())
/// ```
///
/// # Errors
///
/// [`SchemaError`] if the validator refuses one of the schemas.
pub fn compat(old: &Schema, new: &Schema, direction: Direction) -> Result<Report, SchemaError> {
    let tables = CodeRegistry::read_schema(old.root()).zip(CodeRegistry::read_schema(new.root()));
    let Some((before, after)) = tables.filter(|_| direction != Direction::Forward) else {
        return Ok(schema_compat::compat(old, new, direction)?.map_rules(Rule::Schema));
    };
    // The table that OLD fixes is what NEW most likely refuses.
    let table = before.to_json();
    let report = schema_compat::compat_with(old, new, direction, std::slice::from_ref(&table))?;
    let mut report = report.map_rules(Rule::Schema);
    let lost = old.validator()?.is_valid(&table) && !new.validator()?.is_valid(&table);
    // Where the walk proves nothing and only the second vote stands, what it cannot judge is left out.
    let alone = report.findings.iter().any(|finding| {
        finding.rule == Rule::Schema(SchemaRule::SecondVoteAlone) && finding.direction == Direction::Backward
    });
    for mut finding in before.changes(&after) {
        if finding.verdict == Verdict::Incompatible {
            finding.witness = lost.then(|| table.clone());
            finding.verdict = if lost { Verdict::Incompatible } else { Verdict::Unknown };
        }
        let at = |schema: &Schema, at: &str| schema.display(&at.replace('/', "/properties/"));
        (finding.old, finding.new) = (at(old, &finding.old), at(new, &finding.new));
        if !alone || finding.verdict == Verdict::Compatible {
            report.findings.push(finding);
        }
    }
    report.sort();
    Ok(report)
}
