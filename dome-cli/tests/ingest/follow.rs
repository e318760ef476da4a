//! `--follow`: files and streams that go on.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::steps::{failure, lines};
use crate::harness::Place;

/// How long anything may take here; nothing waits for as long as this where all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `dome ingest --follow` that runs.
struct Follower {
    child: Child,
    stdin: Option<ChildStdin>,
    told: Receiver<Value>,
    said: Receiver<String>,
}

impl Follower {
    fn start(place: &Place, args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dome"))
            .args([&["ingest", "--store", "s", "--follow", "--format", "json"], args].concat())
            .current_dir(place.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let _ended = tell.send(serde_json::from_str(&line.unwrap()).unwrap());
            }
        });
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let _ended = say.send(line.unwrap());
            }
        });
        Self { stdin: child.stdin.take(), child, told, said }
    }

    /// Waits until so many lines are acknowledged; the acknowledgements.
    fn acknowledges(&self, lines: u64) -> Vec<Value> {
        let (start, mut all) = (Instant::now(), Vec::new());
        while all.last().is_none_or(|last: &Value| last["acknowledged_lines"].as_u64() < Some(lines)) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            all.push(self.told.recv_timeout(left).unwrap_or_else(|_| panic!("{lines} of {all:?}")));
        }
        assert_eq!(all.last().unwrap()["acknowledged_lines"], lines, "{all:?}");
        all
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for its end: the exit code, the last record, and what it said.
    fn ends(mut self) -> (Option<i32>, Value, String) {
        drop(self.stdin.take());
        let code = self.child.wait().unwrap().code();
        (code, self.told.iter().last().unwrap(), self.said.iter().collect::<Vec<_>>().join("\n"))
    }

    fn stops(self) -> (Value, String) {
        self.signal(Signal::TERM);
        let (code, summary, said) = self.ends();
        assert_eq!(code, Some(0), "{said}");
        (summary, said)
    }

    /// The most memory that the process had so far, in KiB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

fn append(place: &Place, name: &str, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(place.path(name)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_folder_is_followed_as_files_grow_and_appear() {
    let place = Place::new();
    place.file("in/a.jsonl", lines(&[failure("r1", 1)]));
    let follower = Follower::start(&place, &["in"]);
    follower.acknowledges(1);
    append(&place, "in/a.jsonl", &lines(&[failure("r1", 2)]));
    follower.acknowledges(2);
    fs::create_dir(place.path("in/deeper")).unwrap();
    append(&place, "in/deeper/b.jsonl", &lines(&[failure("r2", 1)]));
    follower.acknowledges(3);
    // A line waits for its end.
    let line = lines(&[failure("r2", 50)]);
    append(&place, "in/deeper/b.jsonl", &line[..50]);
    append(&place, "in/a.jsonl", &lines(&[failure("r1", 30)]));
    follower.acknowledges(4);
    append(&place, "in/deeper/b.jsonl", &line[50..]);
    follower.acknowledges(5);
    let (summary, said) = follower.stops();
    assert_eq!(summary["watermark"], "2026-02-01T10:00:50Z");
    assert_eq!((&summary["lines"], &summary["total_facts"], said.as_str()), (&5.into(), &5.into(), ""));
    place.equals_a_replay_of(&["in"]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_also_when_its_writer_goes_on() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1)]));
    let follower = Follower::start(&place, &["a.jsonl"]);
    follower.acknowledges(1);
    let mut writer = OpenOptions::new().append(true).open(place.path("a.jsonl")).unwrap();
    writer.write_all(lines(&[failure("r1", 2)]).as_bytes()).unwrap();
    fs::rename(place.path("a.jsonl"), place.path("a.jsonl.1")).unwrap();
    append(&place, "a.jsonl", &lines(&[failure("r2", 1)]));
    follower.acknowledges(3);
    // Who rotates does not stop who writes at once.
    writer.write_all(lines(&[failure("r1", 3)]).as_bytes()).unwrap();
    writer.write_all(failure("r1", 4).to_string().as_bytes()).unwrap();
    follower.acknowledges(4);
    let (summary, said) = follower.stops();
    assert_eq!(summary["total_facts"], 5, "the last line of a file that is gone counts, end or no end");
    assert!(said.contains("(rotated): it is read as `a.jsonl#2`"), "{said}");
    assert_eq!(place.source("a.jsonl")["lines"], 4);
    assert_eq!(place.source("a.jsonl#2")["lines"], 1);
    place.file("all/1.jsonl", fs::read(place.path("a.jsonl.1")).unwrap());
    place.file("all/2.jsonl", fs::read(place.path("a.jsonl")).unwrap());
    place.derives_as_a_replay_of(&["all"]);
}

#[test]
fn a_file_that_is_copied_and_cut_is_read_on_from_its_start_also_when_it_grew_past_that_place() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r1", 1)]));
    let follower = Follower::start(&place, &["a.jsonl"]);
    follower.acknowledges(1);
    let file = OpenOptions::new().write(true).open(place.path("a.jsonl")).unwrap();
    file.set_len(0).unwrap();
    append(&place, "a.jsonl", &lines(&[failure("r2", 1), failure("r2", 2), failure("r2", 3)]));
    follower.acknowledges(4);
    // In one step, so that nobody can see it shorter.
    let mut file = OpenOptions::new().write(true).open(place.path("a.jsonl")).unwrap();
    file.write_all(lines(&[1, 2, 3, 4].map(|sequence| failure("r3", sequence))).as_bytes()).unwrap();
    follower.acknowledges(8);
    let (summary, said) = follower.stops();
    assert_eq!((&summary["total_facts"], &summary["quarantined"]), (&8.into(), &0.into()), "{said}");
    assert!(said.contains("`a.jsonl#2`") && said.contains("`a.jsonl#3`"), "{said}");
    place.ends(0, &["store", "verify", "--store", "s"]);
}

