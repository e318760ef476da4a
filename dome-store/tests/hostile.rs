//! Links, devices, names that lead elsewhere and locks of others (issue 21, points 2, 3 and 10).

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use dome_core::{Sha256Hash, canonical};
use dome_store::{ErrorClass, Log, rebuild, verify};

use super::support::{Bench, as_made, copy, files, opening, segments, small, take_in, text};

fn made() -> Bench {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..12));
    bench.ingest(small());
    bench
}

/// Changes the manifest as somebody would who can compute its digest.
fn forge(store: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let path = store.join("store.json");
    let mut document: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut document["store"]);
    let digest = Sha256Hash::of(&canonical::to_vec(&document["store"]).unwrap());
    document["digest"] = digest.to_string().into();
    fs::write(&path, serde_json::to_vec(&document).unwrap()).unwrap();
}

#[test]
fn a_segment_that_is_named_elsewhere_is_none() {
    for name in ["/etc/hostname", "../../victim", "../victim", "000000000001.jsonl/../x", "", ".", "000000000002.jsonl"]
    {
        let bench = made();
        fs::write(bench.path("victim"), b"precious").unwrap();
        forge(&bench.store, |store| store["segments"][0]["name"] = name.into());
        assert_eq!(take_in(&bench.input, &bench.store, small()).unwrap_err().class(), ErrorClass::Invalid, "{name}");
        assert_eq!(Log::open(&bench.store).unwrap_err().class(), ErrorClass::Invalid, "{name}");
        assert_eq!(fs::read(bench.path("victim")).unwrap(), b"precious");
    }
}

#[test]
fn planted_links_are_neither_followed_nor_written_through() {
    let bench = made();
    let victim = bench.path("victim");
    fs::write(&victim, b"precious").unwrap();
    bench.put("a.jsonl", text("a", 0..15));
    symlink(&victim, bench.store.join("store.json.next")).unwrap();
    take_in(&bench.input, &bench.store, small()).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    fs::remove_file(bench.store.join("writer.lock")).unwrap();
    symlink(&victim, bench.store.join("writer.lock")).unwrap();
    assert_eq!(take_in(&bench.input, &bench.store, small()).unwrap_err().class(), ErrorClass::Invalid);
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    fs::remove_file(bench.store.join("writer.lock")).unwrap();
    // A segment: readers name it, a writer refuses it.
    let last = segments(&bench.store).pop().unwrap();
    fs::rename(&last, &victim).unwrap();
    let bytes = fs::read(&victim).unwrap();
    symlink(&victim, &last).unwrap();
    let report = verify(&bench.store, |_, _| Ok(false)).unwrap();
    assert!(report.damage.iter().any(|damage| damage.what.contains("link")), "{report:?}");
    bench.put("a.jsonl", text("a", 0..20));
    assert_eq!(take_in(&bench.input, &bench.store, small()).unwrap_err().class(), ErrorClass::Invalid);
    assert_eq!(fs::read(&victim).unwrap(), bytes);
    // The folder of the log.
    let bench = made();
    fs::rename(bench.store.join("log"), bench.path("elsewhere")).unwrap();
    symlink(bench.path("elsewhere"), bench.store.join("log")).unwrap();
    let before = files(&bench.path("elsewhere"));
    assert_eq!(take_in(&bench.input, &bench.store, small()).unwrap_err().class(), ErrorClass::Invalid);
    assert_eq!(files(&bench.path("elsewhere")), before);
}

#[test]
fn a_fifo_or_device_in_place_of_a_file_hangs_nobody() {
    let fifo = |path: &Path| {
        let _none = fs::remove_file(path);
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    let bench = made();
    fifo(&bench.store.join("writer.lock"));
    assert!(take_in(&bench.input, &bench.store, small()).is_err());
    let bench = made();
    fifo(&bench.store.join("store.json"));
    assert_eq!(Log::open(&bench.store).unwrap_err().class(), ErrorClass::Invalid);
    let bench = made();
    fifo(&segments(&bench.store).pop().unwrap());
    assert!(!verify(&bench.store, |_, _| Ok(false)).unwrap().is_sound());
    assert!(take_in(&bench.input, &bench.store, small()).is_err());
}

/// Issue 21, 2: a folder is no store because it has a `log/`.
#[test]
fn a_foreign_folder_is_not_adopted() {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..2));
    fs::create_dir_all(bench.store.join("log")).unwrap();
    fs::write(bench.store.join("log/app.log"), b"precious").unwrap();
    let before = files(&bench.store);
    assert_eq!(take_in(&bench.input, &bench.store, small()).unwrap_err().class(), ErrorClass::Failed);
    assert_eq!(files(&bench.store), before);
}

/// Issue 21, 3: a copy made of hard links would change with the store.
#[test]
fn a_segment_that_another_store_shares_is_not_written_to() {
    let bench = made();
    let copied = bench.path("copied");
    copy(&bench.store, &copied);
    for (from, to) in segments(&bench.store).into_iter().zip(segments(&copied)) {
        fs::remove_file(&to).unwrap();
        fs::hard_link(from, to).unwrap();
    }
    let before = files(&copied);
    bench.put("a.jsonl", text("a", 0..20));
    for store in [&bench.store, &copied] {
        let refused = take_in(&bench.input, store, small()).unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Invalid);
        assert!(refused.to_string().contains("hard links"), "{refused}");
    }
    assert_eq!(files(&copied), before);
    assert!(verify(&copied, |_, _| Ok(true)).unwrap().is_sound(), "reading it is fine");
}

/// Issue 21, 10: whoever cannot write to a store cannot hold its lock.
#[test]
fn only_who_may_write_can_open_the_lock() {
    let bench = made();
    let lock = bench.store.join("writer.lock");
    assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o777, 0o600);
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    take_in(&bench.input, &bench.store, small()).unwrap();
    assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o777, 0o600, "one that others can read is mended");
    fs::set_permissions(&bench.store, fs::Permissions::from_mode(0o775)).unwrap();
    take_in(&bench.input, &bench.store, small()).unwrap();
    assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o777, 0o660, "a group that writes to the store shares it");
}

/// Issue 21, 5: a store whose making was killed is made by the next one.
#[test]
fn a_store_that_was_killed_while_it_was_made_is_made_by_the_next_one() {
    for left in [&[][..], &["writer.lock"], &["writer.lock", "store.json.next"], &["writer.lock", "log/"]] {
        let bench = Bench::new();
        bench.put("a.jsonl", text("a", 0..2));
        fs::create_dir(&bench.store).unwrap();
        for name in left {
            let path = bench.store.join(name);
            if name.ends_with('/') { fs::create_dir(path).unwrap() } else { fs::write(path, b"").unwrap() }
        }
        assert_eq!(Log::open(&bench.store).unwrap_err().class(), ErrorClass::Invalid);
        assert_eq!(
            rebuild(&bench.store, opening(small()), &as_made, &()).map(drop).unwrap_err().class(),
            ErrorClass::Invalid
        );
        assert_eq!(bench.ingest(small()).tally.lines, 2);
    }
}
