//! Dense histories are worth something only if everything of section 9 happens in them, and often.

use std::collections::{BTreeMap, BTreeSet};

use dome_arbitrary::dense_history;
use dome_binder::{CapsuleStanding, Derived, Happened, rerun_identity};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::steps::{self, Seen, Stands};
use super::support::{Loaded, Setting, load_lines, setting};

type Names = BTreeSet<String>;

/// What happens in one history, by name.
fn happenings(setting: &Setting, loaded: &Loaded) -> Names {
    let mut names = Names::new();
    let mut earlier = BTreeMap::new();
    steps::each(loaded, &setting.rules, |mut seen| {
        effects(&seen, setting, &mut names);
        standing(&mut seen, setting, &mut names);
        let Some(subject) = seen.fact.tested.subject_key() else { return };
        let place = (seen.fact.keys.line, format!("{subject:?}"));
        let now = seen.fact.ordered_ts;
        if let Some(last) = earlier.insert(place, now)
            && now.is_later_by_more_than(last, setting.rules.policy.subject_window_s)
        {
            names.insert("out of reach at a subject".to_owned());
        }
    });
    derived(&setting.replay(loaded.records.clone()).derived, &mut names);
    names
}

fn note(names: &mut Names, name: String) {
    names.insert(name);
}

/// What one fact did to the capsules of its line.
fn effects(seen: &Seen<'_>, setting: &Setting, names: &mut Names) {
    let proof_max = setting.rules.policy.proof_max;
    for effect in seen.effects {
        let before = seen.told_before.get(&(effect.key, seen.stream.clone()));
        match effect.what {
            Happened::Failed { intermittent: true, .. } => note(names, "intermittent: passed before".to_owned()),
            Happened::Resolved { clean_needed: most @ 2.., .. } if most == proof_max => {
                names.insert("resolved, proof_max needed".to_owned());
            }
            _ => {}
        }
        let by = |remedy: Option<_>| if remedy.is_some() { "by name" } else { "unnamed" };
        let name = match effect.what {
            Happened::Failed { stale: true, .. } if matches!(before, Some(Stands::Pending | Stands::Held)) => {
                "stale: this stream tells".to_owned()
            }
            Happened::Failed { stale: true, .. } => "stale: another stream tells".to_owned(),
            Happened::Again { remedy: Some(_) } => "again, tried in vain".to_owned(),
            Happened::Again { remedy: None } => "again".to_owned(),
            Happened::Contradicted { remedy } => format!("contradicted, {}", by(remedy)),
            Happened::Recurred => "recurred".to_owned(),
            Happened::Reran { number, passed } => {
                format!("rerun {number} {}", if passed { "passed" } else { "did not pass" })
            }
            Happened::TurnedIntermittent { .. } => "intermittent: passed afterwards".to_owned(),
            Happened::Cleared => "ended cleared".to_owned(),
            Happened::Resolved { clean_needed: 0, remedy } if remedy == Some(rerun_identity()) => {
                "resolved, by the rerun itself".to_owned()
            }
            Happened::Resolved { clean_needed: 0, .. } => "resolved, momentarily".to_owned(),
            Happened::Resolved { .. } if before == Some(&Stands::Cleared) => "resolved, a flake mended".to_owned(),
            Happened::Resolved { remedy, .. } => format!("resolved, {}", by(remedy)),
            Happened::Held { remedy } => format!("held, {}", by(remedy)),
            Happened::GivenUp => "given up".to_owned(),
            Happened::CleanRun { clean_count, .. } if clean_count > 1 => "a second clean run".to_owned(),
            Happened::Failed { .. } | Happened::Minted | Happened::RowBegan { .. } | Happened::CleanRun { .. } => {
                continue;
            }
        };
        names.insert(name);
    }
}

/// How the key of a fact stands after it, where that takes more than what the fact did.
fn standing(seen: &mut Seen<'_>, setting: &Setting, names: &mut Names) {
    let keys: Vec<_> = seen.before.keys().copied().collect();
    for key in keys {
        let told = seen.told.get(&(key, seen.stream.clone())).copied();
        let was_failing = seen.told_before.get(&(key, seen.stream.clone())) == Some(&Stands::Failing);
        let was_broken =
            seen.before[&key].standing.as_ref().is_some_and(|standing| standing.standing == CapsuleStanding::Broken);
        let Some(capsule) = seen.after.capsule(&key, &setting.rules) else { continue };
        let Some(standing) = &capsule.standing else { continue };
        let here = (standing.lane.clone(), standing.job.clone()) == seen.stream;
        if here && told == Some(Stands::Failing) && standing.standing == CapsuleStanding::Cleared {
            names.insert("a failing row with nothing left".to_owned());
        }
        if here && was_failing && was_broken && matches!(told, Some(Stands::Pending | Stands::Held)) {
            names.insert("resolved, broken".to_owned());
        }
    }
}

