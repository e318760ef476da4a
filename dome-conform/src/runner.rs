//! Running a tool outside of the gate: restricted and observed as there, on the bytes that were judged.

use std::ffi::OsString;
use std::path::Path;

use dome_contracts::conform::{Enforcement, RunEnding, RunLimits, ToolRun, side_effects};
use dome_core::conformance::CheckOutcome;

use crate::error::{ConformError, Result};
use crate::exec::Kernel;
use crate::gate::enforcement;
use crate::session::{OneRun, ROUNDTRIP_FILE, RunSetup, Surroundings};
use crate::tool::ToolOnDisk;

/// A tool that is ready to run, any number of times and from any number of threads.
///
/// What runs is a private copy of the tool's own files. Its digests are those that the tool was read with, so whoever held
/// them against a report knows that what was judged is what runs.
pub struct ToolRunner {
    setup: RunSetup,
    enforced: Enforcement,
    /// The copy; gone when nobody runs it any more.
    _copy: tempfile::TempDir,
}

impl ToolRunner {
    /// Makes a tool ready. `launcher` is the program and the arguments that call [`become_tool`](crate::become_tool) with
    /// one more argument.
    ///
    /// # Errors
    ///
    /// [`ConformError::ToolChanged`] if the files are not any more what the digests are of, [`ConformError::Unenforced`] if
    /// this machine cannot keep the tool within its policy, and as [`judge`](crate::judge).
    pub fn begin(tool: &ToolOnDisk, python: &Path, launcher: &[OsString]) -> Result<Self, ConformError> {
        let copy = tempfile::Builder::new().prefix("dome-tool-").tempdir();
        let copy = copy.map_err(ConformError::doing("no room for the tool"))?;
        let folder = copy.path().canonicalize()?;
        let setup = RunSetup::begin(tool.copied(&folder)?, python, launcher)?;
        let mut runner = Self { setup, enforced: Enforcement::default(), _copy: copy };
        // A program of dome's own, under the tool's policy: what is not enforced is known before the tool is run.
        let entry = runner.setup.folder().join(ROUNDTRIP_FILE);
        let (_, kernel) = runner.start(&entry, Vec::new(), tool.manifest.limits, &|| false)?;
        runner.enforced = runner.enforced(&kernel)?;
        Ok(runner)
    }

    /// The tool.
    #[must_use]
    pub const fn tool(&self) -> &ToolOnDisk {
        &self.setup.tool
    }

    /// Runs the tool once on a document, under its policy and within `limits`, or those of its manifest where they are
    /// less. Nothing of an earlier run is left for it, and nothing of it for a later one. When `stop` says so, the run is
    /// ended as if its time were over.
    ///
    /// # Errors
    ///
    /// [`ConformError::Unenforced`] or [`ConformError::Setup`] if the run could not be restricted or started; what the tool
    /// does wrong is no error.
    pub fn run(&self, document: Vec<u8>, limits: RunLimits, stop: &dyn Fn() -> bool) -> Result<ToolRun, ConformError> {
        let declared = self.tool().manifest.limits;
        let limits = RunLimits {
            memory_bytes: limits.memory_bytes.min(declared.memory_bytes),
            output_bytes: limits.output_bytes.min(declared.output_bytes),
            time_ms: limits.time_ms.min(declared.time_ms),
        };
        let (run, kernel) = self.start(&self.setup.entry(), document, limits, stop)?;
        // A run that was ended from outside may not have come as far as to say it.
        if matches!(run.ending, RunEnding::Exited(_)) {
            self.enforced(&kernel)?;
        }
        Ok(run)
    }

    /// Whether a run did, and tried, only what the manifest declares, and was seen to its end.
    #[must_use]
    pub fn kept_to_policy(&self, run: &ToolRun) -> bool {
        side_effects(&self.tool().manifest.side_effects, &[run], &self.enforced).outcome == CheckOutcome::Pass
    }

    fn start(
        &self,
        entry: &Path,
        stdin: Vec<u8>,
        limits: RunLimits,
        stop: &dyn Fn() -> bool,
    ) -> Result<(ToolRun, Kernel)> {
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(self.setup.folder());
        let folder = folder.map_err(ConformError::doing("no room for a run"))?;
        let around = &Surroundings::plain(folder.path());
        self.setup.start(OneRun { entry, stdin, around, folder: folder.path(), number: 0, limits, stop })
    }

    fn enforced(&self, kernel: &Kernel) -> Result<Enforcement> {
        let enforced = enforcement(&self.tool().manifest.side_effects, &[kernel]);
        let Enforcement { attributes, connections, processes, writes } = &enforced;
        let missing = [attributes, connections, processes, writes].into_iter().find_map(|one| one.why_not.clone());
        missing.map_or(Ok(enforced), |why| Err(ConformError::Unenforced { why }))
    }
}
