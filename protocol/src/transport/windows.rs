//! Named pipes. Memory objects do not travel on them: their handles are made in the other process,
//! and the message says which.
#![allow(unsafe_code)]

mod descriptor;
mod peer;
mod pipe;

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    os::windows::io::{BorrowedHandle, OwnedHandle},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use windows::{
    Wdk::Storage::FileSystem::{
        FILE_PIPE_LOCAL_INFORMATION, FilePipeLocalInformation, NtQueryInformationFile,
    },
    Win32::{
        Foundation::{ERROR_ACCESS_DENIED, ERROR_NO_DATA, ERROR_PIPE_BUSY},
        System::{
            IO::IO_STATUS_BLOCK,
            Pipes::{GetNamedPipeClientProcessId, GetNamedPipeServerProcessId},
        },
    },
};

use self::{
    descriptor::Descriptor,
    pipe::{Buffers, Pipe, is, plain},
};
use super::Peer;
use crate::endpoint::Endpoint;

pub(super) type Object = OwnedHandle;
pub(super) type ObjectRef<'a> = BorrowedHandle<'a>;

/// What the names of pipes on this machine begin with. Anything else would be a file, or a pipe
/// of another machine, where nobody's process could be asked whose it is.
const LOCAL: &str = r"\\.\pipe\";
/// Two pieces of an inline frame towards the client, so that one can be written while another is
/// read; requests, releases, and pieces of what is published towards the service.
const BUFFERS: Buffers = Buffers {
    to_client: 2 * (super::writer::PIECE as u32 + 4096),
    to_server: super::writer::PIECE as u32 + 4096,
};
/// Between two tries where every instance of the pipe has just been taken.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// How long a client tries that. A service that takes nobody for so long is stuck: one that starts
/// takes clients as soon as it has read what it keeps.
const BUSY_MOST: Duration = Duration::from_secs(5);

pub(super) struct Stream {
    pipe: Pipe,
    is_server: bool,
}

/// A pipe of which one instance always waits for the next client.
pub(super) struct Listener {
    path: PathBuf,
    descriptor: Descriptor,
    waiting: Mutex<Pipe>,
}

