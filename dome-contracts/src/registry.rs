//! What a folder of contracts holds, in the owner's own layout: `registry.json` names the contracts, each with its
//! version and schema, and `reason_codes.json` is the table of codes.

use std::collections::{BTreeMap, BTreeSet};

use schema_compat::{json, pointer};
use serde_json::Value;

use crate::compat::{CodeRegistry, Dialect, Schema, SchemaError};
use crate::folder::{Folder, sha256_hex};

/// Where the owner keeps the contracts, from the root of a checkout.
pub const OWNER_FOLDER: &str = "control/ssot";

/// The file that says which contracts a folder holds.
pub const REGISTRY: &str = "registry.json";

/// The contracts that dome consumes, of all that the owner has. `docs/contracts.md` says what for.
pub const CONSUMED: [&str; 9] = [
    "evidence_capsule",
    "gate_decision",
    "guardrails_bundle",
    "helper_event",
    "latest_state",
    "ledger_entry",
    "reason_codes",
    "run_manifest",
    "state_space",
];

/// The form of the registry, which its `schema_version` states.
const FORM: &str = "1.0";
/// The contract whose instance the owner keeps beside the registry, and where.
const CODES: &str = "reason_codes";
const TABLE: &str = "reason_codes.json";

/// A contract, as the registry names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryEntry {
    /// Its schema: a file of the folder.
    pub schema: String,
    /// Its version.
    pub version: String,
}

/// What `registry.json` says.
///
/// ```
/// use dome_contracts::{ContractRegistry, Folder};
///
/// let registry = r#"{"schema_version": "1.0", "artifacts": {"a": {"version": "0.1", "schema": "control/ssot/schemas/a.json"}}}"#;
/// let folder: Folder = [("registry.json", registry)].into_iter().collect();
/// let registry = ContractRegistry::of(&folder)?;
/// assert_eq!(registry.contracts["a"].schema, "schemas/a.json");
/// assert_eq!(registry.version(), "0.1");
/// # Ok::<(), dome_contracts::ContractsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractRegistry {
    /// Whose contracts they are, where the registry says it; the owner's own does not.
    pub owner: Option<String>,
    /// The contracts, by name.
    pub contracts: BTreeMap<String, RegistryEntry>,
}

impl ContractRegistry {
    /// Reads `registry.json` of a folder. Paths from the root of a checkout are read as paths of the folder.
    ///
    /// # Errors
    ///
    /// [`ContractsError`] with all that is wrong with it.
    pub fn of(folder: &Folder) -> Result<Self, ContractsError> {
        let document = document(folder, REGISTRY)?;
        let mut form = Form { file: REGISTRY, problems: Vec::new() };
        let version = form.text(document.get("schema_version"), "/schema_version");
        if version.as_ref().is_some_and(|version| version != FORM) {
            form.report("/schema_version", &format!("\"{FORM}\""), document.get("schema_version"));
        }
        let owner = document.get("owner").and_then(|owner| form.text(Some(owner), "/owner"));
        let artifacts = document.get("artifacts");
        let named = artifacts.and_then(Value::as_object).filter(|named| !named.is_empty());
        if named.is_none() {
            form.report("/artifacts", "an object that names contracts", artifacts);
        }
        let mut contracts = BTreeMap::new();
        for (name, entry) in named.into_iter().flatten() {
            let at = pointer("/artifacts", name);
            let schema = form.text(entry.get("schema"), &format!("{at}/schema"));
            let version = form.text(entry.get("version"), &format!("{at}/version"));
            if let (Some(schema), Some(version)) = (schema, version) {
                let inside = schema.strip_prefix(OWNER_FOLDER).and_then(|rest| rest.strip_prefix('/'));
                let schema = inside.unwrap_or(&schema).to_owned();
                contracts.insert(name.clone(), RegistryEntry { schema, version });
            }
        }
        form.done().map(|()| Self { owner, contracts })
    }

    /// The version of the contracts as a whole: the one that all of them share. Where they differ, a name that is the
    /// same if and only if each contract has the same version.
    #[must_use]
    pub fn version(&self) -> String {
        let versions = self.contracts.values().map(|entry| entry.version.as_str()).collect::<BTreeSet<_>>();
        if let (Some(version), 1) = (versions.first(), versions.len()) {
            return (*version).to_owned();
        }
        let lines = self.contracts.iter().map(|(name, entry)| format!("{name} {}\n", entry.version));
        format!("mixed-{:.12}", sha256_hex(lines.collect::<String>().as_bytes()))
    }
}

