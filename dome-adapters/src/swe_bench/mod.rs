//! SWE-bench: one envelope an instance that a run tried. `docs/formats/swe-bench.md` has the mapping.

mod claim;
mod lists;
mod log;
mod matrix;
mod merge;
mod raw;

use dome_core::CodeClass::{Advisory, Repairable};

use crate::codes::means;
use crate::convert::{Conversion, Input, Options};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "swe-bench",
    summary: "reports, summaries, evaluation logs and resolved matrices of SWE-bench",
    endings: &[".json", ".jsonl", ".log"],
    codes: CODES,
    sniff,
    converts: Converts::Together(convert),
};

const CODES: &[CodeMeaning] = &[
    means("EVALUATION.ERROR", Advisory, "the harness broke off before it judged the instance"),
    means("EVALUATION.INSTALL_FAILED", Advisory, "the environment of the instance could not be installed"),
    means("EVALUATION.RESET_FAILED", Advisory, "the repository could not be set back to the commit of the instance"),
    means("PATCH.EMPTY", Repairable, "no patch was made, or an empty one"),
    means("PATCH.NOT_APPLIED", Repairable, "the patch could not be applied"),
    means("TESTS.ERRORED", Repairable, "the tests could not be run"),
    means("TESTS.TIMEOUT", Repairable, "the tests did not end in their time"),
    means("TESTS_FAILED", Repairable, "the patch was applied, and not all tests that decide passed"),
    means("UNRESOLVED", Repairable, "the instance is not resolved, and nothing says why"),
];

/// A report of instances, one of the summaries, a matrix, a list of instances, or a log.
fn sniff(head: &Head<'_>) -> bool {
    let both = |a, b| head.has_member(a) && head.has_member(b);
    // Results of terminal-bench sum themselves up in the same words.
    let named = (both("resolved_ids", "submitted_ids") || both("resolved_ids", "unresolved_ids"))
        && !head.has_member("results");
    let summary = named || both("no_generation", "resolved");
    let listed = both("system", "resolvedIds") || both("name", "instance_ids");
    let line = head.has_member("instanceId") && head.has_member("resolved");
    let inner = |name: &str| head.text().trim_start().starts_with('{') && head.text().contains(name);
    let log = head.first_line().trim_end().ends_with("Task Metadata:") && head.text().contains("- Instance ID:");
    summary || listed || line || inner("\"patch_successfully_applied\"") || inner("\"resolved_submissions\"") || log
}

/// Files that explain each other, in any order.
fn convert(inputs: &[Input<'_>], options: &Options) -> Conversion {
    let mut done = Conversion::default();
    let files = raw::read(inputs, options, &mut done);
    let claims = merge::outcomes(&files, &mut done);
    merge::write(&files, &claims, options, &mut done);
    done
}
