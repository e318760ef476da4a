//! `dome replay` beside other programs on the same file: `cargo bench -p dome-benches --bench peers`.
//!
//! Each peer does less than a replay; what it leaves out stands under its figures. A tool that is not here
//! is skipped, and the line says so. DuckDB comes from PyPI into a place of its own in the target directory.
//!
//! `DOME_BENCH_COUNT` sets how many lines are taken, 200,000 without it; `DOME_BIN` the command to measure.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use dome_benches::child::Cost;
use dome_benches::command::{Dome, synthesize};
use dome_benches::count;
use dome_core::Reader;

/// Rounds of what takes seconds; the slower peers run once.
const ROUNDS: usize = 3;
/// Lines that the reference model is held against `dome` on.
const SAMPLE: usize = 20_000;

const PYTHON: &str = "every check of a value, every problem of a line, the fold, verdicts, views, digests of files";
const JQ: &str = "everything but sorted members and one hash over all: no check, no key, no order";
const BARE: &str = "any check, normalising, digest and keys, order in a run, the fold, views, quarantine, sync";
const NEAREST: &str = "any check, canonical bytes, order in a run, the fold, verdicts, a view, quarantine, sync";

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A folder for the files of this run, the command, and the file that all read.
struct Bench {
    dome: Dome,
    folder: PathBuf,
    input: PathBuf,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where a program writes, empty.
    fn fresh(&self) -> PathBuf {
        let out = self.path("out");
        let _absent = fs::remove_dir_all(&out);
        out
    }
}

fn measure() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-peers");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let bench = Bench { dome: Dome::release()?, input: folder.join("in.jsonl"), folder };
    agreement(&bench)?;
    let bytes = synthesize(count(), &bench.input)?;
    println!("\n{} synthetic lines, {} MB; ratios are against `dome` on two threads\n", count(), bytes / 1_000_000);
    println!("{:<44}{:>8}{:>8}{:>9}{:>8}{:>9}", "", "CPU ms", "ratio", "wall ms", "ratio", "peak MB");
    let dome = database(&bench)?;
    valid_lines(&bench, dome)?;
    if has("python3") {
        let cost = Cost::of(reference().arg(&bench.input).arg(bench.fresh()))?;
        row("Python reference model", cost, dome, PYTHON);
    }
    fs::remove_dir_all(&bench.folder)
}

/// Whether a program is here; says so where it is not.
fn has(program: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !here {
        println!("{program}: skipped: it is not here");
    }
    here
}

fn peer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

fn reference() -> Command {
    let mut python = Command::new("python3");
    python.arg(peer("reference.py"));
    python
}

/// Whether the reference model and `dome` come to the same: only then is its time worth anything.
fn agreement(bench: &Bench) -> io::Result<()> {
    if !has("python3") {
        return Ok(());
    }
    let (input, result) = (bench.path("sample.jsonl"), bench.path("sample"));
    synthesize(SAMPLE, &input)?;
    Cost::of(&mut bench.dome.replay(&input, &result, 2))?;
    println!("the reference model in Python and `dome` on {SAMPLE} lines:");
    let held = reference().arg(&input).arg(bench.fresh()).arg("--against").arg(&result).status()?;
    if held.success() { Ok(()) } else { Err(io::Error::other("the reference model does not agree")) }
}

/// `dome` and DuckDB in turn, both on two threads; gives what `dome` took.
fn database(bench: &Bench) -> io::Result<Cost> {
    let mut programs = vec![bench.dome.replay(&bench.input, &bench.path("out"), 2)];
    if let Some(python) = duckdb(&bench.folder) {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("dome-core/src/data/normalizer-v1.json");
        let program = || {
            let mut program = Command::new(&python);
            program.arg(peer("duckdb_peer.py")).arg(&bench.input).arg(bench.path("out"));
            program
        };
        let mut nearest = program();
        nearest.arg("--nearest").arg(rules);
        programs.extend([program(), nearest]);
    }
    let costs = Cost::in_turn(ROUNDS, &mut programs, || drop(bench.fresh()))?;
    let mut costs = costs.into_iter();
    let dome = costs.next().ok_or_else(|| io::Error::other("nothing was measured"))?;
    row("dome replay --threads 2", dome, dome, "");
    let peers =
        [("DuckDB, two threads, as the goal words it", BARE), ("DuckDB, two threads, as near as SQL comes", NEAREST)];
    for ((name, lacks), cost) in peers.into_iter().zip(costs) {
        row(name, cost, dome, lacks);
    }
    println!("    goal for `dome` against DuckDB: at least 6.00 in wall time");
    Ok(dome)
}

/// The interpreter of a place that has DuckDB, made once.
fn duckdb(folder: &Path) -> Option<PathBuf> {
    let place = folder.with_file_name("peers-venv");
    let python = place.join("bin/python");
    let there = |python: &Path| {
        let import = Command::new(python).args(["-c", "import duckdb"]).output();
        import.is_ok_and(|output| output.status.success())
    };
    if !there(&python) {
        let _made = Command::new("python3").args(["-m", "venv"]).arg(&place).output();
        let mut pip = Command::new(&python);
        let _installed = pip.args(["-m", "pip", "install", "--quiet", "-r"]).arg(peer("requirements.txt")).output();
    }
    let python = Some(python).filter(|python| there(python));
    if python.is_none() {
        println!("DuckDB: skipped: it cannot be installed from PyPI here");
    }
    python
}

/// `jq` and `sha256sum` on the lines that are envelopes.
fn valid_lines(bench: &Bench, dome: Cost) -> io::Result<()> {
    let one = Cost::of(&mut bench.dome.replay(&bench.input, &bench.fresh(), 1))?;
    row("dome replay --threads 1", one, dome, "");
    if !has("jq") || !has("sha256sum") {
        return Ok(());
    }
    let valid = bench.path("valid.jsonl");
    let (mut out, mut reader) = (BufWriter::new(File::create(&valid)?), Reader::new());
    for line in BufReader::new(File::open(&bench.input)?).split(b'\n') {
        let mut line = line?;
        if reader.read(&line).is_ok() {
            line.push(b'\n');
            out.write_all(&line)?;
        }
    }
    out.flush()?;
    let mut pipe = Command::new("sh");
    pipe.args(["-c", "jq -cS . \"$1\" | sha256sum", "sh"]).arg(&valid);
    row("jq -cS . | sha256sum, valid lines", Cost::of(&mut pipe)?, dome, JQ);
    Ok(())
}

/// Prints what a program took, and that against what `dome` took on two threads.
fn row(name: &str, cost: Cost, dome: Cost, lacks: &str) {
    let ratio = |of: Duration, to: Duration| {
        let ratio = of.as_micros() * 100 / to.as_micros().max(1);
        format!("{}.{:02}", ratio / 100, ratio % 100)
    };
    let [cpu, wall] = [cost.cpu, cost.wall].map(|time| time.as_millis());
    let [cpu_ratio, wall_ratio] = [ratio(cost.cpu, dome.cpu), ratio(cost.wall, dome.wall)];
    println!("{name:<44}{cpu:>8}{cpu_ratio:>8}{wall:>9}{wall_ratio:>8}{:>9}", cost.peak / 1_000_000);
    if !lacks.is_empty() {
        println!("    without: {lacks}");
    }
}
