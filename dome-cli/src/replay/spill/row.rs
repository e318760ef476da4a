//! A record as a row of a temporary file: its keys and what it is sorted and dealt out by stand before
//! its canonical bytes, so that nothing is hashed twice and few passes have to parse.

use anyhow::Context;
use dome_binder::{Canonical, Fact, Position, Record, Recorder};
use dome_core::{BinderVersion, Keys, Reader, Sha256Hash, Source as Place, Timestamp, WrapperPolicy};

use dome_replay::input::Source;

/// A row that was read back, or is about to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'b> {
    pub(super) keys: Keys,
    /// Which source it first appeared in.
    pub(super) source: u32,
    pub(super) line: u64,
    /// The record's own time until it is settled.
    pub(super) ordered_ts: Timestamp,
    pub(super) place: u64,
    /// Its place in the total order, once that is known.
    pub(super) position: Position,
    pub(super) unseen_denial: bool,
    pub(super) wrapper_policy: WrapperPolicy,
    pub(super) sequence: u64,
    pub(super) event_id: &'b str,
    pub(super) run_id: &'b str,
    pub(super) canonical: &'b [u8],
}

/// The policies, as rows number them.
const POLICIES: [WrapperPolicy; 3] = [WrapperPolicy::Strict, WrapperPolicy::Hybrid, WrapperPolicy::Lenient];

impl<'b> Row<'b> {
    /// A record as it was read.
    pub(super) fn of(record: &'b Record, source: u32) -> Self {
        Self {
            keys: record.keys.keys(),
            source,
            line: record.source.line,
            ordered_ts: record.ts,
            place: 0,
            position: 0,
            unseen_denial: false,
            wrapper_policy: record.wrapper_policy,
            sequence: record.sequence,
            event_id: record.event_id.as_str(),
            run_id: record.run_id.as_str(),
            canonical: record.canonical.held().unwrap_or_default(),
        }
    }

    /// A fact as it was settled.
    pub(super) fn of_fact(fact: &'b Fact, source: u32) -> Self {
        Self { ordered_ts: fact.ordered_ts, place: fact.place, ..Self::of(&fact.record, source) }
    }

    pub(super) fn append(&self, bytes: &mut Vec<u8>) {
        let keys = &self.keys;
        for key in [&keys.digest, &keys.fingerprint_hash, &keys.idempotency, &keys.derived, &keys.line, &keys.concept] {
            bytes.extend_from_slice(key.as_bytes());
        }
        let (seconds, nanoseconds) = self.ordered_ts.to_unix();
        bytes.extend_from_slice(&self.source.to_le_bytes());
        bytes.extend_from_slice(&self.line.to_le_bytes());
        bytes.extend_from_slice(&seconds.to_le_bytes());
        bytes.extend_from_slice(&nanoseconds.to_le_bytes());
        bytes.extend_from_slice(&self.place.to_le_bytes());
        bytes.extend_from_slice(&(self.position as u64).to_le_bytes());
        let policy = POLICIES.iter().position(|policy| *policy == self.wrapper_policy).unwrap_or_default();
        bytes.push(u8::from(self.unseen_denial) | u8::try_from(policy << 1).unwrap_or_default());
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        append_text(self.event_id, bytes);
        append_text(self.run_id, bytes);
        bytes.extend_from_slice(self.canonical);
    }

    pub(super) fn parse(bytes: &'b [u8]) -> anyhow::Result<Self> {
        Self::cut(bytes).context("a temporary file is not what was written to it")
    }

