//! Deriving, with the cuts that L-4 allows: runs settled apart, task lines folded apart.

use dome_binder::{FoldedLine, Record, Rules, SettledRun, conclude, fold, group_by_run, order, settle};

use super::Steps;
use crate::parallel;
use crate::settings::Replay;

/// Pieces that a thread is given at once.
const BATCH: usize = 256;

/// Settles, orders, folds and assembles.
#[expect(clippy::vec_box, reason = "records are large and are sorted: a pointer moves, not the record")]
pub(super) fn derive(
    records: Vec<Box<Record>>,
    rules: &Rules,
    args: &Replay,
    steps: &mut Steps,
) -> dome_binder::Replay {
    let ledger = steps.time("settling", || {
        let mut runs = group_by_run(records).into_iter();
        let batches = std::iter::from_fn(move || {
            let batch: Vec<_> = runs.by_ref().take(BATCH).collect();
            (!batch.is_empty()).then_some(batch)
        });
        let settled = parallel::map(args.threads, batches, |batch| batch.into_iter().map(settle).collect());
        let settled: Vec<Vec<SettledRun>> = settled;
        order(settled.into_iter().flatten().collect())
    });
    let folded = steps.time("folding", || {
        let lines = ledger.lines();
        let folded: Vec<Vec<FoldedLine>> = parallel::map(args.threads, lines.chunks(BATCH), |lines| {
            lines.iter().map(|line| fold(line, rules)).collect()
        });
        folded.into_iter().flatten().collect()
    });
    steps.time("assembling", || conclude(ledger, folded, rules, args.as_of))
}
