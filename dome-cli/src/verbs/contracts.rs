//! `dome contracts`: pins and compatibility. Reads and writes the files; all else is in `dome-contracts`.

mod origin;

use dome_core::escaped_path;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use dome_contracts::compat::{Bump, Compatibility, ContractFinding, Dialect, Direction, Schema, compat};
use dome_contracts::{
    ContractSource, Folder, Lock, Mismatch, Refusal, Request, Update, diff, plan_update, referenced_files, verify,
    verify_locked, verify_since,
};
use serde_json::json;

use crate::exit::{Exit, invalid, usage};
use crate::output::{Printer, note};
use crate::pinned::{file, folder, folder_or_empty, parsed, read};
use crate::whole;

use self::origin::{ContractOrigin, commit_id};

/// Pin the contracts of another repository, and compare their versions
#[derive(Debug, Subcommand)]
pub(crate) enum ContractsVerb {
    /// Check the pinned folder against the lock; writes nothing, fetches nothing
    #[command(after_help = "Example:\n    dome contracts verify --locked")]
    Verify(ContractsVerifyArgs),
    /// Pin other contracts; a move to another version takes a migration note
    #[command(after_help = "Example:\n    dome contracts update --from ../xtrlv2")]
    Update(ContractsUpdateArgs),
    /// Compare two folders of contracts
    #[command(after_help = "Example:\n    dome contracts diff xtrlv2-fixtures/v0.1 xtrlv2-fixtures/v0.2")]
    Diff {
        /// The folder that was, or a checkout of the owner's repository
        old: PathBuf,
        /// The folder that is to be, or a checkout
        new: PathBuf,
    },
    /// Compare two JSON Schemas
    #[command(after_help = "Example:\n    dome contracts compat old.schema.json new.schema.json --direction full")]
    Compat(ContractsCompatArgs),
}

