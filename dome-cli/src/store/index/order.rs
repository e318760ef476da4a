//! M-42's order as bytes that compare like it, so that an index can keep it.

use dome_binder::Fact;
use dome_core::Timestamp;

/// Bytes of an instant.
pub(super) const AT_BYTES: usize = 12;

/// Bytes that compare as instants do.
pub(super) fn at(ts: Timestamp) -> Vec<u8> {
    let (seconds, nanoseconds) = ts.to_unix();
    let mut bytes = Vec::with_capacity(AT_BYTES);
    // Flipping the sign makes negative numbers compare below positive ones.
    bytes.extend_from_slice(&(seconds ^ i64::MIN).to_be_bytes());
    bytes.extend_from_slice(&nanoseconds.to_be_bytes());
    bytes
}

/// Bytes that compare as facts do: by ordered time, run and place. No identifier holds the byte 0.
pub(super) fn fact_order(ordered_ts: Timestamp, run_id: &str, place: u64) -> Vec<u8> {
    let mut bytes = at(ordered_ts);
    within(&mut bytes, run_id, place);
    bytes
}

/// Adds run and place to the bytes of an ordered time.
pub(super) fn within(bytes: &mut Vec<u8>, run_id: &str, place: u64) {
    bytes.extend_from_slice(run_id.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&place.to_be_bytes());
}

/// The order of a fact.
pub(super) fn of(fact: &Fact) -> Vec<u8> {
    fact_order(fact.ordered_ts, fact.run_id.as_str(), fact.place)
}

#[cfg(test)]
mod tests {
    use dome_core::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn instant() -> impl Strategy<Value = Timestamp> {
        (-62_135_596_800_i64..253_402_300_800, 0_u32..1_000_000_000)
            .prop_filter_map("in range", |(seconds, nanos)| Timestamp::from_unix(seconds, nanos).ok())
    }

    proptest! {
        #[test]
        fn m42_bytes_compare_as_facts_do(
            a in (instant(), "[a-c]{1,3}", 0_u64..3), b in (instant(), "[a-c]{1,3}", 0_u64..3), same in any::<bool>(),
        ) {
            let b = if same { (a.0, b.1, b.2) } else { b };
            let bytes = |(ts, run, place): &(Timestamp, String, u64)| fact_order(*ts, run, *place);
            prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), a.cmp(&b));
        }
    }
}
