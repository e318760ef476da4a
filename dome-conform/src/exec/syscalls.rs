//! seccomp: which system calls are refused. What a policy cannot allow by path or address is refused whole.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

use super::Rules;
use crate::error::Error;

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

impl From<BackendError> for Error {
    fn from(why: BackendError) -> Self {
        Self::Filter(why.into())
    }
}

type Rows = BTreeMap<i64, Vec<SeccompRule>>;

/// Restricts this process; whether the kernel did.
pub(super) fn restrict(rules: &Rules) -> Result<bool, Error> {
    // New processes are told by the flags of `clone`; `clone3` hides them in memory.
    let absent = program([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)?;
    let refused = program(refused(rules)?, libc::EPERM)?;
    Ok(apply_filter(&absent).and_then(|()| apply_filter(&refused)).is_ok())
}

fn refused(rules: &Rules) -> Result<Rows, Error> {
    let mut rows: Rows = ALWAYS.iter().chain(OLD).map(|number| (*number, Vec::new())).collect();
    let any_flag = |flag: i32| -> Result<SeccompRule, Error> {
        let flag = u64::from(flag.cast_unsigned());
        Ok(SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(flag), flag)?])?)
    };
    if rules.deny_processes {
        rows.extend(FORKS.iter().map(|number| (*number, Vec::new())));
        let thread = u64::from(libc::CLONE_THREAD.cast_unsigned());
        let no_thread = SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(thread), 0)?])?;
        rows.insert(libc::SYS_clone, vec![no_thread]);
    } else {
        let spaces = [libc::CLONE_NEWUSER, libc::CLONE_NEWNS, libc::CLONE_NEWNET, libc::CLONE_NEWPID];
        rows.insert(libc::SYS_clone, spaces.into_iter().map(any_flag).collect::<Result<_, _>>()?);
    }
    if rules.deny_connections {
        rows.extend(CONNECTIONS.iter().map(|number| (*number, Vec::new())));
        let addressed =
            SeccompRule::new(vec![SeccompCondition::new(4, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?])?;
        rows.insert(libc::SYS_sendto, vec![addressed]);
        rows.insert(libc::SYS_socket, strange_sockets()?);
    }
    Ok(rows)
}

/// Sockets that send or listen without an address: neither a local one, nor TCP or UDP.
fn strange_sockets() -> Result<Vec<SeccompRule>, Error> {
    let not = |argument, values: &[i32]| -> Result<SeccompRule, Error> {
        let each = values.iter().map(|value| condition(argument, SeccompCmpOp::Ne, u64::from(value.cast_unsigned())));
        Ok(SeccompRule::new(each.collect::<Result<_, _>>()?)?)
    };
    let raw = u64::from(libc::SOCK_RAW.cast_unsigned());
    let raw = SeccompRule::new(vec![condition(1, SeccompCmpOp::MaskedEq(0xf), raw)?])?;
    let families = not(0, &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6])?;
    Ok(vec![families, not(2, &[0, libc::IPPROTO_TCP, libc::IPPROTO_UDP])?, raw])
}

fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?)
}

/// The filter that refuses to start programs, for the launcher to install: this process has one to start.
pub(super) fn no_exec() -> Result<String, Error> {
    let rows = [libc::SYS_execve, libc::SYS_execveat].map(|number| (number, Vec::new()));
    let program = program(rows.into(), libc::EPERM)?;
    let bytes = program.iter().flat_map(|row| {
        let [code, jumps, value] =
            [row.code.to_ne_bytes().to_vec(), vec![row.jt, row.jf], row.k.to_ne_bytes().to_vec()];
        [code, jumps, value].concat()
    });
    Ok(bytes.map(|byte| format!("{byte:02x}")).collect())
}

fn program(rows: Rows, errno: i32) -> Result<BpfProgram, Error> {
    #[cfg(target_arch = "x86_64")]
    let rows: Rows =
        rows.into_iter().flat_map(|(number, rules)| [(number, rules.clone()), (number | X32, rules)]).collect();
    let action = SeccompAction::Errno(errno.cast_unsigned());
    let architecture =
        std::env::consts::ARCH.try_into().map_err(Error::doing::<BackendError>("no filters for this architecture"))?;
    let filter = SeccompFilter::new(rows, SeccompAction::Allow, action, architecture)?;
    Ok(filter.try_into()?)
}
