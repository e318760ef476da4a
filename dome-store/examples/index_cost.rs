//! What an index costs beside a replay: CPU for deriving lines as they stand and shuffled, and for questions.
//!
//! ```sh
//! cargo run --release -p dome-store --example index_cost -- history.jsonl
//! ```

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use dome_binder::priors::{AskedFor, Memory, PriorsQuery, priors};
use dome_binder::query::{Filters, Limit, Question, View};
use dome_binder::{Canonical, Record, Recorder, Replay, Rules, replay};
use dome_core::{QuarantineRow, Reader, Sha256Hash, Source};
use dome_store::index::{Arrival, Basis, Batch, EntryBytes, Index, RawEntry, RowOrigin, Standing};

type Failure = Box<dyn Error>;

/// Lines of a file, by where they start.
struct InFile<'f>(&'f [u8]);

impl RowOrigin for InFile<'_> {
    fn line(&mut self, _: u64, place: EntryBytes) -> dome_store::Result<RawEntry> {
        let start = usize::try_from(place.start).ok();
        let rest = start.and_then(|start| self.0.get(start..)).unwrap_or_default();
        let bytes = rest.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
        Ok(RawEntry { offset: place.start, bytes })
    }

    fn turned(&mut self, _: u64, _: EntryBytes) -> dome_store::Result<QuarantineRow> {
        Err(dome_store::Error::failed("nothing was turned away"))
    }
}

/// CPU that this process took so far.
fn cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.try_into().unwrap_or(0), spent.tv_nsec.try_into().unwrap_or(0))
}

fn timed<T>(what: &str, times: u32, mut run: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let before = cpu();
    for _ in 1..times {
        run()?;
    }
    let result = run()?;
    println!("{what}: {} us of CPU", (cpu() - before).as_micros() / u128::from(times));
    Ok(result)
}

fn records(bytes: &[u8]) -> Vec<(u64, Box<Record>)> {
    let (mut reader, mut recorder) = (Reader::new(), Recorder::default());
    let line = |line: dome_core::Line<'_>| {
        let source = Source { line: line.number, name: "a.jsonl".into() };
        let mut record = Box::new(recorder.record(reader.read(line.bytes).ok()?, source));
        record.canonical = Canonical::Held(Box::default());
        Some((line.offset, record))
    };
    dome_core::lines(bytes, 1, 0).filter_map(line).collect()
}

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("name a file of envelopes")?;
    let bytes = std::fs::read(path)?;
    let rules = dome_replay::load_rules(None, dome_replay::CodeSources::default(), None)?;
    let all = timed("read", 1, || Ok(records(&bytes)))?;
    println!("{} envelopes", all.len());
    let mut whole = Some(all.iter().map(|(_, record)| record.clone()).collect::<Vec<_>>());
    let replayed = timed("replay of records", 1, || Ok(replay(whole.take().ok_or("once")?, &rules, None)))?;
    let folder = tempfile::tempdir()?;
    for (name, shuffled, batch) in [
        ("in order, at once", false, usize::MAX),
        ("shuffled, at once", true, usize::MAX),
        ("in order, in tenths", false, all.len() / 10 + 1),
    ] {
        let mut arrivals: Vec<Arrival> = Vec::with_capacity(all.len());
        let mut order: Vec<&(u64, Box<Record>)> = all.iter().collect();
        if shuffled {
            order.sort_by_key(|(_, record)| record.keys.digest);
        }
        for (position, (start, record)) in (1_u64..).zip(order) {
            let place = EntryBytes { segment: 0, start: *start, length: 0 };
            arrivals.push(Arrival { position, bytes: place, record: record.clone() });
        }
        let path = folder.path().join("index.sqlite");
        let basis =
            || Basis { identity: "bench".to_owned(), rules: rules.clone(), as_of: None, seal: Sha256Hash::of(b"") };
        let mut arrivals = arrivals.into_iter().peekable();
        timed(&format!("derive {name}"), 1, || {
            Index::build(&path, basis(), |index| {
                let mut from = index.standing()?;
                while arrivals.peek().is_some() {
                    let part: Vec<Arrival> = arrivals.by_ref().take(batch).collect();
                    let to = Standing { next: from.next + part.len() as u64, mark: String::new() };
                    index.derive(Batch { arrivals: part, ..Batch::default() }, &from, &to, &mut InFile(&bytes))?;
                    from = to;
                }
                Ok(())
            })?;
            Ok(())
        })?;
        println!("    {} KB", std::fs::metadata(&path)?.len() / 1000);
    }
    questions(&folder.path().join("index.sqlite"), &bytes, &replayed, &rules)?;
    one_concept(&rules)
}

/// Capsules of the one concept that is measured.
const MEMBERS: usize = 10_000;

