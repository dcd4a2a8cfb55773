//! Signals that stop the service.

#[cfg(windows)]
mod session;

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

/// Stops the service on Ctrl-C and Ctrl-Break, when its console's window is closed, and when the
/// user logs off or the machine shuts down.
#[cfg(windows)]
pub(super) fn spawn(stop: CancellationToken) -> io::Result<AbortHandle> {
    use tokio::signal::windows;
    let mut interrupt = windows::ctrl_c()?;
    let mut ctrl_break = windows::ctrl_break()?;
    // The system ends the process when these are done with, so tokio never is: what ends it then
    // is that the service has stopped.
    let mut close = windows::ctrl_close()?;
    let mut log_off = windows::ctrl_logoff()?;
    let mut shut_down = windows::ctrl_shutdown()?;
    // Where there are no windows, nobody logs off.
    let session = session::Watch::start(stop.clone())
        .inspect_err(|error| tracing::debug!("the end of the session is not heard of: {error}"));
    let task = tokio::spawn(async move {
        let _session = session;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = ctrl_break.recv() => {}
            _ = close.recv() => {}
            _ = log_off.recv() => {}
            _ = shut_down.recv() => {}
            () = stop.cancelled() => {}
        }
        stop.cancel();
    });
    Ok(task.abort_handle())
}
