//! Logs of runs, case by case.

use super::support::{one, outcomes, shown};

fn log(lines: &[(&str, &str, &str)]) -> dome_adapters::Conversion {
    let line = |(place, (job, step, text)): (usize, &(&str, &str, &str))| {
        format!("{job}\t{step}\t2026-01-01T10:00:{place:02}.0000000Z {text}\n")
    };
    let text: String = lines.iter().enumerate().map(line).collect();
    one("github-actions", "run.txt", text.as_bytes())
}

#[test]
fn a_step_ends_as_the_runner_says() {
    let done = log(&[
        ("build", "Set up job", "Current runner version: '2.325.0'"),
        ("build", "Run actions/checkout@v4", "[command]/usr/bin/git remote add origin https://github.com/acme/app"),
        (
            "build",
            "Run actions/checkout@v4",
            "[command]/usr/bin/git checkout --progress --force -B main refs/remotes/origin/main",
        ),
        ("build", "Run actions/checkout@v4", "[command]/usr/bin/git log -1 --format=%H"),
        ("build", "Run actions/checkout@v4", "1f32ad91c10745aa610c91aee395120de32c8b8d"),
        ("build", "Lint", "##[error]src/a.rs#L3: unused"),
        ("build", "Lint", "done"),
        ("build", "Test", "##[error]2 tests failed"),
        ("build", "Test", "##[error]Process completed with exit code 101."),
        ("build", "Upload", "##[warning]nothing to upload"),
        ("build", "Complete job", "Cleaning up orphan processes"),
        ("deploy", "Wait", "##[error]The operation was canceled."),
        ("other", "UNKNOWN STEP", "##[error]Process completed with exit code 77."),
        ("lost", "Build", "compiling"),
    ]);
    insta::assert_snapshot!(outcomes(&done), @r#"
    success build::Set up job 0 ms
    success build::Run actions/checkout@v4 3000 ms
    anomaly build::Lint 1000 ms `src/a.rs#L3: unused`
    failure build::Test STEP.EXIT_101 1000 ms `2 tests failed`
    success build::Upload 0 ms
    success build::Complete job 0 ms
    failure deploy::Wait STEP.CANCELED 0 ms `The operation was canceled.`
    failure other STEP.EXIT_77 0 ms `Process completed with exit code 77.`
    "#);
    insta::assert_snapshot!(shown(&done), @"run.txt:14: the log of job `lost` ends inside of step `Build`; expected its step `Complete job` [outcome_missing]");
    let with = |target: &str| done.envelopes.iter().find(|one| one.task_spec.target.id.as_str() == target);
    let tested = |one: &'_ dome_core::Envelope| {
        let subject = one.subject.as_ref()?;
        let words = [subject.repository.as_ref()?.as_str(), subject.revision.as_str(), subject.job.as_ref()?.as_str()];
        Some(format!("{} on {}", words.join(" "), one.lane.as_ref()?))
    };
    let upload = with("build::Upload").and_then(tested);
    let checked_out = "github.com/acme/app 1f32ad91c10745aa610c91aee395120de32c8b8d build on main";
    assert_eq!(upload.as_deref(), Some(checked_out), "what was checked out");
    assert!(with("build::Set up job").is_some_and(|one| one.subject.is_none() && one.lane.is_none()), "not yet");
    assert!(done.envelopes.iter().all(|one| one.remedy.is_none()), "what was tested mended nothing");
    let lint = with("build::Lint").map(|one| one.signal.as_str());
    assert_eq!(lint, Some("anomaly"), "an error that a step may write and succeed");
}

#[test]
fn what_is_no_log_is_refused_at_its_first_line_and_lines_between_are_passed_over() {
    let other = one("github-actions", "run.txt", b"GET\n/repos\n");
    insta::assert_snapshot!(shown(&other), @"run.txt:1: not a line of a run's log; expected lines of `JOB`, a tab, `STEP`, a tab, a time, a space and text [wrong_format]");
    let text = "j\ts\t2026-01-01T10:00:00Z a\nj\ts\t  goes on\n???\nj\tComplete job\t2026-01-01T10:00:01Z b\n";
    let done = one("github-actions", "run.txt", text.as_bytes());
    assert_eq!((done.envelopes.len(), done.notes.len()), (2, 1));
}
