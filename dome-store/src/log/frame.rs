//! One line of a segment: an entry between its position, its length and its hash.
//!
//! ```text
//! {"hash":"<64 hex digits>","length":<bytes of ENTRY>,"position":<from 1>,"entry":ENTRY}
//! ```
//!
//! The hash is SHA-256 over everything after it: from `,"length"` to the closing brace. So no bit of
//! a line can change without being seen, and any tool that reads JSON Lines reads the log.

use dome_core::Sha256Hash;
use dome_replay::error::Invariant;

use super::entry::Entry;

const HASH: &str = "{\"hash\":\"";
const REST: usize = HASH.len() + 64 + 1;
const LENGTH: &str = ",\"length\":";
const POSITION: &str = ",\"position\":";
const ENTRY: &str = ",\"entry\":";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Shape,
    Hash,
    /// Its entry is not one that this version knows.
    Entry,
}

impl Fault {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "it does not have the shape of a line of the log",
            Self::Hash => "its bytes are not those that its hash is over",
            Self::Entry => "its entry is of no kind that this version knows",
        }
    }
}

/// Appends an entry with its frame and a line feed.
pub(crate) fn append(position: u64, entry: &Entry, bytes: &mut Vec<u8>) -> crate::Result<()> {
    let body = serde_json::to_vec(entry).invariant("an entry can be written as JSON")?;
    let rest = format!("{LENGTH}{}{POSITION}{position}{ENTRY}", body.len());
    let mut hashed = rest.into_bytes();
    hashed.extend_from_slice(&body);
    hashed.push(b'}');
    bytes.reserve(REST + hashed.len() + 1);
    bytes.extend_from_slice(HASH.as_bytes());
    bytes.extend_from_slice(Sha256Hash::of(&hashed).to_string().as_bytes());
    bytes.push(b'"');
    bytes.extend_from_slice(&hashed);
    bytes.push(b'\n');
    Ok(())
}

/// Reads a line of a segment, without its line feed: its position and its entry.
pub(crate) fn read(line: &[u8]) -> Result<(u64, Entry), Fault> {
    let (head, rest) = line.split_at_checked(REST).ok_or(Fault::Shape)?;
    let hex = head.strip_prefix(HASH.as_bytes()).and_then(|hex| hex.strip_suffix(b"\"")).ok_or(Fault::Shape)?;
    let hash: Sha256Hash = str::from_utf8(hex).ok().and_then(|hex| hex.parse().ok()).ok_or(Fault::Shape)?;
    if Sha256Hash::of(rest) != hash {
        return Err(Fault::Hash);
    }
    let (position, body) = parts(rest).ok_or(Fault::Shape)?;
    let entry = serde_json::from_slice(body).map_err(|_| Fault::Entry)?;
    Ok((position, entry))
}

/// Bytes of the whole line that begins here, by the length in it; nothing is certain where the line cannot be read.
pub(crate) fn extent(line: &[u8]) -> Option<usize> {
    let rest = line.get(REST..)?.strip_prefix(LENGTH.as_bytes())?;
    let (length, rest) = number(rest)?;
    let (_, rest) = number(rest.strip_prefix(POSITION.as_bytes())?)?;
    let body = rest.strip_prefix(ENTRY.as_bytes())?;
    (line.len() - body.len()).checked_add(usize::try_from(length).ok()?)?.checked_add(1)
}

/// Whether bytes may be the start of a line of the log that was not written to its end.
pub(crate) fn is_begun(line: &[u8]) -> bool {
    let known = line.len().min(HASH.len());
    line.get(..known) == HASH.as_bytes().get(..known)
}

/// Whether bytes that cannot be read look like a line of the log all the same: one of its fixed parts stands in them.
pub(crate) fn looks_written(line: &[u8]) -> bool {
    const KIND: &[u8] = b",\"entry\":{\"kind\":\"";
    is_begun(line) && line.len() >= HASH.len() || line.windows(KIND.len()).any(|window| window == KIND)
}

/// Takes what is behind the hash apart.
fn parts(rest: &[u8]) -> Option<(u64, &[u8])> {
    let rest = rest.strip_prefix(LENGTH.as_bytes())?;
    let (length, rest) = number(rest)?;
    let (position, rest) = number(rest.strip_prefix(POSITION.as_bytes())?)?;
    let body = rest.strip_prefix(ENTRY.as_bytes())?.strip_suffix(b"}")?;
    (body.len() as u64 == length).then_some((position, body))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = bytes.split_at_checked(digits)?;
    Some((str::from_utf8(number).ok()?.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use dome_core::Source;

    use super::super::entry::AdmittedEntry;
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_line_is_seen() {
        let source = Source { line: 7, name: "a.jsonl".into() };
        let entry = Entry::Line(AdmittedEntry { offset: 12, raw: "{\"é\":1}".to_owned(), source });
        let mut line = Vec::new();
        append(42, &entry, &mut line).unwrap();
        line.pop();
        assert_eq!(read(&line), Ok((42, entry)));
        for place in 0..line.len() {
            for bit in 0..8 {
                line[place] ^= 1 << bit;
                assert!(read(&line).is_err(), "bit {bit} of byte {place}");
                line[place] ^= 1 << bit;
            }
        }
        assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok(), "any JSON tool reads it");
    }
}