/// Asks for the priors of one of many targets that fail alike, and holds them to those of the replay.
fn one_concept(rules: &Rules) -> Result<(), Failure> {
    let example = String::from_utf8(dome_core::EXAMPLE_LINE.to_vec())?;
    let mut bytes = Vec::new();
    for target in 0..MEMBERS {
        // Each target has failed once to ten times.
        for time in 0..=target % 10 {
            let line = example.replace("acme/app", &format!("acme/app-{target}"));
            let line = line.replace("\"e1\"", &format!("\"e{target}-{time}\""));
            let line = line.replace("nightly-7", &format!("nightly-{}", target % 100));
            bytes.extend_from_slice(
                line.replace("\"task_id\":\"unit\"", &format!("\"task_id\":\"{target}-{time}\"")).as_bytes(),
            );
            bytes.push(b'\n');
        }
    }
    let all = records(&bytes);
    let replayed = replay(all.iter().map(|(_, record)| record.clone()).collect(), rules, None);
    println!("one concept of {} capsules, {} envelopes", replayed.derived.capsules.len(), all.len());
    let basis = Basis { identity: "wide".to_owned(), rules: rules.clone(), as_of: None, seal: Sha256Hash::of(b"") };
    let mut index = Index::in_memory(basis)?;
    let arrivals = (1_u64..).zip(all).map(|(position, (start, record))| Arrival {
        position,
        bytes: EntryBytes { segment: 0, start, length: 0 },
        record,
    });
    let batch = Batch { arrivals: arrivals.collect(), ..Batch::default() };
    let (from, to) = (index.standing()?, Standing { next: 2, mark: String::new() });
    timed("derive it", 1, || Ok(index.derive(batch.clone(), &from, &to, &mut InFile(&bytes))?))?;
    let memory = Memory::of(&replayed, rules);
    let line = replayed.ledger.facts.first().ok_or("no fact")?.keys.task_line.clone();
    for limit in [20, 200] {
        let query = PriorsQuery { limit, ..PriorsQuery::of(line.clone()) };
        let answer = timed(&format!("priors of one of them, {limit} shown"), 10, || Ok(index.priors(&query, None)?))?;
        assert_eq!(answer, priors(&memory, &query));
    }
    let first = replayed.derived.capsules.first().map(|capsule| AskedFor::Fingerprint(capsule.fingerprint_hash));
    let query = PriorsQuery { about: first.unwrap_or_default(), ..PriorsQuery::of(line.clone()) };
    let answer = timed("    by its fingerprint", 10, || Ok(index.priors(&query, None)?))?;
    assert_eq!(answer, priors(&memory, &query));
    Ok(())
}

/// Asks the index what a planner and a reader ask, and holds priors to those of the replay.
fn questions(path: &Path, bytes: &[u8], replayed: &Replay, rules: &Rules) -> Result<(), Failure> {
    let basis = || Basis { identity: "bench".to_owned(), rules: rules.clone(), as_of: None, seal: Sha256Hash::of(b"") };
    Index::write(path, basis())?.snapshot_digest()?;
    let index = timed("open", 10, || Ok(Index::read(path, basis())?))?;
    let mut lines: Vec<(usize, dome_core::TaskLine)> = replayed
        .ledger
        .lines()
        .iter()
        .filter_map(|line| Some((line.facts.len(), line.facts.first()?.fact.keys.task_line.clone())))
        .collect();
    lines.sort();
    println!("{} task lines, the longest has {:?} facts", lines.len(), lines.last().map(|line| line.0));
    let memory = Memory::of(replayed, rules);
    for line in [lines.first(), lines.get(lines.len() / 2), lines.last()].into_iter().flatten() {
        let query = PriorsQuery::of(line.1.clone());
        let answer = timed(&format!("priors of a line of {}", line.0), 10, || Ok(index.priors(&query, None)?))?;
        assert_eq!(answer, priors(&memory, &query));
        let key = line.1.key().to_string();
        timed(&format!("explain the line of {}", line.0), 10, || {
            Ok(index.explain(&key, (0, 0), &mut InFile(bytes))?)
        })?;
        if let Some(capsule) = replayed.derived.capsules.iter().find(|capsule| capsule.line_key == line.1.key()) {
            let key = capsule.derived_key.to_string();
            timed("    a capsule of it", 10, || Ok(index.explain(&key, (0, 0), &mut InFile(bytes))?))?;
        }
    }
    for view in View::ALL {
        let whole = Question::new(*view, Filters::default())?;
        timed(&format!("query {}", view.short()), 10, || Ok(index.query(&whole, Limit::default(), None)?))?;
        let code = Some("TESTS_FAILED".parse()?);
        let some = Question::new(*view, Filters { failure_reason_code: code, ..Filters::default() })?;
        timed("    of one code", 3, || Ok(index.query(&some, Limit::default(), None)?))?;
        let some = Question::new(
            *view,
            Filters { target_id: lines.first().map(|line| line.1.target_id.clone()), ..Filters::default() },
        )?;
        timed("    of one target", 3, || Ok(index.query(&some, Limit::default(), None)?))?;
    }
    Ok(())
}
