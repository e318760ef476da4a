//! Seals: a row says that it is the one that was written.

use dome_core::Sha256Hash;
use sha2::{Digest, Sha256};

use super::error::{IndexError, Result};

/// Bytes of a seal.
const SEAL_BYTES: usize = 16;

/// A table whose rows are sealed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Entries = 1,
    Runs,
    Lines,
    Keys,
    Applied,
    Judged,
    Concepts,
    Totals,
    Meta,
    Facts,
}

/// Seals rows by one key: whoever does not have it cannot make a row that is believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seals(Sha256Hash);

impl Seals {
    pub(super) const fn by(key: Sha256Hash) -> Self {
        Self(key)
    }

    /// The seal of a row: over its table, what it is found by, and what it holds.
    pub(super) fn of(&self, table: Table, name: &[u8], row: &[u8]) -> [u8; SEAL_BYTES] {
        let mut hasher = Sha256::new();
        hasher.update(self.0.as_bytes());
        hasher.update([table as u8]);
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update(row);
        let digest: [u8; 32] = hasher.finalize().into();
        let mut seal = [0; SEAL_BYTES];
        seal.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        seal
    }

    /// The seal of a fact's place in the total order, with what selects it.
    pub(super) fn of_fact(
        &self,
        place: &[u8],
        id: u64,
        line: i64,
        code: i64,
        policy: Option<i64>,
        flags: u8,
    ) -> [u8; SEAL_BYTES] {
        let mut row = [0; 34];
        let numbers = [id, line.cast_unsigned(), code.cast_unsigned(), policy.unwrap_or(0).cast_unsigned()];
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        let bytes = numbers.chain([u8::from(policy.is_some()), flags]);
        row.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        self.of(Table::Facts, place, &row)
    }

    /// Refuses a row that was not sealed as it is.
    pub(super) fn check(&self, table: Table, name: &[u8], row: &[u8], seal: &[u8]) -> Result<()> {
        if self.of(table, name, row) == *seal {
            Ok(())
        } else {
            Err(IndexError::Unfit("a row is not the one that was written"))
        }
    }
}
