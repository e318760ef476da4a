//! Two writers, and readers beside a writer.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::feed::{NOT_AFTER, exports_as, ingest_args, is_sound, joined, lines, replay, signal, spread, start, status};
use crate::harness::{Place, count};

#[test]
fn two_and_eight_writers_at_once_lose_nothing() {
    for writers in [2, 8] {
        let place = Place::new();
        let lines = lines(2, 9);
        let parts = lines.chunks(lines.len().div_ceil(writers)).map(joined).enumerate();
        let names: Vec<String> = parts
            .map(|(number, part)| (format!("in/{number}.jsonl"), part))
            .map(|(name, part)| {
                place.file(&name, part);
                name
            })
            .collect();
        assert_eq!(names.len(), writers);
        replay(&place, "in", "replayed");
        let begun: Vec<_> = names
            .iter()
            .map(|name| {
                let into = ["--store", "s", "--batch-lines", "3", "--wait", "60", "--not-after", NOT_AFTER];
                start(&place, &[&["ingest", name.as_str()], &into[..]].concat())
            })
            .collect();
        for writer in begun {
            let ended = writer.wait_with_output().unwrap();
            assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
        }
        is_sound(&place, "s");
        exports_as(&place, "s", "replayed");
    }
}

#[test]
fn a_second_writer_is_refused_at_once_with_the_pid_of_the_first_which_goes_on() {
    let place = Place::new();
    let lines = lines(1, 5);
    let (early, late) = lines.split_at(lines.len() / 2);
    spread(&place, early);
    let first = start(&place, &[ingest_args("s", "5"), vec!["--follow"]].concat());
    while !place.path("s/store.json").exists() || status(&place, "s").1["entries"].as_u64() < Some(20) {}
    for args in [ingest_args("s", "5"), vec!["store", "rebuild", "--store", "s"]] {
        let began = Instant::now();
        let second = place.dome(&args, b"");
        assert!(began.elapsed() < Duration::from_secs(5), "at once");
        assert_eq!(second.code, 1, "{}", second.stderr);
        let pid = first.id();
        assert!(second.stderr.contains(&format!("process {pid})")), "{}", second.stderr);
        assert!(second.stderr.contains("`--wait SECONDS`"), "how to proceed: {}", second.stderr);
    }
    place.file("in/late.jsonl", joined(late));
    let wanted = (lines.len() - 8) as u64;
    let began = Instant::now();
    let entries = |found: &Value| -> u64 {
        found["sources"].as_array().unwrap().iter().map(|source| source["lines"].as_u64().unwrap()).sum()
    };
    while entries(&status(&place, "s").1) < wanted {
        assert!(began.elapsed() < Duration::from_secs(30), "the first one goes on: {}", status(&place, "s").1);
    }
    signal(&first, "-TERM");
    let ended = first.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    is_sound(&place, "s");
    // What waited for the end of its line is read when nothing else can come.
    assert_eq!(place.dome(&ingest_args("s", "5"), b"").code, 0);
    replay(&place, "in", "replayed");
    exports_as(&place, "s", "replayed");
}

/// What ten readers saw.
#[derive(Default)]
struct Seen {
    /// Entries of the log and of the index.
    ends: Mutex<BTreeSet<u64>>,
    /// Lines of exports, with their folders.
    exports: Mutex<Vec<(usize, String)>>,
    statuses: AtomicUsize,
    verifies: AtomicUsize,
}

