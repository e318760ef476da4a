//! Two replays held against each other: what `dome diff` and `dome plan` are made of.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_arbitrary::history;
use dome_binder::{Comparison, Policy, Recorder, Regrouping, Replay, Rules, VerdictTurn, compare, replay, trace};
use dome_core::{BinderVersion, CodeTable, Reader, Source, WrapperPolicy};
use proptest::prelude::*;

const CODES: &[u8] = include_bytes!("../../xtrlv2-fixtures/golden/small/reason-codes.json");

fn rules() -> Rules {
    Rules { policy: Policy::default(), codes: CodeTable::parse(CODES).unwrap(), mode: None, contracts: None }
}

fn run(lines: &[Vec<u8>], binder: BinderVersion, rules: &Rules) -> Replay {
    let mut reader = Reader::new();
    let source = |line| Source { line, name: "a.jsonl".into() };
    let read = lines.iter().zip(1..).filter_map(|(line, number)| Some((reader.read(line).ok()?, source(number))));
    let record = |(envelope, source)| Box::new(Recorder::new(binder).record(envelope, source));
    let records = read.map(record).collect();
    replay(records, rules, None)
}

/// A failure with this message, the `number`th of its run.
fn failure(number: usize, run: &str, message: &str) -> Vec<u8> {
    let mut event: serde_json::Value = serde_json::from_slice(dome_core::EXAMPLE_LINE).unwrap();
    event["event_id"] = format!("e{number}").into();
    event["group_id"] = format!("g{number}").into();
    event["sequence"] = number.into();
    event["run_id"] = run.into();
    event["ts"] = format!("2026-02-15T00:00:{number:02}Z").into();
    event["message"] = message.into();
    event.to_string().into_bytes()
}

fn success(number: usize, run: &str) -> Vec<u8> {
    let mut event: serde_json::Value = serde_json::from_slice(&failure(number, run, "")).unwrap();
    event["signal"] = "success".into();
    event["gates"] = serde_json::json!([]);
    event["task_spec"]["failure_reason_code"] = "NONE".into();
    event["remedy"] = serde_json::json!({"kind": "retry", "ref": "retries/once"});
    event.to_string().into_bytes()
}

/// Messages of one history: what v1 and v2 join of them differs both ways.
fn messages() -> [String; 5] {
    let hex = |digits: usize| format!("lost '{}'", "a1".repeat(digits));
    ["lost 'x'".to_owned(), "lost 'y'".to_owned(), hex(10), hex(200), "lost it".to_owned()]
}

fn both_ways(lines: &[Vec<u8>]) -> [Comparison; 2] {
    let [v1, v2] = [BinderVersion::V1, BinderVersion::V2].map(|binder| run(lines, binder, &rules()));
    [compare(&v1, &v2), compare(&v2, &v1)]
}

#[test]
fn a_failure_that_v1_splits_and_v2_joins_is_merged_and_the_other_way_round_split() {
    let lines = [failure(1, "r", "lost 'x'"), failure(2, "r", "lost 'y'"), failure(3, "s", "lost 'y'")];
    let [merged, split] = both_ways(&lines);
    assert_eq!(
        (merged.summary.as_str(), split.summary.as_str()),
        ("2 capsules merged into 1", "1 capsule split into 2")
    );
    let group = &merged.regrouped[0];
    assert_eq!((group.change, group.fact_count, group.before.len(), group.after.len()), (Regrouping::Merged, 3, 2, 1));
    assert_eq!(group.after[0].message_template.as_deref(), Some("lost <str>"));
    let example = group.example.as_ref().unwrap();
    assert_eq!([example.one.source.line, example.other.source.line], [1, 2]);
    assert!(example.one.before_key != example.other.before_key && example.one.after_key == example.other.after_key);
    assert_eq!(split.regrouped[0].change, Regrouping::Split);
}

#[test]
fn facts_that_leave_one_group_for_another_are_moved() {
    let [x, _, short, long, _] = messages();
    let [there, back] = both_ways(&[failure(1, "r", &short), failure(2, "r", &long), failure(3, "r", &x)]);
    assert_eq!(there.summary, "2 capsules moved into 2", "v1 joins the two hashes, v2 what is short enough for quotes");
    assert_eq!((there.regrouped[0].fact_count, back.regrouped[0].change), (3, Regrouping::Moved));
    let example = there.regrouped[0].example.as_ref().unwrap();
    assert_eq!([example.one.source.line, example.other.source.line], [1, 2], "the two that were parted");
}

#[test]
fn facts_added_and_gone_and_counters_changed_are_named() {
    let lines = [failure(1, "r", "one"), failure(2, "r", "two"), failure(3, "s", "one"), failure(4, "s", "three")];
    let some = |places: &[usize]| {
        let lines: Vec<Vec<u8>> = places.iter().map(|place| lines[*place].clone()).collect();
        run(&lines, BinderVersion::V1, &rules())
    };
    let comparison = compare(&some(&[0, 1]), &some(&[0, 2, 3]));
    assert_eq!(comparison.summary, "2 facts added, 1 gone; 1 capsule new, 1 gone, 1 changed");
    let changes = &comparison.changed[0].changes;
    let support = changes.iter().find(|change| change.member == "support_count").unwrap();
    assert_eq!((&support.from, &support.to), (&Some(1.into()), &Some(2.into())));
    assert!(changes.iter().all(|change| change.from != change.to));
    assert!(!comparison.is_same());
}

