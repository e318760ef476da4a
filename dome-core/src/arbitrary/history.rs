//! Whole histories: lines that meet in runs, tasks, lanes, guards and failures (sections 5 to 12).

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::broken::{Broken, broken_line};
use super::dice::Dice;
use super::event::Scribe;
use super::write::write_oddly;
use crate::{Keys, Sha256Hash};

/// Lines as they arrive, without their ends: mostly sound, some broken, some blank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The lines; one may start with a byte order mark.
    pub lines: Vec<Vec<u8>>,
}

/// Histories of up to 48 lines.
///
/// What they have in common: four runs, two tasks, four task lines, three lanes, two gates, two
/// guards, a dozen remedies, five failure codes of which the table of the tests lacks one.
pub fn history() -> impl Strategy<Value = History> + Clone {
    history_of(48)
}

/// Histories of up to `most` lines.
pub fn history_of(most: usize) -> impl Strategy<Value = History> + Clone {
    let event = prop::collection::vec(any::<u8>(), 0..48).prop_map(Dice::new);
    let broken = prop::collection::vec(broken_line(), 0..2);
    (prop::collection::vec(event, 0..=most), broken).prop_map(|(events, broken)| write_history(events, &broken))
}

/// A line before it is written.
enum Draft {
    /// A valid envelope, and what it applies.
    Envelope(Map<String, Value>, Applies),
    /// The same as an earlier envelope, in other words.
    Again(usize),
    /// Anything else.
    Raw(Vec<u8>),
}

/// Which prior an envelope applies.
enum Applies {
    Nothing,
    /// A key that no fact has.
    Unknown,
    /// The key of the envelope with this number, counted around.
    Number(usize),
}

fn write_history(events: Vec<Dice>, broken: &[Broken]) -> History {
    let mut scribe = Scribe::new();
    let mut drafts: Vec<(Draft, Dice)> = Vec::new();
    for mut dice in events {
        let draft = draft(&mut scribe, &drafts, &mut dice, broken);
        drafts.push((draft, dice));
    }
    let keys: Vec<Sha256Hash> = drafts.iter().filter_map(|(draft, _)| derived_key(draft)).collect();
    drafts.iter_mut().for_each(|(draft, _)| apply(draft, &keys));
    let lines = drafts.iter().map(|(draft, dice)| write(draft, &drafts, dice.clone()));
    History { lines: lines.collect() }
}

fn draft(scribe: &mut Scribe, drafts: &[(Draft, Dice)], dice: &mut Dice, broken: &[Broken]) -> Draft {
    let kind = dice.roll(20);
    let earlier = dice.roll(256).checked_rem(drafts.len()).unwrap_or(0);
    let applies = match dice.roll(12) {
        0..=6 => Applies::Nothing,
        7 => Applies::Unknown,
        _ => Applies::Number(dice.roll(256)),
    };
    if kind == 17 {
        return Draft::Again(earlier);
    }
    if kind == 18 {
        return Draft::Raw(dice.pick(["", " ", "\t\r", "{", "null", "{}", "\u{feff}"]).as_bytes().to_vec());
    }
    if kind == 19
        && let Some(broken) = broken.first()
    {
        return Draft::Raw(broken.line.clone());
    }
    let Value::Object(mut members) = scribe.event(dice) else { return Draft::Raw(Vec::new()) };
    let conflicting: &[&str] = match kind {
        // At one place of the run, so that only the digest decides which is taken.
        14 => &["run_id", "event_id", "sequence", "ts"],
        15 => &["run_id", "event_id"],
        16 => &["run_id", "task_id", "group_id"],
        _ => &[],
    };
    if let Some((Draft::Envelope(other, _), _)) = drafts.get(earlier) {
        let taken = other.iter().filter(|(name, _)| conflicting.contains(&name.as_str()));
        members.extend(taken.map(|(name, value)| (name.clone(), value.clone())));
    }
    Draft::Envelope(members, applies)
}

/// The derived key of an envelope; what it applies is no part of it.
fn derived_key(draft: &Draft) -> Option<Sha256Hash> {
    let Draft::Envelope(members, _) = draft else { return None };
    let line = Value::Object(members.clone()).to_string();
    crate::read(line.as_bytes()).ok().map(|envelope| Keys::of(&envelope).derived)
}

fn apply(draft: &mut Draft, keys: &[Sha256Hash]) {
    let Draft::Envelope(members, applies) = draft else { return };
    let key = match applies {
        Applies::Nothing => return,
        Applies::Unknown => Some(Sha256Hash::of(b"no such capsule")),
        Applies::Number(number) => keys.get(number.checked_rem(keys.len()).unwrap_or(0)).copied(),
    };
    members.extend(key.map(|key| ("applied_capsule".to_owned(), key.to_string().into())));
}

fn write(draft: &Draft, drafts: &[(Draft, Dice)], mut dice: Dice) -> Vec<u8> {
    let members = match draft {
        Draft::Envelope(members, _) => members,
        Draft::Raw(bytes) => return bytes.clone(),
        Draft::Again(earlier) => match drafts.get(*earlier) {
            Some((Draft::Envelope(members, _), _)) => members,
            Some((Draft::Raw(bytes), _)) => return bytes.clone(),
            _ => return Vec::new(),
        },
    };
    let members = respell(members.clone(), &mut dice);
    let mark = if dice.rarely(8) { "\u{feff}" } else { "" };
    format!("{mark}{}", write_oddly(&Value::Object(members), &mut dice)).into_bytes()
}

/// Aliases for names, another offset, a longer fraction: the same envelope in other words.
fn respell(mut members: Map<String, Value>, dice: &mut Dice) -> Map<String, Value> {
    if dice.rarely(3)
        && let Some(spec) = members.get_mut("task_spec").and_then(Value::as_object_mut)
    {
        alias(spec, "failure_reason_code", "reason_code", dice);
    }
    if dice.rarely(3) {
        alias(&mut members, "policy_reason_code", "guard_reason_code", dice);
    }
    if let Some(Value::String(time)) = members.get_mut("ts") {
        let bare = time.trim_end_matches('Z').to_owned();
        let fraction = if bare.contains('.') { "" } else { ".0" };
        *time = match dice.roll(3) {
            0 => format!("{bare}Z"),
            1 => format!("{bare}-00:00"),
            _ => format!("{bare}{fraction}+00:00"),
        };
    }
    members
}

fn alias(members: &mut Map<String, Value>, name: &str, alias: &str, dice: &mut Dice) {
    let value = if dice.rarely(2) { members.get(name).cloned() } else { members.remove(name) };
    members.extend(value.map(|value| (alias.to_owned(), value)));
}
