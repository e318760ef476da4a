//! Work shared out to threads, results in the order of the work (L-5).

mod stages;

pub use stages::{Stage, in_order, in_stages};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// More than any machine's cores are no faster, and a thread that the system cannot set up ends the process.
const MOST_THREADS: usize = 256;

/// Applies `work` to every item on `threads` threads; results come in the order of the items.
///
/// The items are drawn one by one under a lock, so an iterator that reads a file reads it from
/// front to back, and no faster than the work is done.
pub fn map<T, R, F>(threads: usize, items: impl Iterator<Item = T> + Send, work: F) -> Vec<R>
where
    R: Send,
    F: Fn(T) -> R + Sync,
{
    map_with(threads, items, || (), |(), item| work(item))
}

/// As [`map`], with something that each thread keeps from one item to the next.
pub fn map_with<T, R, S, F>(
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

/// Does two things at once; one after the other where there is but one thread.
pub fn both<A: Send, B>(threads: usize, beside: impl Fn() -> A + Sync, work: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let spawn = || std::thread::Builder::new().spawn_scoped(scope, &beside).ok();
        let started = if threads > 1 { spawn() } else { None };
        let worked = work();
        (started.map_or_else(&beside, joined), worked)
    })
}

/// What threads share. Should one of them ever panic, its panic is its caller's, and not another's.
pub fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What threads shared, when they are done.
pub fn opened<T>(shared: Mutex<T>) -> T {
    shared.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn draw<T>(items: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    items.lock().ok().and_then(|mut items| items.next())
}

/// This thread is one of the `threads`. Where no more are to be had, those that run do the work.
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
}
