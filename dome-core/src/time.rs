//! Time as records carry it: RFC 3339 in, one canonical UTC form out (M-05).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::PLAIN_TEXT;

/// An instant in whole nanoseconds, from year 0001 to year 9999 in UTC (M-05).
///
/// Its text form is canonical: UTC, `Z`, and no trailing zero in the fraction. It compares as an
/// instant, which its text does not (`.` sorts before `Z`).
///
/// ```
/// use dome_core::Timestamp;
/// let written: Timestamp = "2026-02-16T10:00:00.120+02:00".parse()?;
/// assert_eq!(written.to_string(), "2026-02-16T08:00:00.12Z");
/// # Ok::<(), dome_core::TimestampError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    seconds: i64,
    nanoseconds: u32,
}

/// Why a text is not a time (M-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// It is not written as RFC 3339 with an upper-case `T` and `Z`.
    #[error("expected `YYYY-MM-DDTHH:MM:SS[.fraction]` with `Z` or an offset `±hh:mm`")]
    Shape,
    /// A part is out of range: month, day, hour, minute, second (60 is a leap second) or offset.
    #[error("no such date, time of day or offset (leap seconds are not supported)")]
    Range,
    /// The year is outside 0001 to 9999, as written or in UTC.
    #[error("the year lies outside 0001 to 9999, as written or in UTC")]
    Year,
}

const NANOSECONDS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

impl Timestamp {
    const MIN_SECONDS: i64 = -62_135_596_800; // 0001-01-01T00:00:00Z
    const MAX_SECONDS: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z

    /// Nanoseconds from `earlier` to `self`; negative when `self` is the earlier one.
    ///
    /// ```
    /// use dome_core::Timestamp;
    /// let [a, b] = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z"].map(|t| t.parse::<Timestamp>().unwrap());
    /// assert_eq!(b.nanoseconds_since(a), 500_000_000);
    /// ```
    #[must_use]
    pub fn nanoseconds_since(self, earlier: Self) -> i128 {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        seconds * NANOSECONDS_PER_SECOND + i128::from(self.nanoseconds) - i128::from(earlier.nanoseconds)
    }

    /// Whether `self` lies more than `seconds` after `earlier`, exactly and strictly.
    #[must_use]
    pub fn is_later_by_more_than(self, earlier: Self, seconds: u64) -> bool {
        self.nanoseconds_since(earlier) > i128::from(seconds) * NANOSECONDS_PER_SECOND
    }

    /// The instant that lies this many seconds and nanoseconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    ///
    /// [`TimestampError::Year`] outside the years 0001 to 9999; [`TimestampError::Range`] when
    /// `nanoseconds` is a second or more.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Result<Self, TimestampError> {
        if nanoseconds > 999_999_999 {
            Err(TimestampError::Range)
        } else if (Self::MIN_SECONDS..=Self::MAX_SECONDS).contains(&seconds) {
            Ok(Self { seconds, nanoseconds })
        } else {
            Err(TimestampError::Year)
        }
    }

    /// Bytes that sort as instants do.
    ///
    /// ```
    /// use dome_core::Timestamp;
    /// let instant = |text: &str| text.parse::<Timestamp>().unwrap();
    /// let (before, after) = (instant("1969-12-31T23:59:59.5Z"), instant("1970-01-01T00:00:00Z"));
    /// assert!(before.to_sorting_bytes() < after.to_sorting_bytes());
    /// assert_eq!(Timestamp::from_sorting_bytes(before.to_sorting_bytes()), Some(before));
    /// ```
    #[must_use]
    pub fn to_sorting_bytes(self) -> [u8; 12] {
        // The sign's bit is turned, so that times before 1970 sort first.
        let seconds = u128::from(self.seconds.cast_unsigned() ^ (1 << 63));
        let [_, _, _, _, bytes @ ..] = (seconds << 32 | u128::from(self.nanoseconds)).to_be_bytes();
        bytes
    }

    /// The instant that [`Timestamp::to_sorting_bytes`] wrote; `None` for other bytes.
    #[must_use]
    pub fn from_sorting_bytes(bytes: [u8; 12]) -> Option<Self> {
        let [s0, s1, s2, s3, s4, s5, s6, s7, nanoseconds @ ..] = bytes;
        let seconds = u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]) ^ (1 << 63);
        Self::from_unix(seconds.cast_signed(), u32::from_be_bytes(nanoseconds)).ok()
    }

    /// The seconds and nanoseconds since 1970-01-01T00:00:00Z: what [`Timestamp::from_unix`] takes.
    #[must_use]
    pub const fn to_unix(self) -> (i64, u32) {
        (self.seconds, self.nanoseconds)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let mut scan = TimeScan { bytes: text.as_bytes() };
        let (year, month, day) = (scan.number(4)?, scan.after(b"-", 2)?, scan.after(b"-", 2)?);
        let (hour, minute, second) = (scan.after(b"T", 2)?, scan.after(b":", 2)?, scan.after(b":", 2)?);
        let nanoseconds = scan.fraction()?;
        let offset = scan.offset_minutes()?;
        if !scan.bytes.is_empty() {
            return Err(TimestampError::Shape);
        }
        if year == 0 {
            return Err(TimestampError::Year);
        }
        let real_day = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        if !real_day || hour > 23 || minute > 59 || second > 59 {
            return Err(TimestampError::Range);
        }
        let of_day = hour * 3_600 + minute * 60 + second - offset * 60;
        Self::from_unix(days_from_civil(year, month, day) * SECONDS_PER_DAY + of_day, nanoseconds)
    }
}