/// Where the lock and the notes are.
#[derive(Debug, Args)]
struct LockArgs {
    /// The lock; the pinned folder lies beside it, where it says
    #[arg(long, value_name = "FILE", default_value = "contracts.lock")]
    lock: PathBuf,
    /// The folder of migration notes
    #[arg(long, value_name = "DIR", default_value = "docs/migrations")]
    notes: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ContractsVerifyArgs {
    /// Also ask that the lock is as `update` writes it, and that every move has its note
    #[arg(long)]
    locked: bool,
    /// An earlier lock: no version that it pinned may be missing from the history
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    #[command(flatten)]
    at: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ContractsUpdateArgs {
    /// What to pin: a checkout of the owner's repository, or a folder that holds contracts
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Where the pinned files lie, relative to the lock [default: where they lie now, or --from]
    #[arg(long, value_name = "DIR")]
    into: Option<String>,
    /// The commit of the owner's repository, for the lock to name [default: what git says of a checkout]
    #[arg(long, value_name = "ID", value_parser = commit_id)]
    commit: Option<String>,
    /// The owner's repository [default: what the registry or the lock says, or the name of --from]
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    #[command(flatten)]
    at: LockArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ContractsCompatArgs {
    /// The schema that was; files that it refers to are read from beside it
    old: PathBuf,
    /// The schema that is to be
    new: PathBuf,
    /// Who has to cope with whom
    #[arg(long, value_enum, default_value = "backward")]
    direction: DirectionArg,
    /// How a schema without `$schema` is read
    #[arg(long, value_enum, default_value = "draft-07")]
    dialect: DialectArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DirectionArg {
    /// Every instance that is valid under OLD is valid under NEW
    Backward,
    /// Every instance that is valid under NEW is valid under OLD
    Forward,
    /// Both
    Full,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectArg {
    #[value(name = "draft-07")]
    Draft07,
    #[value(name = "2020-12")]
    Draft202012,
}

pub(crate) fn run(verb: &ContractsVerb, output: &mut Printer) -> Result<Exit> {
    match verb {
        ContractsVerb::Verify(args) => run_verify(args, output),
        ContractsVerb::Update(args) => run_update(args, output),
        ContractsVerb::Diff { old, new } => run_diff(old, new, output),
        ContractsVerb::Compat(args) => run_compat(args, output),
    }
}

fn run_verify(args: &ContractsVerifyArgs, output: &mut Printer) -> Result<Exit> {
    let bytes = file(&args.at.lock)?;
    let lock = parsed(&args.at.lock, &bytes)?;
    let folder = folder_or_empty(&whole::folder(&args.at.lock).join(&lock.folder))?;
    let mut mismatches = match args.locked {
        true => verify_locked(&bytes, &folder, &folder_or_empty(&args.at.notes)?)?,
        false => verify(&lock, &folder),
    };
    if let Some(since) = &args.since {
        mismatches.extend(verify_since(&parsed(since, &file(since)?)?, &lock));
    }
    print_verified(&lock, &mismatches, output)?;
    Ok(if mismatches.is_empty() { Exit::Done } else { Exit::Invalid })
}

fn print_verified(lock: &Lock, mismatches: &[Mismatch], output: &mut Printer) -> Result<()> {
    let count = lock.artifacts.len();
    let object = json!({
        "artifacts": count,
        "contracts": lock.contracts,
        "format_version": "1",
        "lock_digest": lock.digest(),
        "mismatches": mismatches,
        "source": lock.source,
        "verdict": if mismatches.is_empty() { "verified" } else { "mismatch" },
    });
    output.show(&object, |_, output| {
        let source = source(lock);
        mismatches.iter().try_for_each(|mismatch| writeln!(output, "{mismatch}"))?;
        match mismatches.len() {
            0 => writeln!(output, "verified: {count} files of {source} are as pinned")?,
            wrong => writeln!(output, "mismatch: {wrong} findings in {count} files of {source}")?,
        }
        print_consumed(lock, output)
    })
}

/// Whose contracts are pinned: repository, version and commit.
fn source(lock: &Lock) -> String {
    let ContractSource { commit, repository, version } = &lock.source;
    let commit = commit.as_ref().map_or_else(String::new, |commit| format!(" at {commit}"));
    format!("{repository} {version}{commit}")
}

fn print_consumed(lock: &Lock, output: &mut Printer) -> Result<()> {
    let consumed = lock.consumed().collect::<Vec<_>>();
    let (count, all) = (consumed.len(), lock.contracts.len());
    writeln!(output, "consumed: {count} of {all} contracts: {}", consumed.join(", "))
}

fn run_update(args: &ContractsUpdateArgs, output: &mut Printer) -> Result<Exit> {
    let LockArgs { lock, notes } = &args.at;
    let base = whole::folder(lock);
    let pinned = match lock.exists() {
        true => {
            let lock = parsed(lock, &file(lock)?)?;
            let folder = folder_or_empty(&base.join(&lock.folder))?;
            Some((lock, folder))
        }
        false => None,
    };
    let origin = ContractOrigin::find(&args.from)?;
    let commit = origin.commit(args.commit.as_deref())?;
    let (from, notes) = (folder(&origin.folder)?, folder_or_empty(notes)?);
    let known = pinned.as_ref().map(|(lock, _)| lock);
    let into = into(args, &origin.folder, known, base)?;
    let repository = match args.repository.as_ref().or(known.map(|lock| &lock.source.repository)) {
        Some(named) => named.clone(),
        None => origin.name()?,
    };
    let request = Request {
        pinned: pinned.as_ref().map(|(lock, folder)| (lock, folder)),
        from: &from,
        folder: &into,
        repository: &repository,
        commit: commit.as_deref(),
        notes: &notes,
    };
    match plan_update(&request) {
        Ok(update) => {
            let owner = &update.lock.source.repository;
            if let Some(named) = args.repository.as_ref().filter(|named| *named != owner) {
                return Err(usage(format!("--repository says {named}, and the registry says {owner}")));
            }
            let there = folder_or_empty(&base.join(&into))?;
            if known.is_none_or(|lock| lock.folder != into) {
                check_nothing_is_lost(&into, &there, &from)?;
            }
            apply(&update, &from, (&base.join(&into), &there), lock)?;
            print_updated(&update, output)?;
            Ok(Exit::Done)
        }
        Err(refusal) => refused(&refusal, output),
    }
}

/// Where the pinned files will lie, relative to the lock.
fn into(args: &ContractsUpdateArgs, from: &Path, lock: Option<&Lock>, base: &Path) -> Result<String> {
    if let Some(into) = args.into.as_ref().or(lock.map(|lock| &lock.folder)) {
        return Ok(into.clone());
    }
    let inside = from.strip_prefix(base).unwrap_or(from);
    match inside.to_str() {
        Some(inside) if inside != ".." && !inside.starts_with("../") && !inside.starts_with('/') => {
            Ok(inside.trim_start_matches("./").trim_end_matches('/').to_owned())
        }
        _ => Err(usage(format!("`{}` does not lie beside the lock: say where with --into", escaped_path(from)))),
    }
}

/// Only what the lock pins may be replaced and removed: a folder that is new to it holds nothing else.
fn check_nothing_is_lost(into: &str, there: &Folder, from: &Folder) -> Result<()> {
    let others: Vec<_> = there.iter().filter(|(path, bytes)| from.get(path) != Some(bytes)).collect();
    let Some((first, _)) = others.first() else { return Ok(()) };
    let count = others.len();
    Err(usage(format!(
        "`{into}` is not pinned, and {count} of its files would be replaced or removed, `{first}` among them: name an empty folder"
    )))
}

/// Writes the files, then the lock: until that is there, `verify` tells that something is amiss.
fn apply(update: &Update, from: &Folder, (folder, there): (&Path, &Folder), lock: &Path) -> Result<()> {
    for (path, bytes) in from.iter().filter(|(path, bytes)| there.get(path) != Some(bytes)) {
        whole::write(&folder.join(path), bytes)?;
    }
    for path in there.paths().filter(|path| from.get(path).is_none()).map(|path| folder.join(path)) {
        fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", escaped_path(&path)))?;
    }
    whole::write(lock, update.lock.render().as_bytes())
}

fn print_updated(update: &Update, output: &mut Printer) -> Result<()> {
    let lock = &update.lock;
    if output.is_json() {
        let mut object = update.diff.to_json();
        let more = [
            ("contracts", json!(lock.contracts)),
            ("lock_digest", json!(lock.digest())),
            ("source", json!(lock.source)),
        ];
        let more = more.map(|(name, value)| (name.to_owned(), value));
        object.as_object_mut().context("a difference is an object")?.extend(more);
        return output.as_is(&object.to_string());
    }
    print_breaking(&update.diff, output)?;
    writeln!(output, "pinned: {} files of {}", lock.artifacts.len(), source(lock))?;
    print_consumed(lock, output)
}

fn print_breaking(diff: &dome_contracts::ContractDiff, output: &mut Printer) -> Result<()> {
    diff.breaking().try_for_each(|change| output.line(&finding(&change.finding, Some(&change.contract))))
}

fn refused(refusal: &Refusal, output: &mut Printer) -> Result<Exit> {
    let (exit, diff) = match refusal {
        Refusal::NoteMissing { diff, .. } | Refusal::VersionUnchanged { diff, .. } => (Exit::Findings, Some(diff)),
        Refusal::NoteSilent { .. } => (Exit::Findings, None),
        Refusal::PinnedChanged { .. } | Refusal::Lock(_) | Refusal::Contracts(_) => (Exit::Invalid, None),
    };
    if output.is_json() {
        let diff = diff.map(|diff| diff.to_json());
        let object = json!({
            "diff": diff, "format_version": "1", "refused": refusal.to_string(), "verdict": "refused",
        });
        output.as_is(&object.to_string())?;
    } else if let Some(diff) = diff {
        print_breaking(diff, output)?;
    }
    note(&format!("dome: refused: {refusal}"));
    Ok(exit)
}

fn run_diff(old: &Path, new: &Path, output: &mut Printer) -> Result<Exit> {
    let (before, after) = (folder(&ContractOrigin::find(old)?.folder)?, folder(&ContractOrigin::find(new)?.folder)?);
    let diff = diff(&read(old, &before)?, &read(new, &after)?);
    if output.is_json() {
        output.as_is(&diff.to_json().to_string())?;
    } else {
        for change in &diff.changes {
            output.line(&finding(&change.finding, Some(&change.contract)))?;
        }
        for (path, change) in &diff.files {
            writeln!(output, "{change} {path}")?;
        }
        output.line(&outcome(diff.verdict(), diff.bump()))?;
    }
    Ok(ended(diff.verdict()))
}

fn run_compat(args: &ContractsCompatArgs, output: &mut Printer) -> Result<Exit> {
    let dialect = match args.dialect {
        DialectArg::Draft07 => Dialect::Draft07,
        DialectArg::Draft202012 => Dialect::Draft202012,
    };
    let direction = match args.direction {
        DirectionArg::Backward => Direction::Backward,
        DirectionArg::Forward => Direction::Forward,
        DirectionArg::Full => Direction::Full,
    };
    let report = compat(&schema(&args.old, dialect)?, &schema(&args.new, dialect)?, direction);
    if output.is_json() {
        output.as_is(&report.to_json().to_string())?;
    } else {
        report.findings.iter().try_for_each(|found| output.line(&finding(found, None)))?;
        output.line(&outcome(report.verdict, report.bump()))?;
    }
    Ok(ended(report.verdict))
}

fn ended(verdict: Compatibility) -> Exit {
    if verdict == Compatibility::Compatible { Exit::Done } else { Exit::Findings }
}

/// The schema with the files beside it that it refers to, over any number of steps.
fn schema(path: &Path, dialect: Dialect) -> Result<Schema> {
    let base = whole::folder(path);
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        bail!("`{}` is no file", escaped_path(path));
    };
    let mut folder = Folder::default();
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        let path = base.join(&name);
        if folder.get(&name).is_some() || (!folder.is_empty() && !path.is_file()) {
            continue;
        }
        let bytes = file(&path)?;
        waiting.extend(referenced_files(&bytes, &name));
        folder.insert(name, bytes);
    }
    folder.schema(name, dialect).map_err(|why| invalid(format!("`{}`: {why}", escaped_path(path))))
}

fn finding(finding: &ContractFinding, contract: Option<&str>) -> String {
    let direction = match finding.direction {
        Direction::Backward => "backward",
        Direction::Forward => "forward",
        Direction::Full => "full",
    };
    let mut text = format!("{} {} ({direction}, {})", finding.verdict, finding.rule, bump(finding.bump));
    if let Some(contract) = contract {
        text.push_str(&format!(" in {contract}"));
    }
    let witness = finding.witness.as_ref().map_or_else(String::new, ToString::to_string);
    let rows = [("old", &finding.old), ("new", &finding.new), ("why", &finding.message), ("witness", &witness)];
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        let _infallible = write!(text, "\n  {name:<9}{value}");
    }
    text
}

fn outcome(verdict: Compatibility, asked: Option<Bump>) -> String {
    match asked {
        None => format!("{verdict}: nothing changed"),
        Some(asked) => format!("{verdict}: asks for a {} version", bump(asked)),
    }
}

fn bump(bump: Bump) -> &'static str {
    match bump {
        Bump::Patch => "patch",
        Bump::Minor => "minor",
        Bump::Major => "major",
    }
}
