//! The first pass in total order: lineage, failing facts, the digest of the snapshot, and every fact to
//! the file of its task line, with its position and whether it is the first of its kind (M-71).

use dome_binder::views::RecentFailure;
use dome_binder::{DenialKind, Lineage, Position, UnseenDenials, append_row, snapshot_digest};
use dome_core::{Sha256Hash, Timestamp};

use super::Ground;
use super::batches::{Batch, each_batch};
use super::parts::Parts;
use super::recent::Recent;
use super::row::{Restorer, Row};
use super::scratch::RowFile;
use crate::artifacts::{Folder, LINEAGE};

/// Files that digests are dealt out to, by their first byte.
const DIGEST_FILES: usize = 64;

/// What the total order comes to.
pub(super) struct Ordered {
    /// The rows, each task line whole in one file, and there in total order.
    pub(super) lines: Vec<RowFile>,
    pub(super) facts: Position,
    pub(super) last_ts: Option<Timestamp>,
    pub(super) snapshot_digest: Sha256Hash,
}

/// What a thread makes of a batch.
#[derive(Default)]
struct Rendered {
    lineage: Vec<u8>,
    failing: Vec<u8>,
    /// The ordered time of each failing row, and where it ends.
    ends: Vec<(Timestamp, usize)>,
    /// The kind of each row's denial.
    kinds: Vec<Option<DenialKind>>,
}

/// Goes through all facts in total order.
pub(super) fn put_in_order(sorted: &[RowFile], ground: &Ground<'_>, folder: &mut Folder) -> anyhow::Result<Ordered> {
    let (shape, scratch) = (&ground.shape, &ground.scratch);
    let bytes = sorted.iter().map(RowFile::bytes).sum();
    let mut lines = Parts::new(scratch, shape.parts_of(bytes));
    let mut digests = Parts::new(scratch, DIGEST_FILES);
    let mut recent = Recent::new(scratch, shape.batch_bytes)?;
    let mut lineage = folder.open(LINEAGE)?;
    let (mut unseen, mut last_ts, mut position, mut row_bytes) = (UnseenDenials::default(), None, 0, Vec::new());
    let facts = each_batch(
        sorted,
        shape,
        |_, batch| render(batch, ground),
        |batch, rendered| {
            lineage.push(&rendered.lineage)?;
            let mut start = 0;
            for (instant, end) in rendered.ends {
                recent.push(instant, rendered.failing.get(start..end).unwrap_or_default())?;
                start = end;
            }
            for (bytes, kind) in batch.rows().zip(rendered.kinds) {
                let unseen_denial = kind.is_some_and(|kind| unseen.is_first(kind));
                let row = Row { position, unseen_denial, ..Row::parse(bytes)? };
                row_bytes.clear();
                row.append(&mut row_bytes);
                lines.push(row.line_hash(), &row_bytes)?;
                let digest = row.keys.digest.as_bytes();
                digests.push_in_order(digest, digest)?;
                (position, last_ts) = (position + 1, Some(row.ordered_ts));
            }
            Ok(())
        },
    )?;
    folder.close(LINEAGE, lineage)?;
    recent.write(folder)?;
    Ok(Ordered { lines: lines.finish()?, facts, last_ts, snapshot_digest: snapshot(digests)? })
}

fn render(batch: &Batch, ground: &Ground<'_>) -> anyhow::Result<Rendered> {
    let mut restorer = Restorer::new(ground.sources, ground.binder);
    let mut rendered = Rendered::default();
    for row in batch.rows() {
        let fact = restorer.fact(&Row::parse(row)?)?;
        append_row(&Lineage::of(&fact), &mut rendered.lineage);
        if fact.is_failing() {
            append_row(&RecentFailure::of(&fact), &mut rendered.failing);
            rendered.ends.push((fact.ordered_ts, rendered.failing.len()));
        }
        rendered.kinds.push(DenialKind::of(&fact));
    }
    Ok(rendered)
}

/// The digest over all digests: the files hold them in order, each is sorted by itself.
fn snapshot(digests: Parts) -> anyhow::Result<Sha256Hash> {
    let files = digests.finish()?;
    let mut failed = None;
    let sorted = files.into_iter().flat_map(|file| {
        let mut digests: Vec<Sha256Hash> = Vec::new();
        let read = file.each(|row| {
            digests.extend(row.first_chunk().map(|bytes| Sha256Hash::from_bytes(*bytes)));
            Ok(())
        });
        failed = failed.take().or(read.err());
        digests.sort_unstable();
        digests
    });
    let digest = snapshot_digest(sorted);
    failed.map_or(Ok(digest), Err)
}
