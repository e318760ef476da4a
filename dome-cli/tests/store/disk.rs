//! Disks that take no more, and disks that take nothing.

use std::path::PathBuf;
use std::process::Command;

use super::feed::{exports_as, ingest, ingest_args, is_sound, lines, replay, signal, spread, start, status};
use crate::harness::{Ended, Place};

/// A small file system of its own, where mounting is allowed.
pub(super) struct Small(PathBuf);

impl Small {
    pub(super) fn mount(place: &Place, name: &str) -> Option<Self> {
        let path = place.path(name);
        std::fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(&path).output();
        if mounted.is_ok_and(|ended| ended.status.success()) {
            return Some(Self(path));
        }
        eprintln!("skipped: mounting a tmpfs is not allowed here");
        None
    }

    pub(super) fn again(&self, how: &str) {
        let remount = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status().unwrap();
        assert!(remount.success());
    }

    /// Leaves this many bytes free.
    fn fill(&self, free: u64) {
        let filler = self.0.join("filler");
        let _none = std::fs::remove_file(&filler);
        let script = format!("df --output=avail -B1 '{}' | tail -1", self.0.display());
        let avail = Command::new("sh").args(["-c", &script]).output().unwrap().stdout;
        let avail: u64 = String::from_utf8(avail).unwrap().trim().parse().unwrap();
        std::fs::write(filler, vec![0; usize::try_from(avail.saturating_sub(free)).unwrap()]).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Says what could not be done, where and why.
#[track_caller]
fn is_said(ended: &Ended, why: &str) {
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let named = ended.stderr.contains("dome: cannot ") && ["s`", "s/"].iter().any(|place| ended.stderr.contains(place));
    assert!(named && ended.stderr.contains(why), "{}", ended.stderr);
}

/// Whatever stands there is sound, and when there is room, everything gets in.
fn goes_on(place: &Place, store: &str) {
    if place.path(store).join("store.json").exists() {
        is_sound(place, store);
        status(place, store);
    }
    assert!(!place.path(store).join("store.json.next").exists(), "nothing half done");
    ingest(place, store);
    is_sound(place, store);
    exports_as(place, store, "replayed");
}

/// Runs an ingest under a limit of file sizes, in KiB: what passes it is refused, as by a full disk.
fn limited(place: &Place, store: &str, limit: usize) -> Ended {
    let dome = env!("CARGO_BIN_EXE_dome");
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec '{dome}' {}", ingest_args(store, "6").join(" "));
    let output = Command::new("bash").args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_file_that_takes_no_more_bytes_ends_an_ingest_and_harms_nothing() {
    let place = Place::new();
    spread(&place, &lines(2, 20));
    replay(&place, "in", "replayed");
    let mut refused = 0;
    for limit in [0, 1, 4, 40, 100, 130, 150, 180, 220, 300, 400, 600] {
        let ended = limited(&place, "s", limit);
        if ended.code != 0 {
            refused += 1;
            is_said(&ended, "because: ");
            if place.path("s/store.json").exists() {
                is_sound(&place, "s");
            }
            // The same again, in the store as it was left.
            is_said(&limited(&place, "s", limit), "because: ");
        }
        goes_on(&place, "s");
        std::fs::remove_dir_all(place.path("s")).unwrap();
    }
    eprintln!("{refused} of 12 limits were met");
    assert!(refused > 6);
}

#[test]
fn a_full_disk_ends_an_ingest_and_harms_nothing() {
    let place = Place::new();
    let Some(disk) = Small::mount(&place, "disk") else { return };
    spread(&place, &lines(2, 21));
    replay(&place, "in", "replayed");
    let mut refused = 0;
    for free in [0, 4, 8, 40, 80, 150, 220, 300, 400, 500] {
        disk.fill(free << 10);
        let ended = place.dome(&ingest_args("disk/s", "6"), b"");
        if ended.code != 0 {
            refused += 1;
            is_said(&ended, "");
            let why = ended.stderr.contains("No space left on device") || ended.stderr.contains("full");
            assert!(why, "{}", ended.stderr);
        }
        disk.fill(2 << 20);
        if place.path("disk/s/store.json").exists() {
            is_sound(&place, "disk/s");
        }
        std::fs::remove_file(place.path("disk/filler")).unwrap();
        ingest(&place, "disk/s");
        is_sound(&place, "disk/s");
        let out = ["store", "export", "--store", "disk/s", "--out", "out", "--force"];
        assert_eq!(place.dome(&out, b"").code, 0);
        assert!(place.files("out") == place.files("replayed"));
        std::fs::remove_dir_all(place.path("disk/s")).unwrap();
    }
    eprintln!("{refused} of 10 disks were full");
    assert!(refused > 5);
}

#[test]
fn a_read_only_store_is_read_and_not_written_to() {
    let place = Place::new();
    let Some(disk) = Small::mount(&place, "disk") else { return };
    let lines = lines(1, 22);
    spread(&place, &lines[..90]);
    assert_eq!(place.dome(&ingest_args("disk/none", "6"), b"").code, 0);
    replay(&place, "in", "replayed");
    ingest(&place, "disk/s");
    disk.again("ro");
    let before = place.files("disk/s");
    let refused = place.dome(&ingest_args("disk/s", "6"), b"");
    is_said(&refused, "Read-only file system");
    let fresh = place.dome(&ingest_args("disk/fresh/s", "6"), b"");
    is_said(&fresh, "Read-only file system");
    assert_eq!(status(&place, "disk/s").0, 0);
    is_sound(&place, "disk/s");
    let out = ["store", "export", "--store", "disk/s", "--out", "out"];
    assert_eq!(place.dome(&out, b"").code, 0);
    assert!(place.files("out") == place.files("replayed"));
    assert!(place.files("disk/s") == before, "nothing was written");
    disk.again("rw");
    spread(&place, &lines);
    ingest(&place, "disk/s");
    is_sound(&place, "disk/s");
}

#[test]
fn a_disk_that_turns_read_only_under_a_killed_writer_is_read_as_it_was_left() {
    let place = Place::new();
    let Some(disk) = Small::mount(&place, "disk") else { return };
    spread(&place, &lines(1, 23));
    replay(&place, "in", "replayed");
    let mut child = start(&place, &[ingest_args("disk/s", "3"), vec!["--follow"]].concat());
    while !place.path("disk/s/store.json").exists() || status(&place, "disk/s").1["entries"].as_u64() < Some(20) {}
    signal(&child, "-KILL");
    child.wait().unwrap();
    disk.again("ro");
    let (code, found) = status(&place, "disk/s");
    assert_eq!(code, 0, "{found}");
    is_sound(&place, "disk/s");
    disk.again("rw");
    ingest(&place, "disk/s");
    is_sound(&place, "disk/s");
    let out = ["store", "export", "--store", "disk/s", "--out", "out"];
    assert_eq!(place.dome(&out, b"").code, 0);
    assert!(place.files("out") == place.files("replayed"));
}