#[test]
fn a_file_that_is_rewritten_while_it_is_looked_at_loses_no_line() {
    let place = Place::new();
    place.file("a.jsonl", lines(&[failure("r0", 1)]));
    let follower = Follower::start(&place, &["a.jsonl", "--batch-ms", "1"]);
    follower.acknowledges(1);
    let mut told = 1;
    for round in 1..=60 {
        // Each text is longer than the one before. Opening the file already wakes the follower up, which
        // is somewhere in its look when the text comes.
        let text: Vec<Value> = (1..=round + 1).map(|sequence| failure(&format!("r{round}"), sequence)).collect();
        told += round + 1;
        let text = lines(&text);
        let mut file = OpenOptions::new().write(true).open(place.path("a.jsonl")).unwrap();
        std::thread::sleep(Duration::from_micros(10 * round));
        file.write_all(text.as_bytes()).unwrap();
        follower.acknowledges(told);
    }
    let (summary, said) = follower.stops();
    assert_eq!((&summary["total_facts"], &summary["quarantined"]), (&told.into(), &0.into()), "{said}");
}

#[test]
fn a_stream_with_pauses_is_acknowledged_within_a_second() {
    let place = Place::new();
    let mut follower = Follower::start(&place, &["-"]);
    let mut fastest = PATIENCE;
    for sequence in 1..=4 {
        let start = Instant::now();
        let line = lines(&[failure("r1", sequence)]);
        follower.stdin.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        follower.acknowledges(sequence);
        fastest = fastest.min(start.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    // The best of four: other work on this machine is not what is measured.
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
    follower.stdin.as_mut().unwrap().write_all(failure("r1", 5).to_string().as_bytes()).unwrap();
    let (code, summary, said) = follower.ends();
    assert_eq!((code, &summary["total_facts"], said.as_str()), (Some(0), &5.into(), ""), "the stream's end is one");
}

#[test]
fn batches_are_kept_by_size_and_each_is_acknowledged() {
    let place = Place::new();
    let all: Vec<Value> = (1..=25).map(|sequence| failure("r1", sequence)).collect();
    let mut follower = Follower::start(&place, &["-", "--batch-lines", "10", "--batch-ms", "600000"]);
    follower.stdin.as_mut().unwrap().write_all(lines(&all).as_bytes()).unwrap();
    let told = follower.acknowledges(20);
    assert_eq!(told.iter().map(|told| told["acknowledged_lines"].as_u64().unwrap()).collect::<Vec<_>>(), [10, 20]);
    let (code, summary, _) = follower.ends();
    assert_eq!((code, &summary["total_facts"], &summary["batches"]), (Some(0), &25.into(), &3.into()));
}

#[test]
fn sigterm_and_sigint_keep_what_was_read_and_end_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let mut follower = Follower::start(&place, &["-", "--batch-ms", "600000"]);
        follower.stdin.as_mut().unwrap().write_all(lines(&[failure("r1", 1)]).as_bytes()).unwrap();
        // What a stream said is taken in at once, though its batch is kept much later.
        std::thread::sleep(Duration::from_secs(2));
        follower.signal(signal);
        let (code, summary, said) = follower.ends();
        assert_eq!((code, &summary["total_facts"]), (Some(0), &1.into()), "{said}");
        place.file("all.jsonl", lines(&[failure("r1", 1)]));
        place.derives_as_a_replay_of(&["all.jsonl"]);
    }
}

#[test]
fn a_signal_during_a_backlog_is_heard_and_the_rest_is_read_the_next_time() {
    let place = Place::new();
    let bad = format!("{{\"junk\":\"{}\"}}\n", "x".repeat(4_000));
    place.file("a.jsonl", bad.repeat(10_000));
    let follower = Follower::start(&place, &["a.jsonl", "--redact", "off"]);
    let first = follower.told.recv_timeout(PATIENCE).unwrap();
    let (summary, _) = follower.stops();
    assert!(summary["lines"].as_u64() >= first["acknowledged_lines"].as_u64());
    assert!(summary["lines"].as_u64() < Some(10_000), "{summary}");
    assert_eq!(place.source("a.jsonl")["open"], true);
    place.ingest(&["a.jsonl", "--redact", "off"]);
    assert_eq!((&place.source("a.jsonl")["lines"], &place.source("a.jsonl")["open"]), (&10_000.into(), &false.into()));
}

#[test]
fn a_writer_that_is_faster_than_the_store_waits_and_memory_stays_bounded() {
    let place = Place::new();
    let mut follower = Follower::start(&place, &["-", "--redact", "off"]);
    let (mut stdin, line) = (follower.stdin.take().unwrap(), format!("{{\"junk\":\"{}\"}}\n", "x".repeat(500_000)));
    // 20 MB, then 200 MB more.
    let mut peaks = Vec::new();
    for count in [40, 400] {
        for _ in 0..count {
            stdin.write_all(line.as_bytes()).unwrap();
        }
        peaks.push(follower.peak());
    }
    drop(stdin);
    let peak = follower.peak();
    let (code, summary, said) = follower.ends();
    assert_eq!((code, &summary["quarantined"]), (Some(0), &440.into()), "{said}");
    eprintln!("peak RSS in KiB after 20 MB and after 220 MB: {peaks:?}, at the end {peak}");
    assert!(peaks[1] < 160 << 10, "KiB: {peaks:?}");
}
