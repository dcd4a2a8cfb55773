//! Calls into the kernel, by seccomp: those that a program which only answers over sockets never
//! makes fail with `EPERM`.
//!
//! What is refused is listed, not what is allowed: which calls the C library makes for an
//! innocent one differs from version to version, and a bridge that fails with the next one would
//! be run unconfined.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op,
    SeccompCondition, SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

use super::ConfineError;

#[cfg(test)]
mod tests;

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
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    // … slow them down, or take part in what they share.
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setattr,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setscheduler,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
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

/// Families of sockets that talk to others.
const INTERNET: &[i32] = &[libc::AF_INET, libc::AF_INET6];
/// Calls for devices and sockets that act on others: typing into, or pasting into, the terminal
/// that the bridge was started from, and naming who gets signals of a socket.
const REQUESTS: &[u64] = &[libc::TIOCSTI, libc::TIOCLINUX, FIOSETOWN, SIOCSPGRP];
/// Commands of `fcntl` that name who gets signals of a descriptor, and which.
const OWNERS: &[i32] = &[libc::F_SETOWN, F_SETOWN_EX, F_SETSIG];

// From the kernel's headers, for the library has them not, or not everywhere.
const FIOSETOWN: u64 = 0x8901;
const SIOCSPGRP: u64 = 0x8902;
const F_SETOWN_EX: i32 = 15;
const F_SETSIG: i32 = 10;

/// Whether calls are out of reach from now on; `connects` leaves connecting to the service.
/// Not on processors that the library does not know.
pub(super) fn confine(connects: bool) -> Result<bool, ConfineError> {
    let Ok(arch) = TargetArch::try_from(std::env::consts::ARCH) else { return Ok(false) };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    if !connects {
        rules.insert(libc::SYS_connect, Vec::new());
    }
    rules.insert(libc::SYS_socket, sockets(connects)?);
    rules.insert(libc::SYS_socketpair, vec![rule(other_than_streams(1)?)?]);
    // To send may be to connect. Without datagrams nothing else can be sent to an address.
    for (call, flags) in [(libc::SYS_sendto, 3), (libc::SYS_sendmsg, 2), (libc::SYS_sendmmsg, 3)] {
        rules.insert(call, vec![rule(vec![has(flags, libc::MSG_FASTOPEN)?])?]);
    }
    // The C library ends a process that has failed by a signal to itself.
    let own = u64::from(std::process::id());
    let others = SeccompCondition::new(0, Width::Dword, Op::Ne, own)?;
    rules.insert(libc::SYS_tgkill, vec![rule(vec![others])?]);
    rules.insert(libc::SYS_prlimit64, vec![rule(vec![differs(0, 0)?])?]);
    let any_of = |argument, values: &[u64]| -> Result<Vec<SeccompRule>, BackendError> {
        let is = |value| SeccompCondition::new(argument, Width::Dword, Op::Eq, value);
        values.iter().map(|value| rule(vec![is(*value)?])).collect()
    };
    rules.insert(libc::SYS_ioctl, any_of(1, REQUESTS)?);
    let owners: Vec<u64> = OWNERS.iter().map(|command| *command as u64).collect();
    rules.insert(libc::SYS_fcntl, any_of(1, &owners)?);
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    seccompiler::apply_filter(&BpfProgram::try_from(filter)?)?;
    if arch == TargetArch::x86_64 {
        seccompiler::apply_filter(&without_x32())?;
    }
    Ok(true)
}

/// Which sockets may not be made. What is left: to listen by TCP, and to be told this machine's
/// addresses.
fn sockets(connects: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let mut other = vec![differs(0, libc::AF_NETLINK)?];
    for family in INTERNET {
        other.push(differs(0, *family)?);
    }
    if connects {
        other.push(differs(0, libc::AF_UNIX)?);
    }
    let mut refused = vec![rule(other)?];
    for family in INTERNET {
        let mut other_type = vec![is(0, *family)?];
        other_type.extend(other_than_streams(1)?);
        refused.push(rule(other_type)?);
        // Other protocols have streams too, and other ways to connect them.
        let tcp = [differs(2, 0)?, differs(2, libc::IPPROTO_TCP)?];
        refused.push(rule([&[is(0, *family)?][..], &tcp].concat())?);
    }
    let mut datagrams = vec![is(0, libc::AF_UNIX)?];
    datagrams.extend(other_than_streams(1)?);
    refused.push(rule(datagrams)?);
    let routes = [is(0, libc::AF_NETLINK)?, differs(2, libc::NETLINK_ROUTE)?];
    refused.push(rule(routes.into())?);
    Ok(refused)
}

/// Where `argument` is a type of sockets other than streams. Datagrams can be sent to anybody.
fn other_than_streams(argument: u8) -> Result<Vec<SeccompCondition>, BackendError> {
    let flags =
        [0, libc::SOCK_NONBLOCK, libc::SOCK_CLOEXEC, libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC];
    flags.iter().map(|flags| differs(argument, libc::SOCK_STREAM | flags)).collect()
}

/// Refuses the calls that processors of this kind have a second time, under other numbers, for
/// programs with short pointers; few kernels serve them.
fn without_x32() -> BpfProgram {
    const X32: u32 = 0x4000_0000;
    let step = |code: u32, jt, jf, k| sock_filter { code: code as u16, jt, jf, k };
    vec![
        // The call's number comes first in what a filter is given.
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, X32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}

/// Refuses where all of these hold.
fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}

fn is(argument: u8, value: i32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, Width::Dword, Op::Eq, value as u64)
}

fn differs(argument: u8, value: i32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, Width::Dword, Op::Ne, value as u64)
}

fn has(argument: u8, bits: i32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, Width::Dword, Op::MaskedEq(bits as u64), bits as u64)
}
