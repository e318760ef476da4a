//! The codes of the code are those of the documents, and the other way round.

use std::collections::BTreeSet;

use dome_core::CodeTable;
use dome_patterns::{
    MapDenialCode, MapFailureCode, Pattern, PromotionDenialCode, ReduceDenialCode, ReduceFailureCode, RetirementCode,
    RevalidationDenialCode, Step, WriteDenialCode,
};

fn written(step: &Step) -> [BTreeSet<&str>; 2] {
    let failures = step.failure_reason_codes.keys().map(|code| code.as_str());
    [failures.collect(), step.policy_reason_codes.keys().map(|code| code.as_str()).collect()]
}

macro_rules! emitted {
    ($type:ty) => {
        <$type>::ALL.iter().map(|code| code.as_str()).collect::<BTreeSet<_>>()
    };
}

#[test]
fn m04_each_code_is_in_its_document_and_each_document_has_no_other() {
    let none = BTreeSet::new;
    let map_reduce = Pattern::secure_map_reduce().unwrap();
    let memory = Pattern::memory_layers().unwrap();
    let steps = [
        (&map_reduce, "map", [emitted!(MapFailureCode), emitted!(MapDenialCode)]),
        (&map_reduce, "reduce", [emitted!(ReduceFailureCode), emitted!(ReduceDenialCode)]),
        (&memory, "write", [none(), emitted!(WriteDenialCode)]),
        (&memory, "promote", [none(), emitted!(PromotionDenialCode)]),
        (&memory, "revalidate", [emitted!(RetirementCode), emitted!(RevalidationDenialCode)]),
    ];
    let mut seen = BTreeSet::new();
    for (pattern, name, expected) in &steps {
        let codes = written(pattern.step(name).unwrap());
        assert_eq!(codes, *expected, "{name}");
        for code in codes.into_iter().flatten() {
            assert!(seen.insert(code), "{code} stands twice: a failure and a denial, or two steps");
        }
    }
    assert_eq!(map_reduce.steps.len() + memory.steps.len(), steps.len());
}

#[test]
fn each_code_makes_a_value_of_dome() {
    MapFailureCode::ALL.iter().for_each(|code| assert_eq!(code.code().to_string(), code.as_str()));
    PromotionDenialCode::ALL.iter().for_each(|code| assert_eq!(code.code().to_string(), code.as_str()));
}

#[test]
fn every_code_is_explained_on_its_page_and_stands_in_the_table() {
    let pages = [
        (Pattern::secure_map_reduce().unwrap(), include_str!("../../../docs/patterns/secure-map-reduce.md")),
        (Pattern::memory_layers().unwrap(), include_str!("../../../docs/patterns/memory-layers.md")),
    ];
    let table = CodeTable::parse(include_bytes!("../../../docs/patterns/reason-codes.json")).unwrap();
    let mut expected = pages[0].0.code_table();
    for (pattern, page) in &pages {
        expected = expected.extended(pattern.code_table()).unwrap();
        for step in pattern.steps.values() {
            let codes = step.failure_reason_codes.iter().map(|(code, meaning)| (code.as_str(), meaning));
            let codes = codes.chain(step.policy_reason_codes.iter().map(|(code, meaning)| (code.as_str(), meaning)));
            for (code, meaning) in codes {
                let row = format!("| `{code}` | {} | {} |", meaning.class, meaning.meaning);
                assert!(page.contains(&row), "the page lacks {row}");
            }
        }
    }
    assert_eq!(table, expected);
}

#[test]
fn a_document_with_an_unknown_member_or_a_code_that_is_none_is_refused() {
    assert!(Pattern::parse(Pattern::SECURE_MAP_REDUCE).is_ok());
    for (from, to) in [
        ("\"scope\"", "\"reach\""),
        ("MAP.WORKER_LOST", "map.worker_lost"),
        ("MAP.FAN_OUT_EXCEEDED", "NONE"),
        ("\"map_item\"", "\"Map Item\""),
        ("\"MAP.WORKER_TIMEOUT\"", "\"MAP.WORKER_LOST\""),
    ] {
        let changed = Pattern::SECURE_MAP_REDUCE.replacen(from, to, 1);
        assert!(Pattern::parse(&changed).is_err(), "{to}");
    }
}
