//! The first pass in total order: lineage, the digest of the snapshot, and every fact to
//! the file of its task line, with its position and whether it is the first of its kind (M-71).

use dome_binder::{Lineage, Position, append_row, snapshot_digest};
use dome_core::{Sha256Hash, Timestamp};

use super::Ground;
use super::batches::{Batch, each_batch};
use super::parts::Parts;
use super::row::Row;
use super::runs::Place;
use super::scratch::RowFile;
use crate::artifacts::{Folder, LINEAGE};
use dome_replay::input::Source;

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

/// Goes through all facts in total order. `firsts` are the first of each kind of denial.
pub(super) fn put_in_order(
    sorted: &[RowFile],
    firsts: impl IntoIterator<Item = Place>,
    ground: &Ground<'_>,
    folder: &mut Folder,
) -> anyhow::Result<Ordered> {
    let (shape, scratch) = (&ground.shape, &ground.scratch);
    let bytes = sorted.iter().map(RowFile::bytes).sum();
    let mut lines = Parts::new(scratch, shape.parts_of(bytes));
    let mut digests = Parts::new(scratch, DIGEST_FILES);
    let mut lineage = folder.open(LINEAGE)?;
    let mut firsts: Vec<Place> = firsts.into_iter().collect();
    firsts.sort_unstable();
    let mut firsts = firsts.into_iter().peekable();
    let (mut last_ts, mut position, mut row_bytes) = (None, 0, Vec::new());
    let facts = each_batch(
        sorted,
        shape,
        |_, batch| render(batch, ground.sources),
        |batch, rendered| {
            lineage.push(&rendered)?;
            for bytes in batch.rows() {
                let row = Row::parse(bytes)?;
                let is_it = |(ts, run, place): &Place| (*ts, &**run, *place) == (row.ordered_ts, row.run_id, row.place);
                let row = Row { position, unseen_denial: firsts.next_if(is_it).is_some(), ..row };
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
    Ok(Ordered { lines: lines.finish()?, facts, last_ts, snapshot_digest: snapshot(digests)? })
}

/// The lineage of a batch.
fn render(batch: &Batch, sources: &[Source]) -> anyhow::Result<Vec<u8>> {
    let mut lineage = Vec::new();
    for row in batch.rows() {
        let row = Row::parse(row)?;
        let (event_id, run_id) = (row.event_id.parse()?, row.run_id.parse()?);
        let (digest, sequence, source) = (row.keys.digest, row.sequence, &row.place_in(sources)?);
        append_row(&Lineage { digest, event_id: &event_id, run_id: &run_id, sequence, source }, &mut lineage);
    }
    Ok(lineage)
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