#[test]
fn m92_a_verdict_that_a_policy_gives_or_takes_is_named() {
    let lines = [failure(1, "r", "one"), success(2, "r"), failure(3, "s", "one"), success(4, "s")];
    // It worked twice of twice, which is 342,371 ppm. At least 0 would be asked of a dead end too.
    let mut easy = rules();
    easy.policy.min_confidence_ppm = 1;
    let [strict, easy] = [rules(), easy].map(|rules| run(&lines, BinderVersion::V1, &rules));
    let (given, taken) = (compare(&strict, &easy), compare(&easy, &strict));
    assert_eq!((given.verdicts[0].turn, taken.verdicts[0].turn), (VerdictTurn::Gained, VerdictTurn::Lost));
    assert_eq!(
        (given.summary, taken.summary),
        ("1 capsule changed; 1 verdict gained".to_owned(), "1 capsule changed; 1 verdict lost".to_owned(),)
    );
}

/// Histories whose messages v1 and v2 join in different ways.
fn quoted_lines() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec((0_usize..5, 0_usize..3), 0..12).prop_map(|events| {
        let line = |(number, (message, run)): (usize, (usize, usize))| {
            failure(number + 1, &format!("r{run}"), &messages()[message])
        };
        events.into_iter().enumerate().map(line).collect()
    })
}

/// Every capsule of both sides is accounted for once, every key is traced, and two facts that
/// minted in both stand in one regrouping if and only if they were parted or brought together.
fn sound(one: &Replay, other: &Replay) -> Result<(), TestCaseError> {
    let comparison = compare(one, other);
    let sides = |side: fn(&dome_binder::Regrouped) -> usize| comparison.regrouped.iter().map(side).sum::<usize>();
    let kept = one.derived.capsules.len() - comparison.gone.len() - sides(|group| group.before.len());
    prop_assert_eq!(kept, other.derived.capsules.len() - comparison.new.len() - sides(|group| group.after.len()));
    prop_assert!(comparison.rekeyed_count as usize <= kept && comparison.changed.len() <= kept);
    let traces = trace(one, other);
    prop_assert!(traces.iter().map(|t| t.derived_key).eq(one.derived.capsules.iter().map(|c| c.derived_key)));
    for found in &traces {
        let sum: u64 = found.becomes.iter().map(|became| became.fact_count).sum();
        prop_assert_eq!(sum + found.gone_count, found.fact_count);
    }
    let minted = |replay: &Replay| -> std::collections::BTreeMap<_, _> {
        let facts = replay.ledger.facts.iter().zip(&replay.bound).filter(|(_, bound)| bound.minted);
        facts.map(|(fact, _)| (fact.keys.digest, fact.keys.derived)).collect()
    };
    let (before, after) = (minted(one), minted(other));
    let common: Vec<_> = before.iter().filter_map(|(digest, key)| Some((*key, *after.get(digest)?))).collect();
    for (a, b) in common.iter().flat_map(|a| common.iter().map(move |b| (a, b))) {
        if (a.0 == b.0) != (a.1 == b.1) {
            let holds =
                |key| move |group: &&dome_binder::Regrouped| group.before.iter().any(|side| side.derived_key == key);
            let group = comparison.regrouped.iter().find(holds(a.0));
            prop_assert!(group.is_some() && group == comparison.regrouped.iter().find(holds(b.0)));
        }
    }
    for group in &comparison.regrouped {
        if let Some(example) = &group.example {
            let (a, b) = (&example.one, &example.other);
            prop_assert!((a.before_key == b.before_key) != (a.after_key == b.after_key));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_replay_does_not_differ_from_itself(history in history()) {
        for binder in BinderVersion::ALL {
            let replay = run(&history.lines, *binder, &rules());
            let comparison = compare(&replay, &replay);
            prop_assert!(comparison.is_same(), "{}", comparison.summary);
            prop_assert_eq!(comparison.summary, "no difference");
        }
    }

    #[test]
    fn comparisons_account_for_every_capsule_and_key(one in history(), other in history(), mode in 0_usize..3) {
        let lenient = Rules { mode: Some(WrapperPolicy::ALL[mode]), ..rules() };
        let [v1, v2] = [BinderVersion::V1, BinderVersion::V2].map(|binder| run(&one.lines, binder, &rules()));
        sound(&v1, &v2)?;
        sound(&v1, &run(&one.lines, BinderVersion::V1, &lenient))?;
        sound(&v2, &run(&other.lines, BinderVersion::V1, &lenient))?;
        let both: Vec<Vec<u8>> = one.lines.iter().chain(&other.lines).cloned().collect();
        sound(&v1, &run(&both, BinderVersion::V1, &rules()))?;
    }

    #[test]
    fn groups_that_differ_both_ways_are_found(lines in quoted_lines()) {
        let [v1, v2] = [BinderVersion::V1, BinderVersion::V2].map(|binder| run(&lines, binder, &rules()));
        sound(&v1, &v2)?;
        sound(&v2, &v1)?;
        prop_assert_eq!(compare(&v1, &v2).gone.len(), 0, "every fact still mints");
    }

    /// Under v2 nothing but the keys and what they group may change.
    #[test]
    fn the_binders_agree_on_all_that_is_not_grouping(history in history()) {
        let [v1, v2] = [BinderVersion::V1, BinderVersion::V2].map(|binder| run(&history.lines, binder, &rules()));
        let digests = |replay: &Replay| replay.ledger.facts.iter().map(|fact| (fact.keys.digest, fact.keys.line)).collect::<Vec<_>>();
        prop_assert_eq!(digests(&v1), digests(&v2));
        prop_assert_eq!(v1.bound, v2.bound);
        prop_assert_eq!((v1.ledger.counts, v1.ledger.conflicts), (v2.ledger.counts, v2.ledger.conflicts));
    }
}
