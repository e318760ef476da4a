//! Landlock: which files may be written and executed. Reading is not restricted.

use anyhow::Context;
use landlock::{
    ABI, AccessFs, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope,
    path_beneath_rules,
};

use super::spec::Rules;

/// The newest version whose rights are asked for; of an older kernel, what it has.
const ASKED: ABI = ABI::V7;

/// Restricts this process. The version that the kernel has; `None` without Landlock.
pub(super) fn restrict(rules: &Rules) -> anyhow::Result<Option<u32>> {
    let writes = landlock::AccessFs::from_write(ASKED);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(writes | AccessFs::Execute)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(&rules.writable, writes))?
        .add_rules(path_beneath_rules(&rules.executable, AccessFs::Execute))?;
    let status = ruleset.restrict_self().context("cannot restrict files")?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, kernel_abi } => {
            let known = u32::try_from(effective_abi as i32).ok();
            kernel_abi.and_then(|abi| u32::try_from(abi).ok()).or(known)
        }
        _ => None,
    })
}
