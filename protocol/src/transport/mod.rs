//! Connections: messages, descriptors and raw bytes over a Unix socket or a named pipe.
//!
//! A [`Reader`] and a [`Writer`] share one stream. Reading is safe to cancel: what has come in
//! stays in the reader's buffer. A cancelled write leaves half a message behind: the writer
//! refuses every further one.

#[cfg(unix)]
mod door;
mod reader;
mod writer;

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

use std::{io, sync::Arc};

#[cfg(unix)]
pub use door::Door;
pub use reader::Reader;
#[cfg(feature = "client")]
pub(crate) use writer::ReleaseEnd;
pub use writer::Writer;

use crate::{endpoint::Endpoint, wire::WireError};

/// A shared memory object, as one side has it and gives it to the other.
pub type Object = platform::Object;
/// A borrowed [`Object`].
pub type ObjectRef<'a> = platform::ObjectRef<'a>;

/// Why a message did not come or go.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// What came is not what the protocol allows.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The connection ended in the middle of a message.
    #[error("the connection ended in the middle of a message")]
    CutShort,
}

/// A connected stream, before anything was said on it.
pub struct Connection(Arc<platform::Stream>);

impl Connection {
    /// Connects to `endpoint`. `ConnectionRefused` and `NotFound` mean that no service runs.
    pub async fn connect(endpoint: &Endpoint) -> io::Result<Self> {
        platform::connect(endpoint).await.map(|stream| Self(Arc::new(stream)))
    }

    /// Who is at the other end. Fails where the system does not tell.
    pub fn peer(&self) -> io::Result<Peer> {
        self.0.peer()
    }

    /// The two directions.
    #[must_use]
    pub fn split(self) -> (Reader, Writer) {
        (Reader::new(self.0.clone()), Writer::new(self.0))
    }
}

/// The process at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its id.
    pub pid: u32,
    /// Whether it is of this process's user.
    pub same_user: bool,
}

/// A bound endpoint.
pub struct Listener(platform::Listener);

impl Listener {
    /// Binds `endpoint`, for this user alone. `AddrInUse` means that something is there,
    /// perhaps a socket file that was left behind.
    pub fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        platform::bind(endpoint).map(Self)
    }

    /// A Unix stream socket that listens already, such as one that systemd passed. To be called
    /// within a runtime.
    #[cfg(unix)]
    pub fn passed(socket: std::os::fd::OwnedFd) -> io::Result<Self> {
        platform::passed(socket).map(Self)
    }

    /// Binds a pipe that is there although no service is: clients of one that has ended hold on
    /// to it. For whoever has made sure of that. Fails where it is another user's.
    #[cfg(windows)]
    pub fn take_over(endpoint: &Endpoint) -> io::Result<Self> {
        platform::take_over(endpoint).map(Self)
    }

    /// The next connection. Safe to cancel.
    pub async fn accept(&self) -> io::Result<Connection> {
        platform::accept(&self.0).await.map(|stream| Connection(Arc::new(stream)))
    }
}
