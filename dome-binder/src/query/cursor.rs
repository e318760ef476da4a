//! Cursors: the place after a page, valid for one question to one snapshot (M-110).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dome_core::Sha256Hash;
use serde::{Serialize, Serializer};

use super::View;
use crate::groups::start_of;

/// The version of the layout, the first byte of a cursor.
const VERSION: u8 = 1;
/// Hashed in front of the bytes, so that no other hash can stand for the checksum.
const DOMAIN: &[u8] = b"dome.cursor/1\n";

/// Where the next page starts. Opaque: take it from a page and give it back with the same
/// question to the same snapshot.
///
/// 43 characters of Base64 (URL alphabet): layout, view, the start of the digests of snapshot and
/// filters, the place, and a checksum. The checksum finds damage and edits; it is no secret, and a
/// cursor opens nothing that the question would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    view: u8,
    snapshot: [u8; 8],
    filters: [u8; 8],
    place: u64,
}

/// Why a cursor is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// It is no cursor, or not the one that was given out.
    #[error("this is not a cursor that was given out: it is damaged, cut or edited; ask for the first page again")]
    Damaged,
    /// It was given out for another snapshot.
    #[error("this cursor belongs to another snapshot: facts were added or gone since; ask for the first page again")]
    OtherSnapshot,
    /// It was given out for another view.
    #[error("this cursor belongs to another view; ask for the first page of this one")]
    OtherView,
    /// It was given out for other filters.
    #[error("this cursor belongs to other filters; repeat the filters that it was given out for, or leave it out")]
    OtherFilters,
}

impl Cursor {
    pub(super) fn new(view: View, snapshot: Sha256Hash, filters: Sha256Hash, place: u64) -> Self {
        let view = match view {
            View::RecentFailures => 1,
            View::GateRollup => 2,
            View::GuardDenials => 3,
        };
        Self { view, snapshot: start_of(&snapshot), filters: start_of(&filters), place }
    }

    pub(super) fn place(self, view: View, snapshot: Sha256Hash, filters: Sha256Hash) -> Result<u64, CursorError> {
        let same = Self::new(view, snapshot, filters, self.place);
        if self.snapshot != same.snapshot {
            Err(CursorError::OtherSnapshot)
        } else if self.view != same.view {
            Err(CursorError::OtherView)
        } else if self.filters != same.filters {
            Err(CursorError::OtherFilters)
        } else {
            Ok(self.place)
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { view, snapshot, filters, place } = self;
        let mut bytes = [&[VERSION, *view], &snapshot[..], filters, &place.to_be_bytes()].concat();
        let [a, b, c, d, e, f, ..] = start_of(&Sha256Hash::of(&[DOMAIN, &bytes].concat()));
        bytes.extend([a, b, c, d, e, f]);
        formatter.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Damaged)?;
        let [_, view, rest @ ..] = bytes.as_slice() else { return Err(CursorError::Damaged) };
        let (&[snapshot, filters, place], _) = rest.as_chunks() else { return Err(CursorError::Damaged) };
        let cursor = Self { view: *view, snapshot, filters, place: u64::from_be_bytes(place) };
        // Which compares the layout and the checksum too.
        if cursor.to_string() == text { Ok(cursor) } else { Err(CursorError::Damaged) }
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Cursor {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(text: &[u8]) -> Sha256Hash {
        Sha256Hash::of(text)
    }

    proptest! {
        #[test]
        fn m110_a_cursor_is_read_back_as_it_was_written(place: u64, snapshot: [u8; 4], filters: [u8; 4]) {
            let cursor = Cursor::new(View::GateRollup, hash(&snapshot), hash(&filters), place);
            let text = cursor.to_string();
            prop_assert_eq!(text.len(), 43);
            prop_assert_eq!(text.parse(), Ok(cursor));
            prop_assert_eq!(cursor.place(View::GateRollup, hash(&snapshot), hash(&filters)), Ok(place));
        }

        #[test]
        fn m110_an_edited_cursor_is_refused(place: u64, at in 0_usize..43, by in "[A-Za-z0-9_-]") {
            let text = Cursor::new(View::RecentFailures, hash(b"s"), hash(b"f"), place).to_string();
            let mut edited = text.clone();
            edited.replace_range(at..=at, &by);
            if edited != text {
                prop_assert_eq!(edited.parse::<Cursor>(), Err(CursorError::Damaged));
            }
        }

        #[test]
        fn m110_any_text_is_a_cursor_or_refused(text in ".{0,60}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }

    #[test]
    fn m110_a_cursor_says_what_it_does_not_belong_to() {
        let cursor = Cursor::new(View::RecentFailures, hash(b"s"), hash(b"f"), 20);
        assert_eq!(cursor.place(View::RecentFailures, hash(b"t"), hash(b"f")), Err(CursorError::OtherSnapshot));
        assert_eq!(cursor.place(View::GuardDenials, hash(b"s"), hash(b"f")), Err(CursorError::OtherView));
        assert_eq!(cursor.place(View::RecentFailures, hash(b"s"), hash(b"g")), Err(CursorError::OtherFilters));
        for cut in ["", "AQ", "AQEA"] {
            assert_eq!(cut.parse::<Cursor>(), Err(CursorError::Damaged));
        }
    }
}
