//! An index answers what facts in memory answer.

use std::collections::BTreeMap;

use dome_binder::columns::{Columns, Needed, Section, Wanted, columns};
use dome_binder::explain::{
    Found, Part, Subject, capsule_story, concept_story, fact_story, find, line_of_source, line_story,
};
use dome_binder::query::{Question, Row, View, rows as whole, unmatched, unmatched_among};
use dome_binder::{Derived, LineFact, Replay, assemble, fold};
use dome_core::arbitrary::{Dice, dice, history};
use proptest::prelude::*;

use super::query::question;
use super::support::{Setting, load_lines, rows, setting};

type Sections = BTreeMap<Section, Vec<u8>>;

fn index(sections: &Sections) -> Columns<impl Fn(Section) -> Option<Vec<u8>>> {
    Columns::new(|section| sections.get(&section).cloned()).unwrap()
}

/// The facts that an index says are needed, as it would bring them.
fn part<'l>(replay: &'l Replay, sections: &Sections, needed: &Needed) -> Part<'l> {
    let positions: Vec<usize> = needed.iter().copied().collect();
    let settled = index(sections).settled(&positions).unwrap();
    let digests = index(sections).digest_starts(&positions).unwrap();
    let fact = |((position, settled), digest): ((usize, dome_binder::columns::Settled), u64)| {
        let fact = &replay.ledger.facts[position];
        assert_eq!((fact.ordered_ts, fact.place), (settled.ordered_ts, settled.place));
        assert_eq!(fact.source, settled.source);
        assert!(fact.keys.digest.to_string().starts_with(&format!("{digest:016x}")));
        LineFact { position, fact, unseen_denial: settled.unseen_denial }
    };
    Part { facts: positions.iter().copied().zip(settled).zip(digests).map(fact).collect() }
}

fn derived(part: &Part<'_>, setting: &Setting, replay: &Replay) -> Derived {
    assemble(part.lines().iter().map(|line| fold(line, &setting.rules)).collect(), &setting.rules, replay.as_of)
}

fn answered(replay: &Replay, sections: &Sections, question: &Question) -> String {
    let index = index(sections);
    if question.view() != View::RecentFailures {
        return rows(&index.tally(question).unwrap().rows());
    }
    let positions = index.recent_failures(question.filters()).unwrap();
    let facts = positions.iter().map(|position| &replay.ledger.facts[*position]);
    let row = |fact| Row::RecentFailure(dome_binder::views::recent_failures([fact]).next().unwrap());
    rows(&facts.map(row).collect::<Vec<_>>())
}

/// Names that find something, names that almost do, and names that find nothing.
fn names(replay: &Replay, dice: &mut Dice) -> Vec<String> {
    let facts = &replay.ledger.facts;
    let Some(fact) = facts.get(dice.roll(256).checked_rem(facts.len()).unwrap_or(0)) else { return Vec::new() };
    let keys = &fact.keys;
    let mut names: Vec<String> =
        [keys.derived, keys.line, keys.concept, keys.digest, keys.idempotency, keys.fingerprint_hash]
            .iter()
            .flat_map(|key| [key.to_string(), key.to_string()[..8].to_owned(), key.to_string()[..7].to_owned()])
            .collect();
    let event = fact.event_id.as_str();
    names.extend([
        event.to_owned(),
        format!("{}/{event}", fact.run_id),
        format!("x{event}"),
        format!("/{event}"),
        format!("{}:{}", fact.source.name, fact.source.line),
        format!("{}:{}", fact.source.name, fact.source.line + 1_000),
        "nothing".to_owned(),
        String::new(),
    ]);
    names
}

