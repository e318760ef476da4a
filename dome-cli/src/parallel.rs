//! Work shared out to threads, results in the order of the work (L-5).

use std::sync::Mutex;

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
    if threads <= 1 {
        return items.map(work).collect();
    }
    let items = Mutex::new(items.enumerate());
    let draw = || items.lock().ok().and_then(|mut items| items.next());
    let worker = || {
        let mut results = Vec::new();
        while let Some((place, item)) = draw() {
            results.push((place, work(item)));
        }
        results
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        // Where no more threads are to be had, those that run do the work, this one at least.
        let started =
            (1..threads.min(MOST_THREADS)).map_while(|_| std::thread::Builder::new().spawn_scoped(scope, worker).ok());
        let workers: Vec<_> = started.collect();
        let own = worker();
        own.into_iter().chain(workers.into_iter().flat_map(joined)).collect()
    });
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A worker's results; its panic, should there ever be one, is the caller's.
fn joined<R>(worker: std::thread::ScopedJoinHandle<'_, R>) -> R {
    worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    #[test]
    fn l5_results_come_in_the_order_of_the_work() {
        let expected: Vec<u32> = (0..1_000).map(|item| item * 2).collect();
        for threads in [1, 2, 7, 100_000] {
            assert_eq!(super::map(threads, 0..1_000_u32, |item| item * 2), expected);
        }
    }
}
