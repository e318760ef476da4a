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

pub(crate) use codes::{CODE_MEANINGS, REASON_CODES};

use crate::convert::{Conversion, Input, Options};

/// Files that describe runs and files that hold trials, in any order and under any names.
pub(crate) fn convert(inputs: &[Input<'_>], options: &Options) -> Conversion {
    let mut done = Conversion::default();
    let files = files::read(inputs, &mut done);
    let trials = trials::gather(&files, options, &mut done);
    envelope::write(&trials, options, &mut done);
    done
}
