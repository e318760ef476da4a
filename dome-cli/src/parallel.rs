//! Work shared out to threads, results in the order of the work (L-5).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, TryLockError};

/// Threads at the most, whatever is asked for: more than any machine's cores are no faster, and a
/// thread that the system cannot set up ends the process.
const MOST_THREADS: usize = 256;

/// Applies `work` to every item on `threads` threads; results come in the order of the items.
///
/// The items are drawn one by one under a lock, so an iterator that reads a file reads it from
/// front to back, and no faster than the work is done.
pub(crate) fn map<T, R, F>(threads: usize, items: impl Iterator<Item = T> + Send, work: F) -> Vec<R>
where
    R: Send,
    F: Fn(T) -> R + Sync,
{
    map_with(threads, items, || (), |(), item| work(item))
}

/// As [`map`], with something that each thread keeps from one item to the next.
pub(crate) fn map_with<T, R, S, F>(
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    start: impl Fn() -> S + Sync,
    work: F,
) -> Vec<R>
where
    R: Send,
    F: Fn(&mut S, T) -> R + Sync,
{
    let items = Mutex::new(items.enumerate());
    let mut results: Vec<(usize, R)> = on_threads(threads, || {
        let (mut kept, mut results) = (start(), Vec::new());
        while let Some((place, item)) = draw(&items) {
            results.push((place, work(&mut kept, item)));
        }
        results
    })
    .into_iter()
    .flatten()
    .collect();
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Applies `work` to every item on `threads` threads, and gives the results to `sink` one by one in
/// the order of the items, while other threads go on. At the first error nothing more is begun.
///
/// # Errors
///
/// The first error of `sink`.
pub(crate) fn in_order<T, R, E, F>(
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    work: F,
    sink: impl FnMut(R) -> Result<(), E> + Send,
) -> Result<(), E>
where
    R: Send,
    E: Send,
    F: Fn(T) -> R + Sync,
{
    let items = Mutex::new(items.enumerate());
    let waiting: Mutex<BTreeMap<usize, R>> = Mutex::new(BTreeMap::new());
    let sink = Mutex::new(Sink { next: 0, take: sink, done: Ok(()) });
    on_threads(threads, || {
        while let Some((place, item)) = draw(&items) {
            let result = work(item);
            let mut results = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            results.insert(place, result);
            let many = results.len() > 2 * threads;
            drop(results);
            // Who finds the sink free empties it; when much has piled up, everybody helps.
            let sink = if many { sink.lock().ok() } else { sink.try_lock().map_err(drop_poison).ok() };
            if sink.is_some_and(|mut sink| !sink.drain(&waiting)) {
                return;
            }
        }
    });
    let mut sink = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
    sink.drain(&waiting);
    sink.done
}

/// Does two things at once; where no thread is to be had for the first, one after the other.
pub(crate) fn both<A: Send, B>(beside: impl Fn() -> A + Sync, work: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let started = std::thread::Builder::new().spawn_scoped(scope, &beside).ok();
        let worked = work();
        (started.map_or_else(&beside, joined), worked)
    })
}

/// Where results go, in order.
struct Sink<S, E> {
    next: usize,
    take: S,
    done: Result<(), E>,
}

impl<S, E> Sink<S, E> {
    /// Takes all results that are next; says whether more are wanted.
    fn drain<R>(&mut self, waiting: &Mutex<BTreeMap<usize, R>>) -> bool
    where
        S: FnMut(R) -> Result<(), E>,
    {
        while self.done.is_ok() {
            let result = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.next);
            let Some(result) = result else { return true };
            self.done = (self.take)(result);
            self.next += 1;
        }
        false
    }
}

fn drop_poison<T>(_: TryLockError<T>) {}

fn draw<T>(items: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    items.lock().ok().and_then(|mut items| items.next())
}

/// Runs `work` on `threads` threads at once, this one among them. Where no more threads are to be
/// had, those that run do the work.
fn on_threads<R: Send>(threads: usize, work: impl Fn() -> R + Sync) -> Vec<R> {
    std::thread::scope(|scope| {
        let started =
            (1..threads.min(MOST_THREADS)).map_while(|_| std::thread::Builder::new().spawn_scoped(scope, &work).ok());
        let workers: Vec<_> = started.collect();
        let own = work();
        std::iter::once(own).chain(workers.into_iter().map(joined)).collect()
    })
}

/// A worker's results; its panic, should there ever be one, is the caller's.
fn joined<R>(worker: std::thread::ScopedJoinHandle<'_, R>) -> R {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l5_results_come_in_the_order_of_the_work() {
        let expected: Vec<u32> = (0..1_000).map(|item| item * 2).collect();
        for threads in [1, 2, 7, 100_000] {
            assert_eq!(map(threads, 0..1_000_u32, |item| item * 2), expected);
            let mut taken = Vec::new();
            let take = |item| {
                taken.push(item);
                Ok::<_, ()>(())
            };
            let done = in_order(threads, 0..1_000_u32, |item| item * 2, take);
            assert_eq!((done, taken), (Ok(()), expected.clone()));
        }
    }

    #[test]
    fn nothing_is_taken_behind_an_error() {
        for threads in [1, 3] {
            let mut taken = 0;
            let take = |item| {
                taken += 1;
                if item == 40 { Err(item) } else { Ok(()) }
            };
            assert_eq!(in_order(threads, 0..1_000_u32, |item| item, take), Err(40));
            assert_eq!(taken, 41);
        }
    }
}
