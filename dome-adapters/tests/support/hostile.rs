//! Files that do harm, and files that are damaged byte by byte.

use dome_adapters::ConvertOptions;

use super::{file, given, run};

/// Files that are none of the format: each is refused, with a place or a reason, and none of them
/// keeps `sound_file` from being converted.
pub(crate) fn refuses_what_is_not_its_own(name: &str, sound_file: &[u8]) {
    let alone = run(name, &file(sound_file), &given()).envelopes.len();
    assert!(alone > 0, "{name}: the sound file gives no envelope");
    let cut = &sound_file[..sound_file.len() * 2 / 3];
    let hostile: [&[u8]; 11] = [
        b"",
        b"\n\n",
        b"{",
        b"null",
        b"[1, \"two\", null]",
        b"{\"a\": {\"b\": [1.5, -1e400]}}",
        b"\xff\xfe\x00garbage\x80",
        b"<testsuite/>",
        b"{\"x\": \"\\ud800\"}",
        &b"[".repeat(100_000),
        cut,
    ];
    for bytes in hostile {
        let folder = vec![("bad.json".to_owned(), bytes.to_vec()), ("good.json".to_owned(), sound_file.to_vec())];
        // Each file is a run: a part of the other holds the same ids.
        let done = run(name, &folder, &ConvertOptions { run_id: Some("{name}".parse().unwrap()), ..given() });
        let of_bad = done.problems.iter().chain(&done.notes).filter(|finding| finding.input == "bad.json").count();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        assert!(of_bad > 0, "{name}: nothing is said of {shown}");
        assert!(done.envelopes.len() >= alone, "{name}: {shown}");
    }
}

/// Whatever bytes come, nothing panics, and what comes out is sound.
pub(crate) fn survives(name: &str, seed: &[u8]) {
    let step = (seed.len() / 150).max(1);
    for place in (0..seed.len()).step_by(step) {
        for byte in [b'"', b'}', b'0', 0xff] {
            let mut bytes = seed.to_vec();
            bytes[place] = byte;
            run(name, &file(bytes), &given());
        }
        run(name, &file(&seed[..place]), &given());
    }
}
