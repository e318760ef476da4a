//! What a program costs: its CPU time, its wall time and its memory, as the kernel counts them.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one run of a program took, with everything that it started and waited for.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// User and system time.
    pub cpu: Duration,
    /// From start to end.
    pub wall: Duration,
    /// The greatest resident memory, in bytes.
    ///
    /// It is never less than that of the program which starts it: keep that one small.
    pub peak: u64,
}

impl Cost {
    /// Runs a program to its end; what it prints is thrown away.
    ///
    /// # Errors
    ///
    /// When it cannot be started or fails.
    pub fn of(program: &mut Command) -> io::Result<Self> {
        let begun = Instant::now();
        let mut child = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let ended = child.wait4()?;
        let wall = begun.elapsed();
        if !ended.status.success() {
            return Err(io::Error::other(format!("{program:?}: {}", ended.status)));
        }
        Ok(Self { cpu: ended.rusage.utime + ended.rusage.stime, wall, peak: ended.rusage.maxrss })
    }

    /// The lesser times of two runs, and the greater memory.
    #[must_use]
    pub fn best(self, other: Self) -> Self {
        Self { cpu: self.cpu.min(other.cpu), wall: self.wall.min(other.wall), peak: self.peak.max(other.peak) }
    }

    /// Runs programs `rounds` times in turn and keeps the best of each; `ready` comes before every run.
    ///
    /// # Errors
    ///
    /// When one cannot be started or fails.
    pub fn in_turn(rounds: usize, programs: &mut [Command], mut ready: impl FnMut()) -> io::Result<Vec<Self>> {
        let mut best: Vec<Self> = Vec::new();
        for round in 0..rounds {
            for (place, program) in programs.iter_mut().enumerate() {
                ready();
                let cost = Self::of(program)?;
                match best.get_mut(place).filter(|_| round > 0) {
                    Some(best) => *best = best.best(cost),
                    None => best.push(cost),
                }
            }
        }
        Ok(best)
    }
}
