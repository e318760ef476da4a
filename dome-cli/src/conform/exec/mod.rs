//! `dome conform-exec`: restricts itself, then becomes the tool. Everything here happens in the process
//! that will be the tool, so no code has to run between a fork and an exec.

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod limits;
mod spec;
#[cfg(target_os = "linux")]
mod syscalls;

pub(crate) use spec::{EVENTS, ExecSpec, FILTER, Kernel, Rules};

use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;

use super::args::ConformExecArgs;
use crate::exit::Exit;

/// Runs the hidden verb; comes back only when it could not.
pub(crate) fn run(args: &ConformExecArgs) -> anyhow::Result<Exit> {
    let spec: ExecSpec = serde_json::from_slice(&std::fs::read(&args.spec)?)?;
    let status = std::fs::File::create(&spec.status)?;
    let failed = become_tool(&spec, &status);
    serde_json::to_writer(&status, &Kernel { error: Some(format!("{failed:#}")), ..Kernel::default() })?;
    Err(failed)
}

/// Only comes back with what went wrong.
fn become_tool(spec: &ExecSpec, status: &std::fs::File) -> anyhow::Error {
    match prepare(spec, status) {
        Ok(mut command) => anyhow::Error::from(command.exec()).context("cannot start the interpreter"),
        Err(why) => why,
    }
}

fn prepare(spec: &ExecSpec, status: &std::fs::File) -> anyhow::Result<Command> {
    let events = spec.events.as_ref().map(|path| std::fs::OpenOptions::new().write(true).open(path)).transpose()?;
    let number = events.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    let mut kernel = Kernel::default();
    let filter = restrict(spec, &mut kernel)?;
    let args = spec.args.iter().map(|argument| match argument.as_str() {
        EVENTS => number.to_string(),
        FILTER => filter.clone(),
        _ => argument.clone(),
    });
    let mut command = Command::new(&spec.program);
    command.args(args).env_clear().envs(&spec.env).current_dir(&spec.cwd);
    if let Some(events) = events {
        rustix::io::fcntl_setfd(&events, rustix::io::FdFlags::empty())?;
        // It stays open: the interpreter writes to it.
        std::mem::forget(events);
    }
    serde_json::to_writer(status, &kernel).context("cannot say what is enforced")?;
    Ok(command)
}

/// Takes what the spec does not allow from this process; the filter that is left for the launcher.
#[cfg(target_os = "linux")]
fn restrict(spec: &ExecSpec, kernel: &mut Kernel) -> anyhow::Result<String> {
    limits::surroundings(spec, kernel)?;
    let mut filter = String::new();
    if let Some(rules) = &spec.rules {
        kernel.landlock_abi = files::restrict(rules)?;
        kernel.seccomp = syscalls::restrict(rules)?;
        if rules.deny_processes && kernel.seccomp {
            filter = syscalls::no_exec()?;
        }
    }
    limits::of(spec)?;
    Ok(filter)
}

#[cfg(not(target_os = "linux"))]
fn restrict(_: &ExecSpec, _: &mut Kernel) -> anyhow::Result<String> {
    Ok(String::new())
}
