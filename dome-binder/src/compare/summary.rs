//! A comparison in one line, fit for a commit message.

use super::Comparison;
use super::change::VerdictTurn;
use super::regroup::Regrouping;

/// The line; what did not happen is not named.
pub(super) fn line(comparison: &Comparison) -> String {
    let regrouped = |change: Regrouping| comparison.regrouped.iter().filter(|group| group.change == change).count();
    let turned = |turn: VerdictTurn| comparison.verdicts.iter().filter(|change| change.turn == turn).count();
    let rekeyed = usize::try_from(comparison.rekeyed_count).unwrap_or(usize::MAX);
    let parts = [
        clause("fact", &[(comparison.facts_added.len(), "added"), (comparison.facts_gone.len(), "gone")]),
        clause(
            "capsule",
            &[
                (comparison.new.len(), "new"),
                (comparison.gone.len(), "gone"),
                (comparison.changed.len(), "changed"),
                (regrouped(Regrouping::Split), "split"),
                (
                    comparison
                        .regrouped
                        .iter()
                        .filter(|g| g.change == Regrouping::Merged)
                        .map(|g| g.before.len())
                        .sum(),
                    "merged",
                ),
                (
                    comparison.regrouped.iter().filter(|g| g.change == Regrouping::Moved).map(|g| g.before.len()).sum(),
                    "moved",
                ),
                (rekeyed, "rekeyed"),
            ],
        ),
        clause("verdict", &[(turned(VerdictTurn::Gained), "gained"), (turned(VerdictTurn::Lost), "lost")]),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    if said.is_empty() { "no difference".to_owned() } else { said.join("; ") }
}

/// `3 facts added, 1 gone`; nothing when all counts are 0.
fn clause(noun: &str, counts: &[(usize, &str)]) -> Option<String> {
    let mut text = String::new();
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        if text.is_empty() {
            let plural = if *count == 1 { "" } else { "s" };
            text = format!("{count} {noun}{plural} {what}");
        } else {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    (!text.is_empty()).then_some(text)
}
