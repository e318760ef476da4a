//! Resource limits, and what surrounds a run.

use rustix::process::{Resource, Rlimit, setrlimit};

use super::spec::{ExecSpec, Kernel};

/// How much one file may hold: a tool's answer goes through a pipe.
const FILE_BYTES: u64 = 64 << 20;
const OPEN_FILES: u64 = 256;

/// Sets host name, cores and umask.
pub(super) fn surroundings(spec: &ExecSpec, kernel: &mut Kernel) -> anyhow::Result<()> {
    if let Some(name) = &spec.host_name {
        kernel.host_name = own_host_name(name);
    }
    if let Some(cores) = spec.cores {
        kernel.cores = few_cores(cores);
    }
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(spec.umask));
    Ok(())
}

/// A host name of its own needs a namespace of its own, and that needs rights.
#[expect(deprecated, reason = "the successor is unsafe for flags about file descriptors, which are not used here")]
fn own_host_name(name: &str) -> bool {
    rustix::thread::unshare(rustix::thread::UnshareFlags::NEWUTS).is_ok()
        && rustix::system::sethostname(name.as_bytes()).is_ok()
}

fn few_cores(cores: usize) -> bool {
    let Ok(all) = rustix::thread::sched_getaffinity(None) else { return false };
    let mut few = rustix::thread::CpuSet::new();
    let mut usable = (0..rustix::thread::CpuSet::MAX_CPU).filter(|core| all.is_set(*core));
    usable.by_ref().take(cores).for_each(|core| few.set(core));
    usable.next().is_some() && rustix::thread::sched_setaffinity(None, &few).is_ok()
}

/// Sets the limits; last, since they hold for this process, too.
pub(super) fn of(spec: &ExecSpec) -> anyhow::Result<()> {
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Cpu, spec.time_s.saturating_add(1)),
        (Resource::Fsize, FILE_BYTES),
        (Resource::Nofile, OPEN_FILES),
        (Resource::As, spec.memory_bytes),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