    fn cut(mut bytes: &'b [u8]) -> Option<Self> {
        let rest = &mut bytes;
        let keys = Keys {
            digest: hash(rest)?,
            fingerprint_hash: hash(rest)?,
            idempotency: hash(rest)?,
            derived: hash(rest)?,
            line: hash(rest)?,
            concept: hash(rest)?,
        };
        let source = u32::from_le_bytes(take(rest)?);
        let line = u64::from_le_bytes(take(rest)?);
        let (seconds, nanoseconds) = (i64::from_le_bytes(take(rest)?), u32::from_le_bytes(take(rest)?));
        let (place, position) = (u64::from_le_bytes(take(rest)?), u64::from_le_bytes(take(rest)?));
        let [flags] = take(rest)?;
        let sequence = u64::from_le_bytes(take(rest)?);
        let (event_id, run_id) = (text(rest)?, text(rest)?);
        Some(Self {
            keys,
            source,
            line,
            ordered_ts: Timestamp::from_unix(seconds, nanoseconds).ok()?,
            place,
            position: usize::try_from(position).ok()?,
            unseen_denial: flags & 1 == 1,
            wrapper_policy: *POLICIES.get(usize::from(flags >> 1))?,
            sequence,
            event_id,
            run_id,
            canonical: rest,
        })
    }

    /// Where it first appeared (M-43).
    pub(super) fn place_in(&self, sources: &[Source]) -> anyhow::Result<Place> {
        let source = sources.get(self.source as usize).context("a row belongs to a source")?;
        Ok(Place { line: self.line, name: source.name.as_str().into() })
    }

    /// What one run's rows share.
    pub(super) fn run_hash(&self) -> u64 {
        // FNV-1a: rows are only dealt out by it.
        self.run_id
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
    }

    /// What one task line's rows share.
    pub(super) fn line_hash(&self) -> u64 {
        self.keys.line.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }
}

/// Appends an identifier, which has at most 512 bytes (M-03).
pub(super) fn append_text(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or_default().to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Takes an identifier off the front.
pub(super) fn text<'b>(rest: &mut &'b [u8]) -> Option<&'b str> {
    let length = usize::from(u16::from_le_bytes(take(rest)?));
    let (text, more) = rest.split_at_checked(length)?;
    *rest = more;
    str::from_utf8(text).ok()
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, more) = rest.split_first_chunk()?;
    *rest = more;
    Some(*first)
}

fn hash(rest: &mut &[u8]) -> Option<Sha256Hash> {
    take(rest).map(Sha256Hash::from_bytes)
}

/// Makes records of rows again.
pub(super) struct Restorer<'s> {
    sources: &'s [Source],
    recorder: Recorder,
    reader: Reader,
}

impl<'s> Restorer<'s> {
    pub(super) fn new(sources: &'s [Source], binder: BinderVersion) -> Self {
        Self { sources, recorder: Recorder::new(binder), reader: Reader::new().any_length() }
    }

    pub(super) fn record(&mut self, row: &Row<'_>) -> anyhow::Result<Box<Record>> {
        let place = row.place_in(self.sources)?;
        let envelope = self.reader.read(row.canonical).ok().context("canonical bytes can be read back (L-7)")?;
        Ok(Box::new(self.recorder.restore(envelope, place, &row.keys, Canonical::Held(row.canonical.into()))))
    }

    pub(super) fn fact(&mut self, row: &Row<'_>) -> anyhow::Result<Fact> {
        Ok(Fact { record: self.record(row)?, ordered_ts: row.ordered_ts, place: row.place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_was_written_and_nothing_else() -> anyhow::Result<()> {
        let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
        let record = Record::new(envelope, Place { line: 7, name: "a.jsonl".into() });
        for (policy, unseen_denial) in POLICIES.into_iter().zip([true, false, true]) {
            let row = Row { wrapper_policy: policy, unseen_denial, position: 3, place: 9, ..Row::of(&record, 5) };
            let mut bytes = Vec::new();
            row.append(&mut bytes);
            let again = Row::parse(&bytes)?;
            assert_eq!(format!("{row:?}"), format!("{again:?}"));
            for cut in 0..bytes.len() - row.canonical.len() {
                assert!(Row::parse(bytes.get(..cut).unwrap_or_default()).is_err(), "{cut} bytes");
            }
        }
        Ok(())
    }
}
