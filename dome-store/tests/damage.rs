//! Cuts, flipped bits and lost files: each is named, and nothing that was acknowledged and can be read is lost.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dome_store::log::LogItem;
use dome_store::{ErrorClass, Log, StoreLimits, StoreWriter, rebuild, verify};

use super::support::{Bench, Notes, as_made, copy, files, opening, segments, small, take_in, text};

/// Positions of the entries that can be read, and what is damaged.
fn read(store: &Path) -> (BTreeSet<u64>, usize) {
    let (mut positions, mut damage) = (BTreeSet::new(), 0);
    for found in Log::open(store).unwrap().scan(1) {
        match found.unwrap() {
            LogItem::Entry { position, .. } => drop(positions.insert(position)),
            LogItem::Damage(_) => damage += 1,
        }
    }
    (positions, damage)
}

fn made() -> Bench {
    let bench = Bench::new();
    bench.put("a.jsonl", text("a", 0..20));
    bench.ingest(StoreLimits { segment_bytes: 6 << 10, ..small() });
    assert!(segments(&bench.store).len() > 1);
    bench
}

#[test]
fn every_cut_of_the_last_segment_is_named_and_nothing_before_it_is_lost() {
    let bench = made();
    let (whole, _) = read(&bench.store);
    let last = segments(&bench.store).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    for cut in (0..bytes.len()).step_by(37).chain([bytes.len() - 1]) {
        let store = bench.path(&format!("cut-{cut}"));
        copy(&bench.store, &store);
        let segment = store.join("log").join(last.file_name().unwrap());
        fs::write(&segment, &bytes[..cut]).unwrap();
        let report = verify(&store, |_, _| Ok(false)).unwrap();
        assert!(!report.damage.is_empty(), "cut at {cut}");
        // A manifest that says more than there is: nothing is cut, what comes goes behind.
        take_in(&bench.input, &store, small()).unwrap();
        assert_eq!(fs::read(&segment).unwrap(), bytes[..cut]);
        // Without the manifest: the entries that are whole stay or are kept aside, byte by byte.
        let bare = bench.path(&format!("bare-{cut}"));
        copy(&bench.store, &bare);
        fs::write(bare.join("log").join(last.file_name().unwrap()), &bytes[..cut]).unwrap();
        fs::remove_file(bare.join("store.json")).unwrap();
        let (rebuilt, writer) = rebuild(&bare, opening(small()), &as_made, &()).unwrap();
        drop(writer);
        let kept = fs::read(bare.join("log").join(last.file_name().unwrap())).unwrap_or_default();
        let aside: Vec<u8> = rebuilt.aside.iter().flat_map(|name| fs::read(bare.join(name)).unwrap()).collect();
        assert_eq!([kept, aside].concat(), bytes[..cut], "cut at {cut}: not a byte is gone");
        assert!(read(&bare).0.is_subset(&whole));
        let report = verify(&bare, |_, _| Ok(false)).unwrap();
        // An entry that has lost nothing but its line feed is read, and the loss is named.
        let only_line_feeds = report.damage.iter().all(|damage| damage.what.contains("line feed"));
        assert!(only_line_feeds, "cut at {cut}: {rebuilt:?} {report:#?}");
        fs::remove_dir_all(&store).unwrap();
        fs::remove_dir_all(&bare).unwrap();
    }
}

#[test]
fn every_flipped_bit_is_named_and_costs_no_other_entry() {
    let bench = made();
    let (whole, _) = read(&bench.store);
    for path in segments(&bench.store) {
        let bytes = fs::read(&path).unwrap();
        for place in (0..bytes.len()).step_by(101) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            fs::write(&path, &flipped).unwrap();
            let report = verify(&bench.store, |_, _| Ok(false)).unwrap();
            assert!(!report.damage.is_empty(), "bit of byte {place} of {}", path.display());
            assert!(whole.difference(&read(&bench.store).0).count() <= 1, "byte {place}");
        }
        fs::write(&path, &bytes).unwrap();
    }
    assert!(verify(&bench.store, |_, _| Ok(false)).unwrap().is_sound());
}

