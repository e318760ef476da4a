//! Reading files into records, replaying them, and writing what comes out.

use dome_arbitrary::{LaidOutFile, placed_codes};
use dome_binder::{Policy, Record, Replay, Rules, append_fact, append_row, replay, views};
use dome_core::{CodeTable, Reader, Source, Timestamp, WrapperPolicy, lines};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::histories::events::dense;
use super::reference::{self, Input, Outcome};

/// What reading files comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) records: Vec<Box<Record>>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) lines: u64,
    pub(crate) blank: u64,
    pub(crate) rejected: u64,
}

pub(crate) fn load(files: &[LaidOutFile]) -> Loaded {
    let mut loaded = Loaded::default();
    let mut reader = Reader::new();
    for file in files {
        for line in lines(&file.bytes, 1, 0) {
            loaded.lines += 1;
            if line.is_blank() {
                loaded.blank += 1;
                continue;
            }
            let source = Source { line: line.number, name: file.name.as_str().into() };
            match reader.read(line.bytes) {
                Ok(envelope) => {
                    let value = serde_json::from_slice(line.bytes).unwrap();
                    loaded.inputs.push(Input { value, source: (file.name.clone(), line.number) });
                    loaded.records.push(Box::new(Record::new(envelope, source)));
                }
                Err(_) => loaded.rejected += 1,
            }
        }
    }
    loaded
}

/// All lines in one file, as they come.
pub(crate) fn load_lines(lines: &[Vec<u8>]) -> Loaded {
    load(&dome_arbitrary::Layout::default().files(lines))
}

/// Envelopes as one file.
pub(crate) fn load_values(values: &[Value]) -> Loaded {
    load_lines(&values.iter().map(|value| value.to_string().into_bytes()).collect::<Vec<_>>())
}

/// Records of histories of every kind.
pub(crate) fn records() -> impl Strategy<Value = Vec<Box<Record>>> {
    let any = dome_arbitrary::history().prop_map(|history| load_lines(&history.lines).records);
    prop_oneof![any, dense()]
}

/// Records again as lines are read.
pub(crate) fn load_records(records: &[Box<Record>]) -> Loaded {
    load_lines(&records.iter().map(|record| record.canonical.held().unwrap().to_vec()).collect::<Vec<_>>())
}

/// Rules with the moment that staleness is measured at.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) rules: Rules,
    pub(crate) as_of: Option<Timestamp>,
}

pub(crate) fn codes() -> CodeTable {
    CodeTable::parse(include_bytes!("../../../xtrlv2-fixtures/golden/small/reason-codes.json")).unwrap()
}

pub(crate) fn defaults() -> Setting {
    Setting { rules: Rules { policy: Policy::default(), codes: codes(), mode: None, contracts: None }, as_of: None }
}

/// Thresholds that small histories reach from both sides.
pub(crate) fn policy() -> impl Strategy<Value = Policy> {
    let least = (0_u64..4, 0_u64..4, prop::sample::select(vec![0_u64, 94_000, 206_543, 206_544, 500_000]));
    let windows = (
        prop::sample::select(vec![0_u64, 60, 86_400, 2_592_000, 2_592_000, 31_536_000]),
        prop::sample::select(vec![0_u64, 60, 86_400, 2_592_000]),
        prop::sample::select(vec![0_u64, 249_999, 250_000, 500_000, 1_000_000]),
    );
    let proof_max = prop::sample::select(vec![1_u64, 2, 3, 300]);
    let latency = (0_u64..4, prop::sample::select(vec![0_u64, 300, 1_000]), 1_u64..4, 0_u64..3);
    let small = (least, windows, latency, 3_u64..5, (0_u64..5, 0_u64..3), proof_max).prop_map(
        |((support, runs, confidence), (window, staleness, contradiction), latency, attempts, concept, proof_max)| {
            let (factor, excess, samples, more) = latency;
            let document = json!({
                "policy_version": "2", "min_support": support, "min_run_count": runs,
                "min_confidence_ppm": confidence, "max_staleness_s": staleness,
                "max_contradiction_ppm": contradiction, "subject_window_s": window, "proof_max": proof_max,
                "retry_storm_attempts": attempts, "latency_factor": factor, "latency_min_excess_ms": excess,
                "latency_min_samples": samples, "latency_window": samples + more,
                "concept_min_support": concept.0, "concept_min_targets": concept.1,
            });
            Policy::parse(document.to_string().as_bytes()).unwrap()
        },
    );
    prop_oneof![1 => Just(Policy::default()), 3 => small]
}

/// Rules of every mode, and moments before, among and after the facts of a history.
pub(crate) fn setting() -> impl Strategy<Value = Setting> {
    let modes = vec![None, Some(WrapperPolicy::Strict), Some(WrapperPolicy::Hybrid), Some(WrapperPolicy::Lenient)];
    let times = ["2026-01-01T00:00:00Z", "2026-02-16T00:00:00Z", "2026-06-01T00:00:00.5Z", "2100-01-01T00:00:00Z"];
    let times = times.map(|time| Some(time.parse().unwrap())).to_vec();
    let as_of = prop_oneof![Just(None), prop::sample::select(times)];
    (policy(), prop::sample::select(modes), as_of).prop_map(|(policy, mode, as_of)| Setting {
        rules: Rules { policy, codes: codes(), mode, contracts: None },
        as_of,
    })
}

