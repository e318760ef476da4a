//! What a replay goes by: the policy and the reason-code table.

use std::path::{Path, PathBuf};

use dome_binder::{PinnedContracts, Policy, Rules};
use dome_core::{CodeTable, Sha256Hash, WrapperPolicy, escaped_path};
use xtrlv2_fixtures::V0_1;

use crate::error::Error;
use crate::input::document;

/// What is gone by of the contracts of another repository.
#[derive(Clone, Debug)]
pub struct Contracts {
    /// Their reason codes.
    pub codes: CodeTable,
    /// Which contracts they are.
    pub pinned: PinnedContracts,
}

/// The table of reason codes among pinned contracts.
const REASON_CODES: &str = "reason_codes.json";

impl Contracts {
    /// Those that are compiled in.
    ///
    /// ```
    /// assert_eq!(dome_replay::Contracts::built_in()?.pinned.version, "0.1");
    /// # Ok::<(), dome_replay::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Never, unless dome has a defect.
    pub fn built_in() -> crate::Result<Self> {
        let files: Vec<_> = V0_1.artifacts().collect();
        Self::of("xtrlv2", V0_1.name, files.iter().map(|file| (file.path, file.bytes)))
    }

    /// Those of a folder, by the path and the bytes of each file, sorted by path.
    ///
    /// # Errors
    ///
    /// When they have no table of reason codes, or one that is none.
    pub fn of<'f>(
        owner: &str,
        version: &str,
        files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> crate::Result<Self> {
        let (mut listed, mut codes) = (String::new(), None);
        for (path, bytes) in files.into_iter().filter(|(path, _)| !path.split('/').any(|part| part == "examples")) {
            listed.push_str(&format!("{path} {}\n", Sha256Hash::of(bytes)));
            if path.rsplit('/').next() == Some(REASON_CODES) {
                codes = Some(bytes);
            }
        }
        let wrong = |why: &dyn std::fmt::Display| Error::invalid(format!("{owner} {version}: `{REASON_CODES}`: {why}"));
        let codes = codes.ok_or_else(|| wrong(&"it is not there"))?;
        let pinned = PinnedContracts {
            commit: None,
            digest: Sha256Hash::of(listed.as_bytes()),
            lock_digest: None,
            owner: owner.to_owned(),
            version: version.to_owned(),
        };
        Ok(Self { codes: CodeTable::parse(codes).map_err(|why| wrong(&why))?, pinned })
    }
}

/// Where reason codes come from (M-97).
#[derive(Clone, Copy, Debug, Default)]
pub struct CodeSources<'s> {
    /// Pinned contracts; without them, those that are compiled in.
    pub contracts: Option<&'s Contracts>,
    /// Tables of the formats that are built in.
    pub built_in: &'s [CodeTable],
    /// Files with tables of the user's.
    pub files: &'s [PathBuf],
}

/// Reads the documents that the arguments name.
///
/// # Errors
///
/// When one cannot be read, is not what it should be, or contradicts the pinned table.
pub fn load_rules(
    policy_file: Option<&Path>,
    reason_codes: CodeSources<'_>,
    mode: Option<WrapperPolicy>,
) -> crate::Result<Rules> {
    let policy = policy_file.map(policy).transpose()?.unwrap_or_default();
    let (codes, contracts) = codes(reason_codes)?;
    Ok(Rules { policy, codes, mode, contracts: Some(contracts) })
}

/// Reads a policy document.
///
/// # Errors
///
/// When it cannot be read, with every problem when it is not one.
pub fn policy(path: &Path) -> crate::Result<Policy> {
    let refused = |why| Error::invalid(format!("`{}` is no policy:\n  {why}", escaped_path(path)));
    Policy::parse(&document(path)?).map_err(refused)
}

/// The pinned table with the codes of others, and what is pinned. Where the pinned one says otherwise than a format that
/// is built in, it is right.
///
/// # Errors
///
/// When one cannot be read, is not a table, or contradicts the pinned one or another.
pub fn codes(sources: CodeSources<'_>) -> crate::Result<(CodeTable, PinnedContracts)> {
    let Contracts { mut codes, pinned } = sources.contracts.cloned().map_or_else(Contracts::built_in, Ok)?;
    codes = sources.built_in.iter().cloned().fold(codes, CodeTable::before);
    for path in sources.files {
        let extended = CodeTable::parse(&document(path)?).and_then(|table| codes.extended(table));
        codes = extended.map_err(|why| Error::invalid(format!("`{}`: {why}", escaped_path(path))))?;
    }
    Ok((codes, pinned))
}