/// Issue 21, 1: a bit of the last checkpoint, and no `store.json`: what was acknowledged before it stays.
#[test]
fn without_a_manifest_a_flipped_bit_costs_one_entry() {
    let bench = made();
    let (whole, _) = read(&bench.store);
    let last = segments(&bench.store).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    for place in (0..bytes.len()).step_by(67).chain([bytes.len() - 40, bytes.len() - 2, bytes.len() - 1]) {
        let store = bench.path(&format!("flip-{place}"));
        copy(&bench.store, &store);
        let segment = store.join("log").join(last.file_name().unwrap());
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (place % 8);
        fs::write(&segment, &flipped).unwrap();
        fs::remove_file(store.join("store.json")).unwrap();
        let (rebuilt, writer) = rebuild(&store, opening(small()), &as_made, &()).unwrap();
        drop(writer);
        let kept = fs::read(&segment).unwrap_or_default();
        let aside: Vec<u8> = rebuilt.aside.iter().flat_map(|name| fs::read(store.join(name)).unwrap()).collect();
        assert_eq!([kept, aside].concat(), flipped, "byte {place}: not a byte is gone");
        assert!(!rebuilt.is_whole() || read(&store).0 == whole, "byte {place}: {rebuilt:?}");
        assert!(rebuilt.aside.is_empty(), "byte {place}: {rebuilt:?}");
        assert!(whole.difference(&read(&store).0).count() <= 1, "byte {place}: {rebuilt:?}");
        fs::remove_dir_all(&store).unwrap();
    }
}

/// Issue 21, 1: what no dome of this format wrote is kept whole.
#[test]
fn a_segment_that_is_something_else_now_is_never_removed() {
    let zeros = |bytes: &[u8]| vec![0_u8; bytes.len()];
    let utf16 = |bytes: &[u8]| bytes.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
    for (name, rewrite) in [("zeros", &zeros as &dyn Fn(&[u8]) -> Vec<u8>), ("utf16", &utf16)] {
        for with_manifest in [true, false] {
            for number in [0, usize::MAX] {
                let bench = made();
                let paths = segments(&bench.store);
                let path = paths.get(number).or(paths.last()).unwrap();
                let rewritten = rewrite(&fs::read(path).unwrap());
                fs::write(path, &rewritten).unwrap();
                if !with_manifest {
                    fs::remove_file(bench.store.join("store.json")).unwrap();
                }
                let (rebuilt, writer) = rebuild(&bench.store, opening(small()), &as_made, &()).unwrap();
                drop(writer);
                assert!(!rebuilt.is_whole(), "{name} {with_manifest} {number}");
                let anywhere = files(&bench.store).into_iter().any(|(_, bytes)| bytes.starts_with(&rewritten[..100]));
                assert!(anywhere, "{name} {with_manifest} {number}: {rebuilt:?}");
            }
        }
    }
}

#[test]
fn a_log_of_which_nothing_can_be_read_is_left_alone() {
    let bench = made();
    for path in segments(&bench.store) {
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, vec![0; bytes.len()]).unwrap();
    }
    fs::remove_file(bench.store.join("store.json")).unwrap();
    let before = files(&bench.store);
    let refused = rebuild(&bench.store, opening(small()), &as_made, &()).map(drop).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Unreproduced);
    let after: Vec<_> = files(&bench.store).into_iter().filter(|(name, _)| name != "writer.lock").collect();
    assert_eq!(after, before.into_iter().filter(|(name, _)| name != "writer.lock").collect::<Vec<_>>());
}

