//! The workers of a secure map-reduce: one restricted run of a tool for each item.

use std::fs::{DirEntry, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use dome_contracts::conform::{AnswerError, AnswerStatus, RunEnding, RunLimits, TelemetryMember, ToolRun, misreported};
use dome_core::json::{Tape, read};
use dome_core::{RunId, TargetId, escaped, escaped_path};
use dome_patterns::{MapItem, MapPlan, MapRun, PatternFailure, WorkerEnd};
use rustix::fs::OFlags;
use serde_json::json;

use crate::error::{ConformError, Result};
use crate::runner::ToolRunner;

/// Bytes of one item, at the most. A budget admits less than that; what it denies is read all the same, for its digest.
const ITEM_BYTES: u64 = 16 << 20;
/// Bytes of all items, at the most: they are held until their workers have ended.
const ALL_BYTES: usize = 1 << 30;
/// Problems that are told at once.
const TOLD: usize = 20;

/// The items of a folder, in the order of its files' names: each `ID.json` is one JSON document, the item `ID`.
///
/// # Errors
///
/// [`ConformError::Work`] with everything that is no item: another name, a link, a folder, what is not JSON.
pub fn items(folder: &Path) -> Result<Vec<MapItem>, ConformError> {
    let shown = escaped_path(folder);
    let listing = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<DirEntry>, _>>);
    let mut entries = listing.map_err(|why| work(format!("`{shown}`: cannot list the items: {why}")))?;
    if entries.is_empty() {
        return Err(work(format!("`{shown}` is empty: expected a file `ID.json` for each item")));
    }
    if entries.len() > MapPlan::MOST_ITEMS {
        return Err(work(format!("`{shown}` has {} files, expected at most {}", entries.len(), MapPlan::MOST_ITEMS)));
    }
    entries.sort_by_key(DirEntry::file_name);
    let (mut items, mut problems, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
    for entry in &entries {
        match item(entry) {
            Ok(item) => {
                bytes = bytes.saturating_add(item.input.len());
                items.push(item);
            }
            Err(why) => problems.push(format!("`{}`: {why}", escaped_path(&entry.path()))),
        }
        if bytes > ALL_BYTES {
            return Err(work(format!("the items in `{shown}` have more than {ALL_BYTES} bytes together")));
        }
    }
    if problems.is_empty() {
        return Ok(items);
    }
    let more = problems.len().saturating_sub(TOLD);
    problems.truncate(TOLD);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Err(work(format!("not every file is an item:\n  {}{more}", problems.join("\n  "))))
}

fn work(what: String) -> ConformError {
    ConformError::Work { what }
}

fn item(entry: &DirEntry) -> Result<MapItem, String> {
    let name = entry.file_name();
    let stem = name.to_str().and_then(|name| name.strip_suffix(".json")).filter(|stem| !stem.starts_with('.'));
    let id: TargetId = stem
        .ok_or("expected a name `ID.json`")?
        .parse()
        .map_err(|why| format!("the name is no id of an item: {why}"))?;
    // A link is not followed, and nothing that is no file is waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(entry.path());
    let is_file = |file: &File| file.metadata().is_ok_and(|about| about.is_file());
    let file = match file {
        Ok(file) if is_file(&file) => file,
        Err(why) if entry.file_type().is_ok_and(|kind| kind.is_file()) => return Err(format!("cannot read it: {why}")),
        _ => return Err("expected a regular file: no link, no folder".to_owned()),
    };
    let mut input = Vec::new();
    file.take(ITEM_BYTES + 1).read_to_end(&mut input).map_err(|why| format!("cannot read it: {why}"))?;
    if input.len() as u64 > ITEM_BYTES {
        return Err(format!("an item has at most {ITEM_BYTES} bytes"));
    }
    let text = str::from_utf8(&input).map_err(|_| "not UTF-8")?;
    read(text, &mut Tape::default())
        .map_err(|why| format!("not one JSON document: {} at byte {}", escaped(&why.what), why.place))?;
    Ok(MapItem { id, input })
}

/// How items are worked on.
pub struct WorkOptions<'o> {
    /// The tool's configuration, a JSON document.
    pub config: &'o [u8],
    /// The run, as workers are told it.
    pub run_id: &'o RunId,
    /// Workers at a time. The result does not depend on it.
    pub threads: usize,
    /// Whether it was asked to end.
    pub stop: &'o (dyn Fn() -> bool + Sync),
}

/// What became of the items, and why nothing was heard of some.
pub struct Worked<'p> {
    /// The outcome of every item.
    pub run: MapRun<'p>,
    /// Items whose workers could not be run, with the reason.
    pub lost: Vec<(TargetId, ConformError)>,
}

