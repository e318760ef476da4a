//! What was enforced in every run, by what, and why not.

use dome_contracts::conform::{Enforcement, Policy};

use super::exec::Kernel;

/// Landlock knows truncation from version 3, signals from version 6.
const TRUNCATE_ABI: u32 = 3;
const SIGNAL_ABI: u32 = 6;

/// The weakest of all runs counts.
pub(super) fn of(policy: &Policy, runs: &[(Kernel, bool)]) -> Enforcement {
    let abi = runs.iter().map(|(kernel, _)| kernel.landlock_abi.unwrap_or(0)).min().unwrap_or(0);
    let seccomp = !runs.is_empty() && runs.iter().all(|(kernel, _)| kernel.seccomp);
    let locked = !runs.is_empty() && runs.iter().all(|(_, locked)| *locked);
    let by = |what: &[(&str, bool)]| -> Vec<String> {
        if what.iter().all(|(_, there)| *there) {
            what.iter().map(|(name, _)| (*name).to_owned()).collect()
        } else {
            Vec::new()
        }
    };
    let mut found = Enforcement {
        attributes: by(&[("seccomp", seccomp)]),
        connections: by(&[("seccomp", seccomp && policy.allow_domains.is_empty())]),
        processes: by(&[
            ("landlock", abi >= SIGNAL_ABI),
            ("seccomp", seccomp && locked && policy.allow_commands.is_empty()),
        ]),
        writes: by(&[("landlock", abi >= TRUNCATE_ABI)]),
        reasons: Vec::new(),
    };
    let mut because = |part, why: &str| found.reasons.push((part, why.to_owned()));
    if policy.is_unrestricted() {
        for part in ["write", "attributes", "connection", "process"] {
            because(part, "the policy is `unrestricted`");
        }
        return found;
    }
    if !policy.allow_domains.is_empty() {
        because("connection", "the kernel cannot tell hosts apart; what is declared is observed only");
    } else if !seccomp {
        because("connection", "no seccomp here");
    }
    if !policy.allow_commands.is_empty() {
        because("process", "whoever may start a program may start any other by the loader (`ld.so PROGRAM`)");
    } else if !seccomp || !locked {
        because("process", "no seccomp here, or no ctypes to install the last filter");
    } else if abi < SIGNAL_ABI {
        because("process", "signals are kept in from Landlock version 6 on");
    }
    if abi < TRUNCATE_ABI {
        because("write", "Landlock version 3 or later is needed, and this kernel has less or none");
    }
    if !seccomp {
        because("attributes", "no seccomp here");
    }
    found
}