struct TimeScan<'t> {
    bytes: &'t [u8],
}

impl TimeScan<'_> {
    fn number(&mut self, digits: usize) -> Result<i64, TimestampError> {
        let (head, rest) = self.bytes.split_at_checked(digits).ok_or(TimestampError::Shape)?;
        let value = head.iter().try_fold(0, |value, byte| match byte {
            b'0'..=b'9' => Ok(value * 10 + i64::from(byte - b'0')),
            _ => Err(TimestampError::Shape),
        })?;
        self.bytes = rest;
        Ok(value)
    }

    fn after(&mut self, sign: &[u8; 1], digits: usize) -> Result<i64, TimestampError> {
        self.bytes = self.bytes.strip_prefix(sign).ok_or(TimestampError::Shape)?;
        self.number(digits)
    }

    /// `.` and 1 to 9 digits, or nothing; in nanoseconds.
    fn fraction(&mut self) -> Result<u32, TimestampError> {
        let Some(rest) = self.bytes.strip_prefix(b".") else {
            return Ok(0);
        };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return Err(TimestampError::Shape);
        }
        self.bytes = rest;
        let value = u32::try_from(self.number(digits)?).map_err(|_| TimestampError::Shape)?;
        Ok((digits..9).fold(value, |value, _| value * 10))
    }

    /// `Z` or `±hh:mm`, in minutes east of UTC.
    fn offset_minutes(&mut self) -> Result<i64, TimestampError> {
        let (sign, rest) = self.bytes.split_first().ok_or(TimestampError::Shape)?;
        self.bytes = rest;
        let sign = match sign {
            b'Z' => return Ok(0),
            b'+' => 1,
            b'-' => -1,
            _ => return Err(TimestampError::Shape),
        };
        let (hours, minutes) = (self.number(2)?, self.after(b":", 2)?);
        if hours > 23 || minutes > 59 {
            return Err(TimestampError::Range);
        }
        Ok(sign * (hours * 60 + minutes))
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month and day.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

impl Timestamp {
    #[expect(
        clippy::indexing_slicing,
        clippy::expect_used,
        reason = "the buffer holds the longest text, all of it ASCII"
    )]
    fn with_text<T>(self, use_text: impl FnOnce(&str) -> T) -> T {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let [year, month, day, of_day] = [year, month, day, of_day].map(|part| part as u32);
        let two = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        let [century, of_century] = [year / 100, year % 100].map(two);
        let [month, day, hour] = [month, day, of_day / 3_600].map(two);
        let [minute, second] = [of_day / 60 % 60, of_day % 60].map(two);
        let ([y0, y1], [y2, y3], [m0, m1], [d0, d1]) = (century, of_century, month, day);
        let ([h0, h1], [n0, n1], [s0, s1]) = (hour, minute, second);
        let head = [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1];
        let mut text = [b'.'; TEXT_BYTES];
        text[..WHOLE_SECONDS_BYTES].copy_from_slice(&head);
        let mut end = WHOLE_SECONDS_BYTES;
        if self.nanoseconds > 0 {
            // Most clocks stop at milliseconds.
            let (digits, mut fraction) = match self.nanoseconds % 1_000_000 {
                0 => (3, self.nanoseconds / 1_000_000),
                _ => (9, self.nanoseconds),
            };
            end = WHOLE_SECONDS_BYTES + 1 + digits;
            for digit in text[WHOLE_SECONDS_BYTES + 1..end].iter_mut().rev() {
                *digit = b'0' + (fraction % 10) as u8;
                fraction /= 10;
            }
            while text[end - 1] == b'0' {
                end -= 1;
            }
        }
        text[end] = b'Z';
        use_text(str::from_utf8(&text[..=end]).expect("digits and signs are ASCII"))
    }
}