pub(super) async fn connect(endpoint: &Endpoint) -> io::Result<Stream> {
    let path = local(endpoint.path())?;
    let until = Instant::now() + BUSY_MOST;
    loop {
        match Pipe::open(path) {
            Ok(pipe) => return Ok(Stream { pipe, is_server: false }),
            Err(error) if is(&error, ERROR_PIPE_BUSY) && Instant::now() < until => {
                sleep(BUSY_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

pub(super) fn bind(endpoint: &Endpoint) -> io::Result<Listener> {
    let path = local(endpoint.path())?.to_owned();
    let descriptor = Descriptor::for_this_user()?;
    let first = instance(&path, &descriptor, true).map_err(|error| {
        // What the system says where a pipe of that name is there, whosever it is.
        if is(&error, ERROR_ACCESS_DENIED) { io::ErrorKind::AddrInUse.into() } else { error }
    })?;
    Ok(Listener { path, descriptor, waiting: Mutex::new(first) })
}

/// Binds where clients of a service that has ended still hold on to its pipe, which is there for as
/// long as they do. Fails where it is another user's.
pub(super) fn take_over(endpoint: &Endpoint) -> io::Result<Listener> {
    let path = local(endpoint.path())?.to_owned();
    let descriptor = Descriptor::for_this_user()?;
    let next = instance(&path, &descriptor, false)?;
    // Who may open a pipe is said with its first instance.
    if !descriptor::is_of_this_user(next.handle())? {
        let message = "another user has a pipe of this name";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
    }
    Ok(Listener { path, descriptor, waiting: Mutex::new(next) })
}

/// A new instance of the pipe; the first one fails where there is such a pipe.
fn instance(path: &Path, descriptor: &Descriptor, first: bool) -> io::Result<Pipe> {
    Pipe::create(path, &descriptor.attributes(), BUFFERS, first)
}

pub(super) async fn accept(listener: &Listener) -> io::Result<Stream> {
    let fresh = || instance(&listener.path, &listener.descriptor, false);
    let mut waiting = listener.waiting.lock().await;
    loop {
        match waiting.connect().await {
            // Where there is no instance for the next one, this one stays, connected, and is
            // what the next call gives.
            Ok(()) => {
                let pipe = std::mem::replace(&mut *waiting, fresh()?);
                return Ok(Stream { pipe, is_server: true });
            }
            // The client was gone again before it was seen: that instance is of no more use.
            Err(error) => {
                *waiting = fresh()?;
                if !is(&error, ERROR_NO_DATA) {
                    return Err(error);
                }
            }
        }
    }
}

/// The path of a pipe on this machine.
fn local(path: &Path) -> io::Result<&Path> {
    let text = path.to_string_lossy();
    let is_local = text.get(..LOCAL.len()).is_some_and(|start| start.eq_ignore_ascii_case(LOCAL));
    if is_local && text.len() > LOCAL.len() {
        return Ok(path);
    }
    let message = format!("{text} is not the name of a pipe on this machine, such as {LOCAL}NAME");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

impl Stream {
    pub(super) fn peer(&self) -> io::Result<Peer> {
        let (pipe, mut pid) = (self.pipe.handle(), 0);
        // SAFETY: the handle is open for as long as `self`, and `pid` outlives the calls.
        let asked = unsafe {
            if self.is_server {
                GetNamedPipeClientProcessId(pipe, &raw mut pid)
            } else {
                GetNamedPipeServerProcessId(pipe, &raw mut pid)
            }
        };
        asked.map_err(plain)?;
        let same_user = if self.is_server {
            peer::is_client_of_this_user(pipe, pid)?
        } else {
            peer::is_of_this_user(pid)?
        };
        Ok(Peer { pid, same_user })
    }

    /// Whether the other side has closed, also where something it wrote was not read yet.
    pub(super) fn has_hung_up(&self) -> bool {
        // As the kernel's documentation numbers the states of a pipe.
        const CONNECTED: u32 = 3;
        let mut status = IO_STATUS_BLOCK::default();
        let mut pipe = FILE_PIPE_LOCAL_INFORMATION::default();
        // SAFETY: the handle is open for as long as `self`; the call writes no more than the two
        // structures, whose size it is told.
        let asked = unsafe {
            NtQueryInformationFile(
                self.pipe.handle(),
                &raw mut status,
                (&raw mut pipe).cast(),
                size_of_val(&pipe) as u32,
                FilePipeLocalInformation,
            )
        };
        asked.is_ok() && pipe.NamedPipeState != CONNECTED
    }

    /// Reads into `buffer`, at least one byte unless the other side has closed.
    pub(super) async fn receive(
        &self,
        buffer: &mut [u8],
        _objects: &mut VecDeque<Object>,
    ) -> io::Result<usize> {
        self.pipe.read(buffer).await
    }

    /// Writes some of `parts`.
    pub(super) async fn send(
        &self,
        parts: &[IoSlice<'_>],
        _object: Option<ObjectRef<'_>>,
    ) -> io::Result<usize> {
        match parts.iter().find(|part| !part.is_empty()) {
            Some(part) => self.pipe.write(part).await,
            None => Ok(0),
        }
    }

    /// Writes what can be written without waiting; `WouldBlock` where nothing can.
    #[cfg(feature = "client")]
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.pipe.try_write(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of its own for each test.
    fn endpoint(test: &str) -> Endpoint {
        Endpoint::at(format!(r"\\.\pipe\camera-service-{test}-{}", std::process::id()))
    }

    async fn meet(listener: &Listener, endpoint: &Endpoint) -> (Stream, Stream) {
        let (served, client) = tokio::join!(accept(listener), connect(endpoint));
        (served.expect("accepted"), client.expect("connected"))
    }

    #[tokio::test]
    async fn a_pipe_that_only_old_clients_hold_is_taken_over() {
        let endpoint = endpoint("takeover");
        let listener = bind(&endpoint).expect("bound");
        let (served, old) = meet(&listener, &endpoint).await;
        drop((listener, served));
        assert!(old.has_hung_up());
        let gone = connect(&endpoint).await.err().expect("nobody listens");
        assert_eq!(gone.kind(), io::ErrorKind::NotFound, "{gone}");

        let listener = take_over(&endpoint).expect("taken over");
        let (served, client) = meet(&listener, &endpoint).await;
        assert!(served.peer().expect("known").same_user);
        let bytes = IoSlice::new(b"hello");
        assert_eq!(client.send(&[bytes], None).await.expect("sent"), 5);
        let mut read = [0; 8];
        assert_eq!(served.receive(&mut read, &mut VecDeque::new()).await.expect("read"), 5);
        drop(old);
    }

    #[tokio::test]
    async fn a_pipe_belongs_to_who_made_it() {
        let endpoint = endpoint("owner");
        let listener = bind(&endpoint).expect("bound");
        let pipe = listener.waiting.lock().await;
        assert!(descriptor::is_of_this_user(pipe.handle()).expect("known"));
    }
}
