//! Calls into the kernel, by seccomp: those that a program which only answers over sockets never
//! makes fail with `EPERM`.
//!
//! What is refused is listed, not what is allowed: which calls the C library makes for an
//! innocent one differs from version to version, and a bridge that fails with the next one would
//! be run unconfined.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::ConfineError;

/// Refused whatever their arguments.
const REFUSED: &[libc::c_long] = &[
    // Other programs: start them, look into them, end them.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // Another view of the system.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_open_by_handle_at,
    // Parts of the kernel that programs rarely need, and attackers do.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_personality,
];

/// Families of sockets that may be made: to listen, and to be told this machine's addresses.
const FAMILIES: &[i32] = &[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Whether calls are out of reach from now on; `connects` leaves connecting to the service.
/// Not on processors that the library does not know.
pub(super) fn confine(connects: bool) -> Result<bool, ConfineError> {
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return Ok(false) };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    if !connects {
        rules.insert(libc::SYS_connect, Vec::new());
    }
    let mut families = Vec::new();
    for family in FAMILIES {
        families.push(differs(0, *family)?);
    }
    if connects {
        families.push(differs(0, libc::AF_UNIX)?);
    }
    // Refused where it is none of them.
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(families)?]);
    // Typing into the terminal that the bridge was started from.
    let types = SeccompCondition::new(1, Width::Dword, Op::Eq, libc::TIOCSTI)?;
    rules.insert(libc::SYS_ioctl, vec![SeccompRule::new(vec![types])?]);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    Ok(true)
}

fn differs(argument: u8, value: i32) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, Width::Dword, Op::Ne, value as u64)
}
