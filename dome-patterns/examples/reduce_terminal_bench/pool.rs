//! Worker processes, a few at a time: each with its own pipes, its own clock and its own end.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use dome_patterns::{Completion, Ended, Job, MapPlan, MapResult};

use super::Outcome;

/// Runs the jobs of a plan, `at_once` at a time, and records each as it ends.
pub(super) fn run(plan: &MapPlan, at_once: usize, worker: &(dyn Fn(&Job<'_>) -> Command + Sync)) -> Outcome<MapResult> {
    let jobs = Mutex::new(plan.jobs());
    let mut run = plan.start();
    let (ended, ends) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let (jobs, ended) = (&jobs, ended.clone());
            scope.spawn(move || {
                loop {
                    let Some(job) = jobs.lock().ok().and_then(|mut jobs| jobs.next()) else { return };
                    let completion = work(worker(&job), &job);
                    let _sent = ended.send((job.item(), completion));
                }
            });
        }
        drop(ended);
        ends.iter().try_for_each(|(item, completion)| run.record(item, completion))
    })?;
    Ok(run.finish())
}

/// Runs one worker to its end, which is ours when it takes too long or writes too much.
fn work(mut command: Command, job: &Job<'_>) -> Completion {
    let begun = Instant::now();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = spawned else {
        return Completion { ended: Ended::Killed, output: Vec::new(), time_ms: 0 };
    };
    let most = Duration::from_millis(job.worker_time_ms());
    let output = listen(&mut child, job);
    let output = output.recv_timeout(most.saturating_sub(begun.elapsed()));
    let wrote_too_much = output.as_ref().is_ok_and(|output| output.len() as u64 > job.output_bytes());
    let ended = if wrote_too_much { None } else { wait(&mut child, begun, most) };
    if ended.is_none() {
        let _killed = child.kill();
        let _reaped = child.wait();
    }
    let time_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let over = if wrote_too_much { Ended::Killed } else { Ended::TimedOut };
    Completion { ended: ended.unwrap_or(over), output: output.unwrap_or_default(), time_ms }
}

/// Gives the worker its item, and hears what it writes: one byte more than it may, at most.
fn listen(child: &mut Child, job: &Job<'_>) -> mpsc::Receiver<Vec<u8>> {
    let (said, hear) = mpsc::channel();
    let (stdin, stdout, input) = (child.stdin.take(), child.stdout.take(), job.input().to_vec());
    let most = job.output_bytes() + 1;
    std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&input)));
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = stdout.map(|stdout| stdout.take(most).read_to_end(&mut output));
        let _heard = read.map(|_| said.send(output));
    });
    hear
}

/// Waits for the worker to end by itself.
fn wait(child: &mut Child, begun: Instant, most: Duration) -> Option<Ended> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.code().map_or(Ended::Killed, Ended::Exited)),
            Ok(None) if begun.elapsed() < most => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) => return None,
            Err(_) => return Some(Ended::Killed),
        }
    }
}