/// A folder whose contracts are all read: the registry, every schema that it names, and the table of codes.
#[derive(Clone, Debug)]
pub struct ContractSet<'f> {
    /// The folder.
    pub folder: &'f Folder,
    /// What its registry says.
    pub registry: ContractRegistry,
    /// The schema of each contract, by its name.
    pub schemas: BTreeMap<String, Schema>,
    /// The table of codes, where the registry has the contract for it.
    pub codes: Option<CodeRegistry>,
}

impl<'f> ContractSet<'f> {
    /// Reads the contracts of a folder.
    ///
    /// # Errors
    ///
    /// [`ContractsError`] with everything that cannot be read.
    pub fn read(folder: &'f Folder) -> Result<Self, ContractsError> {
        let registry = ContractRegistry::of(folder)?;
        let mut problems = Vec::new();
        let mut schemas = BTreeMap::new();
        for (name, entry) in &registry.contracts {
            match folder.schema(&entry.schema, Dialect::Draft07) {
                Ok(schema) => drop(schemas.insert(name.clone(), schema)),
                Err(error) => problems.push(ContractsProblem::Schema(error)),
            }
        }
        let codes = registry.contracts.contains_key(CODES).then(|| table(folder)).transpose();
        let codes = codes.unwrap_or_else(|error| {
            problems.extend(error.problems);
            None
        });
        if problems.is_empty() {
            Ok(Self { folder, registry, schemas, codes })
        } else {
            Err(ContractsError { problems })
        }
    }

    /// The table of codes with its name and its file, where there is one.
    pub(crate) fn table(&self) -> Option<(&'static str, &'static str, &CodeRegistry)> {
        self.codes.as_ref().map(|codes| (CODES, TABLE, codes))
    }
}

fn table(folder: &Folder) -> Result<CodeRegistry, ContractsError> {
    let table = document(folder, TABLE)?;
    CodeRegistry::read(&table).ok_or_else(|| {
        let mut form = Form { file: TABLE, problems: Vec::new() };
        form.report("", "a table of reason codes", Some(&table));
        ContractsError { problems: form.problems }
    })
}

fn document(folder: &Folder, file: &'static str) -> Result<Value, ContractsError> {
    let problem = match folder.get(file).map(json::parse) {
        Some(Ok(document)) => return Ok(document),
        Some(Err(error)) => ContractsProblem::NotJson { file, reason: error.to_string() },
        None => ContractsProblem::Missing { file },
    };
    Err(ContractsError { problems: vec![problem] })
}

/// What cannot be read of a folder of contracts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
pub struct ContractsError {
    /// All of it, in the order of the files.
    pub problems: Vec<ContractsProblem>,
}

/// One thing that cannot be read of a folder of contracts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractsProblem {
    /// A file that every folder of contracts has is not there.
    #[error("`{file}` is not there, and a folder of contracts has it")]
    Missing {
        /// The file.
        file: &'static str,
    },
    /// A file is not JSON.
    #[error("`{file}` is not JSON: {reason}")]
    NotJson {
        /// The file.
        file: &'static str,
        /// What the reader says.
        reason: String,
    },
    /// A file is not of the owner's form.
    #[error("`{file}#{pointer}`: expected {expected}, found {found}")]
    Form {
        /// The file.
        file: &'static str,
        /// The place in it.
        pointer: String,
        /// What has to be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A schema that the registry names is none.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// What is wrong with the form of a file.
struct Form {
    file: &'static str,
    problems: Vec<ContractsProblem>,
}

impl Form {
    fn text(&mut self, value: Option<&Value>, at: &str) -> Option<String> {
        let text = value.and_then(Value::as_str).filter(|text| !text.is_empty());
        if text.is_none() {
            self.report(at, "a string that is not empty", value);
        }
        text.map(str::to_owned)
    }

    fn report(&mut self, at: &str, expected: &str, found: Option<&Value>) {
        let found = match found {
            None => "nothing".to_owned(),
            Some(Value::Object(_)) => "another object".to_owned(),
            Some(Value::Array(_)) => "an array".to_owned(),
            Some(value) => value.to_string(),
        };
        let (pointer, expected) = (at.to_owned(), expected.to_owned());
        self.problems.push(ContractsProblem::Form { file: self.file, pointer, expected, found });
    }

    fn done(self) -> Result<(), ContractsError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ContractsError { problems: self.problems }) }
    }
}
