//! Secure map-reduce over real benchmark trials, one worker process per trial, two at a time.
//!
//! ```sh
//! cargo run -p dome-patterns --example reduce_terminal_bench -- dome-adapters/data/terminal-bench
//! ```
//!
//! `--poison KIND` lets the worker of the first trial do harm (`claim`, `crash`, `flood`, `garbage`, `hang`,
//! `instruct`, `range`, `twice`): its trial fails by name, and no other row changes. `--envelopes FILE` writes
//! what the memory is told, for `dome ingest` or `dome replay`, as run `--run ID` at `--ts TIME`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the caller of a pure crate reads files, runs processes and looks at the clock"
)]

mod pool;
mod trials;
mod worker;

use std::path::{Path, PathBuf};
use std::process::Command;

use dome_core::{WrapperPolicy, canonical};
use dome_patterns::{Budget, ItemResult, MapItem, MapPlan, MapRun, Reduced, Reporter, StepRefusal};
use serde_json::{Map, Value};

/// What there is to say of all trials.
pub(crate) type Answer = Result<Reduced<Map<String, Value>>, StepRefusal>;
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What a worker may say of its trial.
const CONTRACT: &str = include_str!("contract.json");
/// Workers at a time.
const AT_ONCE: usize = 2;

/// What is asked for on the command line.
pub(crate) struct Options {
    pub(crate) folder: PathBuf,
    /// The program that is its own worker when its first word is `worker`.
    pub(crate) worker: PathBuf,
    pub(crate) poison: Option<String>,
    pub(crate) envelopes: Option<PathBuf>,
    pub(crate) run: String,
    pub(crate) ts: String,
    pub(crate) most: usize,
    pub(crate) worker_time_ms: u64,
}

impl Options {
    pub(crate) fn new(folder: impl Into<PathBuf>, worker: PathBuf) -> Self {
        Self {
            folder: folder.into(),
            worker,
            poison: None,
            envelopes: None,
            run: "reduce-1".to_owned(),
            ts: "2026-01-01T00:00:00Z".to_owned(),
            most: usize::MAX,
            worker_time_ms: 10_000,
        }
    }

    fn of(mut words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Self::new("dome-adapters/data/terminal-bench", std::env::current_exe()?);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` wants a value"));
            match word.as_str() {
                "--poison" => options.poison = Some(value()?),
                "--run" => options.run = value()?,
                "--ts" => options.ts = value()?,
                "--envelopes" => options.envelopes = Some(value()?.into()),
                _ => options.folder = word.into(),
            }
        }
        Ok(options)
    }
}

/// What came of the trials.
pub(crate) struct Done {
    pub(crate) items: Vec<ItemResult>,
    pub(crate) reduced: Answer,
    pub(crate) envelopes: Vec<String>,
}

/// All of it: plan, map in worker processes, reduce, report.
pub(crate) fn run(options: &Options) -> Outcome<Done> {
    let items = trials::items(&options.folder, options.most)?;
    let shares = items.len() as u64;
    let budget = Budget {
        items: 4_096,
        failures_allowed: shares / 10 + 1,
        total_output_bytes: 4_096 * 1_024,
        output_bytes: 1_024,
        worker_time_ms: options.worker_time_ms,
        total_time_ms: 4_096 * options.worker_time_ms,
        ..Budget::default()
    };
    let plan = MapPlan::new(CONTRACT.parse()?, budget, items)?;
    let first = plan.admitted().next();
    let worker = |item: &MapItem| {
        let mut command = Command::new(&options.worker);
        command.arg("worker");
        match &options.poison {
            Some(kind) if Some(item) == first => command.arg(kind),
            _ => &mut command,
        };
        command
    };
    let run = pool::run(&plan, &budget, AT_ONCE, &worker)?;
    let reduced = run.reduce(|outputs| Ok(plan.summary(outputs)));
    let envelopes = told(options, &run, &reduced)?;
    Ok(Done { items: run.items().to_vec(), reduced, envelopes })
}

/// The envelopes of all trials and of the reduce, a line each.
fn told(options: &Options, run: &MapRun<'_>, reduced: &Answer) -> Outcome<Vec<String>> {
    let mut reporter = Reporter::new(options.run.parse()?, options.ts.parse()?, WrapperPolicy::Strict);
    let mut envelopes = run.envelopes(&mut reporter)?;
    envelopes.push(run.reduce_envelope(&"terminal-bench".parse()?, reduced, &mut reporter)?);
    Ok(envelopes.iter().map(dome_core::Envelope::to_line).collect())
}

/// A worker where the first word says so, else all of it.
pub(crate) fn main() -> Outcome<()> {
    let mut words = std::env::args().skip(1).peekable();
    if words.next_if_eq("worker").is_some() {
        return worker::run(words.next().as_deref());
    }
    let options = Options::of(words)?;
    let done = run(&options)?;
    println!("{} trials in {}, {AT_ONCE} workers at a time", done.items.len(), shown(&options.folder));
    for item in done.items.iter().filter(|item| item.accepted().is_none()) {
        println!("{}", String::from_utf8_lossy(&canonical::to_vec(item)?));
    }
    match &done.reduced {
        Ok(reduced) => println!("{}", String::from_utf8_lossy(&canonical::to_vec(reduced)?)),
        Err(refusal) => println!("{refusal}"),
    }
    if let Some(file) = &options.envelopes {
        let lines: String = done.envelopes.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        std::fs::write(file, lines)?;
    }
    Ok(())
}

fn shown(folder: &Path) -> String {
    folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
