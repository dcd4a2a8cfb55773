//! Named pipes. Memory objects do not travel on them: their handles are made in the other
//! process, and the message says which.
#![allow(unsafe_code)]

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    os::windows::io::{BorrowedHandle, OwnedHandle},
};

use interprocess::{
    local_socket::{
        GenericFilePath, ListenerOptions, ToFsName as _,
        tokio::{Listener as LocalListener, Stream as LocalStream},
        traits::{
            StreamCommon as _,
            tokio::{Listener as _, Stream as _},
        },
    },
    os::windows::{local_socket::ListenerOptionsExt as _, security_descriptor::SecurityDescriptor},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use windows::Win32::{
    Foundation::CloseHandle,
    System::Threading::{OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION},
};

use super::Peer;
use crate::endpoint::{Endpoint, sid_of, user_sid};

pub(super) type Object = OwnedHandle;
pub(super) type ObjectRef<'a> = BorrowedHandle<'a>;
pub(super) type Listener = LocalListener;

pub(super) struct Stream(LocalStream);

pub(super) async fn connect(endpoint: &Endpoint) -> io::Result<Stream> {
    let name = endpoint.path().to_fs_name::<GenericFilePath>()?;
    LocalStream::connect(name).await.map(Stream)
}

pub(super) fn bind(endpoint: &Endpoint) -> io::Result<Listener> {
    let name = endpoint.path().to_fs_name::<GenericFilePath>()?;
    // Protected, everything for the user, nothing for anybody else.
    let text = format!("D:P(A;;GA;;;{})", user_sid()?);
    let text = widestring::U16CString::from_str(text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let descriptor = SecurityDescriptor::deserialize(&text)?;
    ListenerOptions::new().name(name).security_descriptor(descriptor).create_tokio()
}

pub(super) async fn accept(listener: &Listener) -> io::Result<Stream> {
    listener.accept().await.map(Stream)
}

impl Stream {
    /// A pipe tells it to who reads only.
    pub(super) fn has_hung_up(&self) -> bool {
        false
    }

    pub(super) fn peer(&self) -> io::Result<Peer> {
        let pid = self.0.peer_creds()?.pid().unwrap_or(0);
        // SAFETY: no pointer is passed; the handle is closed below.
        let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, pid)? };
        let sid = sid_of(process);
        // SAFETY: opened above, and used no more.
        unsafe { CloseHandle(process)? };
        Ok(Peer { pid, same_user: sid? == user_sid()? })
    }

    /// Reads into `buffer`, at least one byte unless the other side has closed.
    pub(super) async fn receive(
        &self,
        buffer: &mut [u8],
        _objects: &mut VecDeque<Object>,
    ) -> io::Result<usize> {
        match (&self.0).read(buffer).await {
            // What a pipe says where a socket says that it was closed.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
            other => other,
        }
    }

    /// Writes some of `parts`.
    pub(super) async fn send(
        &self,
        parts: &[IoSlice<'_>],
        _object: Option<ObjectRef<'_>>,
    ) -> io::Result<usize> {
        let part = parts.iter().find(|part| !part.is_empty());
        match part {
            Some(part) => (&self.0).write(part).await,
            None => Ok(0),
        }
    }

    /// Pipes have no write that never waits: the next read flushes.
    #[cfg(feature = "client")]
    pub(super) fn try_send(&self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
