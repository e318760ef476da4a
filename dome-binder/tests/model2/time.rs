//! M-05 by counting days.

fn leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i128, month: i128) -> i128 {
    [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1]
}

/// Days of all years before this one, from year 1 on.
fn days_before(year: i128) -> i128 {
    let years = year - 1;
    years * 365 + years / 4 - years / 100 + years / 400
}

/// Nanoseconds from 0001-01-01T00:00:00Z to a valid RFC 3339 time.
pub(super) fn nanoseconds(text: &str) -> i128 {
    let number = |from: usize, to: usize| text[from..to].parse::<i128>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let days = days_before(year) + (1..month).map(|month| days_of(year, month)).sum::<i128>() + day - 1;
    let mut seconds = days * 86_400 + number(11, 13) * 3_600 + number(14, 16) * 60 + number(17, 19);
    let (mut fraction, mut zone) = ("", &text[19..]);
    if let Some(rest) = zone.strip_prefix('.') {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
        (fraction, zone) = rest.split_at(digits);
    }
    if zone != "Z" {
        let minutes = zone[1..3].parse::<i128>().unwrap() * 60 + zone[4..6].parse::<i128>().unwrap();
        seconds += if zone.starts_with('+') { -minutes * 60 } else { minutes * 60 };
    }
    seconds * 1_000_000_000 + format!("{fraction:0<9}").parse::<i128>().unwrap()
}

/// The canonical text of that many nanoseconds.
pub(super) fn text(nanoseconds: i128) -> String {
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let (mut days, of_day) = (seconds / 86_400, seconds % 86_400);
    let mut year = days / 366 + 1;
    while days_before(year + 1) <= days {
        year += 1;
    }
    days -= days_before(year);
    let mut month = 1;
    while days >= days_of(year, month) {
        days -= days_of(year, month);
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let text = format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}", days + 1);
    format!("{}Z", text.trim_end_matches('0').trim_end_matches('.'))
}
