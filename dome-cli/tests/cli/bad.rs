//! Malformed and hostile files: no panic, no hang, every line accounted for (L-3).

use std::path::Path;

use crate::harness::{Place, count};

/// Files of their own, which the project ships; the real ones come through `DOME_REAL_DATA`.
const OWN: [&[u8]; 8] = [
    b"",
    b"\n\r\n \t\r\n",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE{\x00",
    b"{\"a\":{\"a\":{\"a\":",
    b"[1,2\n\"\\ud800\"\n{\"a\":1e400}\nnull",
    b"\x00\x01\x02",
    b"{\"evidence\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
];

fn account(place: &Place, file: &Path) {
    let name = file.to_str().unwrap();
    let replayed = place.dome(&["replay", name, "--out", "o", "--force"], b"");
    assert_eq!(replayed.code, 0, "{name}: {}", replayed.stderr);
    let files = place.files("o");
    let manifest = files.get("manifest.json").unwrap();
    let [lines, blank, facts, duplicates, quarantined] =
        ["lines", "blank", "facts", "duplicates", "quarantined"].map(|name| count(manifest, name));
    assert_eq!(lines, blank + facts + duplicates + quarantined, "{name}");
    let bytes = std::fs::read(file).unwrap();
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
    let open = usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
    assert_eq!(lines, (ends + open) as u64, "{name}");
    let verified = place.dome(&["verify", "o"], b"");
    assert_eq!(verified.code, 0, "{name}: {}", verified.stdout);
    let checked = place.dome(&["check", name], b"");
    let expected = if quarantined > 0 { 100 } else { 0 };
    assert_eq!(checked.code, expected, "{name}: {}", checked.stderr);
}

#[test]
fn l3_own_bad_files_are_accounted_for() {
    let place = Place::new();
    for (number, bytes) in OWN.iter().enumerate() {
        let file = place.file(&format!("{number}.jsonl"), bytes);
        account(&place, &file);
    }
}

#[test]
fn l3_real_bad_files_are_accounted_for() {
    let Some(real) = std::env::var_os("DOME_REAL_DATA") else {
        println!("skipped: DOME_REAL_DATA is not set");
        return;
    };
    let place = Place::new();
    let entries = walkdir::WalkDir::new(Path::new(&real).join("bad")).into_iter().map(Result::unwrap);
    let mut files = 0;
    for entry in entries.filter(|entry| entry.file_type().is_file()) {
        account(&place, entry.path());
        files += 1;
    }
    assert!(files > 190, "only {files} files");
}

#[test]
fn damaged_compressed_input_is_invalid_and_named_with_its_place() {
    let place = Place::new();
    let text = "{\"a\": 1}\n".repeat(10_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    let mut gzip = gzip.finish().unwrap();
    gzip.truncate(gzip.len() - 10);
    let zstandard = zstd::encode_all(text.as_bytes(), 1).unwrap();
    place.file("gz/a.jsonl.gz", &gzip);
    place.file("zst/a.jsonl.zst", zstandard.split_at(zstandard.len() - 4).0);
    place.file("none/a.jsonl.gz", "no gzip at all");
    for (folder, at) in
        [("gz", format!("byte {}", gzip.len())), ("zst", "byte ".to_owned()), ("none", "byte ".to_owned())]
    {
        for verb in [&["check"][..], &["replay", "--out", "o"], &["ingest", "--store", "s"]] {
            let ended = place.dome(&[verb, &[folder]].concat(), b"");
            assert_eq!(ended.code, 3, "{verb:?} {folder}: {}", ended.stderr);
            let named = ended.stderr.contains(&format!("{folder}/a.jsonl.")) && ended.stderr.contains(&at);
            assert!(named && !place.path("o").exists(), "{verb:?} {folder}: {}", ended.stderr);
        }
    }
    // What cannot be read for another reason is no invalid input.
    assert_eq!(place.dome(&["check", "gone.jsonl.gz"], b"").code, 1);
}
