//! Folding: the task lines of one file at a time (section 9).

use std::sync::Mutex;

use dome_binder::explain::Part;
use dome_binder::{Bound, Fact, FoldedLine, LineFact, Position, Trigger, fold};

use super::keys::Keyed;
use super::parts::Cut;
use super::row::{Restorer, Row};
use super::scratch::RowFile;
use super::{Ground, held, opened};

/// Triggers in the order in which facts record them (M-71), each with its bit.
const TRIGGERS: [(Trigger, u8); 3] = [(Trigger::RetryStorm, 2), (Trigger::LatencyDelta, 4), (Trigger::UnseenDenial, 8)];

/// How every fact was bound, one byte each, by position.
pub(super) struct Bindings(Vec<u8>);

impl Bindings {
    fn set(&mut self, bound: &Bound) {
        let fired = TRIGGERS.iter().filter(|(trigger, _)| bound.triggers.contains(*trigger));
        if let Some(byte) = self.0.get_mut(bound.position) {
            *byte = fired.fold(u8::from(bound.minted), |byte, (_, bit)| byte | bit);
        }
    }

    pub(super) fn bound(&self, position: Position) -> Bound {
        let byte = self.0.get(position).copied().unwrap_or_default();
        let triggers = TRIGGERS.iter().filter(|(_, bit)| byte & bit != 0).map(|(trigger, _)| *trigger).collect();
        Bound { position, minted: byte & 1 == 1, triggers }
    }
}

/// Folds all task lines, and deals out what they hold by its keys.
pub(super) fn fold_all(lines: Vec<RowFile>, facts: Position, ground: &Ground<'_>) -> anyhow::Result<(Bindings, Keyed)> {
    let bindings = Mutex::new(Bindings(vec![0; facts]));
    let keyed = Mutex::new(Keyed::new(&ground.scratch, lines.len()));
    let cut = Cut { scratch: &ground.scratch, shape: &ground.shape, hash: |row| row.line_hash() };
    cut.each(lines, &|file| fold_file(&file, ground, &bindings, &keyed))?;
    Ok((opened(bindings)?, opened(keyed)?))
}

fn fold_file(
    file: &RowFile,
    ground: &Ground<'_>,
    bindings: &Mutex<Bindings>,
    keyed: &Mutex<Keyed>,
) -> anyhow::Result<()> {
    let mut restorer = Restorer::new(ground.sources, ground.binder);
    let mut rows: Vec<(Position, bool, Box<Fact>)> = Vec::new();
    file.each(|row| {
        let row = Row::parse(row)?;
        rows.push((row.position, row.unseen_denial, Box::new(restorer.fact(&row)?)));
        Ok(())
    })?;
    let facts = rows.iter().map(|(position, unseen_denial, fact)| LineFact {
        position: *position,
        fact,
        unseen_denial: *unseen_denial,
    });
    let part = Part { facts: facts.collect() };
    for line in part.lines() {
        let folded: FoldedLine = fold(&line, ground.rules);
        let mut bindings = held(bindings)?;
        folded.bound.iter().for_each(|bound| bindings.set(bound));
        drop(bindings);
        held(keyed)?.push(&folded)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m71_a_byte_holds_how_a_fact_was_bound() {
        let mut bindings = Bindings(vec![0; 16]);
        let bound = |position: usize| Bound {
            position,
            minted: position % 2 == 1,
            triggers: TRIGGERS.iter().filter(|(_, bit)| position & usize::from(*bit) != 0).map(|(t, _)| *t).collect(),
        };
        (0..16).for_each(|position| bindings.set(&bound(position)));
        (0..16).for_each(|position| assert_eq!(bindings.bound(position), bound(position)));
        assert!(TRIGGERS.is_sorted(), "the order in which facts record them");
    }
}
