//! `dome replay --memory`: the same result out of less memory.

use std::io::Write;

use crate::harness::{Ended, Place, golden};

fn replay(place: &Place, inputs: &[&str], more: &[&str]) -> Ended {
    let codes = golden("reason-codes.json");
    place.dome(&[&["replay"], inputs, &["--reason-codes", codes.to_str().unwrap()], more].concat(), b"")
}

/// The golden input, compressed: what it comes to is not known before it is read, so a budget cuts it.
fn compressed(place: &Place) {
    for name in ["a", "b"] {
        let bytes = std::fs::read(golden("input").join(format!("{name}.jsonl"))).unwrap();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&bytes).unwrap();
        place.file(&format!("in/{name}.jsonl.gz"), gz.finish().unwrap());
    }
}

fn without_slowest(summary: &str) -> serde_json::Value {
    let mut summary: serde_json::Value = serde_json::from_str(summary).unwrap();
    let members = summary.as_object_mut().unwrap();
    members.remove("slowest_step");
    members.remove("out");
    summary
}

#[test]
fn l4_a_budget_of_memory_changes_no_byte() {
    let place = Place::new();
    compressed(&place);
    let plain = replay(&place, &["in"], &["--out", "plain", "--format", "json"]);
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    for threads in ["1", "2", "300"] {
        let more = ["--memory", "64MiB", "--threads", threads, "--format", "json", "--out"];
        let out = format!("cut-{threads}");
        let cut = replay(&place, &["in"], &[&more[..], &[&out]].concat());
        assert_eq!(cut.code, 0, "{}", cut.stderr);
        assert!(place.files(&out) == place.files("plain"), "{out}");
        assert_eq!(without_slowest(&cut.stdout), without_slowest(&plain.stdout));
    }
    let again = replay(&place, &["in"], &["--out", "plain", "--memory", "64MiB"]);
    assert!(again.stdout.contains("the same result stood there already"), "{} {}", again.stdout, again.stderr);
    let verified = place.dome(&["verify", "cut-2"], b"");
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 5, "input and results, nothing else");
}

#[test]
fn a_budget_may_stand_in_dome_toml() {
    let place = Place::new();
    compressed(&place);
    assert_eq!(replay(&place, &["in"], &["--out", "plain"]).code, 0);
    place.file("dome.toml", "[replay]\nmemory = \"64 MiB\"\n");
    assert_eq!(replay(&place, &["in"], &["--out", "cut"]).code, 0);
    assert!(place.files("cut") == place.files("plain"));
    place.file("dome.toml", "[replay]\nmemory = \"1MiB\"\n");
    let wrong = replay(&place, &["in"], &["--out", "none"]);
    assert_eq!(wrong.code, 3, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("replay.memory: expected at least 64MiB, found `1MiB`"), "{}", wrong.stderr);
    assert_eq!(replay(&place, &["in"], &["--out", "flag", "--memory", "1GB"]).code, 0, "a flag wins");
}

#[test]
fn what_is_no_size_is_wrong_usage() {
    let place = Place::new();
    place.file("a.jsonl", dome_core::EXAMPLE_LINE);
    for (size, said) in [
        ("lots", "expected a whole number of bytes, or one with kB, MB, GB, KiB, MiB or GiB"),
        ("1.5GiB", "expected a whole number of bytes"),
        ("512M", "expected a whole number of bytes"),
        ("63MiB", "expected at least 64MiB"),
    ] {
        let ended = place.dome(&["replay", "a.jsonl", "--out", "o", "--memory", size], b"");
        assert_eq!(ended.code, 2, "{size}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{size}: {}", ended.stderr);
        assert!(!place.path("o").exists());
    }
}

/// The system refuses bytes in the middle of a file, as a full disk does.
#[test]
fn a_disk_that_takes_no_more_leaves_nothing() {
    let place = Place::new();
    compressed(&place);
    let dome = env!("CARGO_BIN_EXE_dome");
    let ended = |blocks: u32| {
        let script =
            format!("trap '' XFSZ; ulimit -f {blocks}; exec '{dome}' replay in --out o --threads 1 --memory 64MiB");
        let output =
            std::process::Command::new("bash").args(["-c", &script]).current_dir(place.path("")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 1, "the input alone: {said}");
        said
    };
    for blocks in [1, 16, 60, 150] {
        let said = ended(blocks);
        assert!(said.starts_with("dome: cannot write "), "{blocks}: {said}");
    }
}

#[test]
fn an_input_that_is_damaged_leaves_nothing() {
    let place = Place::new();
    compressed(&place);
    place.file("in/c.jsonl.gz", b"\x1f\x8b\x08 not gzip");
    let ended = replay(&place, &["in"], &["--out", "far/below/o", "--memory", "64MiB"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("c.jsonl.gz"), "{}", ended.stderr);
    assert_eq!(std::fs::read_dir(place.path("")).unwrap().count(), 1, "the input alone");
}
