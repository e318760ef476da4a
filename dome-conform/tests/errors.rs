//! Errors without a run: whose fault they are, and what they say.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::Path;

use dome_conform::{ConformErrorKind, JudgeOptions, ToolOnDisk, judge};
use serde_json::{Value, json};

fn manifest() -> Value {
    json!({
        "manifest_version": "1", "tool": {"name": "t", "version": "1"}, "target_kinds": ["a"], "action_kinds": ["b"],
        "schema_version": "1", "entry": "t.py", "schemas": {"config": {}, "input": {}, "output": {}},
        "side_effects": {"mode": "none"},
        "fixtures": [{"name": "one", "config": {}, "input": {}, "expect": {"output": {}}}],
    })
}

fn tool(folder: &Path) -> ToolOnDisk {
    std::fs::write(folder.join("t.py"), "").unwrap();
    ToolOnDisk::new(&folder.join("manifest.json"), manifest().to_string().as_bytes()).unwrap()
}

#[test]
fn a_wrong_manifest_and_a_missing_file_are_invalid_input() {
    let error = ToolOnDisk::new(Path::new("m.json"), br#"{"manifest_version": "1"}"#).unwrap_err();
    assert_eq!(error.kind(), ConformErrorKind::InvalidInput);
    assert!(error.to_string().starts_with("`m.json` is not a tool manifest:\n  `"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    let error = ToolOnDisk::new(&path, manifest().to_string().as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ConformErrorKind::InvalidInput);
    assert!(error.to_string().starts_with("the manifest names `t.py`, and it cannot be read: "), "{error}");
}

#[test]
fn an_interpreter_that_cannot_be_used_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let tool = tool(folder.path());
    for (program, said) in [("/no/such/program", "cannot start"), ("/bin/true", "is no Python")] {
        let options = JudgeOptions { python: Path::new(program), only: &[], launcher: &[] };
        let error = judge(&tool, &options).unwrap_err();
        assert_eq!(error.kind(), ConformErrorKind::Interpreter);
        assert!(error.to_string().contains(said), "{error}");
    }
}
