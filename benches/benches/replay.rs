//! What `dome replay` costs, from process to process: `cargo bench -p dome-benches --bench replay`.
//!
//! The release build of `dome` replays a synthetic file, in turn with the ceiling: a program on one thread
//! that parses the same lines, hashes as many bytes and writes as many. All are processes of their own and
//! are measured by the kernel.
//!
//! - `DOME_BENCH_COUNT`: how many lines, 200,000 without it;
//! - `DOME_BENCH_ROUNDS`: rounds of which the best counts, 5 without it;
//! - `-- --large` or `DOME_BENCH_LARGE=1`: ten times the lines as well, and the same with `--memory 512MiB`;
//! - `DOME_BIN`: the command to measure, instead of building it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use dome_benches::child::Cost;
use dome_benches::command::{Dome, same, size, synthesize};
use dome_benches::{count, on_disk};

/// Runs of a start-up, of which the best counts.
const STARTS: usize = 20;
/// Rounds with ten times the lines, at most.
const LARGE_ROUNDS: usize = 2;
/// Lines of a small result.
const SMALL: usize = 1_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        // What this program is told when it runs itself.
        ["ceiling", input, lengths, result, out] => {
            on_disk::run(input.as_ref(), lengths.as_ref(), result.as_ref(), out.as_ref())
        }
        ["synthesize", count, path] => {
            count.parse().map_err(io::Error::other).and_then(|count| synthesize(count, path.as_ref())).map(drop)
        }
        ["lengths", input, lengths] => on_disk::write_lengths(input.as_ref(), lengths.as_ref(), false),
        ["lengths-once", input, lengths] => on_disk::write_lengths(input.as_ref(), lengths.as_ref(), true),
        _ => measure(words.contains(&"--large") || std::env::var("DOME_BENCH_LARGE").is_ok_and(|large| large == "1")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn rounds() -> usize {
    std::env::var("DOME_BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5).max(1)
}

/// This program, told to do a part of the work in a process of its own, so that it stays small itself.
fn this(words: &[&str], paths: &[&Path]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(words).args(paths);
    Ok(command)
}

/// A folder for the files of this run, and the command.
struct Bench {
    dome: Dome,
    folder: PathBuf,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A synthetic file of so many lines, and its size.
    fn input(&self, lines: usize) -> io::Result<(PathBuf, u64)> {
        let path = self.path(&format!("{lines}.jsonl"));
        Cost::of(&mut this(&["synthesize", &lines.to_string()], &[&path])?)?;
        Ok((path.clone(), fs::metadata(path)?.len()))
    }
}

fn measure(large: bool) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-replay");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let bench = Bench { dome: Dome::release()?, folder };
    let lines = count();
    let usual = usual(&bench, lines)?;
    start_up(&bench)?;
    if large {
        ten_times(&bench, lines, &usual)?;
    } else {
        println!("\nten times the lines: skipped; `-- --large` measures it");
    }
    fs::remove_dir_all(&bench.folder)
}

/// What the usual history costs.
struct Usual {
    ceiling: Cost,
    one: Cost,
    two: Cost,
}

/// The usual history: the ceiling, one thread, two threads.
fn usual(bench: &Bench, lines: usize) -> io::Result<Usual> {
    let (input, bytes) = bench.input(lines)?;
    let [result, lengths, once, out] = ["result", "lengths", "once", "out"].map(|name| bench.path(name));
    Cost::of(&mut this(&["lengths"], &[&input, &lengths])?)?;
    Cost::of(&mut this(&["lengths-once"], &[&input, &once])?)?;
    Cost::of(&mut bench.dome.replay(&input, &result, 2))?;
    let written = size(&result)?;
    println!(
        "{lines} synthetic lines, {} MB in, {} MB out; best of {}, in turn",
        bytes / 1_000_000,
        written / 1_000_000,
        rounds()
    );
    let mut programs = [
        this(&["ceiling"], &[&input, &lengths, &result, &out])?,
        this(&["ceiling"], &[&input, &once, &result, &out])?,
        bench.dome.replay(&input, &out, 1),
        bench.dome.replay(&input, &out, 2),
    ];
    let mut fresh = || drop(fs::remove_dir_all(&out));
    let costs = Cost::in_turn(rounds(), &mut programs, &mut fresh)?;
    fresh();
    let &[ceiling, once, one, two] = costs.as_slice() else { return Err(io::Error::other("four programs")) };
    header();
    row("the ceiling, one thread", ceiling);
    row("the same, but what repeats is hashed once", once);
    row("dome replay --threads 1", one);
    row("dome replay --threads 2", two);
    goals();
    goal("one thread against the ceiling, CPU", "at most 2.50", one.cpu.as_micros(), ceiling.cpu.as_micros());
    goal("  against the one that hashes once, CPU", "", one.cpu.as_micros(), once.cpu.as_micros());
    goal("one thread against the ceiling, wall", "at most 2.50", one.wall.as_micros(), ceiling.wall.as_micros());
    goal("two threads against one, wall", "at least 1.70", one.wall.as_micros(), two.wall.as_micros());
    goal("peak memory against the input", "at most 1.20", one.peak.max(two.peak).into(), bytes.into());
    Ok(Usual { ceiling, one, two })
}

/// Ten times the history, and the same within 512 MiB; the ceiling too, which says how much of the cost is the
/// machine's.
fn ten_times(bench: &Bench, lines: usize, usual: &Usual) -> io::Result<()> {
    let (input, bytes) = bench.input(lines * 10)?;
    let [result, lengths, out, two] = ["ten", "ten-lengths", "out", "two"].map(|name| bench.path(name));
    let rounds = rounds().min(LARGE_ROUNDS);
    println!("\n{} lines, {} MB in; best of {rounds}, in turn", lines * 10, bytes / 1_000_000);
    Cost::of(&mut this(&["lengths"], &[&input, &lengths])?)?;
    // The result that the others are held to is that of a bounded replay, where there is one.
    let is_bounded = bench.dome.offers("replay", "--memory");
    let bounded = Cost::of(bench.dome.replay(&input, &result, 2).args(is_bounded.then_some("--memory=512MiB")))?;
    let mut programs = [
        this(&["ceiling"], &[&input, &lengths, &result, &out])?,
        bench.dome.replay(&input, &out, 1),
        bench.dome.replay(&input, &two, 2),
    ];
    let fresh = || [&out, &two].into_iter().for_each(|out| drop(fs::remove_dir_all(out)));
    let costs = Cost::in_turn(rounds, &mut programs, fresh)?;
    let &[ceiling, first, second] = costs.as_slice() else { return Err(io::Error::other("three programs")) };
    header();
    row("the ceiling, one thread", ceiling);
    row("dome replay --threads 1", first);
    row("dome replay --threads 2", second);
    row(if is_bounded { "dome replay --threads 2 --memory 512MiB" } else { "dome replay --threads 2, once" }, bounded);
    goals();
    goal("ten times the lines, one thread, CPU", "at most 10.50", first.cpu.as_micros(), usual.one.cpu.as_micros());
    goal("  the ceiling by itself, CPU", "", ceiling.cpu.as_micros(), usual.ceiling.cpu.as_micros());
    goal(
        "ten times the lines, two threads, wall",
        "at most 10.50",
        second.wall.as_micros(),
        usual.two.wall.as_micros(),
    );
    goal("  the ceiling by itself, wall", "", ceiling.wall.as_micros(), usual.ceiling.wall.as_micros());
    goal("one thread against the ceiling, CPU", "at most 2.50", first.cpu.as_micros(), ceiling.cpu.as_micros());
    goal("peak memory against the input", "at most 1.20", first.peak.max(second.peak).into(), bytes.into());
    if !is_bounded {
        println!("--memory 512MiB: skipped: this `dome replay` does not offer it");
        return Ok(());
    }
    let equal = if same(&result, &two)? { "equal byte for byte" } else { "NOT EQUAL" };
    println!("{:<44}{:>16}{:>9} MiB", "peak memory with --memory 512MiB", "at most 700 MiB", bounded.peak >> 20);
    println!("{:<44}{:>16}  {equal}", "its result and that without a bound", "equal");
    Ok(())
}

/// What it costs to start.
fn start_up(bench: &Bench) -> io::Result<()> {
    let (input, _) = bench.input(SMALL)?;
    let result = bench.path("small");
    Cost::of(&mut bench.dome.replay(&input, &result, 1))?;
    let mut query = bench.dome.words(&["query", "recent-failures", "--from"]);
    query.arg(&result);
    let mut programs = [bench.dome.words(&["--version"]), query];
    let costs = Cost::in_turn(STARTS, &mut programs, || ())?;
    println!("\nstart-up; best of {STARTS}");
    header();
    for (what, cost) in ["dome --version", "dome query recent-failures, 1,000 lines"].into_iter().zip(&costs) {
        row(what, *cost);
    }
    println!("goal: under 10 ms of CPU");
    Ok(())
}

fn header() {
    println!("\n{:<44}{:>10}{:>10}{:>10}", "", "CPU ms", "wall ms", "peak MB");
}

fn row(what: &str, cost: Cost) {
    let tenths = |time: Duration| {
        let tenths = time.as_micros() / 100;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    println!("{what:<44}{:>10}{:>10}{:>10}", tenths(cost.cpu), tenths(cost.wall), cost.peak / 1_000_000);
}

fn goals() {
    println!("\n{:<44}{:>16}{:>10}", "", "goal", "ratio");
}

fn goal(what: &str, goal: &str, of: u128, to: u128) {
    let ratio = of * 100 / to.max(1);
    println!("{what:<44}{goal:>16}{:>7}.{:02}", ratio / 100, ratio % 100);
}
