//! What git says of the folder that the command runs in.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dome_adapters::repository_name;
use dome_core::{Lane, Repository, Revision};

use crate::exit::usage;
use crate::git::{GitError, line};

/// A checkout of a git repository.
pub(super) struct Checkout {
    pub(super) revision: Revision,
    /// By the address of the remote `origin`, else of the only one.
    pub(super) repository: Option<Repository>,
    /// The branch. Without one, on a detached head, there is no lane.
    pub(super) lane: Option<Lane>,
    /// Whether a file was changed, or is there that git neither knows nor ignores.
    pub(super) dirty: bool,
}

impl Checkout {
    /// That of the current folder. A file of `ours`, such as a report, makes nothing dirty.
    pub(super) fn here(ours: &[&Path]) -> anyhow::Result<Self> {
        let top = git(&["rev-parse", "--show-toplevel"])?;
        let revision = line(
            git(&["rev-parse", "--verify", "HEAD"])
                .map_err(|_| usage("`--git` finds no commit here: make the first one, or give `--revision`"))?,
        );
        let revision =
            revision.parse().map_err(|error| usage(format!("git names the commit `{revision}`: {error}")))?;
        // Fails on a detached head.
        let branch = git(&["symbolic-ref", "--quiet", "--short", "HEAD"]).ok().map(line);
        let status = git(&["status", "--porcelain=v1", "-z", "--untracked-files=all"])?;
        let top = PathBuf::from(OsStr::from_bytes(top.strip_suffix(b"\n").unwrap_or(&top)));
        Ok(Self {
            revision,
            repository: remote()?,
            lane: branch.and_then(|branch| branch.parse().ok()),
            dirty: is_dirty(&status, &top, ours),
        })
    }
}

fn remote() -> anyhow::Result<Option<Repository>> {
    let remotes = line(git(&["remote"])?);
    let names: Vec<_> = remotes.lines().collect();
    let name = match *names.as_slice() {
        [one] => one,
        _ if names.contains(&"origin") => "origin",
        _ => return Ok(None),
    };
    Ok(repository_name(&line(git(&["remote", "get-url", name])?)))
}

/// Whether an entry of `git status -z` (two letters, a space, a path) is about more than files of ours that git does
/// not know. An entry of a renamed file is followed by its old path, which changes nothing: it is one more.
fn is_dirty(status: &[u8], top: &Path, ours: &[&Path]) -> bool {
    let ours: Vec<_> = ours.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let is_ours = |path: &[u8]| {
        let path = top.join(OsStr::from_bytes(path)).canonicalize();
        path.is_ok_and(|path| ours.iter().any(|own| path.starts_with(own)))
    };
    let mut entries = status.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
    entries.any(|entry| entry.strip_prefix(b"?? ").is_none_or(|path| !is_ours(path)))
}

fn git(args: &[&str]) -> anyhow::Result<Vec<u8>> {
    crate::git::git(None, args).map_err(|why| match why {
        GitError::Absent(_) => usage(format!("`--git` {why}")),
        GitError::Refused { .. } => usage(format!("`--git` cannot tell what was tested: {why}")),
    })
}
