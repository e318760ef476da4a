//! Restricted runs of Python tools: those of the tool conformance gate `python_standard`, and the workers of a secure
//! map-reduce. The gate runs a Python tool on its fixtures and on
//! documents made from its schemas, observed by audit events and kept within its policy by the kernel, and
//! says whether the tool is what its manifest says.
//!
//! What a manifest promises and how runs are judged is in [`dome_contracts::conform`], which does no I/O. This
//! crate makes the runs.
//!
//! ```no_run
//! use std::path::Path;
//! use dome_conform::{JudgeOptions, ToolOnDisk, judge};
//!
//! let manifest = Path::new("tool/manifest.json");
//! let tool = ToolOnDisk::new(manifest, &std::fs::read(manifest)?)?;
//! let launcher = [std::env::current_exe()?.into(), "become-tool".into()];
//! let judged = judge(&tool, &JudgeOptions { python: Path::new("python3"), only: &[], launcher: &launcher })?;
//! println!("{} conforms: {}", judged.report.tool.name, judged.report.conformant);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How a run is kept within its policy
//!
//! A run restricts itself. [`judge`] starts [`JudgeOptions::launcher`], a command that has to call [`become_tool`]
//! with its last argument. That process gives up its rights (Landlock, seccomp, resource limits) and becomes
//! the interpreter, so that no code runs between a fork and an exec, and none is unsafe. Only Linux has what
//! that takes; on other systems every run is observed and nothing is enforced, which the report says.
//!
//! # Overview
//!
//! - [`ToolOnDisk`]: the manifest, its folder, the digests of what it names.
//! - [`judge`] runs the gate; [`JudgedTool`] is the report with the tests behind it.
//! - [`ToolRunner`] runs a tool as the gate does, on the bytes that were judged; [`work_on`] runs one for each item of a
//!   [`MapPlan`](dome_patterns::MapPlan).
//! - [`REASON_CODES`] is the table of reason codes with that of drift envelopes
//!   ([`envelopes`](dome_contracts::conform::envelopes)).
//! - [`junit`] and [`sarif`] render a report for other programs.
//! - [`ConformError`] says what went wrong, [`ConformError::kind`] whose fault it is.

mod error;
mod exec;
mod gate;
mod render;
mod runner;
mod session;
mod tool;
mod vary;
mod workers;

pub use error::{ConformError, ConformErrorKind};
pub use exec::become_tool;
pub use gate::{JudgeOptions, JudgedTool, judge};
pub use render::{ReportFinding, findings, junit, sarif};
pub use runner::ToolRunner;
pub use tool::ToolOnDisk;
pub use workers::{WorkOptions, Worked, items, work_on};

/// The pinned table of reason codes, with `SPEC_DRIFT`, a structural failure: the tool and its schemas disagree.
pub const REASON_CODES: &[u8] = include_bytes!("reason-codes.json");

#[cfg(test)]
extern crate self as dome_conform;
#[cfg(test)]
#[path = "../tests/main.rs"]
mod tests;
