//! `dome contracts verify`.

use std::path::Path;

use anyhow::Result;
use dome_contracts::{Lock, LockError, Mismatch, verify, verify_locked, verify_since};
use serde_json::json;

use crate::exit::Exit;

use super::args::ContractsVerifyArgs;
use super::{DONE, INVALID, Streams, files};

pub(super) fn run(args: &ContractsVerifyArgs, streams: &mut Streams<'_>) -> Result<Exit> {
    let bytes = files::file(&args.at.lock)?;
    let Some(lock) = read(&args.at.lock, &bytes, streams)? else {
        return Ok(INVALID);
    };
    let mut mismatches = compare(args, &bytes, &lock)?;
    if let Some(since) = &args.since {
        let Some(before) = read(since, &files::file(since)?, streams)? else {
            return Ok(INVALID);
        };
        mismatches.extend(verify_since(&before, &lock));
    }
    show(&lock, &mismatches, streams)?;
    Ok(if mismatches.is_empty() { DONE } else { INVALID })
}

/// Reads a lock, or says why it is none.
fn read(path: &Path, bytes: &[u8], streams: &mut Streams<'_>) -> Result<Option<Lock>> {
    match Lock::parse(bytes) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) => {
            streams.complain(&format!("`{}`: {error}", path.display()))?;
            Ok(None)
        }
    }
}

fn compare(args: &ContractsVerifyArgs, bytes: &[u8], lock: &Lock) -> Result<Vec<Mismatch>> {
    let folder = files::directory(&args.at.lock).join(&lock.folder);
    let folder = files::folder_or_empty(&folder)?;
    if !args.locked {
        return Ok(verify(lock, &folder));
    }
    let notes = files::folder_or_empty(&args.at.notes)?;
    verify_locked(bytes, &folder, &notes).map_err(|error: LockError| error.into())
}

fn show(lock: &Lock, mismatches: &[Mismatch], streams: &mut Streams<'_>) -> Result<()> {
    let source = format!("{} {}", lock.source.repository, lock.source.version);
    if streams.is_json {
        return streams.object(&json!({
            "artifacts": lock.artifacts.len(),
            "format_version": "1",
            "lock_digest": lock.digest(),
            "mismatches": mismatches,
            "source": lock.source,
            "verdict": if mismatches.is_empty() { "verified" } else { "mismatch" },
        }));
    }
    for mismatch in mismatches {
        streams.line(&mismatch.to_string())?;
    }
    let count = lock.artifacts.len();
    match mismatches.len() {
        0 => streams.line(&format!("verified: {count} files of {source} are as pinned")),
        wrong => streams.line(&format!("mismatch: {wrong} findings in {count} files of {source}")),
    }
}
