//! Signals that stop the service.

use std::io;

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// Stops the service on SIGTERM, SIGINT and SIGHUP.
#[cfg(unix)]
pub(super) fn spawn(stop: CancellationToken) -> io::Result<AbortHandle> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let task = tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
        stop.cancel();
    });
    Ok(task.abort_handle())
}

/// Stops the service on Ctrl-C.
#[cfg(not(unix))]
pub(super) fn spawn(stop: CancellationToken) -> io::Result<AbortHandle> {
    let task = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    Ok(task.abort_handle())
}
