//! Records of envelopes, one after the other: what repeats is kept once.

use std::sync::Arc;

use dome_core::{BinderVersion, Envelope, Gate, Identity, Keyed, Keyer, Known, Pool, Remedy, Source};

use crate::groups::hash_of_value;
use crate::record::{Canonical, Record, Tested};

/// Subjects, lists of gates, and remedies, that are remembered at the most where none are shared.
const REMEMBERED: usize = 1 << 14;

/// What recorders keep once among them.
///
/// ```
/// use std::sync::Arc;
/// use dome_binder::{Recorder, Shared};
/// use dome_core::{BinderVersion, Source};
/// let shared = Shared::at_most(100);
/// let record = |line| {
///     let envelope = dome_core::read(dome_core::EXAMPLE_LINE).unwrap();
///     Recorder::sharing(BinderVersion::V1, &shared).record(envelope, Source { line, name: "a.jsonl".into() })
/// };
/// assert!(Arc::ptr_eq(&record(1).keys.identity, &record(2).keys.identity));
/// ```
#[derive(Clone, Debug)]
pub struct Shared {
    identities: Pool<Identity>,
    tested: Pool<Tested>,
    gates: Pool<[Gate]>,
    remedies: Pool<Remedy>,
}

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
pub struct Recorder {
    keyer: Keyer,
    tested: Known<Tested>,
    gates: Known<[Gate]>,
    remedies: Known<Remedy>,
}

impl Shared {
    /// So many identities at the most, and as many subjects, lists of gates and remedies.
    #[must_use]
    pub fn at_most(values: usize) -> Self {
        let (identities, tested) = (Pool::at_most(values), Pool::at_most(values));
        Self { identities, tested, gates: Pool::at_most(values), remedies: Pool::at_most(values) }
    }
}

impl Recorder {
    /// One that makes the keys of a binder.
    #[must_use]
    pub fn new(binder: BinderVersion) -> Self {
        let (gates, remedies) = (Known::at_most(REMEMBERED), Known::at_most(REMEMBERED));
        Self { keyer: Keyer::new(binder), tested: Known::at_most(REMEMBERED), gates, remedies }
    }

    /// One that makes the keys of a binder, and shares what it keeps.
    #[must_use]
    pub fn sharing(binder: BinderVersion, shared: &Shared) -> Self {
        let (gates, remedies) = (Known::sharing(&shared.gates), Known::sharing(&shared.remedies));
        let tested = Known::sharing(&shared.tested);
        Self { keyer: Keyer::sharing(binder, &shared.identities), tested, gates, remedies }
    }

    /// The record of an envelope, which holds its canonical bytes.
    pub fn record(&mut self, envelope: Envelope, source: Source) -> Record {
        let keys = self.keyer.key(&envelope);
        let canonical = Canonical::Held(self.keyer.canonical().into());
        self.of(envelope, keys, canonical, source)
    }

    /// The record of an envelope whose canonical bytes go to the end of `pile`, where it says they
    /// are kept.
    #[expect(clippy::expect_used, reason = "a line is at most a megabyte, and so is its envelope")]
    pub fn record_onto(&mut self, pile: &mut Vec<u8>, envelope: Envelope, source: Source) -> Record {
        let keys = self.keyer.key(&envelope);
        let (at, canonical) = (pile.len() as u64, self.keyer.canonical());
        pile.extend_from_slice(canonical);
        let bytes = u32::try_from(canonical.len()).expect("an envelope is far below 4 GiB");
        self.of(envelope, keys, Canonical::Kept { at, bytes }, source)
    }

    fn of(&mut self, mut envelope: Envelope, keys: Keyed, canonical: Canonical, source: Source) -> Record {
        let gates = std::mem::take(&mut envelope.gates);
        let gates = self.gates.get(hash_of_value(gates.as_slice()), |known| known == gates, || gates.as_slice().into());
        let remedy = envelope.remedy.take().map(|remedy| {
            self.remedies.get(hash_of_value(&remedy), |known| *known == remedy, || Arc::new(remedy.clone()))
        });
        let tested = Tested { lane: envelope.lane.take(), subject: envelope.subject.take() };
        let tested = self.tested.get(hash_of_value(&tested), |known| *known == tested, || Arc::new(tested.clone()));
        Record::of(envelope, keys, canonical, tested, gates, remedy, source)
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new(BinderVersion::default())
    }
}
