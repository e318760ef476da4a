//! What the kernel holds a run to: files (Landlock), resources, and what surrounds it.

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{ExecSpec, Kernel, Rules};
use crate::error::Error;

/// The newest version of Landlock whose rights are asked for; of an older kernel, what it has.
const ASKED: ABI = ABI::V7;

/// Restricts by Landlock which files this process may write and execute; reading is not restricted. Gives the
/// version that the kernel has, `None` without Landlock.
pub(super) fn files(rules: &Rules) -> Result<Option<u32>, Error> {
    let status = landlock(rules).map_err(Error::doing("cannot restrict files"))?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            let known = u32::try_from(effective_abi as i32).ok();
            kernel_abi.and_then(|abi| u32::try_from(abi).ok()).or(known)
        }
        _ => None,
    })
}

fn landlock(rules: &Rules) -> Result<RestrictionStatus, RulesetError> {
    let writes = AccessFs::from_write(ASKED);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writes | AccessFs::Execute)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(&rules.writable, writes))?
        .add_rules(path_beneath_rules(&rules.executable, AccessFs::Execute))?;
    ruleset.restrict_self()
}

/// How much one file may hold: a tool's answer goes through a pipe.
const FILE_BYTES: u64 = 64 << 20;
const OPEN_FILES: u64 = 256;

/// Sets host name, cores and umask.
pub(super) fn surroundings(spec: &ExecSpec, kernel: &mut Kernel) {
    if let Some(name) = &spec.host_name {
        kernel.host_name = own_host_name(name);
    }
    if let Some(cores) = spec.cores {
        kernel.cores = few_cores(cores);
    }
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(spec.umask));
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

/// Sets the limits of resources; last, since they hold for this process, too.
pub(super) fn resources(spec: &ExecSpec) -> std::io::Result<()> {
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
