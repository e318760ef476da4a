//! The ceiling of the command: the same bytes read from a file, parsed, hashed and written to files.
//!
//! It does what any program must do that reads such lines and leaves such a result, and nothing else:
//! every line is parsed into borrowed typed members, every byte that the model hashes is hashed once,
//! and as many bytes as the result has are hashed again (the manifest names the digest of every file)
//! and written, each file synced as the command does. What is hashed and written is not the real
//! content but as many bytes, which costs the same.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use dome_core::{Keys, Reader};
use sha2::{Digest, Sha256};

use crate::ceiling::{self, Hashed};

/// Bytes that are read or written at once.
const PIECE: usize = 1 << 16;
/// Bytes of a digest and its line feed in what the snapshot's digest is taken of.
const DIGEST_LINE: u64 = 65;

/// Calls `work` with every line of a file, read piece by piece.
fn each_line(input: &Path, mut work: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let (mut file, mut line) = (BufReader::with_capacity(1 << 20, File::open(input)?), Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 {
        work(line.strip_suffix(b"\n").unwrap_or(&line))?;
        line.clear();
    }
    Ok(())
}

/// Writes down the lengths of all that is hashed for each sound line of a file.
///
/// Of what many envelopes share, fingerprint and keys but the idempotency key, it is written down for each of
/// them, or `once` only.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn write_lengths(input: &Path, lengths: &Path, once: bool) -> io::Result<()> {
    let (mut out, mut reader, mut known) = (BufWriter::new(File::create(lengths)?), Reader::new(), BTreeSet::new());
    each_line(input, |line| {
        let Ok(envelope) = reader.read(line) else { return Ok(()) };
        let Hashed { digest, fingerprint, keys: [idempotency, derived, line, concept] } = Hashed::of(&envelope);
        let first = known.insert(Keys::of(&envelope).derived);
        let shared = [fingerprint, derived, line, concept].into_iter().filter(|_| first || !once);
        let mut lengths = [digest, idempotency].into_iter().chain(shared);
        lengths.try_for_each(|length| out.write_all(&u32::try_from(length).map_err(io::Error::other)?.to_le_bytes()))
    })?;
    out.flush()
}

/// Reads and parses `input`, hashes messages of the given `lengths`, and writes files as large as
/// those of `result` into `out`.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn run(input: &Path, lengths: &Path, result: &Path, out: &Path) -> io::Result<()> {
    let mut sound = 0_u64;
    each_line(input, |line| {
        sound += ceiling::parse(&[line]) as u64;
        Ok(())
    })?;
    let lengths = fs::read(lengths)?;
    let length =
        |four: &[u8]| four.try_into().map(u32::from_le_bytes).ok().and_then(|length| usize::try_from(length).ok());
    ceiling::hash(lengths.chunks_exact(4).filter_map(length));
    write(sound * DIGEST_LINE, &mut io::sink())?;
    copy(result, out)
}

/// Writes files of the same names and sizes, and syncs them and their folder.
fn copy(result: &Path, out: &Path) -> io::Result<()> {
    fs::create_dir(out)?;
    for entry in fs::read_dir(result)? {
        let entry = entry?;
        let to = out.join(entry.file_name());
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            let mut file = File::create_new(&to)?;
            write(metadata.len(), &mut file)?;
            file.sync_all()?;
        }
    }
    File::open(out)?.sync_all()
}

/// Hashes and writes some bytes, piece by piece.
fn write(bytes: u64, out: &mut impl Write) -> io::Result<()> {
    let piece = vec![b'x'; PIECE];
    let (mut hasher, mut left) = (Sha256::new(), bytes);
    while left > 0 {
        let now = piece.get(..left.min(PIECE as u64) as usize).expect("at most a piece");
        hasher.update(now);
        out.write_all(now)?;
        left -= now.len() as u64;
    }
    black_box(hasher.finalize());
    Ok(())
}
