//! Compressed files, and the place where one is damaged.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// Compressed data that are none, are cut off or are damaged: invalid input, not a failure to read.
#[derive(Debug, thiserror::Error)]
#[error("its compressed data are damaged at about byte {at}, {given} bytes into what it holds: {why}")]
pub(crate) struct Corrupt {
    at: u64,
    given: u64,
    why: io::Error,
}

impl Corrupt {
    pub(crate) fn is_in(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

struct Counted<R> {
    inner: BufReader<R>,
    taken: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.taken += count as u64;
        Ok(count)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken += count as u64;
        self.inner.consume(count);
    }
}

/// What a decoder gives, which tells damage from a failure to read.
struct DecodedSource<D> {
    decoder: D,
    taken: fn(&D) -> u64,
    given: u64,
}

impl<D: Read> Read for DecodedSource<D> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.decoder.read(into) {
            Ok(count) => {
                self.given += count as u64;
                Ok(count)
            }
            // The system's errors have a number; those of the decoder have none.
            Err(why) if why.raw_os_error().is_none() && why.kind() != io::ErrorKind::Interrupted => {
                let corrupt = Corrupt { at: (self.taken)(&self.decoder), given: self.given, why };
                Err(io::Error::new(io::ErrorKind::InvalidData, corrupt))
            }
            Err(error) => Err(error),
        }
    }
}

pub(super) fn gzip<R: Read + Send + 'static>(reader: R) -> Box<dyn Read + Send> {
    let decoder = MultiGzDecoder::new(Counted { inner: BufReader::new(reader), taken: 0 });
    Box::new(DecodedSource { decoder, taken: |decoder| decoder.get_ref().taken, given: 0 })
}

pub(super) fn zstandard<R: Read + Send + 'static>(reader: R) -> io::Result<Box<dyn Read + Send>> {
    let decoder = zstd::Decoder::with_buffer(Counted { inner: BufReader::new(reader), taken: 0 })?;
    Ok(Box::new(DecodedSource { decoder, taken: |decoder| decoder.get_ref().taken, given: 0 }))
}
