//! Reason-code tables that say where codes may stand.

use dome_core::{CodeClass, CodePlace, CodeTable};
use proptest::prelude::*;

/// Codes that histories name beside those of a table.
const OTHERS: [&str; 5] = ["NOT_ALLOWED", "OVER_BUDGET", "P_A", "P_B", "ODD"];

/// The table as it is, or with places said of some of its codes and of others that histories name, so that some of a
/// history's codes stand where they may not.
pub fn placed_codes(table: CodeTable) -> BoxedStrategy<CodeTable> {
    let both = [CodePlace::Failure, CodePlace::Policy];
    let places = prop_oneof![
        5 => Just(None),
        2 => Just(Some(both[..1].to_vec())),
        2 => Just(Some(both[1..].to_vec())),
        1 => Just(Some(both.to_vec())),
    ];
    let count = table.codes.len() + OTHERS.len();
    let as_it_is = table.clone();
    let placed = prop::collection::vec(places, count).prop_map(move |places| {
        let mut table = table.clone();
        let class = table.restart_mode_by_class.keys().next().copied().unwrap_or(CodeClass::Stop);
        for code in OTHERS {
            table.codes.entry(code.into()).or_insert_with(|| class.into());
        }
        for (entry, places) in table.codes.values_mut().zip(places) {
            entry.places = places.map(|places| places.into_iter().collect());
        }
        table
    });
    prop_oneof![2 => Just(as_it_is), 1 => placed].boxed()
}
