//! A share from 0 to 1, as JSON writes it, in parts per million: by its digits, without a float.

/// The parts per million of a JSON number from 0 to 1, rounded down; `None` outside.
pub(super) fn ppm(written: &str) -> Option<u64> {
    let (negative, number) = written.strip_prefix('-').map_or((false, written), |rest| (true, rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let zeros = digits.bytes().take_while(|digit| *digit == b'0').count();
    let digits = digits.get(zeros..).unwrap_or_default();
    if digits.is_empty() {
        return Some(0);
    }
    // The value is 0.DIGITS times ten to the power of `point`.
    let point = point(whole.len(), zeros, exponent);
    match (negative, point) {
        (true, _) | (_, 2..) => None,
        (_, 1) => (digits.trim_end_matches('0') == "1").then_some(1_000_000),
        _ => Some(six_digits(digits, point.unsigned_abs())),
    }
}

fn point(whole: usize, zeros: usize, exponent: &str) -> i64 {
    let huge = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    let length = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let exponent: i64 = exponent.trim_start_matches('+').parse().unwrap_or(huge);
    exponent.saturating_add(length(whole)).saturating_sub(length(zeros))
}

/// The first six digits behind the point of `0.00…DIGITS`, with so many zeros before the digits.
fn six_digits(digits: &str, zeros: u64) -> u64 {
    let zeros = usize::try_from(zeros.min(6)).unwrap_or(6);
    let shown = std::iter::repeat_n(b'0', zeros).chain(digits.bytes()).chain(std::iter::repeat(b'0'));
    shown.take(6).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::ppm;

    #[test]
    fn m01_a_share_is_read_by_its_digits() {
        for (written, parts) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0e9", 0),
            ("1", 1_000_000),
            ("1.000", 1_000_000),
            ("10e-1", 1_000_000),
            ("0.1e1", 1_000_000),
            ("0.9", 900_000),
            ("9E-1", 900_000),
            ("0.1234567", 123_456),
            ("0.0000009", 0),
            ("0.000001", 1),
            ("1e-6", 1),
            ("1e-99999999999999999999", 0),
            ("0.5e+0", 500_000),
            ("0e99999999999999999999", 0),
        ] {
            assert_eq!(ppm(written), Some(parts), "{written}");
        }
        for beyond in ["1.0000000000000000001", "2", "-0.1", "1e1", "1e99999999999999999999", "-1e-99"] {
            assert_eq!(ppm(beyond), None, "{beyond}");
        }
    }

    proptest::proptest! {
        #[test]
        fn m01_it_is_total(written in "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,25})?") {
            proptest::prop_assert!(ppm(&written).is_none_or(|parts| parts <= 1_000_000));
        }
    }
}
