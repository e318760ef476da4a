//! Records of envelopes, one after the other: what repeats is kept once.

use std::sync::Arc;

use dome_core::{BinderVersion, Envelope, Gate, Keyer, Keys, Source};
use hashbrown::HashTable;

use crate::groups::hash_of_gates;
use crate::record::{Canonical, Record};

/// Lists of gates that are remembered at the most; then all are forgotten, and learnt again.
const REMEMBERED: usize = 1 << 14;

/// Makes records, in memory that is kept.
///
/// ```
/// use dome_binder::{Record, Recorder};
/// use dome_core::{BinderVersion, Reader, Source};
/// let (mut reader, mut recorder) = (Reader::new(), Recorder::new(BinderVersion::V1));
/// let source = Source { line: 1, name: "a.jsonl".into() };
/// let record = recorder.record(reader.read(dome_core::EXAMPLE_LINE)?, source.clone());
/// assert_eq!(record.keys, Record::new(dome_core::read(dome_core::EXAMPLE_LINE)?, source).keys);
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Default)]
pub struct Recorder {
    keyer: Keyer,
    gates: HashTable<(u64, Arc<[Gate]>)>,
}

impl Recorder {
    /// One that makes the keys of a binder.
    #[must_use]
    pub fn new(binder: BinderVersion) -> Self {
        Self { keyer: Keyer::new(binder), ..Self::default() }
    }

    /// The record of an envelope, which holds its canonical bytes.
    pub fn record(&mut self, envelope: Envelope, source: Source) -> Record {
        let keys = self.keyer.key(&envelope);
        let gates = self.gates(&envelope);
        Record::of(envelope, keys, Canonical::Held(self.keyer.canonical().into()), gates, source)
    }

    /// The record of an envelope whose canonical bytes go to the end of `pile`, where it says they
    /// are kept.
    pub fn record_onto(&mut self, pile: &mut Vec<u8>, envelope: Envelope, source: Source) -> Record {
        let keys = self.keyer.key(&envelope);
        let gates = self.gates(&envelope);
        let (at, canonical) = (pile.len() as u64, self.keyer.canonical());
        pile.extend_from_slice(canonical);
        // An envelope is far below 4 GiB: its line is at most a megabyte.
        let bytes = u32::try_from(canonical.len()).unwrap_or(u32::MAX);
        Record::of(envelope, keys, Canonical::Kept { at, bytes }, gates, source)
    }

    /// The record of an envelope that was recorded before: its canonical bytes and keys are known.
    pub fn restore(&mut self, envelope: Envelope, source: Source, keys: &Keys, canonical: Canonical) -> Record {
        let (keys, gates) = (self.keyer.key_known(&envelope, keys), self.gates(&envelope));
        Record::of(envelope, keys, canonical, gates, source)
    }

    fn gates(&mut self, envelope: &Envelope) -> Arc<[Gate]> {
        let (gates, hash) = (envelope.gates.as_slice(), hash_of_gates(&envelope.gates));
        if let Some((_, known)) = self.gates.find(hash, |(other, known)| *other == hash && **known == *gates) {
            return Arc::clone(known);
        }
        if self.gates.len() == REMEMBERED {
            self.gates.clear();
        }
        let gates: Arc<[Gate]> = gates.into();
        self.gates.insert_unique(hash, (hash, Arc::clone(&gates)), |(hash, _)| *hash);
        gates
    }
}
