//! Worker processes, a few at a time: each with its own pipes, its own clock and its own end.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use dome_patterns::{Budget, MapItem, MapPlan, MapRun, WorkerEnd};

use super::Outcome;

/// Runs a worker for each admitted item, `at_once` at a time, and records each as it ends.
pub(super) fn run<'p>(
    plan: &'p MapPlan,
    budget: &Budget,
    at_once: usize,
    worker: &(dyn Fn(&MapItem) -> Command + Sync),
) -> Outcome<MapRun<'p>> {
    let items = Mutex::new(plan.admitted());
    let mut run = plan.start();
    let (ended, ends) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let (items, ended) = (&items, ended.clone());
            scope.spawn(move || {
                loop {
                    let Some(item) = items.lock().ok().and_then(|mut items| items.next()) else { return };
                    let _sent = ended.send((item, work(worker(item), item, budget)));
                }
            });
        }
        drop(ended);
        ends.iter().try_for_each(|(item, (ended, output, time_ms))| run.record(&item.id, ended, &output, time_ms))
    })?;
    Ok(run)
}

/// Runs one worker to its end, which is ours when it takes too long or writes too much.
fn work(mut command: Command, item: &MapItem, budget: &Budget) -> (WorkerEnd, Vec<u8>, u64) {
    let begun = Instant::now();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = spawned else {
        return (WorkerEnd::Killed, Vec::new(), 0);
    };
    let most = Duration::from_millis(budget.worker_time_ms);
    let output = listen(&mut child, item, budget.output_bytes);
    let output = output.recv_timeout(most.saturating_sub(begun.elapsed()));
    let wrote_too_much = output.as_ref().is_ok_and(|output| output.len() as u64 > budget.output_bytes);
    let ended = if wrote_too_much { None } else { wait(&mut child, begun, most) };
    if ended.is_none() {
        let _killed = child.kill();
        let _reaped = child.wait();
    }
    let time_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let over = if wrote_too_much { WorkerEnd::Killed } else { WorkerEnd::TimedOut };
    (ended.unwrap_or(over), output.unwrap_or_default(), time_ms)
}

/// Gives the worker its item, and hears what it writes: one byte more than it may, at most.
fn listen(child: &mut Child, item: &MapItem, most_bytes: u64) -> mpsc::Receiver<Vec<u8>> {
    let (said, hear) = mpsc::channel();
    let (stdin, stdout, input) = (child.stdin.take(), child.stdout.take(), item.input.clone());
    std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = stdout.map(|stdout| stdout.take(most_bytes + 1).read_to_end(&mut output));
        let _heard = read.map(|_| said.send(output));
    });
    hear
}

/// Waits for the worker to end by itself.
fn wait(child: &mut Child, begun: Instant, most: Duration) -> Option<WorkerEnd> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.code().map_or(WorkerEnd::Killed, WorkerEnd::Exited)),
            Ok(None) if begun.elapsed() < most => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) => return None,
            Err(_) => return Some(WorkerEnd::Killed),
        }
    }
}
