//! A wrapper that writes envelopes: one failure, then the success that resolves it.
//!
//! `cargo run -p dome-core --example build_envelope > night.jsonl && dome check night.jsonl`

use dome_core::build::{Draft, FailedCode, Origin};
use dome_core::{Evidence, EvidencePath, Remedy, Scope, Sha256Hash, TaskLine, Tool, WrapperPolicy};

fn origin(sequence: u64, ts: &str) -> Result<Origin, Box<dyn std::error::Error>> {
    Ok(Origin {
        event_id: format!("e{sequence}").parse()?,
        sequence,
        run_id: "nightly-7".parse()?,
        task_id: "unit".parse()?,
        group_id: format!("try-{sequence}").parse()?,
        ts: ts.parse()?,
        wrapper_policy: WrapperPolicy::Strict,
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let work = TaskLine {
        scope: Scope::Task,
        target_kind: "repo".parse()?,
        target_id: "acme/app".parse()?,
        action_kind: "test".parse()?,
    };
    let log = Evidence::at(EvidencePath::new("runs/7/unit.log")?).with_sha256(Sha256Hash::of(b"the log itself"));
    let tool = Tool::new("pytest".parse()?, "8.3.2");

    let failed =
        Draft::failure(origin(1, "2026-02-15T03:04:05Z")?, work.clone(), FailedCode::new("TESTS_FAILED")?, log.clone())
            .failed("unit".parse()?)
            .tool(tool.clone())
            .message("assert total == 3, got 2")
            .env("os", "linux")
            .build()?;
    let fixed = Draft::success(origin(2, "2026-02-15T03:09:00Z")?, work, log)
        .passed("unit".parse()?)
        .tool(tool)
        .remedy(Remedy::at("commit".parse()?, EvidencePath::new("commit/46ea5e0")?).with_summary("count the last item"))
        .build()?;

    println!("{}", failed.to_line());
    println!("{}", fixed.to_line());
    Ok(())
}
