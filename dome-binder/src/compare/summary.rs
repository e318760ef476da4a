//! A comparison in one line, fit for a commit message.

use super::Comparison;
use super::change::VerdictTurn;
use super::regroup::Regrouping;

/// The line; what did not happen is not named.
pub(super) fn line(comparison: &Comparison) -> String {
    let turned = |turn: VerdictTurn| comparison.verdicts.iter().filter(|change| change.turn == turn).count();
    let count = |count: usize, what: &str| (count, what.to_owned());
    let parts = [
        clause("fact", &[count(comparison.facts_added.len(), "added"), count(comparison.facts_gone.len(), "gone")]),
        clause(
            "capsule",
            &[
                count(comparison.new.len(), "new"),
                count(comparison.gone.len(), "gone"),
                count(comparison.changed.len(), "changed"),
                regrouped(comparison, Regrouping::Split),
                regrouped(comparison, Regrouping::Merged),
                regrouped(comparison, Regrouping::Moved),
                count(usize::try_from(comparison.rekeyed_count).unwrap_or(usize::MAX), "rekeyed"),
            ],
        ),
        clause("verdict", &[count(turned(VerdictTurn::Gained), "gained"), count(turned(VerdictTurn::Lost), "lost")]),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    if said.is_empty() { "no difference".to_owned() } else { said.join("; ") }
}

/// How many capsules were split, merged or moved, and into how many.
fn regrouped(comparison: &Comparison, change: Regrouping) -> (usize, String) {
    let groups = || comparison.regrouped.iter().filter(|group| group.change == change);
    let before = groups().map(|group| group.before.len()).sum();
    let after: usize = groups().map(|group| group.after.len()).sum();
    (before, format!("{} into {after}", change.as_str()))
}

/// `3 facts added, 1 gone`; nothing when all counts are 0.
fn clause(noun: &str, counts: &[(usize, String)]) -> Option<String> {
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
