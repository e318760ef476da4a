//! A run restricts itself, then becomes the tool. Everything here happens in the process that will be the
//! tool, so no code has to run between a fork and an exec.

#[cfg(target_os = "linux")]
mod linux;

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::error::{ConformError, Result};
use crate::session::Surroundings;

/// An argument that stands for the number of the open pipe of reports.
pub(crate) const EVENTS: &str = "{events}";
/// An argument that stands for the filter that the launcher installs.
pub(crate) const FILTER: &str = "{filter}";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ExecSpec {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) around: Surroundings,
    /// The pipe of reports.
    pub(crate) events: PathBuf,
    /// Where to say what is enforced.
    pub(crate) status: PathBuf,
    pub(crate) memory_bytes: u64,
    pub(crate) time_s: u64,
    /// What is taken away; nothing, where the policy is unrestricted.
    pub(crate) confinement: Option<Confinement>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Confinement {
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) executable: Vec<PathBuf>,
    pub(crate) deny_processes: bool,
    pub(crate) deny_connections: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kernel {
    pub(crate) error: Option<String>,
    pub(crate) landlock_abi: Option<u32>,
    pub(crate) seccomp: bool,
    pub(crate) host_name: bool,
    pub(crate) cores: bool,
    /// Whether the launcher locked programs out; it reports that itself.
    #[serde(skip)]
    pub(crate) locked: bool,
}

impl Kernel {
    /// The last word of a run counts; one that ended before it said anything had nothing enforced.
    pub(crate) fn read(status: &[u8]) -> Self {
        let said = serde_json::Deserializer::from_slice(status).into_iter::<Self>();
        said.map_while(Result::ok).last().unwrap_or_default()
    }
}

/// Turns this process into the tool that the document at `spec` describes, restricted as it says. It comes back
/// only if it could not. Whoever calls [`judge`](crate::judge) has a command that does this and nothing else.
#[must_use]
pub fn become_tool(spec: &Path) -> ConformError {
    let (spec, status) = match read(spec) {
        Ok(read) => read,
        Err(why) => return why,
    };
    let failed = match prepare(&spec, &status) {
        Ok(mut command) => ConformError::doing("cannot start the interpreter")(command.exec()),
        Err(why) => why,
    };
    let kernel = Kernel { error: Some(failed.with_causes()), ..Kernel::default() };
    serde_json::to_writer(&status, &kernel).err().map_or(failed, ConformError::from)
}

fn read(spec: &Path) -> Result<(ExecSpec, File)> {
    let spec: ExecSpec = serde_json::from_slice(&std::fs::read(spec)?)?;
    let status = File::create(&spec.status)?;
    Ok((spec, status))
}

fn prepare(spec: &ExecSpec, status: &File) -> Result<Command> {
    let events = OpenOptions::new().write(true).open(&spec.events)?;
    let mut kernel = Kernel::default();
    let filter = restrict(spec, &mut kernel)?;
    let args = spec.args.iter().map(|argument| match argument.as_str() {
        EVENTS => events.as_raw_fd().to_string(),
        FILTER => filter.clone(),
        _ => argument.clone(),
    });
    let mut command = Command::new(&spec.program);
    command.args(args).env_clear().envs(&spec.around.env).current_dir(&spec.around.cwd);
    rustix::io::fcntl_setfd(&events, rustix::io::FdFlags::empty()).map_err(std::io::Error::from)?;
    // It stays open: the interpreter writes to it.
    std::mem::forget(events);
    serde_json::to_writer(status, &kernel).map_err(ConformError::doing("cannot say what is enforced"))?;
    Ok(command)
}

#[cfg(target_os = "linux")]
use linux::restrict;

#[cfg(not(target_os = "linux"))]
fn restrict(_: &ExecSpec, _: &mut Kernel) -> Result<String> {
    Ok(String::new())
}