/// Bytes of the longest canonical text.
const TEXT_BYTES: usize = 30;
const WHOLE_SECONDS_BYTES: usize = 19;

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| formatter.write_str(text))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.with_text(|text| serializer.serialize_newtype_struct(PLAIN_TEXT, text))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, TimestampError> {
        text.parse::<Timestamp>().map(|time| time.to_string())
    }

    #[test]
    fn m05_times_are_rewritten_in_utc() {
        for (written, expected) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("2026-02-16T10:00:00+02:00", "2026-02-16T08:00:00Z"),
            ("2026-01-01T00:30:00+00:45", "2025-12-31T23:45:00Z"),
            ("2024-02-29T23:59:59.000-00:00", "2024-02-29T23:59:59Z"),
            ("2000-02-29T00:00:00.100000000Z", "2000-02-29T00:00:00.1Z"),
            ("0001-01-01T00:00:00.000000001Z", "0001-01-01T00:00:00.000000001Z"),
            ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(canonical(written).as_deref(), Ok(expected), "{written}");
        }
    }

    #[test]
    fn m05_all_else_is_refused() {
        use TimestampError::{Range, Shape, Year};
        for (bad, why) in [
            ("", Shape),
            ("2026-01-01", Shape),
            ("2026-01-01t00:00:00Z", Shape),
            ("2026-01-01T00:00:00z", Shape),
            ("2026-01-01 00:00:00Z", Shape),
            ("2026-01-01T00:00:00", Shape),
            ("2026-01-01T00:00:00.Z", Shape),
            ("2026-01-01T00:00:00.1234567890Z", Shape),
            ("2026-01-01T00:00:00Z ", Shape),
            ("2026-01-01T00:00:00+0000", Shape),
            ("+2026-01-01T00:00:00Z", Shape),
            ("2026-01-01T00:00:60Z", Range),
            ("2026-01-01T24:00:00Z", Range),
            ("2026-02-29T00:00:00Z", Range),
            ("1900-02-29T00:00:00Z", Range),
            ("2026-13-01T00:00:00Z", Range),
            ("2026-00-01T00:00:00Z", Range),
            ("2026-01-00T00:00:00Z", Range),
            ("2026-01-01T00:00:00+24:00", Range),
            ("2026-01-01T00:00:00+00:60", Range),
            ("0000-12-31T23:59:59-01:00", Year),
            ("0001-01-01T00:00:00+00:01", Year),
            ("9999-12-31T23:59:59-00:01", Year),
        ] {
            assert_eq!(canonical(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn m05_windows_are_exact_and_strict() {
        let [a, b] =
            ["2026-01-01T00:00:00.000000001Z", "2026-01-01T00:01:00.000000001Z"].map(|text| text.parse::<Timestamp>());
        let (Ok(a), Ok(b)) = (a, b) else { unreachable!("both are times") };
        assert!(!b.is_later_by_more_than(a, 60));
        assert!(b.is_later_by_more_than(a, 59));
        assert!(!a.is_later_by_more_than(b, 0));
    }

    proptest::proptest! {
        #[test]
        fn m05_every_instant_is_read_back(
            seconds in Timestamp::MIN_SECONDS..=Timestamp::MAX_SECONDS,
            nanoseconds in 0_u32..1_000_000_000,
        ) {
            let time = Timestamp::from_unix(seconds, nanoseconds)?;
            proptest::prop_assert_eq!(time.to_string().parse::<Timestamp>(), Ok(time));
        }
    }
}
