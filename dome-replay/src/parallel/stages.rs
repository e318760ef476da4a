//! Results that go through stages: each stage takes them in the order of the work, one at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, TryLockError};

use super::{draw, held, on_threads};

/// What is done to every result, one after the other, in the order of the items.
pub type Stage<'s, R, E> = &'s mut (dyn FnMut(&mut R) -> Result<(), E> + Send);

/// Applies `work` to every item on `threads` threads, and takes the results through the stages, each of which sees
/// them one by one in the order of the items. Whoever finds a stage free does what waits there, so that stages run
/// side by side, on different results. At the first error nothing more is begun.
///
/// # Errors
///
/// The first error of the work, or of the first stage that has one.
pub fn in_stages<T, R, E, F, const N: usize>(
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    work: F,
    stages: [Stage<'_, R, E>; N],
) -> Result<(), E>
where
    R: Send,
    E: Send,
    F: Fn(T) -> Result<R, E> + Sync,
{
    let items = Mutex::new(items.enumerate());
    let stations = stages.map(Station::of);
    on_threads(threads, || {
        while let Some((place, item)) = draw(&items) {
            let result = work(item);
            if let Some(first) = stations.first() {
                first.add(place, result);
            }
            if !each(&stations, |station, next| station.take_turn(2 * threads, next)) {
                return;
            }
        }
    });
    each(&stations, |station, next| held(&station.sink).drain(&station.waiting, next));
    stations.into_iter().try_for_each(|station| station.sink.into_inner().unwrap_or_else(PoisonError::into_inner).done)
}

/// As [`in_stages`], with one stage, which has the results for itself.
///
/// # Errors
///
/// The first error of `sink`.
pub fn in_order<T, R, E, F>(
    threads: usize,
    items: impl Iterator<Item = T> + Send,
    work: F,
    mut sink: impl FnMut(R) -> Result<(), E> + Send,
) -> Result<(), E>
where
    R: Send,
    E: Send,
    F: Fn(T) -> R + Sync,
{
    in_stages(
        threads,
        items,
        |item| Ok(Some(work(item))),
        [&mut |result: &mut Option<R>| result.take().map_or(Ok(()), &mut sink)],
    )
}

struct Station<'s, R, E> {
    waiting: Mutex<BTreeMap<usize, Result<R, E>>>,
    sink: Mutex<StageSink<'s, R, E>>,
}

struct StageSink<'s, R, E> {
    next: usize,
    take: Stage<'s, R, E>,
    done: Result<(), E>,
}

fn each<'a, 's, R, E>(
    stations: &'a [Station<'s, R, E>],
    turn: impl Fn(&'a Station<'s, R, E>, Option<&'a Station<'s, R, E>>) -> bool,
) -> bool {
    let next = stations.iter().skip(1).map(Some).chain([None]);
    stations.iter().zip(next).all(|(station, next)| turn(station, next))
}

impl<'s, R, E> Station<'s, R, E> {
    fn of(take: Stage<'s, R, E>) -> Self {
        Self { waiting: Mutex::default(), sink: Mutex::new(StageSink { next: 0, take, done: Ok(()) }) }
    }

    fn add(&self, place: usize, result: Result<R, E>) {
        held(&self.waiting).insert(place, result);
    }

    /// Takes what waits here if nobody else does, or if more than `many` do; says whether more are wanted.
    fn take_turn(&self, many: usize, next: Option<&Self>) -> bool {
        let wait = held(&self.waiting).len() > many;
        let sink = if wait { self.sink.lock().ok() } else { self.sink.try_lock().map_err(drop_poison).ok() };
        sink.is_none_or(|mut sink| sink.drain(&self.waiting, next))
    }
}

impl<R, E> StageSink<'_, R, E> {
    /// Takes all results that are next, and gives them on; says whether more are wanted.
    fn drain(&mut self, waiting: &Mutex<BTreeMap<usize, Result<R, E>>>, next: Option<&Station<'_, R, E>>) -> bool {
        while self.done.is_ok() {
            let Some(result) = held(waiting).remove(&self.next) else { return true };
            self.done = result.and_then(|mut result| {
                (self.take)(&mut result)?;
                if let Some(next) = next {
                    next.add(self.next, Ok(result));
                }
                Ok(())
            });
            self.next += 1;
        }
        false
    }
}

fn drop_poison<T>(_: TryLockError<T>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l5_every_stage_takes_all_results_in_the_order_of_the_work() {
        let expected: Vec<u32> = (0..1_000).map(|item| item * 2).collect();
        for threads in [1, 2, 7, 100_000] {
            let (mut first, mut second) = (Vec::new(), Vec::new());
            let mut add_one = |item: &mut u32| {
                first.push(*item);
                *item += 1;
                Ok::<_, ()>(())
            };
            let mut end = |item: &mut u32| {
                second.push(*item - 1);
                Ok(())
            };
            let done = in_stages(threads, 0..1_000_u32, |item| Ok(item * 2), [&mut add_one, &mut end]);
            assert_eq!((done, first, second), (Ok(()), expected.clone(), expected.clone()));
        }
    }

    #[test]
    fn nothing_is_taken_behind_an_error() {
        for (threads, failing) in [(1, 0), (3, 0), (1, 1), (3, 1)] {
            let mut taken = [0, 0];
            let [first, second] = &mut taken;
            let stage = |own: usize, count: &mut u32, item: u32| {
                *count += 1;
                if own == failing && item == 40 { Err(item) } else { Ok(()) }
            };
            let (mut one, mut two) =
                (|item: &mut u32| stage(0, first, *item), |item: &mut u32| stage(1, second, *item));
            assert_eq!(
                in_stages(
                    threads,
                    0..1_000_u32,
                    |item| if item == 900 { Err(0) } else { Ok(item) },
                    [&mut one, &mut two]
                ),
                Err(40)
            );
            assert_eq!(taken.get(failing), Some(&41), "{threads} {failing} {taken:?}");
            assert!(taken[1] <= 41 && taken[0] >= 41 - u32::from(failing == 0), "{threads} {failing} {taken:?}");
        }
    }
}