/// Runs the tool on each admitted item of a plan, within the plan's budget.
///
/// ```no_run
/// use std::path::Path;
/// use dome_conform::{ToolOnDisk, ToolRunner, WorkOptions, items, work_on};
/// use dome_patterns::{Budget, MapPlan};
///
/// let manifest = Path::new("tool/manifest.json");
/// let tool = ToolOnDisk::new(manifest, &std::fs::read(manifest)?)?;
/// let contract = std::fs::read_to_string("contract.json")?.parse()?;
/// let plan = MapPlan::new("nightly".parse()?, contract, Budget::default(), items(Path::new("items"))?)?;
/// let launcher = [std::env::current_exe()?.into(), "become-tool".into()];
/// let runner = ToolRunner::begin(&tool, Path::new("python3"), &launcher)?;
/// let run_id = "night-7".parse()?;
/// let options = WorkOptions { config: b"{}", run_id: &run_id, threads: 2, stop: &|| false };
/// let reduced = work_on(&plan, &runner, &options)?.run.reduce();
/// println!("{:?}", reduced.answer);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ConformError::Work`] if the tool may write where all its runs could meet, [`ConformError::Stopped`] if it was asked
/// to end. What a worker does wrong is the outcome of its item.
pub fn work_on<'p>(
    plan: &'p MapPlan,
    runner: &ToolRunner,
    options: &WorkOptions<'_>,
) -> Result<Worked<'p>, ConformError> {
    if let Some(path) = runner.tool().manifest.side_effects.allow_paths.iter().find(|path| path.starts_with('/')) {
        let what = "a worker sees one item, and by that folder it could see another's";
        return Err(work(format!("{} may write below `{}`: {what}", runner.tool().present(), escaped(path))));
    }
    let items: Vec<&MapItem> = plan.admitted().collect();
    let next = AtomicUsize::new(0);
    let take_turns = || {
        let mut ended = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !(options.stop)()) {
            ended.push((item.id.clone(), one(plan, runner, item, options)));
        }
        ended
    };
    // These threads wait for processes.
    #[expect(clippy::expect_used, reason = "a thread that panics has met a defect, and so has whoever waits for it")]
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads = options.threads.clamp(1, items.len().max(1));
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(take_turns)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread that waits does not panic")).collect()
    });
    if (options.stop)() {
        return Err(ConformError::Stopped);
    }
    let mut worked = Worked { run: plan.start(), lost: Vec::new() };
    for (item, ended) in ended {
        match ended {
            Ok(ended) => worked.run.record(&item, ended).map_err(ConformError::doing("an item was recorded twice"))?,
            Err(why) => worked.lost.push((item, why)),
        }
    }
    worked.lost.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(worked)
}

fn one(plan: &MapPlan, runner: &ToolRunner, item: &MapItem, options: &WorkOptions<'_>) -> Result<WorkerEnd> {
    let (budget, declared) = (plan.budget(), runner.tool().manifest.limits);
    let limits = RunLimits { output_bytes: budget.output_bytes, time_ms: budget.worker_time_ms, ..declared };
    let run = runner.run(document(item, options), limits, options.stop)?;
    Ok(ended(runner, &run, options.run_id, &item.id))
}

/// What a worker reads: its item to the byte, and nothing of another's.
fn document(item: &MapItem, options: &WorkOptions<'_>) -> Vec<u8> {
    let named = |member: TelemetryMember, text: &str| format!(",\"{}\":{}", member.as_str(), json!(text));
    let run_id = named(TelemetryMember::RunId, options.run_id.as_str());
    let task_id = named(TelemetryMember::TaskId, item.id.as_str());
    let parts: [&[u8]; 7] =
        [b"{\"config\":", options.config, b",\"input\":", &item.input, run_id.as_bytes(), task_id.as_bytes(), b"}"];
    parts.concat()
}

/// What a run comes to. What was done decides over what was said.
fn ended(runner: &ToolRunner, run: &ToolRun, run_id: &RunId, item: &TargetId) -> WorkerEnd {
    let failed = WorkerEnd::Failed;
    if !runner.kept_to_policy(run) {
        return failed(PatternFailure::UndeclaredEffect);
    }
    match run.ending {
        RunEnding::TimedOut => failed(PatternFailure::WorkerTimeout),
        RunEnding::TooMuchOutput => failed(PatternFailure::OutputTooLarge),
        RunEnding::Signalled(_) => failed(PatternFailure::WorkerFailed),
        RunEnding::Exited(0) if run.stdout.trim_ascii().is_empty() => failed(PatternFailure::OutputMissing),
        RunEnding::Exited(_) => answered(runner, run, run_id, item).unwrap_or_else(failed),
    }
}

fn answered(runner: &ToolRunner, run: &ToolRun, run_id: &RunId, item: &TargetId) -> Result<WorkerEnd, PatternFailure> {
    let manifest = &runner.tool().manifest;
    let invalid = |_| PatternFailure::AnswerInvalid;
    let answer = run.answer().map_err(|why| match why {
        AnswerError::NotJson { code: 0, .. } => unreadable(&run.stdout),
        AnswerError::NotJson { .. } => PatternFailure::WorkerFailed,
        _ => PatternFailure::AnswerInvalid,
    })?;
    if !misreported(&answer, manifest, run_id.as_str(), item.as_str()).is_empty() {
        return Err(PatternFailure::AnswerInvalid);
    }
    // A code that is declared is in the manifest, word for word.
    let code = |code: Option<String>| code.ok_or(PatternFailure::AnswerInvalid);
    Ok(match answer.status {
        AnswerStatus::Success => WorkerEnd::Answered(answer.output.unwrap_or_default().to_string().into_bytes()),
        AnswerStatus::Failure => WorkerEnd::Reported(code(answer.failure_reason_code)?.parse().map_err(invalid)?),
        AnswerStatus::Denial => {
            let code = code(answer.policy_reason_code)?;
            WorkerEnd::Denied(code.parse().map_err(|_| PatternFailure::AnswerInvalid)?)
        }
    })
}

fn unreadable(stdout: &[u8]) -> PatternFailure {
    let text = str::from_utf8(stdout).unwrap_or_default();
    read(text, &mut Tape::default()).map_or_else(|why| PatternFailure::from(&why), |_| PatternFailure::OutputNotJson)
}
