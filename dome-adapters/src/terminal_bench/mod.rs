//! terminal-bench: one envelope a trial. `docs/formats/terminal-bench.md` has the mapping.

mod codes;
mod envelope;
mod files;
mod gates;
mod outcome;
mod raw;
mod runs;
mod trials;
mod when;

use crate::convert::{Conversion, Input, Options};
use crate::format::{Converts, Descriptor};
use crate::head::Head;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "terminal-bench",
    summary: "results of terminal-bench runs (`results.json`) with their `run_metadata.json`",
    endings: &[".json"],
    codes: codes::CODE_MEANINGS,
    sniff,
    converts: Converts::Together(convert),
};

/// Results, a trial or the metadata of a run.
fn sniff(head: &Head<'_>) -> bool {
    let trial = head.has_member("trial_name") && head.has_member("task_id");
    let metadata = head.has_member("run_id") && head.has_member("agent_name");
    let results = head.has_member("results") && head.text().contains("\"trial_name\"");
    trial || metadata || results
}

/// Files that describe runs and files that hold trials, in any order and under any names.
fn convert(inputs: &[Input<'_>], options: &Options) -> Conversion {
    let mut done = Conversion::default();
    let files = files::read(inputs, &mut done);
    let trials = trials::gather(&files, options, &mut done);
    envelope::write(&trials, options, &mut done);
    done
}
