//! Thresholds swept: the policies that a backtest tries beside its own.

use crate::policy::{PPM, Policy};

/// Least values tried for `min_confidence_ppm`. M-91 gives 206,543 ppm for one success, 342,371 for two, 438,493 for three,
/// 510,099 for four, 675,584 for eight.
const CONFIDENCE: [u64; 11] = [0, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, PPM];
/// Least values tried for `min_support` and `min_run_count`.
const COUNTS: [u64; 5] = [1, 2, 3, 5, 8];
/// Greatest values tried for `max_contradiction_ppm`.
const CONTRADICTION: [u64; 5] = [0, 100_000, 250_000, 500_000, PPM];
/// Greatest values tried for `max_staleness_s`: a day, a week, 30, 90 and 365 days.
const STALENESS: [u64; 5] = [86_400, 604_800, 2_592_000, 7_776_000, 31_536_000];

/// The policy of a backtest with one threshold changed.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) threshold: &'static str,
    pub(super) value: u64,
    pub(super) policy: Policy,
}

/// A backtest's own policy, and those that it tries.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    pub(super) variants: Vec<Variant>,
    /// Lets steer whatever one of the others does.
    pub(super) loosest: Policy,
}

/// How a threshold is set in a policy.
type Set = fn(&mut Policy) -> &mut u64;

const LADDERS: [(&str, Set, &[u64]); 5] = [
    ("min_confidence_ppm", |policy| &mut policy.min_confidence_ppm, &CONFIDENCE),
    ("min_support", |policy| &mut policy.min_support, &COUNTS),
    ("min_run_count", |policy| &mut policy.min_run_count, &COUNTS),
    ("max_contradiction_ppm", |policy| &mut policy.max_contradiction_ppm, &CONTRADICTION),
    ("max_staleness_s", |policy| &mut policy.max_staleness_s, &STALENESS),
];

/// A decision keeps what each policy offers in the bits of one integer.
const _: () = assert!(CONFIDENCE.len() + 2 * COUNTS.len() + CONTRADICTION.len() + STALENESS.len() <= 64);

impl Sweep {
    pub(super) fn of(own: &Policy) -> Self {
        let ladder = |(threshold, set, values): (&'static str, Set, &'static [u64])| {
            values.iter().map(move |value| {
                let mut policy = own.clone();
                *set(&mut policy) = *value;
                Variant { threshold, value: *value, policy }
            })
        };
        let variants: Vec<Variant> = LADDERS.into_iter().flat_map(ladder).collect();
        let mut loosest = own.clone();
        for Variant { policy, .. } in &variants {
            loosest.min_confidence_ppm = loosest.min_confidence_ppm.min(policy.min_confidence_ppm);
            loosest.min_support = loosest.min_support.min(policy.min_support);
            loosest.min_run_count = loosest.min_run_count.min(policy.min_run_count);
            loosest.max_contradiction_ppm = loosest.max_contradiction_ppm.max(policy.max_contradiction_ppm);
            loosest.max_staleness_s = loosest.max_staleness_s.max(policy.max_staleness_s);
        }
        Self { variants, loosest }
    }

    /// The own policy first, then those that are tried.
    pub(super) fn policies<'s>(&'s self, own: &'s Policy) -> Vec<&'s Policy> {
        std::iter::once(own).chain(self.variants.iter().map(|variant| &variant.policy)).collect()
    }
}
