//! Input: files, folders and stdin, decompressed, cut into chunks of whole lines.

mod chunks;
mod compressed;
mod sources;

pub use chunks::{Chunk, Chunks, LongLine};
pub(crate) use compressed::Corrupt;
pub use sources::{ENVELOPES, Endings, Source, find, find_some};

use std::io::Read;

use dome_core::escaped_path;

use crate::error::Context;

/// All chunks of all sources, one source after the other.
pub fn all_chunks(sources: &[Source]) -> impl Iterator<Item = crate::Result<(usize, Chunk)>> + Send {
    sources.iter().enumerate().flat_map(|(index, source)| {
        let (chunks, error) = match source.chunks_from(1) {
            Ok(chunks) => (Some(chunks), None),
            Err(error) => (None, Some(Err(error))),
        };
        chunks.into_iter().flatten().map(move |chunk| Ok((index, chunk?))).chain(error)
    })
}

/// A document that is small and read whole, such as a policy.
pub fn document(path: &std::path::Path) -> crate::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.context(|| format!("cannot read `{}`", escaped_path(path)))?;
    Ok(bytes)
}
