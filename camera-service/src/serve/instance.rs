//! One service for each user: who listens at the endpoint, and what a dead one left there.

#[cfg(windows)]
mod mutex;

use std::io;
#[cfg(unix)]
use std::path::PathBuf;

use protocol::{
    endpoint::Endpoint,
    transport::{Connection, Listener},
};

use super::ServeError;

/// The one service of this user.
pub(super) struct Instance {
    pub(super) listener: Listener,
    pub(super) guard: Guard,
}

/// Holds the place of the one service.
pub(super) struct Guard {
    #[cfg(unix)]
    socket: PathBuf,
    /// Locked for as long as the service runs: two that start at once cannot both take over
    /// what a dead one left.
    #[cfg(unix)]
    _lock: std::fs::File,
    /// Held for as long as the service runs. The pipe alone would not do: a second service could
    /// add instances to it, and clients would reach either.
    #[cfg(windows)]
    _mutex: mutex::Mutex,
}

impl Instance {
    #[cfg(unix)]
    pub(super) async fn bind(endpoint: &Endpoint) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { endpoint: endpoint.to_string(), source };
        let socket = endpoint.path().to_owned();
        let lock = lock_file(&socket).map_err(failed)?;
        if lock.try_lock().is_err() {
            return Err(already_running(endpoint).await.unwrap_or_else(|| ServeError::Listen {
                endpoint: endpoint.to_string(),
                source: io::Error::other("another camera-service is just starting or stopping"),
            }));
        }
        if let Some(error) = already_running(endpoint).await {
            return Err(error);
        }
        let listener = match Listener::bind(endpoint) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(&socket).map_err(failed)?;
                Listener::bind(endpoint)
            }
            other => other,
        };
        let listener = listener.map_err(failed)?;
        Ok(Self { listener, guard: Guard { socket, _lock: lock } })
    }

    #[cfg(windows)]
    pub(super) async fn bind(endpoint: &Endpoint) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { endpoint: endpoint.to_string(), source };
        let Some(mutex) = mutex::Mutex::take(endpoint).map_err(failed)? else {
            return Err(already_running(endpoint).await.unwrap_or_else(|| {
                failed(io::Error::other("another camera-service is just starting or stopping"))
            }));
        };
        if let Some(error) = already_running(endpoint).await {
            return Err(error);
        }
        let listener = Listener::bind(endpoint).map_err(failed)?;
        Ok(Self { listener, guard: Guard { _mutex: mutex } })
    }
}

impl Guard {
    /// Removes the socket, so that clients see at once that nobody listens.
    #[cfg(unix)]
    pub(super) fn remove(self) {
        if let Err(error) = std::fs::remove_file(&self.socket)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{} could not be removed: {error}", self.socket.display());
        }
    }

    /// Lets the next one in. The pipe goes with its last handle.
    #[cfg(windows)]
    pub(super) fn remove(self) {}
}

#[cfg(unix)]
fn lock_file(socket: &std::path::Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(socket.with_extension("lock"))
}

/// Removes a socket that nobody listens at; anything else that is in the way stays there.
#[cfg(unix)]
fn remove_stale(socket: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    if !std::fs::symlink_metadata(socket)?.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is no socket is in the way",
        ));
    }
    tracing::info!("replacing {}, which a dead service left", socket.display());
    std::fs::remove_file(socket)
}

/// The error for a service that answers at `endpoint`.
async fn already_running(endpoint: &Endpoint) -> Option<ServeError> {
    let connection = Connection::connect(endpoint).await.ok()?;
    let pid = connection.peer().map_or(0, |peer| peer.pid);
    Some(ServeError::AlreadyRunning { pid, endpoint: endpoint.to_string() })
}
