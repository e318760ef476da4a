//! Confidence: the lower bound of the Wilson score interval, in integers (M-91).
//!
//! E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927),
//! with z = 1.96, scaled so that no step needs a float.

/// 1.96^2 * 10,000
const Z_SQUARED: u128 = 38_416;
/// Below this product of successes and failures no step passes 128 bits.
const SAFE_PRODUCT: u128 = 2_000_000_000_000_000_000_000;

/// The confidence that `successes` against `failures` give, in parts per million (M-91).
///
/// Exact while `successes * failures` stays below 2 * 10^21 (forty thousand million of each); above
/// it both are halved until it does, which keeps their ratio.
///
/// ```
/// use dome_binder::confidence_ppm;
/// assert_eq!(confidence_ppm(1, 0), 206_543);
/// assert_eq!(confidence_ppm(0, 0), 0);
/// assert!(confidence_ppm(10, 1) < confidence_ppm(10, 0));
/// ```
#[must_use]
#[expect(clippy::expect_used, reason = "the bound of an interval of probabilities is at most 10^6 parts per million")]
pub fn confidence_ppm(successes: u64, failures: u64) -> u64 {
    let (mut f, mut a) = (u128::from(successes), u128::from(failures));
    while f * a >= SAFE_PRODUCT {
        (f, a) = (f / 2, a / 2);
    }
    let n = f + a;
    if n == 0 {
        return 0;
    }
    let q = (Z_SQUARED * Z_SQUARED * n + 4 * Z_SQUARED * 10_000 * f * a) * 100_000_000 / n;
    let centre = (20_000 * f + Z_SQUARED) * 10_000;
    let bound = centre.saturating_sub(q.isqrt()) * 100 / (2 * (10_000 * n + Z_SQUARED));
    u64::try_from(bound).expect("at most 10^6")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn m91_is_total_and_below_certainty(f: u64, a: u64) {
            prop_assert!(confidence_ppm(f, a) <= 1_000_000);
        }

        #[test]
        fn m93_one_more_failure_never_raises_it(f in 0_u64..5_000, a in 0_u64..5_000) {
            prop_assert!(confidence_ppm(f, a + 1) <= confidence_ppm(f, a));
            prop_assert!(confidence_ppm(f + 1, a) >= confidence_ppm(f, a));
        }
    }
}