proptest! {
    #[test]
    fn m110_an_index_answers_what_facts_in_memory_answer(
        history in history(), setting in setting(), mut dice in dice(64),
    ) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let sections = columns(&replay.ledger).unwrap();
        for view in View::ALL {
            let question = question(*view, &replay.ledger, &mut dice);
            prop_assert_eq!(answered(&replay, &sections, &question), rows(&whole(&question, &replay.ledger.facts)));
            let index = index(&sections);
            let values = |filter| index.values(*view, filter).unwrap();
            prop_assert_eq!(unmatched_among(&question, values), unmatched(&question, &replay.ledger.facts));
        }
    }

    #[test]
    fn explain_finds_by_an_index_what_it_finds_among_all_facts(
        history in history(), setting in setting(), mut dice in dice(64),
    ) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let sections = columns(&replay.ledger).unwrap();
        let all = replay.ledger.part();
        for name in names(&replay, &mut dice) {
            let some = part(&replay, &sections, &index(&sections).candidates(&name).unwrap());
            let (found, expected) = (find(&name, &some, &[]), find(&name, &all, &[]));
            if let Found::One(Subject::Unlisted(source)) = &expected {
                prop_assert_eq!(found, Found::Nothing);
                prop_assert_eq!(line_of_source(&name), Some(source.clone()));
                let last = all.facts.iter().map(|fact| &fact.fact.source).filter(|its| its.name == source.name);
                prop_assert_eq!(index(&sections).last_line_of(&source.name), last.map(|its| its.line).max());
            } else {
                prop_assert_eq!(found, expected, "{}", name);
            }
        }
    }

    #[test]
    fn explain_tells_by_an_index_what_it_tells_from_all_facts(
        history in history(), setting in setting(), mut dice in dice(64),
    ) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let (sections, all) = (columns(&replay.ledger).unwrap(), replay.ledger.part());
        let facts = &replay.ledger.facts;
        let Some(fact) = facts.get(dice.roll(256).checked_rem(facts.len()).unwrap_or(0)) else { return Ok(()) };
        let (keys, rules) = (fact.keys.keys(), &setting.rules);
        let needed = |wanted| part(&replay, &sections, &index(&sections).needed(wanted).unwrap());

        let some = needed(Wanted::Capsule(keys.derived));
        let story = |part: &Part<'_>| capsule_story(keys.derived, &part.excerpt(keys.derived).unwrap(), rules, replay.as_of);
        prop_assert_eq!(story(&some), story(&all));

        let some = needed(Wanted::Line(keys.line));
        let Derived { capsules, .. } = derived(&some, &setting, &replay);
        prop_assert_eq!(line_story(&some.line(keys.line), &capsules), line_story(&all.line(keys.line), &replay.derived.capsules));

        let Derived { capsules, concepts, .. } = derived(&needed(Wanted::Concept(keys.concept)), &setting, &replay);
        let story = |capsules, concepts| concept_story(keys.concept, capsules, concepts, &rules.policy);
        prop_assert_eq!(story(&capsules, &concepts), story(&replay.derived.capsules, &replay.derived.concepts));

        let position = facts.iter().position(|other| other.keys.digest == keys.digest).unwrap();
        let mut wanted = index(&sections).needed(Wanted::Line(keys.line)).unwrap();
        wanted.extend(fact.applied_capsule().map(|key| index(&sections).needed(Wanted::Capsule(*key)).unwrap()).unwrap_or_default());
        let some = part(&replay, &sections, &wanted);
        let story = |part: &Part<'_>| {
            let applied = fact.applied_capsule().and_then(|key| part.excerpt(*key));
            fact_story(position, &part.line(keys.line), applied.as_ref(), rules)
        };
        prop_assert_eq!(story(&some), story(&all));
    }

    #[test]
    fn an_index_that_is_cut_or_changed_never_panics(
        history in history(), setting in setting(), section in prop::sample::select(Section::ALL.to_vec()),
        place in any::<prop::sample::Index>(), with in any::<Option<u8>>(), mut dice in dice(64),
    ) {
        let replay = setting.replay(load_lines(&history.lines).records);
        let mut sections = columns(&replay.ledger).unwrap();
        let bytes = sections.get_mut(&section).unwrap();
        let place = if bytes.is_empty() { return Ok(()) } else { place.index(bytes.len()) };
        match with {
            Some(with) => bytes[place] = with,
            None => bytes.truncate(place),
        }
        let Some(index) = Columns::new(|section| sections.get(&section).cloned()) else { return Ok(()) };
        for view in View::ALL {
            let question = question(*view, &replay.ledger, &mut dice);
            let _ = (index.tally(&question).map(|tally| tally.rows().len()), index.recent_failures(question.filters()));
            for (filter, _) in question.filters().given() {
                let _ = index.values(*view, filter);
            }
        }
        for name in names(&replay, &mut dice) {
            let _ = (index.candidates(&name), index.last_line_of(&name), index.names());
        }
        for fact in replay.ledger.facts.iter().take(3) {
            let _ = (index.needed(Wanted::Capsule(fact.keys.derived)), index.needed(Wanted::Concept(fact.keys.concept)));
            let _ = (index.settled(&[0, 1]), index.digest_starts(&[0]));
        }
    }
}