impl Seen {
    fn read(&self, place: &Place, reader: usize, done: &AtomicBool) {
        let (mut last, mut turn) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            turn += 1;
            match reader % 3 {
                0 => {
                    let (code, found) = status(place, "s");
                    assert_eq!(code, 0, "{found}");
                    let [facts, entries, behind] =
                        ["facts", "entries", "behind"].map(|name| found[name].as_u64().unwrap());
                    assert!(facts >= last, "facts went from {last} to {facts}");
                    last = facts;
                    self.ends.lock().unwrap().extend([entries, entries - behind]);
                    self.statuses.fetch_add(1, Ordering::Relaxed);
                }
                1 => {
                    is_sound(place, "s");
                    self.verifies.fetch_add(1, Ordering::Relaxed);
                }
                _ => {
                    let out = format!("out-{reader}-{turn}");
                    let ended = place.dome(&["store", "export", "--store", "s", "--out", &out], b"");
                    assert_eq!(ended.code, 0, "{}", ended.stderr);
                    let lines = count(&std::fs::read(place.path(&out).join("manifest.json")).unwrap(), "lines");
                    self.exports.lock().unwrap().push((usize::try_from(lines).unwrap(), out));
                }
            }
        }
    }
}

/// The positions at which batches end: that of the checkpoint behind their lines, when each batch is
/// of one source.
fn batch_ends(place: &Place) -> BTreeSet<u64> {
    let log = place.files("s/log").into_values().next().unwrap();
    let entries = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let entries = entries.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let ends = entries.filter(|entry| entry["entry"]["kind"] == "source");
    ends.map(|entry| entry["position"].as_u64().unwrap()).collect()
}

#[test]
fn ten_readers_beside_a_writer_see_whole_batches_and_nothing_else() {
    // On a machine that has other things to do, readers begin late: then the writer gets more to write.
    let enough = [3, 12, 48].into_iter().any(readers_see_whole_batches);
    assert!(enough, "the writer was too fast for its readers");
}

/// Whether the readers saw something of what a writer of so many copies wrote.
fn readers_see_whole_batches(copies: usize) -> bool {
    let place = Place::new();
    let lines = lines(copies, 6);
    let half = lines.len() / 2;
    place.file("in/a.jsonl", [joined(&lines[..half]), b"\n".to_vec()].concat());
    place.file("in/b.jsonl", joined(&lines[half..]));
    let mut writer = start(&place, &ingest_args("s", "4"));
    while !place.path("s/store.json").exists() {}
    let (seen, done) = (Seen::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for reader in 0..10 {
            let (place, seen, done) = (&place, &seen, &done);
            scope.spawn(move || seen.read(place, reader, done));
        }
        let ended = writer.wait().unwrap();
        done.store(true, Ordering::Relaxed);
        assert!(ended.success());
    });
    let mut ends = batch_ends(&place);
    // A fresh store says its terms before its first line.
    ends.extend([0, 1]);
    let seen_ends = seen.ends.into_inner().unwrap();
    assert!(seen_ends.is_subset(&ends), "half a batch: {:?}", seen_ends.difference(&ends));
    let exports = seen.exports.into_inner().unwrap();
    eprintln!(
        "{} statuses with {} ends of batches, {} verifies, {} exports",
        seen.statuses.into_inner(),
        seen_ends.len(),
        seen.verifies.into_inner(),
        exports.len()
    );
    if seen_ends.len() <= 3 || exports.len() <= 2 {
        return false;
    }
    for (count, out) in exports.iter().rev().step_by(exports.len().div_ceil(12)) {
        let ended = place.dome(&["verify", out], b"");
        assert_eq!(ended.code, 0, "{out}: {}{}", ended.stdout, ended.stderr);
        if *count == 0 {
            continue;
        }
        let prefix = format!("prefix-{out}");
        let first: Vec<u8> =
            lines[..half.min(*count)].iter().flat_map(|line| [line, b"\n".as_slice()].concat()).collect();
        place.file(&format!("{prefix}/a.jsonl"), first);
        if *count > half {
            place.file(&format!("{prefix}/b.jsonl"), joined(&lines[half..*count]));
        }
        replay(&place, &prefix, &format!("{prefix}-replayed"));
        let (found, expected) = (place.files(out), place.files(&format!("{prefix}-replayed")));
        assert!(found == expected, "the first {count} lines come to something else");
    }
    true
}
