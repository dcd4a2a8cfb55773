//! What the service manager passes on and wants to know: the socket that it listens at for us,
//! that the service is ready, that it lives, that it is stopping.
//!
//! systemd's protocols, which others speak too. Without a service manager nothing happens. Told
//! from tokio's blocking threads, since whoever listens may be slow to take it.
#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsFd as _, FromRawFd as _, OwnedFd},
    time::Duration,
};

use protocol::{endpoint::Endpoint, transport::Listener};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketType, getsockname,
    sockopt::{socket_acceptconn, socket_domain, socket_type},
};
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Variables by which a service manager speaks to this process, and to no child of it.
pub(super) const VARIABLES: [&str; 7] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "SYSTEMD_EXEC_PID",
];

/// How long the service manager may take to be told something.
const PATIENCE: Duration = Duration::from_millis(200);

/// A listening socket that is not ours to remove.
pub(super) struct Passed {
    pub(super) listener: Listener,
    /// Where clients find it.
    pub(super) endpoint: Endpoint,
}

/// The socket that was passed to this process, if one was. To be called once, within a runtime.
/// Fails where what was passed is not one Unix stream socket that listens.
pub(super) fn passed() -> io::Result<Option<Passed>> {
    let mut descriptors = sd_notify::listen_fds()?;
    let Some(descriptor) = descriptors.next() else { return Ok(None) };
    if descriptors.len() > 0 {
        return Err(wrong("more than one socket was passed (LISTEN_FDS)"));
    }
    // SAFETY: whoever started this process passed the descriptor to it by number, for it to own;
    // nothing else here knows it, and this is called once.
    let socket = unsafe { OwnedFd::from_raw_fd(descriptor) };
    let fits = socket_domain(&socket)? == AddressFamily::UNIX
        && socket_type(&socket)? == SocketType::STREAM
        && socket_acceptconn(&socket)?;
    if !fits {
        return Err(wrong("what was passed is no Unix stream socket that listens"));
    }
    let address = SocketAddrUnix::try_from(getsockname(socket.as_fd())?)?;
    let path = address.path().ok_or_else(|| wrong("the socket that was passed has no path"))?;
    let path: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(path.to_bytes());
    let endpoint = Endpoint::at(path);
    Ok(Some(Passed { listener: Listener::passed(socket)?, endpoint }))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.to_owned())
}

/// Tells that the service takes connections at `endpoint`.
pub(super) async fn ready(endpoint: &Endpoint) {
    tell(vec!["READY=1".to_owned(), format!("STATUS=listening at {endpoint}")]).await;
}

/// Tells that the service is on its way out.
pub(super) async fn stopping() {
    tell(vec!["STOPPING=1".to_owned()]).await;
}

/// Tells, as often as was asked for, that this thread goes on: the one that serves every
/// connection and every camera's life. Until `stop`; at once over where nobody wants to know.
pub(super) async fn live(stop: CancellationToken) {
    let Some(within) = sd_notify::watchdog_enabled().filter(|within| !within.is_zero()) else {
        return;
    };
    // Told twice within the time, and once more for a machine that is busy.
    let every = (within / 3).max(Duration::from_millis(1));
    loop {
        // The timer fires on this thread only when it turns; what is told comes of nothing else.
        tell(vec!["WATCHDOG=1".to_owned()]).await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

async fn tell(lines: Vec<String>) {
    let told = tokio::task::spawn_blocking(move || {
        let lines: Vec<_> = lines.iter().map(|line| NotifyState::Custom(line)).collect();
        sd_notify::notify(&lines)
    });
    // One that takes nothing holds nothing up.
    if let Ok(Ok(Err(error))) = tokio::time::timeout(PATIENCE, told).await {
        tracing::warn!("the service manager could not be told: {error}");
    }
}

/// Whether systemd started this very process. A shell within a unit passes most variables on;
/// this one names the process that it is meant for.
pub(super) fn is_by_systemd() -> bool {
    let pid = std::env::var("SYSTEMD_EXEC_PID").ok().and_then(|pid| pid.parse().ok());
    pid == Some(std::process::id()) || sd_notify::watchdog_enabled().is_some()
}
