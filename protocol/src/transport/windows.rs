//! Named pipes, which tokio has by itself: its pipes can be written without waiting, are dropped
//! without a thread that waits until all is read, and never let a server act as its client.
//!
//! Memory objects do not travel on them: their handles are made in the other process, and the
//! message says which.
#![allow(unsafe_code)]

mod descriptor;
mod peer;

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    os::windows::io::{AsRawHandle as _, BorrowedHandle, OwnedHandle},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions},
    sync::Mutex,
    time::{Instant, sleep},
};
use windows::{
    Wdk::Storage::FileSystem::{
        FILE_PIPE_LOCAL_INFORMATION, FilePipeLocalInformation, NtQueryInformationFile,
    },
    Win32::{
        Foundation::{
            ERROR_ACCESS_DENIED, ERROR_NO_DATA, ERROR_PIPE_BUSY, ERROR_PIPE_NOT_CONNECTED, HANDLE,
            WIN32_ERROR,
        },
        System::{
            IO::IO_STATUS_BLOCK,
            Pipes::{GetNamedPipeClientProcessId, GetNamedPipeServerProcessId},
        },
    },
};

use self::descriptor::Descriptor;
use super::Peer;
use crate::endpoint::Endpoint;

pub(super) type Object = OwnedHandle;
pub(super) type ObjectRef<'a> = BorrowedHandle<'a>;

/// What the names of pipes on this machine begin with. Anything else would be a file, or a pipe
/// of another machine, where nobody's process could be asked whose it is.
const LOCAL: &str = r"\\.\pipe\";
/// What the system keeps for a reader before a write has to wait, towards the client: two pieces
/// of an inline frame, so that one can be written while another is read.
const TO_CLIENT: u32 = 2 * (super::writer::PIECE as u32 + 4096);
/// The same towards the service: requests, releases, and pieces of what is published.
const TO_SERVICE: u32 = super::writer::PIECE as u32 + 4096;
/// Between two tries where every instance of the pipe has just been taken.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// How long a client tries that. A service that takes nobody for so long is stuck.
const BUSY_MOST: Duration = Duration::from_secs(2);

pub(super) struct Stream(Pipe);

enum Pipe {
    Server(NamedPipeServer),
    Client(NamedPipeClient),
}

/// The same for either end of a pipe.
macro_rules! either {
    ($pipe:expr, $end:ident => $what:expr) => {
        match &$pipe {
            Pipe::Server($end) => $what,
            Pipe::Client($end) => $what,
        }
    };
}

/// A pipe of which one instance always waits for the next client.
pub(super) struct Listener {
    path: PathBuf,
    descriptor: Descriptor,
    waiting: Mutex<NamedPipeServer>,
}

pub(super) async fn connect(endpoint: &Endpoint) -> io::Result<Stream> {
    let path = local(endpoint.path())?;
    let until = Instant::now() + BUSY_MOST;
    loop {
        // A server learns who this client is, and cannot act as it (SECURITY_IDENTIFICATION is
        // what tokio says unless told otherwise).
        match ClientOptions::new().open(path) {
            Ok(client) => return Ok(Stream(Pipe::Client(client))),
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

/// A new instance of the pipe; the first one fails where there is such a pipe.
fn instance(path: &Path, descriptor: &Descriptor, first: bool) -> io::Result<NamedPipeServer> {
    let mut options = ServerOptions::new();
    options
        .first_pipe_instance(first)
        .reject_remote_clients(true)
        .out_buffer_size(TO_CLIENT)
        .in_buffer_size(TO_SERVICE);
    let mut attributes = descriptor.attributes();
    // SAFETY: the attributes, and the descriptor that they point to, outlive the call.
    unsafe { options.create_with_security_attributes_raw(path, (&raw mut attributes).cast()) }
}

pub(super) async fn accept(listener: &Listener) -> io::Result<Stream> {
    let fresh = || instance(&listener.path, &listener.descriptor, false);
    let mut waiting = listener.waiting.lock().await;
    loop {
        match waiting.connect().await {
            // Where there is no instance for the next one, this one stays, connected, and is
            // what the next call gives.
            Ok(()) => return fresh().map(|next| std::mem::replace(&mut *waiting, next).into()),
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

fn is(error: &io::Error, code: WIN32_ERROR) -> bool {
    error.raw_os_error() == Some(code.0.cast_signed())
}

impl From<NamedPipeServer> for Stream {
    fn from(server: NamedPipeServer) -> Self {
        Self(Pipe::Server(server))
    }
}

impl Stream {
    fn handle(&self) -> HANDLE {
        HANDLE(either!(self.0, end => end.as_raw_handle()))
    }

    pub(super) fn peer(&self) -> io::Result<Peer> {
        let mut pid = 0;
        // SAFETY: the handle is open for as long as `self`, and `pid` outlives the calls.
        unsafe {
            match &self.0 {
                Pipe::Server(_) => GetNamedPipeClientProcessId(self.handle(), &raw mut pid)?,
                Pipe::Client(_) => GetNamedPipeServerProcessId(self.handle(), &raw mut pid)?,
            }
        }
        let same_user = match &self.0 {
            Pipe::Server(_) => peer::is_client_of_this_user(self.handle(), pid),
            Pipe::Client(_) => peer::is_of_this_user(pid),
        };
        Ok(Peer { pid, same_user: same_user? })
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
                self.handle(),
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
        loop {
            either!(self.0, end => end.readable().await?);
            match either!(self.0, end => end.try_read(buffer)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // What a pipe says where a socket says that it was closed.
                Err(error)
                    if error.kind() == io::ErrorKind::BrokenPipe
                        || is(&error, ERROR_PIPE_NOT_CONNECTED) =>
                {
                    return Ok(0);
                }
                other => return other,
            }
        }
    }

    /// Writes some of `parts`.
    pub(super) async fn send(
        &self,
        parts: &[IoSlice<'_>],
        _object: Option<ObjectRef<'_>>,
    ) -> io::Result<usize> {
        let Some(part) = parts.iter().find(|part| !part.is_empty()) else { return Ok(0) };
        loop {
            either!(self.0, end => end.writable().await?);
            match self.write_now(part) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    /// Writes what can be written without waiting; `WouldBlock` where nothing can.
    #[cfg(feature = "client")]
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_now(bytes)
    }

    /// Hands `bytes` over, unless some that were handed over before are still on their way.
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        either!(self.0, end => end.try_write(bytes))
    }
}
