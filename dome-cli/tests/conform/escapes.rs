//! Every known way around the observation, and around what enforces: each is caught or stopped.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use serde_json::{Value, json};

use super::tools::{can_judge, folder, judged, part};
use crate::harness::Place;

/// What an escape does, and the part of the report that it is caught by; an empty one, where the kernel
/// stops it and nothing tells.
const ESCAPES: [(&str, &str); 26] = [
    ("chmod", "attributes"),
    ("cut_reports", "observation"),
    ("edit_frames", "write"),
    ("edit_hook", "observation"),
    ("fork_exec", ""),
    ("isolated", "process"),
    ("late", "write"),
    ("leave", "observation"),
    ("loader", "process"),
    ("memory_program", "process"),
    ("mkfifo", ""),
    ("native", "observation"),
    ("netlink", ""),
    ("plain_write", "write"),
    ("rename", "write"),
    ("ring", "observation"),
    ("shared_memory", ""),
    ("shell", "process"),
    ("signal_parent", "process"),
    ("symlink", "write"),
    ("truncate", "write"),
    ("udp", "connection"),
    ("udp_connected", "connection"),
    ("udp_native", "observation"),
    ("unnamed_module", "observation"),
    ("utime", "attributes"),
];

/// Those that do nothing that stays, so that there is nothing to see outside.
const TRACELESS: [&str; 5] = ["leave", "ring", "signal_parent", "unnamed_module", "netlink"];

/// What an escape would leave outside of its run.
struct Outside {
    place: Place,
    socket: std::net::UdpSocket,
    shared: String,
}

impl Outside {
    fn new() -> Self {
        let place = Place::new();
        for entry in std::fs::read_dir(folder().join("escapes")).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".py") {
                place.file(&format!("tool/{name}"), std::fs::read(entry.path()).unwrap());
            }
        }
        place.file("outside/file", "kept");
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
        // Named after a port that is bound, so that no other test's tool makes or takes the same one.
        let shared = format!("dome-escape-{}", socket.local_addr().unwrap().port());
        Self { place, socket, shared }
    }

    fn input(&self) -> Value {
        let path = |name: &str| self.place.path(name).to_str().unwrap().to_owned();
        json!({
            "canary": path("outside/canary"), "file": path("outside/file"),
            "port": self.socket.local_addr().unwrap().port(), "shared": self.shared,
        })
    }

    /// Everything that can be told from outside.
    fn state(&self) -> String {
        let (file, shared) = (self.place.path("outside/file"), std::path::Path::new("/dev/shm").join(&self.shared));
        let canary = std::fs::symlink_metadata(self.place.path("outside/canary")).is_ok();
        let file = std::fs::metadata(file).ok();
        let file = file.map(|about| (about.len(), about.mtime(), about.mtime_nsec(), about.permissions().mode()));
        let packet = self.socket.recv(&mut [0; 8]).is_ok();
        let shared = std::fs::remove_file(shared).is_ok();
        format!("{canary} {file:?} {packet} {shared}")
    }

    fn manifest(&self, name: &str, policy: &Value) -> String {
        let manifest = json!({
            "manifest_version": "1", "tool": {"name": name, "version": "1"}, "target_kinds": ["a"],
            "action_kinds": ["b"], "schema_version": "1", "entry": format!("{name}.py"),
            "files": [format!("{name}.py"), "common.py"], "schemas": {"config": {}, "input": {}, "output": {}},
            "side_effects": policy,
            "fixtures": [{"name": "escape", "config": {}, "input": self.input(), "expect": {"output": {}}}],
        });
        self.place.file("tool/manifest.json", manifest.to_string());
        "tool/manifest.json".to_owned()
    }
}

#[test]
fn every_escape_is_caught_or_stopped() {
    if !can_judge() {
        return;
    }
    for (name, caught_by) in ESCAPES {
        let outside = Outside::new();
        let before = outside.state();
        let manifest = outside.manifest(name, &json!({"mode": "none"}));
        let (report, _) = judged(&outside.place, &manifest, &["--only", "side_effects"]);
        assert_eq!(outside.state(), before, "{name} got out");
        let parts = ["write", "attributes", "connection", "process", "observation"];
        let failed: Vec<&str> =
            parts.into_iter().filter(|part_of| part(&report, "side_effects", part_of).0 == "fail").collect();
        let expected: &[&str] = if caught_by.is_empty() { &[] } else { &[caught_by] };
        assert_eq!(failed, expected, "{name}: {report}");
    }
    let files = std::fs::read_dir(folder().join("escapes")).unwrap().map(Result::unwrap);
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "py")).count();
    assert_eq!(files, ESCAPES.len() + 2, "an escape that is not tried");
}

/// The escapes are real: where nothing holds them, they get out. A test of a cage needs something that
/// would leave it.
#[test]
fn without_enforcement_the_escapes_get_out() {
    if !can_judge() {
        return;
    }
    for (name, _) in ESCAPES.into_iter().filter(|(name, _)| !TRACELESS.contains(name)) {
        let outside = Outside::new();
        let before = outside.state();
        let manifest = outside.manifest(name, &json!({"mode": "unrestricted"}));
        judged(&outside.place, &manifest, &["--only", "side_effects"]);
        assert_ne!(outside.state(), before, "{name} is no escape");
    }
}

/// Whoever may start one program can start any by the loader: that is told, and is no pass.
#[test]
fn the_loader_stays_a_way_out_for_who_may_start_programs_and_that_is_unenforced() {
    if !can_judge() {
        return;
    }
    let outside = Outside::new();
    let manifest = outside.manifest("fork_exec", &json!({"mode": "scoped", "allow_commands": ["/usr/bin/true"]}));
    let before = outside.state();
    let (report, ended) = judged(&outside.place, &manifest, &["--only", "side_effects"]);
    assert_eq!(ended.code, 100);
    assert_eq!(outside.state(), before, "another program than the declared one is not started");
    let (outcome, why) = part(&report, "side_effects", "process");
    assert_eq!((outcome.as_str(), why.contains("by the loader")), ("unenforced", true), "{why}");
}
