//! Files, by landlock.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Needs;

/// The newest that this asks for; an older kernel gives what it has.
const NEWEST: ABI = ABI::V6;

/// Whether files are out of reach from now on: not where the kernel has no landlock.
pub(super) fn confine(needs: &Needs) -> Result<bool, RulesetError> {
    // Devices can be opened neither to read nor, from the fifth version on, for calls of theirs.
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::from_write(NEWEST)
        & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeFifo | AccessFs::IoctlDev);
    let mut rules = Ruleset::default()
        .set_compatibility(landlock::CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?;
    if !needs.connects {
        // It is connected to: connecting it leaves to others.
        rules = rules.handle_access(AccessNet::ConnectTcp)?.scope(Scope::from_all(NEWEST))?;
    }
    let status = rules
        .create()?
        .add_rules(path_beneath_rules(&needs.read, read))?
        .add_rules(path_beneath_rules(&needs.write, read | write))?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