/// Issue 21, 1: a later format is refused by every verb, before anything is opened for writing.
#[test]
fn a_store_of_a_later_version_is_left_alone_by_every_verb() {
    let later = |store: &Path, is_signed: bool| {
        let path = store.join("store.json");
        let mut document: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        document["store"]["format_version"] = "4".into();
        document["store"]["what_is_new"] = true.into();
        if is_signed {
            let body = dome_core::canonical::to_vec(&document["store"]).unwrap();
            document["digest"] = dome_core::Sha256Hash::of(&body).to_string().into();
        }
        fs::write(&path, serde_json::to_vec(&document).unwrap()).unwrap();
    };
    let in_log = |store: &Path| {
        let last = segments(store).pop().unwrap();
        let text = r#","length":24,"position":999,"entry":{"kind":"what_is_new_4"}}"#;
        let text = text.replace("24", &"{\"kind\":\"what_is_new_4\"}".len().to_string());
        let line = format!("{{\"hash\":\"{}\"{text}\n", dome_core::Sha256Hash::of(text.as_bytes()));
        let mut bytes = fs::read(&last).unwrap();
        bytes.extend_from_slice(line.as_bytes());
        fs::write(&last, bytes).unwrap();
        fs::remove_file(store.join("store.json")).unwrap();
    };
    for case in 0..2 {
        let bench = made();
        if case == 0 {
            later(&bench.store, true)
        } else {
            in_log(&bench.store)
        }
        fs::remove_file(bench.store.join("writer.lock")).unwrap();
        let before = files(&bench.store);
        let refused = |result: dome_store::Result<()>| assert_eq!(result.unwrap_err().class(), ErrorClass::Invalid);
        refused(take_in(&bench.input, &bench.store, small()).map(drop));
        refused(StoreWriter::open_existing(&bench.store, opening(small()), &()).map(drop));
        refused(verify(&bench.store, |_, _| Ok(true)).map(drop));
        refused(dome_store::status(&bench.store, small(), |_| Ok(Vec::<u8>::new()), &()).map(drop));
        let to = dome_replay::Destined { out: bench.path("out"), force: false };
        refused(dome_store::export(&bench.store, &to, None, 1, dome_replay::Limits::within(1 << 20), &()).map(drop));
        refused(dome_store::drop_off(&bench.store, &mut &b"x"[..]).map(drop));
        refused(dome_store::merge(&bench.store, &bench.store, &bench.path("c"), opening(small()), &()).map(drop));
        refused(dome_store::quarantine::list(&bench.store, None, &()).map(drop));
        refused(rebuild(&bench.store, opening(small()), &as_made, &()).map(drop));
        assert_eq!(files(&bench.store), before);
        assert!(!bench.store.join("writer.lock").exists(), "nothing was opened for writing");
    }
    // A flipped bit in the version is damage, as long as the log says this one.
    let bench = made();
    let manifest = fs::read(bench.store.join("store.json")).unwrap();
    let text =
        String::from_utf8(manifest.clone()).unwrap().replace("\"format_version\":\"3\"", "\"format_version\":\"4\"");
    fs::write(bench.store.join("store.json"), text).unwrap();
    assert_eq!(take_in(&bench.input, &bench.store, small()).unwrap_err().class(), ErrorClass::Invalid);
    drop(rebuild(&bench.store, opening(small()), &as_made, &()).unwrap());
    assert_eq!(fs::read(bench.store.join("store.json")).unwrap(), manifest);
}

/// Issue 21, 3: a copy that was made while the store was written.
#[test]
fn a_copy_that_is_behind_its_manifest_or_ahead_of_it_is_damaged() {
    let bench = made();
    let before = bench.path("before");
    copy(&bench.store, &before);
    bench.put("a.jsonl", text("a", 0..60));
    bench.ingest(small());
    // The log was copied first: the manifest names what is not there.
    let behind = bench.path("behind");
    copy(&before, &behind);
    fs::copy(bench.store.join("store.json"), behind.join("store.json")).unwrap();
    assert!(!verify(&behind, |_, _| Ok(false)).unwrap().is_sound());
    // The manifest was copied first: whole batches stand behind its end. Nothing is cut.
    let ahead = bench.path("ahead");
    copy(&bench.store, &ahead);
    fs::copy(before.join("store.json"), ahead.join("store.json")).unwrap();
    assert!(!verify(&ahead, |_, _| Ok(false)).unwrap().is_sound());
    assert_eq!(take_in(&bench.input, &ahead, small()).unwrap_err().class(), ErrorClass::Unreproduced);
    let notes = Notes::default();
    let (rebuilt, writer) = rebuild(&ahead, opening(small()), &as_made, &notes).unwrap();
    drop(writer);
    assert!(rebuilt.is_whole(), "{rebuilt:?}");
    assert_eq!(fs::read(ahead.join("store.json")).unwrap(), fs::read(bench.store.join("store.json")).unwrap());
    // A manifest of another store.
    let other = made();
    fs::copy(other.store.join("store.json"), before.join("store.json")).unwrap();
    let report = verify(&before, |_, _| Ok(false)).unwrap();
    assert!(report.damage.iter().any(|damage| damage.what.contains("not of one store")), "{report:?}");
    assert_eq!(take_in(&bench.input, &before, small()).unwrap_err().class(), ErrorClass::Unreproduced);
}

#[test]
fn what_stands_behind_the_end_and_is_none_of_a_writers_is_kept_aside() {
    let bench = made();
    let last = segments(&bench.store).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    let foreign = b"somebody's notes\nthat came here\n";
    fs::write(&last, [&bytes[..], foreign].concat()).unwrap();
    take_in(&bench.input, &bench.store, small()).unwrap();
    assert_eq!(fs::read(&last).unwrap(), bytes);
    let aside = files(&bench.store.join("aside"));
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].1, foreign);
}
