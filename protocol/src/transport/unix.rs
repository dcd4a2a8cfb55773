//! Unix sockets that carry descriptors.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::net::UnixStream as StdStream,
    },
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
    os::unix::local_socket::ListenerOptionsExt as _,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
    },
};
use tokio::{io::Interest, net::UnixStream};

use super::Peer;
use crate::endpoint::Endpoint;

pub(super) type Object = OwnedFd;
pub(super) type ObjectRef<'a> = BorrowedFd<'a>;
pub(super) type Listener = LocalListener;

pub(super) struct Stream(LocalStream);

pub(super) async fn connect(endpoint: &Endpoint) -> io::Result<Stream> {
    let name = endpoint.path().to_fs_name::<GenericFilePath>()?;
    LocalStream::connect(name).await.map(Stream)
}

pub(super) fn bind(endpoint: &Endpoint) -> io::Result<Listener> {
    let name = endpoint.path().to_fs_name::<GenericFilePath>()?;
    // The service removes its socket itself, where it is its own: one that systemd passed is not.
    ListenerOptions::new().name(name).mode(0o600).reclaim_name(false).create_tokio()
}

pub(super) fn passed(socket: OwnedFd) -> io::Result<Listener> {
    let socket = interprocess::os::unix::uds_local_socket::tokio::Listener::try_from(socket)?;
    Ok(Listener::from(socket))
}

pub(super) async fn accept(listener: &Listener) -> io::Result<Stream> {
    listener.accept().await.map(Stream)
}

/// A stream on a socket that is connected already.
pub(super) fn adopt(socket: StdStream) -> io::Result<Stream> {
    socket.set_nonblocking(true)?;
    Ok(Stream(LocalStream::UdSocket(UnixStream::from_std(socket)?.into())))
}

/// Passes a descriptor, with one byte that means nothing.
pub(super) async fn pass(socket: &UnixStream, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let byte = [IoSlice::new(&[0])];
    socket.async_io(Interest::WRITABLE, || send_now(socket, &byte, Some(descriptor))).await?;
    Ok(())
}

/// The next descriptor that was passed; `None` where the other side has closed. Safe to cancel.
pub(super) async fn take(socket: &UnixStream) -> io::Result<Option<OwnedFd>> {
    let mut objects = VecDeque::new();
    // One byte at a time: each comes with a descriptor of its own.
    let mut byte = [0];
    let receive = || receive_now(socket, &mut byte, &mut objects);
    let got = socket.async_io(Interest::READABLE, receive).await?;
    match (got, objects.pop_front()) {
        (0, _) => Ok(None),
        (_, Some(object)) => Ok(Some(object)),
        (_, None) => Err(io::Error::new(io::ErrorKind::InvalidData, "no descriptor came along")),
    }
}

impl Stream {
    fn socket(&self) -> &UnixStream {
        let LocalStream::UdSocket(stream) = &self.0;
        stream.inner()
    }

    pub(super) fn peer(&self) -> io::Result<Peer> {
        let creds = self.0.peer_creds()?;
        let pid = creds.pid().and_then(|pid| u32::try_from(pid).ok());
        let own = rustix::process::geteuid().as_raw();
        Ok(Peer { pid: pid.unwrap_or(0), same_user: creds.euid() == Some(own) })
    }

    /// Reads into `buffer`, at least one byte unless the other side has closed; descriptors that
    /// came along are added to `objects`.
    pub(super) async fn receive(
        &self,
        buffer: &mut [u8],
        objects: &mut VecDeque<Object>,
    ) -> io::Result<usize> {
        let socket = self.socket();
        loop {
            socket.readable().await?;
            let mut drained = None;
            let received = socket.try_io(Interest::READABLE, || {
                let before = objects.len();
                let got = receive_now(socket, buffer, objects)?;
                // A read ends early at a descriptor, else only where nothing is left. To say so
                // now spares the read that would find nothing.
                if got < buffer.len() && objects.len() == before {
                    drained = Some(got);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(got)
            });
            match (received, drained) {
                (_, Some(got)) => return Ok(got),
                (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => {}
                (received, None) => return received,
            }
        }
    }

    pub(super) fn has_hung_up(&self) -> bool {
        #[cfg(target_os = "linux")]
        let closed = PollFlags::HUP | PollFlags::ERR | PollFlags::RDHUP;
        #[cfg(not(target_os = "linux"))]
        let closed = PollFlags::HUP | PollFlags::ERR;
        let mut fds = [PollFd::new(self.socket(), closed)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        matches!(poll(&mut fds, Some(&now)), Ok(1..)) && fds[0].revents().intersects(closed)
    }

    /// Writes some of `parts`, with `object` along the first byte.
    pub(super) async fn send(
        &self,
        parts: &[IoSlice<'_>],
        object: Option<ObjectRef<'_>>,
    ) -> io::Result<usize> {
        let socket = self.socket();
        socket.async_io(Interest::WRITABLE, || send_now(socket, parts, object)).await
    }

    /// Writes what can be written without waiting; `WouldBlock` where nothing can.
    #[cfg(feature = "client")]
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.socket();
        socket.try_io(Interest::WRITABLE, || send_now(socket, &[IoSlice::new(bytes)], None))
    }
}

fn receive_now(
    socket: &UnixStream,
    buffer: &mut [u8],
    objects: &mut VecDeque<Object>,
) -> io::Result<usize> {
    // A sender passes one descriptor a message, and the kernel never joins two.
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(buffer)];
    let got = recvmsg(socket.as_fd(), &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            objects.extend(descriptors);
        }
    }
    if got.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "more descriptors came than the protocol allows, or none are left (ulimit -n)",
        ));
    }
    Ok(got.bytes)
}

fn send_now(
    socket: &UnixStream,
    parts: &[IoSlice<'_>],
    object: Option<ObjectRef<'_>>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors;
    if let Some(object) = object {
        descriptors = [object];
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    Ok(sendmsg(socket.as_fd(), parts, &mut ancillary, SendFlags::NOSIGNAL)?)
}
