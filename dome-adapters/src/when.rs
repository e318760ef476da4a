//! Times and durations as tools write them, in integers.

use std::fmt;

use dome_core::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum When {
    #[default]
    Unknown,
    At(Timestamp),
    /// A date and a time of day of an unknown offset, as RFC 3339 without one.
    Local(String),
    Unreadable(String),
}

impl When {
    /// From RFC 3339, with or without an offset, with `T` or a space. Not by a library of dates: those
    /// take half a time for a whole one (a date alone, hours without minutes) and refuse a tenth digit.
    pub(crate) fn of(text: &str) -> Self {
        let text = text.trim();
        // The first of all years is how .NET writes a time that was never set.
        if text.is_empty() || text.starts_with("0001-01-01") {
            return Self::Unknown;
        }
        let written = nine_digits(&text.replacen([' ', 't'], "T", 1).replace('z', "Z").replace(',', "."));
        if let Ok(instant) = written.parse() {
            return Self::At(instant);
        }
        if format!("{written}Z").parse::<Timestamp>().is_ok() {
            return Self::Local(written);
        }
        // `+0200` stands for `+02:00`.
        let offset = written.split_at_checked(written.len().saturating_sub(2));
        let long = offset.and_then(|(start, minutes)| format!("{start}:{minutes}").parse().ok());
        long.map_or_else(|| Self::Unreadable(text.to_owned()), Self::At)
    }

    pub(crate) fn said(text: Option<&str>) -> Self {
        text.map_or(Self::Unknown, Self::of)
    }

    /// From a decimal number since 1970 in units of ten to the `power` nanoseconds, such as [`When::SECONDS`].
    pub(crate) fn of_unix(text: &str, power: u32) -> Self {
        let instant = || {
            let nanoseconds = scaled(text, power)?;
            let seconds = i64::try_from(nanoseconds / 1_000_000_000).ok()?;
            let rest = u32::try_from(nanoseconds % 1_000_000_000).ok()?;
            Timestamp::from_unix(seconds, rest).ok()
        };
        instant().map_or_else(|| Self::Unreadable(text.to_owned()), Self::At)
    }

    pub(crate) const SECONDS: u32 = 9;
    pub(crate) const MILLISECONDS: u32 = 6;
    pub(crate) const NANOSECONDS: u32 = 0;

    pub(crate) fn or(self, other: &Self) -> Self {
        if self == Self::Unknown { other.clone() } else { self }
    }
}

/// A fraction is cut to the nine digits that an instant has.
fn nine_digits(text: &str) -> String {
    let Some((start, rest)) = text.split_once('.') else { return text.to_owned() };
    let end = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    match rest.len() - end.len() {
        0 => format!("{start}{end}"),
        digits => format!("{start}.{rest:.kept$}{end}", kept = digits.min(9)),
    }
}

/// Whole milliseconds of seconds such as `0.25`, `1,234.5` or `5e-05`, cut off; `None` for no number or a negative one.
pub(crate) fn milliseconds(seconds: &str) -> Option<u64> {
    u64::try_from(scaled(seconds, 3)?).ok()
}

/// Whole milliseconds of a duration written as `[days.]hours:minutes:seconds[.fraction]`.
pub(crate) fn clock_milliseconds(text: &str) -> Option<u64> {
    let mut parts = text.trim().rsplitn(3, ':');
    let [seconds, minutes, hours] = [parts.next()?, parts.next()?, parts.next()?];
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let number = |text: &str| text.parse::<u64>().ok();
    let minutes =
        number(days)?.checked_mul(24)?.checked_add(number(hours)?)?.checked_mul(60)?.checked_add(number(minutes)?)?;
    minutes.checked_mul(60_000)?.checked_add(milliseconds(seconds)?)
}

/// A decimal number that is not negative, times ten to the `power`, without its fraction. Commas part thousands; one
/// of a number without a dot that cannot, such as `0,25`, is a decimal comma.
pub(crate) fn scaled(text: &str, power: u32) -> Option<u128> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = parts(mantissa)?;
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 60 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shift = exponent.checked_add(i32::try_from(power).ok()?)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let steps = usize::try_from(shift.unsigned_abs()).ok()?;
    match shift {
        0.. if steps > 30 => None,
        0.. => format!("{digits}{}", "0".repeat(steps)).parse().ok(),
        // What is behind the point is cut off.
        _ => format!("0{digits:.kept$}", kept = digits.len().saturating_sub(steps)).parse().ok(),
    }
}

