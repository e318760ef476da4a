//! How many instructions each stage takes per envelope: `cargo bench -p dome-benches --bench instructions`.
//!
//! Counted by `callgrind`, so that a busy machine changes nothing, and held against the recorded
//! figures in `benches/instructions.tsv`. SHA-256 stands by itself: `valgrind` knows no SHA
//! instructions, so that it runs in software there and would hide everything else.
//!
//! - `-- --check` fails where a figure grew by more than a tenth, or where `CI` is `true` and `valgrind` is missing;
//! - `-- --record` writes the figures anew;
//! - `-- --profile [STAGE]` prints where the instructions of a stage (the whole replay) are spent.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Mutex;

use dome_benches::callgrind::Counts;
use dome_benches::counted::{HASHING, STAGES, Stage};
use dome_benches::recorded::{Figure, LIMIT_HUNDREDTHS, Recorded, grew, hundredths};
use dome_benches::{SEED, synthetic};

/// Lines that are counted on, always as many: a figure depends on it.
const LINES: usize = 4_000;
/// How a run of this program is told to do the work of a stage.
const WORK: &str = "work";
/// Functions that a profile shows.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [WORK, stage] => return work(stage),
        _ if !Counts::can_be_had() => return missing(words.contains(&"--check")),
        [] => count_all().map(|figures| table(&figures)).map(|_| true),
        ["--check"] => count_all().map(|figures| table(&figures)).map(|grown| verdict(&grown)),
        ["--record"] => count_all().and_then(|figures| record(&figures)).map(|()| true),
        ["--profile"] => profile("replay").map(|()| true),
        ["--profile", stage] => profile(stage).map(|()| true),
        _ => Err(io::Error::other("usage: instructions [--check | --record | --profile [STAGE]]")),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::from(2)
        }
    }
}

/// What is counted: this program as `callgrind` runs it.
fn work(stage: &str) -> ExitCode {
    let bytes = synthetic(LINES, SEED);
    match Stage::named(stage).map(|stage| stage.run(&bytes)) {
        Some(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Without `valgrind` nothing is counted; CI must not take that for a pass.
fn missing(check: bool) -> ExitCode {
    eprintln!("instructions: skipped: `valgrind` is not here (`apt-get install -y valgrind`)");
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    if check && ci { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn counts(stage: &str) -> io::Result<Counts> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stage}.callgrind"));
    Counts::of(&std::env::current_exe()?, &[WORK, stage], &out)
}

fn figure(stage: Stage) -> io::Result<Figure> {
    let counts = counts(stage.name)?;
    let (total, sha256) = (counts.total(), counts.sha256());
    if stage.name == HASHING && sha256 * 10 < total * 9 {
        return Err(io::Error::other("SHA-256 is not found by its name: see `Counts::sha256`"));
    }
    let each = |count: u64| count / LINES as u64;
    Ok(Figure { stage: stage.name.to_owned(), own: each(total - sha256), sha256: each(sha256) })
}

/// Counts every stage, as many at once as there are cores.
fn count_all() -> io::Result<Vec<Figure>> {
    let waiting = Mutex::new(STAGES.into_iter());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    let worker = || std::iter::from_fn(next).map(figure).collect::<io::Result<Vec<Figure>>>();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let found = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let ends =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("a count died"))));
        ends.collect::<io::Result<Vec<_>>>()
    });
    let mut figures: Vec<Figure> = found?.into_iter().flatten().collect();
    figures.sort_by_key(|figure| STAGES.iter().position(|stage| stage.name == figure.stage));
    Ok(figures)
}

fn recorded_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.tsv")
}

fn compiler() -> io::Result<String> {
    let output = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn record(figures: &[Figure]) -> io::Result<()> {
    table(figures);
    let recorded = Recorded { compiler: compiler()?, figures: figures.to_vec() };
    std::fs::write(recorded_path(), recorded.to_table())?;
    println!("\nrecorded in benches/instructions.tsv");
    Ok(())
}

/// A count beside its recorded figure.
fn cells(now: u64, recorded: Option<u64>) -> String {
    let Some(recorded) = recorded else { return format!("{now:>9}{:>10}{:>7}", "-", "-") };
    let ratio = hundredths(now, recorded);
    format!("{now:>9}{recorded:>10}{:>4}.{:02}", ratio / 100, ratio % 100)
}

/// Prints the figures; gives a line for each that grew too much.
fn table(figures: &[Figure]) -> Vec<String> {
    let recorded = Recorded::parse(&std::fs::read_to_string(recorded_path()).unwrap_or_default());
    println!("{LINES} synthetic lines under callgrind; instructions an envelope");
    println!("recorded with {}; this is {}\n", recorded.compiler, compiler().unwrap_or_else(|why| why.to_string()));
    println!(
        "{:<36}{:>9}{:>10}{:>7}   {:>9}{:>10}{:>7}",
        "", "own", "recorded", "ratio", "SHA-256", "recorded", "ratio"
    );
    let mut grown = Vec::new();
    for Figure { stage, own, sha256 } in figures {
        let title = Stage::named(stage).map_or("", |stage| stage.title);
        let known = recorded.of(stage);
        let (known_own, known_sha256) = (known.map(|known| known.own), known.map(|known| known.sha256));
        println!("{title:<36}{}   {}", cells(*own, known_own), cells(*sha256, known_sha256));
        for (what, now, known) in [("without SHA-256", *own, known_own), ("in SHA-256", *sha256, known_sha256)] {
            match known {
                Some(known) if !grew(now, known) => {}
                Some(known) => grown.push(format!("`{title}` takes {now} instructions {what}, {known} are recorded")),
                None => grown.push(format!("`{title}` takes {now} instructions {what}, none are recorded")),
            }
        }
    }
    grown
}

fn verdict(grown: &[String]) -> bool {
    for line in grown {
        eprintln!("instructions: {line} (at most {LIMIT_HUNDREDTHS} % of it)");
    }
    if !grown.is_empty() {
        eprintln!("instructions: if that is meant, record it in the same commit:");
        eprintln!("  cargo bench -p dome-benches --bench instructions -- --record");
    }
    grown.is_empty()
}

/// Prints where a stage spends its instructions.
fn profile(stage: &str) -> io::Result<()> {
    let counts = counts(stage)?;
    let (total, sha256) = (counts.total(), counts.sha256());
    let each = |count: u64| count / LINES as u64;
    println!(
        "`{stage}` on {LINES} synthetic lines: {} instructions an envelope, {} of them",
        each(total),
        each(sha256)
    );
    println!("SHA-256, which is left out below: functions by themselves, without what they call\n");
    println!("{:>9}{:>8}  function", "an env.", "share");
    let others = counts.most(SHOWN + 1).into_iter().filter(|(name, _)| !name.starts_with("sha2::"));
    for (name, count) in others.take(SHOWN) {
        let share = count * 1_000 / (total - sha256).max(1);
        println!("{:>9}{:>4}.{} %  {name}", each(count), share / 10, share % 10);
    }
    Ok(())
}
