//! `latency_delta` against a median that is sorted afresh each time (M-71).

use dome_binder::{Policy, Rules, Trigger};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::support::{codes, load_values};

/// What every fact of a line fires, by M-71 word for word.
fn by_the_book(durations: &[Option<u64>], policy: &Policy) -> Vec<bool> {
    let fires = |(here, duration): (usize, &Option<u64>)| {
        let earlier: Vec<u64> = durations[..here].iter().copied().flatten().collect();
        let Some(duration) = duration.map(u128::from) else { return false };
        if (earlier.len() as u64) < policy.latency_min_samples {
            return false;
        }
        let from = earlier.len().saturating_sub(policy.latency_window as usize);
        let mut window = earlier[from..].to_vec();
        window.sort_unstable();
        let median = u128::from(window[(window.len() - 1) / 2]);
        duration >= u128::from(policy.latency_factor) * median
            && duration >= median + u128::from(policy.latency_min_excess_ms)
    };
    durations.iter().enumerate().map(fires).collect()
}

fn line(durations: &[Option<u64>]) -> Vec<Value> {
    let mut values = Vec::new();
    for (place, duration) in durations.iter().enumerate() {
        let mut value: Value = serde_json::from_slice(dome_core::EXAMPLE_LINE).unwrap();
        value["event_id"] = format!("e{place}").into();
        value["group_id"] = format!("g{place}").into();
        value["sequence"] = (place + 1).into();
        if let Some(duration) = duration {
            value["duration_ms"] = (*duration).into();
        }
        values.push(value);
    }
    values
}

fn policy(samples: u64, more: u64, factor: u64, excess: u64) -> Policy {
    let mut document = serde_json::to_value(Policy::default()).unwrap();
    for (name, value) in [
        ("latency_min_samples", samples),
        ("latency_window", samples + more),
        ("latency_factor", factor),
        ("latency_min_excess_ms", excess),
    ] {
        document[name] = json!(value);
    }
    Policy::parse(document.to_string().as_bytes()).unwrap()
}

proptest! {
    #[test]
    fn m71_latency_is_measured_against_the_lower_median_of_the_latest(
        durations in prop::collection::vec(
            prop::option::weighted(0.8, prop_oneof![
                8 => 0_u64..12, 2 => 0_u64..9_000, 1 => Just(dome_core::limits::SAFE_INTEGER),
            ]),
            0..60,
        ),
        samples in 1_u64..8, more in 0_u64..8, factor in prop_oneof![0_u64..5, Just(dome_core::limits::SAFE_INTEGER)],
        excess in prop_oneof![0_u64..6, Just(1_000)],
    ) {
        let policy = policy(samples, more, factor, excess);
        let rules = Rules { policy: policy.clone(), codes: codes(), mode: None, contracts: None };
        let replay = dome_binder::replay(load_values(&line(&durations)).records, &rules, None);
        let fired: Vec<bool> =
            replay.bound.iter().map(|bound| bound.triggers.contains(Trigger::LatencyDelta)).collect();
        prop_assert_eq!(fired, by_the_book(&durations, &policy));
    }
}
