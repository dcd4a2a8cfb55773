//! One service for each user: who listens at the endpoint, and what a dead one left there.

#[cfg(windows)]
mod mutex;

#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::{io, time::Duration};

use protocol::{
    client::Connector,
    endpoint::Endpoint,
    transport::{Connection, Listener},
};
use tokio::time::{Instant, sleep};

use super::ServeError;

/// How long a service that is on its way out may take to leave its place to the next one.
const LEAVING: Duration = Duration::from_secs(5);
/// How long a service that is just starting may take to say which process it is.
const ANSWER: Duration = Duration::from_secs(5);

/// The one service of this user.
pub(super) struct Instance {
    pub(super) listener: Listener,
    pub(super) endpoint: Endpoint,
    /// Whether the listener was passed to this process.
    pub(super) is_passed: bool,
    pub(super) guard: Guard,
}

/// Holds the place of the one service.
pub(super) struct Guard {
    /// The socket, where it is ours to remove.
    #[cfg(unix)]
    socket: Option<PathBuf>,
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
    /// Takes the socket that was passed to this process, else binds `wanted`, else the usual
    /// endpoint.
    #[cfg(unix)]
    pub(super) async fn take(wanted: Option<Endpoint>) -> Result<Self, ServeError> {
        if let Some(super::activation::Passed { listener, endpoint }) = super::activation::passed()?
        {
            let lock = lock_in_time(&endpoint, Ask::Nobody).await?;
            let guard = Guard { socket: None, _lock: lock };
            return Ok(Self { listener, endpoint, is_passed: true, guard });
        }
        let endpoint = wanted.map_or_else(Endpoint::to_listen, Ok);
        Self::bind(endpoint.map_err(ServeError::NoEndpoint)?).await
    }

    #[cfg(unix)]
    async fn bind(endpoint: Endpoint) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { endpoint: endpoint.to_string(), source };
        // Asked before the place is taken: where systemd listens, that starts the service that
        // belongs there.
        if let Some(error) = already_running(&endpoint).await {
            return Err(error);
        }
        let socket = endpoint.path().to_owned();
        let lock = lock_in_time(&endpoint, Ask::Whoever).await?;
        if let Some(error) = already_running(&endpoint).await {
            return Err(error);
        }
        let listener = match Listener::bind(&endpoint) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(&socket).map_err(failed)?;
                Listener::bind(&endpoint)
            }
            other => other,
        };
        let listener = listener.map_err(failed)?;
        let guard = Guard { socket: Some(socket), _lock: lock };
        Ok(Self { listener, endpoint, is_passed: false, guard })
    }

    /// Binds `wanted`, else the usual endpoint.
    #[cfg(windows)]
    pub(super) async fn take(wanted: Option<Endpoint>) -> Result<Self, ServeError> {
        let endpoint = wanted.map_or_else(Endpoint::to_listen, Ok);
        let endpoint = endpoint.map_err(ServeError::NoEndpoint)?;
        let failed = |source| ServeError::Listen { endpoint: endpoint.to_string(), source };
        let mutex = in_time(&endpoint, Ask::Whoever, || mutex::Mutex::take(&endpoint)).await?;
        if let Some(error) = already_running(&endpoint).await {
            return Err(error);
        }
        let listener = match Listener::bind(&endpoint) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Listener::take_over(&endpoint)
            }
            other => other,
        };
        let listener = listener.map_err(failed)?;
        Ok(Self { listener, endpoint, is_passed: false, guard: Guard { _mutex: mutex } })
    }
}

impl Guard {
    /// Removes the socket, so that clients see at once that nobody listens. One that was passed
    /// stays: whoever passed it listens there still.
    #[cfg(unix)]
    pub(super) fn remove(self) {
        if let Some(socket) = &self.socket
            && let Err(error) = std::fs::remove_file(socket)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("{} could not be removed: {error}", socket.display());
        }
    }

    /// Lets the next one in. The pipe goes with its last handle.
    #[cfg(windows)]
    pub(super) fn remove(self) {}
}

#[cfg(unix)]
fn lock_file(socket: &Path) -> io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.open(socket.with_extension("lock"))
}

/// Whether a service has the place at `endpoint`. Asks nobody: where systemd listens, that would
/// start one.
#[cfg(unix)]
pub fn is_taken(endpoint: &Endpoint) -> bool {
    use std::fs::{File, TryLockError};
    // Shared, so that two who look do not see each other; one that is just starting tries again.
    let lock = File::open(endpoint.path().with_extension("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The lock of the place at `endpoint`; waits for a service that leaves.
#[cfg(unix)]
async fn lock_in_time(endpoint: &Endpoint, ask: Ask) -> Result<std::fs::File, ServeError> {
    let failed = |source| ServeError::Listen { endpoint: endpoint.to_string(), source };
    let lock = lock_file(endpoint.path()).map_err(failed)?;
    in_time(endpoint, ask, || Ok(lock.try_lock().ok())).await?;
    Ok(lock)
}

/// Who is asked for while the place is not to be had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// A service that does not answer is on its way out, and waited for, or on its way in.
    Whoever,
    /// None can come in.
    #[cfg(unix)]
    Nobody,
}

/// The place at `endpoint`, which `take` takes unless somebody has it; waits for a service that
/// leaves.
async fn in_time<T>(
    endpoint: &Endpoint,
    ask: Ask,
    mut take: impl FnMut() -> io::Result<Option<T>>,
) -> Result<T, ServeError> {
    let failed = |source| ServeError::Listen { endpoint: endpoint.to_string(), source };
    let deadline = Instant::now() + LEAVING;
    loop {
        if let Some(taken) = take().map_err(failed)? {
            return Ok(taken);
        }
        if ask == Ask::Whoever
            && let Some(error) = already_running(endpoint).await
        {
            return Err(error);
        }
        if Instant::now() >= deadline {
            let why = "another camera-service is just starting or stopping";
            return Err(failed(io::Error::other(why)));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Removes a socket that nobody listens at; anything else that is in the way stays there.
#[cfg(unix)]
fn remove_stale(socket: &Path) -> io::Result<()> {
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
    // Where systemd listens the peer is systemd; the service itself knows better.
    let peer = connection.peer().map_or(0, |peer| peer.pid);
    drop(connection);
    let connector = Connector::new("camera-service serve").endpoint(endpoint.clone());
    let answer = tokio::time::timeout(ANSWER, connector.control()).await;
    let pid = answer.ok().and_then(Result::ok).map_or(peer, |client| client.service_pid());
    Some(ServeError::AlreadyRunning { pid, endpoint: endpoint.to_string() })
}

#[cfg(all(test, windows))]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[tokio::test]
    async fn the_place_of_a_service_that_leaves_is_waited_for() {
        let name = format!(r"\\.\pipe\camera-service-leaves-{}", std::process::id());
        let endpoint = Endpoint::at(name);
        let (taken, has_it) = mpsc::channel();
        let leaving = thread::spawn({
            let endpoint = endpoint.clone();
            move || {
                let mutex = mutex::Mutex::take(&endpoint).expect("made").expect("nobody has it");
                taken.send(()).expect("waited for");
                thread::sleep(Duration::from_millis(300));
                drop(mutex);
            }
        });
        has_it.recv().expect("taken");
        assert!(mutex::Mutex::take(&endpoint).expect("made").is_none(), "it has left already");
        in_time(&endpoint, Ask::Whoever, || mutex::Mutex::take(&endpoint)).await.expect("it left");
        leaving.join().expect("no panic");
    }
}
