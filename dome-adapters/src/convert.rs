//! The door: named bytes and options in, envelopes and findings out.

use dome_core::{Envelope, Lane, RunId, Timestamp};

use crate::commit::Commit;
use crate::finding::Finding;
use crate::format::Format;
use crate::terminal_bench;

/// One file of a tool, whole and decompressed.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its path relative to what the user passed, `/`-separated; `-` for standard input. It goes
    /// into evidence and findings.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What the user says beyond the data. Nothing of it is needed where the data says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--lane`: the stream of work that all records belong to.
    pub lane: Option<Lane>,
    /// `--commit`: what was tried; a success names it as its remedy. It outranks the data's own.
    pub commit: Option<Commit>,
    /// `--run-id`: the run of records whose own run the inputs do not describe.
    pub run_id: Option<RunId>,
    /// `--ts`: when records happened that have no time of their own.
    pub ts: Option<Timestamp>,
}

/// What the inputs come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// Valid envelopes, sorted by run and sequence. Each one's line is
    /// [`Envelope::to_canonical`] with a line feed.
    pub envelopes: Vec<Envelope>,
    /// What was left out, and why; sorted by input. With any, the exit code is 3.
    pub problems: Vec<Finding>,
    /// What was converted, but not as the data has it; sorted by input.
    pub notes: Vec<Finding>,
    /// How the records of the inputs were spent.
    pub counts: Counts,
}

/// How records were spent: `records` = envelopes + `repeated` + `left_out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that the inputs hold.
    pub records: u64,
    /// Records that say again what another one said.
    pub repeated: u64,
    /// Records that a problem left out.
    pub left_out: u64,
}

/// Converts files of one format. They are taken together: one may explain another.
///
/// It never fails as a whole: a file or a record that cannot be converted is a problem, and the
/// others are converted all the same. The order of `inputs` changes nothing.
#[must_use]
pub fn convert(format: Format, inputs: &[Input<'_>], options: &Options) -> Conversion {
    let mut done = match format {
        Format::TerminalBench => terminal_bench::convert(inputs, options),
    };
    done.problems.sort_by(|a, b| a.input.cmp(&b.input));
    done.notes.sort_by(|a, b| a.input.cmp(&b.input));
    done
}
