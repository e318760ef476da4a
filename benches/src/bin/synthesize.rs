//! Writes a synthetic history to standard output: `synthesize COUNT [SEED]`.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use dome_benches::{History, SEED};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|count| count.parse().ok());
    let seed = arguments.next().map_or(Some(SEED), |seed| seed.parse().ok());
    let (Some(count), Some(seed), None) = (count, seed, arguments.next()) else {
        eprintln!("usage: synthesize COUNT [SEED]");
        return ExitCode::from(2);
    };
    match write(count, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("synthesize: cannot write: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(count: usize, seed: u64) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in History::new(count, seed).lines() {
        out.write_all(&line)?;
    }
    out.flush()
}
