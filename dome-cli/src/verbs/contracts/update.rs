//! `dome contracts update`: the only one that writes.

use std::path::Path;

use anyhow::{Result, bail};
use dome_contracts::{Folder, Lock, Refusal, Request, Update, plan_update};
use serde_json::json;

use crate::exit::Exit;

use super::args::ContractsUpdateArgs;
use super::{FINDINGS, INVALID, Streams, files, show};

pub(super) fn run(args: &ContractsUpdateArgs, streams: &mut Streams<'_>) -> Result<Exit> {
    let base = files::directory(&args.at.lock);
    let pinned = match pinned(&args.at.lock, &base) {
        Ok(pinned) => pinned,
        Err(error) if error.is::<dome_contracts::LockError>() => {
            streams.complain(&format!("`{}`: {error}", args.at.lock.display()))?;
            return Ok(Exit::Invalid);
        }
        Err(error) => return Err(error),
    };
    let from = files::folder(&args.from)?;
    let notes = files::folder_or_empty(&args.at.notes)?;
    let into = into(args, pinned.as_ref().map(|(lock, _)| lock), &base)?;
    let request = Request {
        pinned: pinned.as_ref().map(|(lock, folder)| (lock, folder)),
        from: &from,
        folder: &into,
        commit: args.commit.as_deref(),
        notes: &notes,
    };
    match plan_update(&request) {
        Ok(update) => {
            apply(&update, &from, &base.join(&into), args)?;
            shown(&update, streams)?;
            Ok(Exit::Done)
        }
        Err(refusal) => refused(&refusal, streams),
    }
}

fn pinned(lock: &Path, base: &Path) -> Result<Option<(Lock, Folder)>> {
    if !lock.exists() {
        return Ok(None);
    }
    let lock = Lock::parse(&files::file(lock)?)?;
    let folder = files::folder_or_empty(&base.join(&lock.folder))?;
    Ok(Some((lock, folder)))
}

/// Where the pinned files will lie, relative to the lock.
fn into(args: &ContractsUpdateArgs, lock: Option<&Lock>, base: &Path) -> Result<String> {
    if let Some(into) = &args.into {
        return Ok(into.clone());
    }
    if let Some(lock) = lock {
        return Ok(lock.folder.clone());
    }
    let inside = args.from.strip_prefix(base).unwrap_or(&args.from);
    match inside.to_str() {
        Some(inside) if inside != ".." && !inside.starts_with("../") && !inside.starts_with('/') => {
            Ok(inside.trim_start_matches("./").trim_end_matches('/').to_owned())
        }
        _ => bail!("`{}` does not lie beside the lock: say where with --into", args.from.display()),
    }
}

/// Writes the files, then the lock: until that is there, `verify` tells that something is amiss.
fn apply(update: &Update, from: &Folder, folder: &Path, args: &ContractsUpdateArgs) -> Result<()> {
    let there = files::folder_or_empty(folder)?;
    for (path, bytes) in from.iter().filter(|(path, bytes)| there.get(path) != Some(bytes)) {
        files::write(&folder.join(path), bytes)?;
    }
    for path in there.paths().filter(|path| from.get(path).is_none()) {
        files::remove(&folder.join(path))?;
    }
    files::write(&args.at.lock, update.lock.render().as_bytes())
}

fn shown(update: &Update, streams: &mut Streams<'_>) -> Result<()> {
    let source = &update.lock.source;
    if streams.is_json {
        let mut object = update.diff.to_json();
        if let Some(members) = object.as_object_mut() {
            members.insert("lock_digest".to_owned(), json!(update.lock.digest()));
            members.insert("source".to_owned(), json!(source));
        }
        return streams.object(&object);
    }
    for change in update.diff.breaking() {
        streams.line(&show::finding(&change.finding, Some(&change.contract)))?;
    }
    let count = update.lock.artifacts.len();
    streams.line(&format!("pinned: {count} files of {} {}", source.repository, source.version))
}

fn refused(refusal: &Refusal, streams: &mut Streams<'_>) -> Result<Exit> {
    let (exit, diff) = match refusal {
        Refusal::NoteMissing { diff, .. } | Refusal::VersionUnchanged { diff, .. } => (FINDINGS, Some(diff)),
        Refusal::NoteSilent { .. } => (FINDINGS, None),
        Refusal::PinnedChanged { .. } | Refusal::Lock(_) | Refusal::Schema(_) => (INVALID, None),
    };
    if streams.is_json {
        let diff = diff.map(|diff| diff.to_json());
        streams.object(&json!({
            "diff": diff, "format_version": "1", "refused": refusal.to_string(), "verdict": "refused",
        }))?;
    } else if let Some(diff) = diff {
        for change in diff.breaking() {
            streams.line(&show::finding(&change.finding, Some(&change.contract)))?;
        }
    }
    streams.complain(&format!("refused: {refusal}"))?;
    Ok(exit)
}
