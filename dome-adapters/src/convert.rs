//! Whole files in memory: named bytes and options in, envelopes and findings out.

use std::collections::BTreeMap;

use dome_core::{CodeClass, Envelope, Lane, RunId, Timestamp};

use crate::commit::Commit;
use crate::converter::{Converter, Source};
use crate::finding::Finding;
use crate::format::{Converts, Format};
use crate::when::Zone;

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
    /// `--lane`: the stream of work that all records belong to. It outranks the data's own.
    pub lane: Option<Lane>,
    /// `--commit`: what was tried; a success names it as its remedy. It outranks the data's own.
    pub commit: Option<Commit>,
    /// `--run-id`: the run of records whose own run the inputs do not say. `{name}` in it stands for
    /// the name of the file, so that each file is a run.
    pub run_id: Option<RunId>,
    /// `--ts`: when records happened that have no time of their own.
    pub ts: Option<Timestamp>,
    /// `--zone`: the offset of times that are written without one.
    pub zone: Option<Zone>,
}

/// What the inputs come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// Valid envelopes, the runs one after the other, each by sequence. Each one's line is
    /// [`Envelope::to_canonical`] with a line feed.
    pub envelopes: Vec<Envelope>,
    /// What was left out, and why; sorted by input. With any, the exit code is 3.
    pub problems: Vec<Finding>,
    /// What was converted, but not as the data has it; sorted by input.
    pub notes: Vec<Finding>,
    /// How the records of the inputs were spent.
    pub counts: Counts,
    /// The failure codes that the envelopes carry, with their classes: what a table has to hold for
    /// them to be known.
    pub codes: BTreeMap<String, CodeClass>,
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

impl Counts {
    /// Adds what another file holds.
    pub const fn add(&mut self, other: Self) {
        self.records += other.records;
        self.repeated += other.repeated;
        self.left_out += other.left_out;
    }
}

/// Converts files of one format, in the order of their names.
///
/// It never fails as a whole: a file or a record that cannot be converted is a problem, and the
/// others are converted all the same. The order of `inputs` changes nothing. For files that are
/// larger than memory, and for another order, see [`Converter`].
#[must_use]
pub fn convert(format: Format, inputs: &[Input<'_>], options: &Options) -> Conversion {
    let mut done = match format.converts() {
        Converts::Together(convert) => {
            let mut done = convert(inputs, options);
            let meanings = format.code_meanings();
            for envelope in &done.envelopes {
                let code = envelope.task_spec.failure_reason_code.as_str();
                if code != "NONE" {
                    let known = meanings.iter().find(|known| known.code == code);
                    done.codes.insert(code.to_owned(), known.map_or(CodeClass::Repairable, |known| known.class));
                }
            }
            done
        }
        Converts::Each(_) => one_by_one(format, inputs, options),
    };
    done.problems.sort_by(|a, b| a.input.cmp(&b.input));
    done.notes.sort_by(|a, b| a.input.cmp(&b.input));
    done
}

fn one_by_one(format: Format, inputs: &[Input<'_>], options: &Options) -> Conversion {
    let mut files: Vec<_> = inputs.iter().map(|input| (Source::of(input), input.bytes)).collect();
    files.sort_by(|(a, _), (b, _)| a.cmp_by_name(b));
    let mut converter = Converter::new(options.clone());
    let mut done = Conversion::default();
    for (source, mut bytes) in files {
        let report = converter.file(format, &source, &mut bytes, &mut |envelope| done.envelopes.push(envelope));
        done.problems.extend(report.problems);
        done.notes.extend(report.notes);
        done.counts.add(report.counts);
    }
    done.codes = converter.codes().clone();
    // Files of several runs: the envelopes of a run stand together.
    done.envelopes.sort_by(|a, b| a.run_id.cmp(&b.run_id));
    done
}