fn parts(mantissa: &str) -> Option<(String, String)> {
    let (whole, fraction) = match (mantissa.split_once('.'), mantissa.rsplit_once(',')) {
        (Some((whole, fraction)), _) => (whole.to_owned(), fraction.to_owned()),
        (None, Some((whole, fraction))) if fraction.len() != 3 || whole == "0" => {
            (whole.to_owned(), fraction.to_owned())
        }
        _ => (mantissa.to_owned(), String::new()),
    };
    let thousands = whole.split(',').skip(1).all(|group| group.len() == 3);
    thousands.then(|| (whole.replace(',', ""), fraction))
}

/// `--zone`: the offset of times that are written without one.
///
/// ```
/// use dome_adapters::Zone;
/// assert_eq!("+02:00".parse::<Zone>()?.to_string(), "+02:00");
/// assert!("Europe/Paris".parse::<Zone>().is_err());
/// # Ok::<(), dome_adapters::ZoneError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(String);

/// Why a text is not an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an offset is `Z` or `±hh:mm`")]
pub struct ZoneError;

impl std::str::FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let sound = format!("2000-01-01T12:00:00{text}").parse::<Timestamp>().is_ok();
        let shaped = text.starts_with(['Z', '+', '-']);
        if sound && shaped { Ok(Self(text.to_owned())) } else { Err(ZoneError) }
    }
}

impl Zone {
    pub(crate) fn instant(&self, local: &str) -> Option<Timestamp> {
        format!("{local}{self}").parse().ok()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> When {
        text.parse().map_or(When::Unknown, When::At)
    }

    #[test]
    fn times_are_read_with_and_without_an_offset() {
        for (text, when) in [
            ("2024-01-09T07:50:12.664+00:00", at("2024-01-09T07:50:12.664Z")),
            ("2024-01-09 07:50:12Z", at("2024-01-09T07:50:12Z")),
            ("2015-10-24T04:18:59.1234567+0200", at("2015-10-24T02:18:59.1234567Z")),
            ("2022-06-19T13:44:44.85096015312-04:00", at("2022-06-19T17:44:44.850960153Z")),
            ("2011-12-09T10:11:12", When::Local("2011-12-09T10:11:12".into())),
            ("2011-12-09 10:11:12,5", When::Local("2011-12-09T10:11:12.5".into())),
            ("", When::Unknown),
            ("yesterday", When::Unreadable("yesterday".into())),
            ("2011-13-09T10:11:12", When::Unreadable("2011-13-09T10:11:12".into())),
        ] {
            assert_eq!(When::of(text), when, "{text}");
        }
        assert_eq!(When::of_unix("1695869810.609822", When::SECONDS), at("2023-09-28T02:56:50.609822Z"));
        assert_eq!(When::of_unix("1609459200000", When::MILLISECONDS), at("2021-01-01T00:00:00Z"));
        assert_eq!(When::of_unix("1e99", When::SECONDS), When::Unreadable("1e99".into()));
    }

    #[test]
    fn clock_durations_are_read_in_integers() {
        let read = ["00:00:00.0006537", "01:02:03.5", "1.00:00:00", "5", "a:b:c"].map(clock_milliseconds);
        assert_eq!(read, [Some(0), Some(3_723_500), Some(86_400_000), None, None]);
    }

    #[test]
    fn durations_are_read_in_integers() {
        for (text, expected) in [
            ("1,234.5", Some(1_234_500)),
            ("1,234", Some(1_234_000)),
            ("0,25", Some(250)),
            ("0.0019", Some(1)),
            ("5e-05", Some(0)),
            ("1.5E3", Some(1_500_000)),
            ("7", Some(7_000)),
            (".5", Some(500)),
            ("", None),
            ("-1", None),
            ("NaN", None),
            ("1e2000000000", None),
            ("1e-2000000000", Some(0)),
            ("12,34.5", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
