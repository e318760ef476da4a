//! Writes a synthetic history to standard output: `synthesize COUNT [SEED]`.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use dome_benches::{History, SEED};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().and_then(|count| count.parse().ok());
    let seed = arguments.next().map_or(Some(SEED), |seed| seed.parse().ok());
    let order = arguments.next();
    let in_order = order.as_deref() == Some("in-order");
    let (Some(count), Some(seed), None) = (count, seed, order.filter(|_| !in_order)) else {
        eprintln!("usage: synthesize COUNT [SEED [in-order]]");
        return ExitCode::from(2);
    };
    match write(count, seed, in_order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("synthesize: cannot write: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(count: usize, seed: u64, in_order: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let history = if in_order { History::in_order(count, seed) } else { History::new(count, seed) };
    for line in history.lines() {
        out.write_all(&line)?;
    }
    out.flush()
}