/// Rules by which some facts of a history may be ruled out: their codes stand where they may not (M-97).
pub(crate) fn placed_setting() -> impl Strategy<Value = Setting> {
    (setting(), placed_codes(codes())).prop_map(|(mut setting, codes)| {
        setting.rules.codes = codes;
        setting
    })
}

/// Everything that may not change when lines arrive otherwise (M-120), as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Artifacts {
    pub(crate) facts: String,
    pub(crate) capsules: String,
    pub(crate) concepts: String,
    pub(crate) recent: String,
    pub(crate) rollup: String,
    pub(crate) denials: String,
}

pub(crate) fn rows<T: serde::Serialize>(rows: &[T]) -> String {
    let mut bytes = Vec::new();
    rows.iter().for_each(|row| append_row(row, &mut bytes));
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn facts(replay: &Replay, rules: &Rules) -> String {
    let mut bytes = Vec::new();
    assert_eq!(replay.ledger.facts.len(), replay.bound.len());
    for (fact, bound) in replay.ledger.facts.iter().zip(&replay.bound) {
        append_fact(rules.mode_of(fact.wrapper_policy), fact, fact.canonical.held().unwrap(), bound, &mut bytes);
    }
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn artifacts(replay: &Replay, rules: &Rules) -> Artifacts {
    let ledger = &replay.ledger.facts;
    Artifacts {
        facts: facts(replay, rules),
        capsules: rows(&replay.derived.capsules),
        concepts: rows(&replay.derived.concepts),
        recent: rows(&views::recent_failures(ledger).collect::<Vec<_>>()),
        rollup: rows(&views::gate_rollup(ledger)),
        denials: rows(&views::guard_denials(ledger)),
    }
}

impl Setting {
    pub(crate) fn replay(&self, records: Vec<Box<Record>>) -> Replay {
        replay(records, &self.rules, self.as_of)
    }

    pub(crate) fn artifacts(&self, records: Vec<Box<Record>>) -> Artifacts {
        artifacts(&self.replay(records), &self.rules)
    }

    /// What dome-binder makes of the lines, in the shape of the reference.
    pub(crate) fn outcome(&self, loaded: &Loaded) -> Outcome {
        let replay = self.replay(loaded.records.clone());
        let lineage: Vec<_> = replay.ledger.facts.iter().map(dome_binder::Lineage::of).collect();
        let artifacts = artifacts(&replay, &self.rules);
        let conflicts = replay.ledger.conflicts.iter();
        let mut conflicts: Vec<_> = conflicts
            .map(|conflict| {
                let place = (conflict.source.name.to_string(), conflict.source.line);
                (place, conflict.rejection.problems()[0].code.as_str())
            })
            .collect();
        conflicts.sort();
        let counts = replay.ledger.counts;
        Outcome {
            facts: parsed(&artifacts.facts),
            lineage: parsed(&rows(&lineage)),
            capsules: parsed(&artifacts.capsules),
            concepts: parsed(&artifacts.concepts),
            recent: parsed(&artifacts.recent),
            rollup: parsed(&artifacts.rollup),
            denials: parsed(&artifacts.denials),
            conflicts,
            counts: json!({
                "applied_too_early": replay.derived.applied_too_early,
                "applied_unknown": replay.derived.applied_unknown,
                "duplicates": counts.duplicates,
                "facts_out_of_clock_order": counts.facts_out_of_clock_order,
                "runs": counts.runs,
                "runs_with_mixed_policy": counts.runs_with_mixed_policy,
                "codes_unplaced": counts.codes_unplaced,
                "runs_with_sequence_gaps": counts.runs_with_sequence_gaps,
                "runs_with_sequence_repeats": counts.runs_with_sequence_repeats,
            }),
        }
    }

    /// What the reference makes of the same lines.
    pub(crate) fn reference(&self, loaded: &Loaded) -> Outcome {
        let as_of = self.as_of.map(|time| time.to_string());
        let rules = reference::Rules {
            policy: serde_json::to_value(&self.rules.policy).unwrap(),
            codes: with_prefixes(serde_json::to_value(&self.rules.codes).unwrap()),
            mode: self.rules.mode.map(WrapperPolicy::as_str),
            as_of: as_of.as_deref(),
        };
        reference::replay(&loaded.inputs, &rules)
    }
}

/// A table that says that it has no prefixes, where it has none.
fn with_prefixes(mut codes: Value) -> Value {
    codes.as_object_mut().unwrap().entry("prefixes").or_insert(json!({}));
    codes
}

/// Rows of JSON Lines as values.
pub(crate) fn parsed(rows: &str) -> Vec<Value> {
    rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect()
}
