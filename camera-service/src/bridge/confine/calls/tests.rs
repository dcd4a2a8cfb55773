//! The filter by itself, without the other half of the confinement, which on newer kernels refuses
//! some of the same. Calls are made by number: most of them no library offers.
#![allow(unsafe_code)]

use std::{io, process::Command, thread};

use super::{F_SETOWN_EX, F_SETSIG, FIOSETOWN, confine};

/// A call: what it is, its number, its arguments.
type Call = (&'static str, libc::c_long, [i64; 4]);

const NOWHERE: i64 = -1;

/// The error's number that the call comes to, 0 where there is none.
fn call(call: &Call) -> i32 {
    let (_, number, [a, b, c, d]) = *call;
    // SAFETY: no argument of the calls below is a pointer other than null.
    let result = unsafe { libc::syscall(number, a, b, c, d, 0, 0) };
    if result == -1 { io::Error::last_os_error().raw_os_error().unwrap_or(0) } else { 0 }
}

fn own_thread() -> i64 {
    i64::from(rustix::thread::gettid().as_raw_nonzero().get())
}

/// Calls that act on the process `other`, or on other machines.
fn harmful(other: i64) -> Vec<Call> {
    use libc::*;
    let fast = i64::from(MSG_FASTOPEN | MSG_NOSIGNAL);
    let socket = |what, family: i32, kind: i32, protocol: i32| {
        (what, SYS_socket, [family.into(), kind.into(), protocol.into(), 0])
    };
    vec![
        ("signal a thread", SYS_tkill, [own_thread(), 0, 0, 0]),
        ("signal another's thread", SYS_tgkill, [other, other, 0, 0]),
        ("limit another", SYS_prlimit64, [other, RLIMIT_NOFILE.into(), 0, 0]),
        ("slow another down", SYS_setpriority, [PRIO_PROCESS.into(), other, 19, 0]),
        ("have another signalled", SYS_fcntl, [NOWHERE, F_SETOWN.into(), other, 0]),
        ("have one of its threads signalled", SYS_fcntl, [NOWHERE, F_SETOWN_EX.into(), 0, 0]),
        ("choose the signal", SYS_fcntl, [NOWHERE, F_SETSIG.into(), SIGKILL.into(), 0]),
        ("have it signalled by a socket", SYS_ioctl, [NOWHERE, FIOSETOWN as i64, 0, 0]),
        ("read what others share", SYS_shmat, [NOWHERE, 0, 0, 0]),
        socket("make datagrams", AF_INET, SOCK_DGRAM, 0),
        socket("make more datagrams", AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0),
        socket("make other streams", AF_INET, SOCK_STREAM, IPPROTO_SCTP),
        socket("make paths to sockets", AF_UNIX, SOCK_DGRAM, 0),
        socket("speak to other programs", AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK),
        ("make a pair of datagrams", SYS_socketpair, [AF_UNIX.into(), SOCK_DGRAM.into(), 0, 0]),
        ("connect by sending", SYS_sendto, [NOWHERE, 0, 0, fast]),
        ("connect by sending a message", SYS_sendmsg, [NOWHERE, 0, fast, 0]),
        ("connect by sending messages", SYS_sendmmsg, [NOWHERE, 0, 0, fast]),
        #[cfg(target_arch = "x86_64")]
        ("call by another number", SYS_kill | 0x4000_0000, [own_thread(), 0, 0, 0]),
    ]
}

/// Calls that the bridge and its libraries make.
fn harmless() -> Vec<Call> {
    use libc::*;
    let own = i64::from(std::process::id());
    let kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    let quiet = i64::from(MSG_NOSIGNAL);
    vec![
        ("end itself", SYS_tgkill, [own, own_thread(), 0, 0]),
        ("know its limits", SYS_prlimit64, [0, RLIMIT_NOFILE.into(), 0, 0]),
        ("listen", SYS_socket, [AF_INET.into(), kind.into(), 0, 0]),
        ("listen too", SYS_socket, [AF_INET.into(), kind.into(), IPPROTO_TCP.into(), 0]),
        ("list addresses", SYS_socket, [AF_NETLINK.into(), SOCK_RAW.into(), 0, 0]),
    ]
    .into_iter()
    .chain([
        // With nothing to do them to: they fail, but not for want of permission.
        ("make a pair", SYS_socketpair, [AF_UNIX.into(), kind.into(), 0, 0]),
        ("send", SYS_sendto, [NOWHERE, 0, 0, quiet]),
        ("send a message", SYS_sendmsg, [NOWHERE, 0, quiet, 0]),
        ("ask for flags", SYS_fcntl, [NOWHERE, F_GETFL.into(), 0, 0]),
        ("ask how much there is to read", SYS_ioctl, [NOWHERE, FIONREAD as i64, 0, 0]),
    ])
    .collect()
}

/// Names of those of `calls` that are refused for want of permission.
fn refused(calls: &[Call]) -> Vec<&'static str> {
    calls.iter().filter(|one| call(one) == libc::EPERM).map(|(what, ..)| *what).collect()
}

#[test]
fn others_are_out_of_reach_and_its_work_is_not() {
    let mut other = Command::new("sleep").arg("60").spawn().expect("another process");
    let pid = i64::from(other.id());
    let confined = thread::spawn(move || {
        let harmful = harmful(pid);
        assert!(refused(&harmful).is_empty(), "before: {:?}", refused(&harmful));
        assert!(confine(false).expect("confined"));
        let all: Vec<_> = harmful.iter().map(|(what, ..)| *what).collect();
        assert_eq!(refused(&harmful), all);
        assert!(refused(&harmless()).is_empty(), "{:?}", refused(&harmless()));
    });
    let ended = confined.join();
    other.kill().expect("it can be killed");
    other.wait().expect("it has ended");
    ended.expect("the confined thread");
}

#[test]
fn who_connects_to_the_service_makes_streams_and_no_datagrams() {
    use libc::*;
    let confined = thread::spawn(|| {
        let socket = |what, kind: i32| (what, SYS_socket, [AF_UNIX.into(), kind.into(), 0, 0]);
        let streams = socket("streams", SOCK_STREAM | SOCK_CLOEXEC);
        let datagrams = socket("datagrams", SOCK_DGRAM | SOCK_CLOEXEC);
        assert!(confine(true).expect("confined"));
        assert_eq!(refused(&[streams, datagrams]), ["datagrams"]);
    });
    confined.join().expect("the confined thread");
}
