//! What is made again and again, kept once.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;

/// Values, each with the hash that it is found by.
type Table<T> = HashTable<(u64, Arc<T>)>;

/// Remembers values that are made again and again, so that each is made and kept once.
///
/// It is a memory of what was made and decides nothing. Either it remembers so many at the most,
/// then forgets all and learns again, as a stream without an end needs it; or it shares a [`Pool`]
/// and forgets nothing, which costs nothing where all that it gives out is held anyway.
///
/// ```
/// use std::sync::Arc;
/// use dome_core::{Known, Pool};
/// let pool = Pool::<str>::default();
/// let (mut here, mut there) = (Known::sharing(&pool), Known::sharing(&pool));
/// let made = here.get(1, |known| known == "a", || "a".into());
/// let again = there.get(1, |known| known == "a", || unreachable!());
/// assert!(Arc::ptr_eq(&made, &again));
/// ```
pub struct Known<T: ?Sized> {
    own: Table<T>,
    memory: Memory<T>,
}

enum Memory<T: ?Sized> {
    /// So many values at the most.
    AtMost(usize),
    Shared(Pool<T>),
}

impl<T: ?Sized> Known<T> {
    /// Remembers so many values at the most.
    #[must_use]
    pub const fn at_most(values: usize) -> Self {
        Self { own: Table::new(), memory: Memory::AtMost(values) }
    }

    /// Remembers what anyone who shares the pool has made.
    #[must_use]
    pub fn sharing(pool: &Pool<T>) -> Self {
        Self { own: Table::new(), memory: Memory::Shared(pool.clone()) }
    }

    /// The value with a hash that is the one, or a new one. Whatever is the one has the hash.
    pub fn get(&mut self, hash: u64, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        let Ok(value) = self.find_or(hash, is_it, || Ok::<_, Infallible>(make()));
        value
    }

    /// As [`Known::get`], where a new one may not come about; `None` then.
    pub fn try_get(
        &mut self,
        hash: u64,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Option<Arc<T>>,
    ) -> Option<Arc<T>> {
        self.find_or(hash, is_it, || make().ok_or(())).ok()
    }

    fn find_or<E>(
        &mut self,
        hash: u64,
        is_it: impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<Arc<T>, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(known) = find(&self.own, hash, &is_it) {
            return Ok(known);
        }
        let value = match &self.memory {
            Memory::AtMost(most) => {
                if self.own.len() >= *most {
                    self.own.clear();
                }
                make()?
            }
            Memory::Shared(pool) => pool.find_or(hash, &is_it, make)?,
        };
        insert(&mut self.own, hash, &value);
        Ok(value)
    }
}

/// Values that are kept once among all that share it, on whatever threads, for as long as it stands.
pub struct Pool<T: ?Sized>(Arc<Mutex<Table<T>>>);

impl<T: ?Sized> Pool<T> {
    fn find_or<E>(
        &self,
        hash: u64,
        is_it: &impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<Arc<T>, E>,
    ) -> Result<Arc<T>, E> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = find(&table, hash, is_it) {
            return Ok(known);
        }
        let value = make()?;
        insert(&mut table, hash, &value);
        Ok(value)
    }
}

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Table::new())))
    }
}

impl<T: ?Sized> Clone for Pool<T> {
    /// The same pool.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> fmt::Debug for Pool<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").finish_non_exhaustive()
    }
}

fn find<T: ?Sized>(table: &Table<T>, hash: u64, is_it: &impl Fn(&T) -> bool) -> Option<Arc<T>> {
    let found = table.find(hash, |(other, value)| *other == hash && is_it(value));
    found.map(|(_, value)| Arc::clone(value))
}

fn insert<T: ?Sized>(table: &mut Table<T>, hash: u64, value: &Arc<T>) {
    table.insert_unique(hash, (hash, Arc::clone(value)), |(hash, _)| *hash);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_one_decides_and_not_its_hash() {
        let mut known = Known::<str>::at_most(2);
        for text in ["a", "b", "c", "a", "a"] {
            assert_eq!(&*known.get(7, |known| known == text, || text.into()), text);
        }
        assert_eq!(known.own.len(), 2, "`c` and `a`, which was forgotten before");
    }
}
