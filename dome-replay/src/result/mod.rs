//! The directory of a result (M-120): written whole or not at all, and read back (L-10).

mod early;
mod facts;
mod file;
mod manifest;
mod named;
mod opened;
mod place;
mod writer;

pub use facts::{FactRow, source_of};
pub use file::{FileEntry, MANIFEST, ResultFile};
pub use manifest::{Beside, Counts, Manifest, manifest_digest};
pub use named::{Named, NotNamed};
pub use opened::{ResultDir, manifest_bytes};
pub(crate) use place::Destination;
pub use place::check_destination;
pub(crate) use writer::{Closed, Rows, Sink};
