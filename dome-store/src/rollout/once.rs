//! `rollout.runs`: what was prescribed in which run, so that it is prescribed once.
//!
//! Each line is the hash of a run and a key. It is on the disk before the answer is given: a process that ends in between
//! prescribed nothing, and nothing is prescribed twice.

use std::collections::BTreeSet;
use std::io::{Seek, SeekFrom, Write};
use std::time::Duration;

use dome_core::{RunId, Sha256Hash, canonical};
use dome_replay::error::{Context, Error, Invariant, Result};
use serde::Serialize;

use crate::folder::StoreFolder;
use crate::lock::WriterLock;

pub(super) const NAME: &str = "rollout.runs";
/// The lock of whoever reads and writes the files of the rollout.
pub(super) const LOCK: &str = "rollout.lock";
/// How long another one is waited for; each holds it for a moment.
pub(super) const WAIT: Duration = Duration::from_secs(10);
/// Prescriptions that are remembered. When there are more, the older half is forgotten.
pub const REMEMBERED_PRESCRIPTIONS: usize = 100_000;
/// A hash in hex digits, and the line feed.
const LINE: usize = 65;

#[derive(Serialize)]
struct Prescribed<'p> {
    key: Sha256Hash,
    run_id: &'p RunId,
}

/// Remembers what is prescribed in a run; says for each key whether it is the first time.
///
/// # Errors
///
/// When it cannot be remembered: then nothing may be prescribed.
pub(super) fn prescribe(folder: &StoreFolder, run_id: &RunId, keys: &[Sha256Hash]) -> Result<Vec<bool>> {
    let _lock = WriterLock::take(folder, LOCK, WAIT)?;
    let known = known(folder)?;
    let mut before: BTreeSet<&[u8]> = known.chunks(LINE).collect();
    let names: Vec<String> = keys.iter().map(|key| name(*key, run_id)).collect::<Result<_>>()?;
    let first: Vec<bool> = names.iter().map(|name| before.insert(name.as_bytes())).collect();
    let new: String = names.iter().zip(&first).filter(|(_, first)| **first).map(|(name, _)| name.as_str()).collect();
    if !new.is_empty() {
        append(folder, &known, new.as_bytes())?;
    }
    Ok(first)
}

/// How many prescriptions are remembered.
pub(super) fn remembered(folder: &StoreFolder) -> Result<u64> {
    Ok((known(folder)?.len() / LINE) as u64)
}

fn name(key: Sha256Hash, run_id: &RunId) -> Result<String> {
    let bytes = canonical::to_vec(&Prescribed { key, run_id }).invariant("a key and a run have canonical bytes")?;
    Ok(format!("{}\n", Sha256Hash::of(&bytes)))
}

/// The whole lines. What a killed process left of a last one was never answered.
fn known(folder: &StoreFolder) -> Result<Vec<u8>> {
    let most = (REMEMBERED_PRESCRIPTIONS * LINE * 2) as u64;
    let mut bytes = folder.bytes(NAME, most)?.unwrap_or_default();
    bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    let is_name = |line: &[u8]| {
        let name = line.strip_suffix(b"\n").unwrap_or_default();
        name.len() == LINE - 1 && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if bytes.chunks(LINE).all(is_name) {
        return Ok(bytes);
    }
    let named = folder.named(NAME);
    Err(Error::invalid(format!("`{named}` is damaged: what was prescribed in which run is not known any more")))
}

fn append(folder: &StoreFolder, known: &[u8], new: &[u8]) -> Result<()> {
    if known.len() / LINE + new.len() / LINE > REMEMBERED_PRESCRIPTIONS {
        let all = [known, new].concat();
        let (_forgotten, kept) = all.split_at(all.len() / LINE / 2 * LINE);
        return folder.replace(NAME, kept);
    }
    let Some(mut file) = folder.write(NAME)? else { return folder.replace(NAME, new) };
    let written = file.set_len(known.len() as u64).and_then(|()| {
        file.seek(SeekFrom::End(0))?;
        file.write_all(new)?;
        file.sync_all()
    });
    written.context(|| format!("cannot write `{}`", folder.named(NAME)))
}
