//! The directory of a result (M-120): written whole or not at all, and read back (L-10).

mod file;
mod manifest;
mod opened;
mod place;
mod writer;

pub use file::{FileEntry, MANIFEST, ResultFile};
pub use manifest::{Manifest, ManifestCounts, ManifestInputs, Named, NotNamed, manifest_digest};
pub use opened::{ResultDir, envelope_of, manifest_bytes, record_of, source_of};
pub(crate) use place::Destination;
pub use place::check_destination;
pub(crate) use writer::{Closed, Rows, Sink};
