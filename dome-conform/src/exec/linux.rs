//! What the kernel restricts a run to: files (Landlock), system calls (seccomp), resources, and what surrounds it.

use std::collections::BTreeMap;

use landlock::{
    ABI, AccessFs, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use libc::c_long;
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

use super::{Confinement, ExecSpec, Kernel};
use crate::error::{ConformError, Result};

/// Takes what the spec does not allow from this process; the filter that is left for the launcher.
pub(super) fn restrict(spec: &ExecSpec, kernel: &mut Kernel) -> Result<String> {
    // Whoever watches this run may be killed: nobody would end it then.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(std::io::Error::from)?;
    surroundings(spec, kernel);
    let mut filter = String::new();
    if let Some(confinement) = &spec.confinement {
        kernel.landlock_abi = files(confinement)?;
        kernel.seccomp = system_calls(confinement)?;
        if confinement.deny_processes && kernel.seccomp {
            filter = no_exec()?;
        }
    }
    // Last, since they hold for this process, too.
    resources(spec)?;
    Ok(filter)
}

/// The newest version of Landlock whose rights are requested; an older kernel grants those that it has.
const ASKED: ABI = ABI::V7;

/// Restricts writing and executing, not reading; gives the kernel's Landlock version, `None` without Landlock.
fn files(confinement: &Confinement) -> Result<Option<u32>> {
    let status = landlock(confinement).map_err(ConformError::doing("cannot restrict files"))?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            let known = u32::try_from(effective_abi as i32).ok();
            kernel_abi.and_then(|abi| u32::try_from(abi).ok()).or(known)
        }
        _ => None,
    })
}

fn landlock(confinement: &Confinement) -> Result<RestrictionStatus, RulesetError> {
    let writes = AccessFs::from_write(ASKED);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writes | AccessFs::Execute)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(&confinement.writable, writes))?
        .add_rules(path_beneath_rules(&confinement.executable, AccessFs::Execute))?;
    ruleset.restrict_self()
}

fn surroundings(spec: &ExecSpec, kernel: &mut Kernel) {
    if let Some(name) = &spec.around.host_name {
        kernel.host_name = own_host_name(name);
    }
    if let Some(cores) = spec.around.cores {
        kernel.cores = few_cores(cores);
    }
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(spec.around.umask));
}

/// Another host name needs a new namespace, and that needs rights.
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

fn resources(spec: &ExecSpec) -> std::io::Result<()> {
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Cpu, spec.time_s.saturating_add(1)),
        // One file may hold little: a tool's answer goes through a pipe.
        (Resource::Fsize, 64 << 20),
        (Resource::Nofile, 256),
        (Resource::As, spec.memory_bytes),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// No tool needs these, and each leads around a restriction.
const ALWAYS: &[c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_mq_open,
    libc::SYS_msgget,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_semget,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_setpgid,
    libc::SYS_setsid,
    libc::SYS_settimeofday,
    libc::SYS_shmget,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    // Modes, owners, times, attributes: Landlock does not know them.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_setxattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
    libc::SYS_utimensat,
];

/// Newer than the names at hand; the numbers are the same on every architecture.
const FCHMODAT2: c_long = 452;
const SETXATTRAT: c_long = 463;
const REMOVEXATTRAT: c_long = 466;
const FILE_SETATTR: c_long = 469;

#[cfg(target_arch = "x86_64")]
const OLD: &[c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_futimesat,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c_long] = &[];

#[cfg(target_arch = "x86_64")]
const FORKS: &[c_long] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const FORKS: &[c_long] = &[];

/// How a packet or a connection leaves or arrives. Sockets may be made: then the address that one is meant
/// for is seen, before it is refused.
const CONNECTIONS: &[c_long] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
];

/// Bit of the second system-call table of x86_64.
#[cfg(target_arch = "x86_64")]
const X32: i64 = 0x4000_0000;

