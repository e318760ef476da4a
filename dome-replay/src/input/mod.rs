//! Input: files, folders and stdin, decompressed, cut into chunks of whole lines.

mod chunks;
mod compressed;
mod sources;

pub use chunks::{Chunk, Chunks, LongLine};
pub(crate) use compressed::Corrupt;
pub use sources::{ENVELOPES, FileEndings, LineSource, all_chunks, document, find, find_some};