fn derived(derived: &Derived, names: &mut Names) {
    for capsule in &derived.capsules {
        if let Some(state) = capsule.state {
            names.insert(format!("state {}", state.as_str()));
        }
        capsule.holds.iter().for_each(|hold| note(names, format!("hold {}", hold.as_str())));
        for (count, name) in [
            (capsule.confirmed_count, "confirmed"),
            (capsule.refuted_count, "refuted"),
            (capsule.blocked_count, "blocked"),
            (capsule.stream_count.saturating_sub(1), "several streams"),
        ] {
            if count > 0 {
                note(names, name.to_owned());
            }
        }
        for remedy in &capsule.remedies {
            remedy.reruns.iter().for_each(|k| note(names, format!("{k} reruns are best")));
            if remedy.pending_count > 0 {
                note(names, "pending by a remedy".to_owned());
            }
        }
    }
    for concept in &derived.concepts {
        concept.holds.iter().for_each(|hold| note(names, format!("hold {} of a concept", hold.as_str())));
        for remedy in &concept.remedies {
            let members = derived.capsules.iter().filter(|capsule| concept.capsules.contains(&capsule.derived_key));
            let shown = members.flat_map(|capsule| &capsule.remedies);
            let counts: Vec<u64> = shown.filter(|own| own.identity == remedy.identity).map(|own| own.count).collect();
            if counts.len() > 1 {
                note(names, "a remedy that capsules of a concept share".to_owned());
            }
            if counts.iter().sum::<u64>() > remedy.count {
                note(names, "a run that counts once for two capsules".to_owned());
            }
        }
    }
}

/// Everything that `happenings` has a name for, with how many of 600 histories it happens in at least.
const EXPECTED: [(&str, usize); 67] = [
    ("1 reruns are best", 230),
    ("2 reruns are best", 130),
    ("3 reruns are best", 60),
    ("a failing row with nothing left", 9),
    ("a remedy that capsules of a concept share", 120),
    ("a run that counts once for two capsules", 30),
    ("a second clean run", 120),
    ("again", 300),
    ("again, tried in vain", 160),
    ("blocked", 100),
    ("confirmed", 20),
    ("contradicted, by name", 90),
    ("contradicted, unnamed", 60),
    ("ended cleared", 200),
    ("given up", 260),
    ("held, by name", 90),
    ("held, unnamed", 60),
    ("hold contradicted", 210),
    ("hold contradicted of a concept", 150),
    ("hold dead_end", 100),
    ("hold durable_elsewhere of a concept", 70),
    ("hold guard_denied", 90),
    ("hold low_confidence", 250),
    ("hold low_confidence of a concept", 170),
    ("hold low_run_count", 120),
    ("hold low_run_count of a concept", 19),
    ("hold low_support", 100),
    ("hold low_support of a concept", 10),
    ("hold no_remedy", 220),
    ("hold no_remedy of a concept", 30),
    ("hold refuted", 170),
    ("hold refuted of a concept", 130),
    ("hold rerun_of_broken", 20),
    ("hold stale", 140),
    ("hold stale of a concept", 110),
    ("hold stop_class", 40),
    ("hold stop_class of a concept", 20),
    ("hold unknown_reason_code", 30),
    ("hold unknown_reason_code of a concept", 20),
    ("intermittent: passed afterwards", 220),
    ("intermittent: passed before", 230),
    ("out of reach at a subject", 50),
    ("pending by a remedy", 100),
    ("recurred", 60),
    ("refuted", 210),
    ("rerun 1 did not pass", 250),
    ("rerun 1 passed", 210),
    ("rerun 2 did not pass", 160),
    ("rerun 2 passed", 110),
    ("rerun 3 did not pass", 90),
    ("rerun 3 passed", 40),
    ("resolved, a flake mended", 90),
    ("resolved, broken", 30),
    ("resolved, by name", 180),
    ("resolved, by the rerun itself", 80),
    ("resolved, momentarily", 80),
    ("resolved, proof_max needed", 100),
    ("resolved, unnamed", 140),
    ("several streams", 150),
    ("stale: another stream tells", 12),
    ("stale: this stream tells", 70),
    ("state broken", 30),
    ("state cleared", 130),
    ("state failing", 230),
    ("state given_up", 120),
    ("state held", 60),
    ("state pending", 80),
];

#[test]
fn section14_everything_of_section_9_happens_in_dense_histories() {
    let mut runner = TestRunner::deterministic();
    let strategy = (dense_history(), setting());
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..600 {
        let (history, setting) = strategy.new_tree(&mut runner).unwrap().current();
        let loaded = load_lines(&history.lines);
        assert_eq!((loaded.rejected, loaded.blank), (0, 0), "every line is sound");
        for what in happenings(&setting, &loaded) {
            *found.entry(what).or_default() += 1;
        }
    }
    for (what, times) in &found {
        println!("{times:4} of 600: {what}");
    }
    for (what, least) in EXPECTED {
        let times = found.remove(what).unwrap_or(0);
        assert!(times >= least, "{what}: {times} of 600 histories");
    }
    assert!(found.is_empty(), "not expected by name: {found:?}");
}