impl From<BackendError> for ConformError {
    fn from(why: BackendError) -> Self {
        Self::doing("cannot make the filter of system calls")(why)
    }
}

type SyscallRows = BTreeMap<i64, Vec<SeccompRule>>;

/// Refuses what a policy cannot allow by path or address; whether the kernel does.
fn system_calls(confinement: &Confinement) -> Result<bool> {
    // New processes are recognised by the flags of `clone`; `clone3` hides them in memory.
    let absent = program([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)?;
    let refused = program(refused(confinement)?, libc::EPERM)?;
    Ok(apply_filter(&absent).and_then(|()| apply_filter(&refused)).is_ok())
}

fn refused(confinement: &Confinement) -> Result<SyscallRows> {
    use SeccompCmpOp::{MaskedEq, Ne};
    let whole = |numbers: &'static [c_long]| numbers.iter().map(|number| (*number, Vec::new()));
    let mut rows: SyscallRows = whole(ALWAYS).chain(whole(OLD)).collect();
    let bits = |flag: i32| MaskedEq(u64::from(flag.cast_unsigned()));
    if confinement.deny_processes {
        rows.extend(whole(FORKS));
        rows.insert(libc::SYS_clone, vec![rule(&[(0, bits(libc::CLONE_THREAD), 0)])?]);
    } else {
        let spaces = [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWNET, libc::CLONE_NEWPID];
        let each = spaces.into_iter().map(|space| rule(&[(0, bits(space), space)]));
        rows.insert(libc::SYS_clone, each.collect::<Result<_, _>>()?);
    }
    if confinement.deny_connections {
        rows.extend(whole(CONNECTIONS));
        let addressed = SeccompCondition::new(4, SeccompCmpArgLen::Qword, Ne, 0)?;
        rows.insert(libc::SYS_sendto, vec![SeccompRule::new(vec![addressed])?]);
        // Sockets that send or listen without an address: neither a local one, nor TCP or UDP.
        let families = rule(&[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].map(|family| (0, Ne, family)))?;
        let protocols = rule(&[0, libc::IPPROTO_TCP, libc::IPPROTO_UDP].map(|protocol| (2, Ne, protocol)))?;
        rows.insert(libc::SYS_socket, vec![families, protocols, rule(&[(1, MaskedEq(0xf), libc::SOCK_RAW)])?]);
    }
    Ok(rows)
}

/// Where all of these hold: an argument compared with a value.
fn rule(conditions: &[(u8, SeccompCmpOp, i32)]) -> Result<SeccompRule> {
    let each = conditions.iter().map(|(argument, operator, value)| {
        let value = u64::from(value.cast_unsigned());
        SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator.clone(), value)
    });
    Ok(SeccompRule::new(each.collect::<Result<_, _>>()?)?)
}

/// The filter that refuses to start programs, for the launcher to install: this process has one to start.
fn no_exec() -> Result<String> {
    let rows = [libc::SYS_execve, libc::SYS_execveat].map(|number| (number, Vec::new()));
    let program = program(rows.into(), libc::EPERM)?;
    let bytes = program.iter().flat_map(|row| {
        let [code_low, code_high] = row.code.to_ne_bytes();
        [code_low, code_high, row.jt, row.jf].into_iter().chain(row.k.to_ne_bytes())
    });
    Ok(bytes.map(|byte| format!("{byte:02x}")).collect())
}

fn program(rows: SyscallRows, errno: i32) -> Result<BpfProgram> {
    #[cfg(target_arch = "x86_64")]
    let rows: SyscallRows =
        rows.into_iter().flat_map(|(number, rules)| [(number, rules.clone()), (number | X32, rules)]).collect();
    let action = SeccompAction::Errno(errno.cast_unsigned());
    let architecture = std::env::consts::ARCH
        .try_into()
        .map_err(ConformError::doing::<BackendError>("no filters for this architecture"))?;
    let filter = SeccompFilter::new(rows, SeccompAction::Allow, action, architecture)?;
    Ok(filter.try_into()?)
}
