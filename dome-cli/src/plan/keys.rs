//! One key and what it would resolve to.

use dome_binder::{Replay, Trace};

use crate::exit::invalid;
use crate::output::grouped;

/// Digits of a key that are enough to ask for it.
const LEAST_DIGITS: usize = 6;

/// The trace of the one capsule whose key begins like this.
///
/// # Errors
///
/// When no key or more than one does.
pub(super) fn find(keys: Vec<Trace>, key: &str) -> anyhow::Result<Trace> {
    if key.len() < LEAST_DIGITS {
        return Err(invalid(format!("`{key}`: expected at least {LEAST_DIGITS} digits of a key")));
    }
    let mut found = keys.into_iter().filter(|trace| trace.derived_key.to_string().starts_with(key));
    match (found.next(), found.next()) {
        (Some(trace), None) => Ok(trace),
        (None, _) => Err(invalid(format!("no capsule of the result has a key that begins with `{key}`"))),
        (Some(one), Some(other)) => Err(invalid(format!(
            "`{key}` begins more than one key, such as {} and {}",
            one.derived_key, other.derived_key
        ))),
    }
}

/// Whether a key resolves to itself alone, with all its facts.
pub(super) fn stays(trace: &Trace) -> bool {
    let [became] = trace.becomes.as_slice() else { return false };
    became.derived_key == trace.derived_key && became.minted_count == trace.fact_count
}

/// The key and its followers, a line each.
pub(super) fn shown(trace: &Trace, later: &Replay) -> Vec<String> {
    let facts = |count: u64| format!("{} {}", grouped(count), if count == 1 { "fact" } else { "facts" });
    let mut rows = vec![format!("{}  {}", trace.derived_key, facts(trace.fact_count))];
    for became in &trace.becomes {
        let find = |key| later.derived.capsules.binary_search_by_key(key, |capsule| capsule.derived_key);
        let all = find(&became.derived_key).ok().and_then(|place| later.derived.capsules.get(place));
        let support =
            all.map_or("no capsule".to_owned(), |capsule| format!("a capsule of {}", grouped(capsule.support_count)));
        rows.push(format!("  -> {}  {}, {support}", became.derived_key, facts(became.fact_count)));
    }
    if trace.gone_count > 0 {
        rows.push(format!("  -> nothing  {} no longer there", facts(trace.gone_count)));
    }
    rows
}
