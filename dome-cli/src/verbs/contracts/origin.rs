//! Where contracts come from: a folder that holds them, or a checkout of the owner's repository.

use dome_core::escaped_path;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use dome_contracts::{OWNER_FOLDER, REGISTRY};

use crate::exit::{invalid, usage};
use crate::git::{git, line};

/// Contracts as they lie somewhere.
pub(super) struct ContractOrigin {
    /// The folder that was named, or the checkout whose contracts it holds.
    root: PathBuf,
    /// The folder that holds them: itself, or the owner's place in a checkout.
    pub(super) folder: PathBuf,
}

impl ContractOrigin {
    /// Finds the contracts in a folder: at the owner's place, else in the folder itself.
    pub(super) fn find(root: &Path) -> Result<Self> {
        let kind = root.metadata().with_context(|| format!("cannot read the folder `{}`", escaped_path(root)))?;
        if !kind.is_dir() {
            return Err(invalid(format!("`{}` is no folder", escaped_path(root))));
        }
        let folder =
            [root.join(OWNER_FOLDER), root.to_owned()].into_iter().find(|folder| folder.join(REGISTRY).exists());
        let folder = folder.ok_or_else(|| {
            let root = escaped_path(root);
            invalid(format!(
                "`{root}` holds no contracts: neither `{OWNER_FOLDER}/{REGISTRY}` nor `{REGISTRY}` is there"
            ))
        })?;
        // Whoever names the owner's place means the checkout around it.
        let place = folder.canonicalize().ok().filter(|place| folder == root && place.ends_with(OWNER_FOLDER));
        let depth = Path::new(OWNER_FOLDER).components().count();
        let checkout = place.as_deref().and_then(|place| place.ancestors().nth(depth)).map(Path::to_owned);
        Ok(Self { root: checkout.unwrap_or_else(|| root.to_owned()), folder })
    }

    /// The name of the folder, for a repository that nothing else names.
    pub(super) fn name(&self) -> Result<String> {
        let root = self.root.canonicalize().with_context(|| format!("cannot read `{}`", escaped_path(&self.root)))?;
        let name = root.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        name.ok_or_else(|| {
            usage(format!("`{}` has no name: say whose they are with --repository", escaped_path(&root)))
        })
    }

    /// The commit that the contracts are of: what git says of a checkout, else what is `given`. A folder that is no checkout
    /// may be of none.
    pub(super) fn commit(&self, given: Option<&str>) -> Result<Option<String>> {
        let root = escaped_path(&self.root);
        if self.folder == self.root || !self.root.join(".git").exists() {
            if given.is_none() && self.folder != self.root {
                return Err(usage(format!("there is no git in `{root}`: name its commit with --commit")));
            }
            return Ok(given.map(str::to_owned));
        }
        let ask = |args: &[&str]| {
            let answer = git(Some(&self.root), args);
            answer.map(line).map_err(|why| usage(format!("cannot tell the commit of `{root}`: {why}")))
        };
        let head = ask(&["rev-parse", "--verify", "HEAD"])?;
        if let Some(given) = given.filter(|given| !head.starts_with(*given)) {
            return Err(usage(format!("--commit says {given}, and `{root}` is at {head}")));
        }
        let changed = ask(&["status", "--porcelain", "--untracked-files=all", "--ignored", "--", OWNER_FOLDER])?;
        if !changed.is_empty() {
            let files = changed.lines().map(str::trim_start).collect::<Vec<_>>().join(", ");
            return Err(invalid(format!("the contracts in `{root}` are not those of its commit {head}: {files}")));
        }
        Ok(Some(head))
    }
}

/// The id of a commit, or the beginning of one.
pub(super) fn commit_id(text: &str) -> Result<String, String> {
    let is_hex = text.chars().all(|digit| digit.is_ascii_digit() || ('a'..='f').contains(&digit));
    if is_hex && (7..=64).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err("expected 7 to 64 hexadecimal digits in lower case".to_owned())
}
