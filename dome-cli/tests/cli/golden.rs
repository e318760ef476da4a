//! The golden snapshot, replayed.

use crate::harness::{Place, golden};

/// A place where `o` is its result.
pub(crate) fn replayed() -> Place {
    let place = Place::new();
    let (input, codes) = (golden("input"), golden("reason-codes.json"));
    let [input, codes] = [&input, &codes].map(|path| path.to_str().unwrap());
    let ended = place.dome(&["replay", input, "--reason-codes", codes, "--out", "o"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place
}
