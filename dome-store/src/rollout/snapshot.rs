//! `rollout.facts`: which facts `prescriptive` was earned on, as their sorted digests, 32 bytes each.
//!
//! A log that only grows does not show whether facts stayed facts: a last line may be withdrawn, and a late line of a run
//! may rule out what was a fact before (M-41). So each fact is looked for among those of today.

use dome_binder::snapshot_digest;
use dome_core::Sha256Hash;
use dome_replay::error::Result;

use super::document::RolloutEarned;
use crate::folder::StoreFolder;
use crate::index::Index;

pub(super) const NAME: &str = "rollout.facts";
const DIGEST_BYTES: usize = 32;

/// Keeps the facts of a snapshot.
pub(super) fn keep(folder: &StoreFolder, sorted: &[Sha256Hash]) -> Result<()> {
    let bytes: Vec<u8> = sorted.iter().flat_map(|digest| *digest.as_bytes()).collect();
    folder.replace(NAME, &bytes)
}

/// Whether all facts of the snapshot are facts of the store today; what is wrong if they are not.
pub(super) fn no_ancestor(folder: &StoreFolder, index: &Index, earned: &RolloutEarned) -> Result<Option<String>> {
    if index.snapshot_digest()? == earned.snapshot_digest {
        return Ok(None);
    }
    let gone = || Some(format!("`{}` does not hold the facts that it was earned on", folder.named(NAME)));
    let most = earned.facts.saturating_mul(DIGEST_BYTES as u64);
    // A longer file is none that was kept with it.
    let Some(bytes) = folder.bytes(NAME, most).ok().flatten() else { return Ok(gone()) };
    let (digests, rest) = bytes.as_chunks::<DIGEST_BYTES>();
    let found = snapshot_digest(digests.iter().copied().map(Sha256Hash::from_bytes));
    if !rest.is_empty() || digests.len() as u64 != earned.facts || found != earned.snapshot_digest {
        return Ok(gone());
    }
    let missing = index.lacks(digests)?;
    let one = |missing| if missing == 1 { "1 fact".to_owned() } else { format!("{missing} facts") };
    let what = |missing| format!("{} that it was earned on are none any more (withdrawn, or ruled out)", one(missing));
    Ok((missing > 0).then(|| what(missing)))
}
