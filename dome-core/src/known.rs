//! What is made again and again, kept once.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashTable;

/// Remembers values that are made again and again, so that each is made and kept once.
///
/// It is a memory of what was made and decides nothing. It remembers so many at the most, then forgets all and learns
/// again, as a stream without an end needs it; several may share what they make by way of a [`Pool`].
///
/// ```
/// use std::sync::Arc;
/// use dome_core::{Known, Pool};
/// let pool = Pool::<str>::at_most(10);
/// let (mut here, mut there) = (Known::sharing(&pool), Known::sharing(&pool));
/// let made = here.get(1, |known| known == "a", || "a".into());
/// let again = there.get(1, |known| known == "a", || unreachable!());
/// assert!(Arc::ptr_eq(&made, &again));
/// ```
pub struct Known<T: ?Sized> {
    own: KnownValues<T>,
    shared: Option<Pool<T>>,
}

impl<T: ?Sized> Known<T> {
    /// Remembers so many values at the most.
    #[must_use]
    pub const fn at_most(values: usize) -> Self {
        Self { own: KnownValues::at_most(values), shared: None }
    }

    /// Remembers what anyone who shares the pool has made, as many values as the pool does.
    #[must_use]
    pub fn sharing(pool: &Pool<T>) -> Self {
        Self { own: KnownValues::at_most(pool.most), shared: Some(pool.clone()) }
    }

    /// The value with a hash that is the one, or a new one. Whatever is the one has the hash.
    pub fn get(&mut self, hash: u64, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        let Ok(value) = self.find_or(hash, is_it, || Ok::<_, Infallible>(make()));
        value
    }

    /// As [`Known::get`], where there may be no new one; `None` then.
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
        let Self { own, shared } = self;
        own.find_or(hash, &is_it, || match shared {
            None => make(),
            Some(pool) => pool.values.lock().unwrap_or_else(PoisonError::into_inner).find_or(hash, &is_it, make),
        })
    }
}

/// Values that are kept once among all that share it, on whatever threads.
pub struct Pool<T: ?Sized> {
    most: usize,
    values: Arc<Mutex<KnownValues<T>>>,
}

impl<T: ?Sized> Pool<T> {
    /// One that remembers so many values at the most.
    #[must_use]
    pub fn at_most(values: usize) -> Self {
        Self { most: values, values: Arc::new(Mutex::new(KnownValues::at_most(values))) }
    }
}

/// Values, each with the hash that it is found by; all are forgotten when there are too many.
struct KnownValues<T: ?Sized> {
    most: usize,
    table: HashTable<(u64, Arc<T>)>,
}

impl<T: ?Sized> KnownValues<T> {
    const fn at_most(most: usize) -> Self {
        Self { most, table: HashTable::new() }
    }

    fn find_or<E>(
        &mut self,
        hash: u64,
        is_it: &impl Fn(&T) -> bool,
        make: impl FnOnce() -> Result<Arc<T>, E>,
    ) -> Result<Arc<T>, E> {
        if let Some((_, known)) = self.table.find(hash, |(other, value)| *other == hash && is_it(value)) {
            return Ok(Arc::clone(known));
        }
        let value = make()?;
        if self.table.len() >= self.most {
            self.table.clear();
        }
        self.table.insert_unique(hash, (hash, Arc::clone(&value)), |(hash, _)| *hash);
        Ok(value)
    }
}

impl<T: ?Sized> Clone for Pool<T> {
    /// The same pool.
    fn clone(&self) -> Self {
        Self { most: self.most, values: Arc::clone(&self.values) }
    }
}

impl<T: ?Sized> fmt::Debug for Pool<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").finish_non_exhaustive()
    }
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
        assert_eq!(known.own.table.len(), 2, "`c` and `a`, which was forgotten before");
    }
}
