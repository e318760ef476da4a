//! Bars and shares in plain characters.

use dome_binder::PPM;

/// Columns of a whole bar.
const BAR: u64 = 20;

/// A share as a bar: one block for each twentieth, begun ones included; an empty one where there is no share.
pub(crate) fn bar(ppm: Option<u64>) -> String {
    let full = ppm.map_or(0, |ppm| (ppm.min(PPM) * BAR).div_ceil(PPM));
    (0..BAR).map(|place| if place < full { '█' } else { '·' }).collect()
}

/// A share in tenths of a percent, rounded down: `12.3 %`.
pub(crate) fn percent(ppm: u64) -> String {
    format!("{}.{} %", ppm / 10_000, ppm / 1_000 % 10)
}

/// As [`percent`], and a dash where there is no share.
pub(crate) fn share(ppm: Option<u64>) -> String {
    ppm.map_or_else(|| "-".to_owned(), percent)
}

/// A part of a whole in parts per million, rounded down.
pub(crate) fn ppm(part: u64, whole: u64) -> Option<u64> {
    let ppm = (u128::from(part) * u128::from(PPM)).checked_div(u128::from(whole))?;
    u64::try_from(ppm).ok()
}
