//! The door between the service and its bridge: a socket pair through which the bridge hands new
//! connections. Each is a socket pair of its own, of which the bridge sends one end along with
//! one byte. The service sends nothing: when its end is closed, the bridge has nobody to serve.

use std::{
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream as StdStream,
    },
    sync::Arc,
};

use rustix::net::{AddressFamily, SocketType, sockopt};
use tokio::net::UnixStream;

use super::{Connection, platform};

/// One end of the door.
#[derive(Debug)]
pub struct Door(UnixStream);

impl Door {
    /// A new door: the service's end, and what its bridge gets as its standard input.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = StdStream::pair()?;
        Ok((Self::new(ours)?, theirs.into()))
    }

    /// The bridge's end, which this process has as its standard input. Fails where that is
    /// something else.
    pub fn from_stdin() -> io::Result<Self> {
        Self::at(io::stdin().as_fd().try_clone_to_owned()?)
    }

    /// The bridge's end. Fails where `socket` is something else.
    pub fn at(socket: OwnedFd) -> io::Result<Self> {
        check(&socket)?;
        Self::new(socket.into())
    }

    fn new(socket: StdStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        UnixStream::from_std(socket).map(Self)
    }

    /// The bridge's side: a new connection to the service. Waits while the service has taken
    /// none of many; fails where it has gone.
    pub async fn connect(&self) -> io::Result<Connection> {
        let (ours, theirs) = StdStream::pair()?;
        platform::pass(&self.0, theirs.as_fd()).await?;
        platform::adopt(ours).map(|stream| Connection(Arc::new(stream)))
    }

    /// The service's side: the next connection; `None` once the bridge has closed the door. Safe
    /// to cancel. Fails where what came is no connection, or no descriptor was left for it: the
    /// next one may do.
    pub async fn accept(&self) -> io::Result<Option<Connection>> {
        let Some(passed) = platform::take(&self.0).await? else { return Ok(None) };
        check(&passed)?;
        platform::adopt(passed.into()).map(|stream| Some(Connection(Arc::new(stream))))
    }

    /// The bridge's side: returns when the service has closed the door. Safe to cancel.
    pub async fn closed(&self) {
        loop {
            let mut nothing = [0];
            if self.0.readable().await.is_err() {
                return;
            }
            match self.0.try_read(&mut nothing) {
                Ok(0) => return,
                // Nothing is said on it; what is said all the same means nothing.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// Fails unless `socket` is a Unix stream socket: what else would come is no connection.
fn check(socket: &OwnedFd) -> io::Result<()> {
    let is_socket = sockopt::socket_type(socket)? == SocketType::STREAM;
    #[cfg(target_os = "linux")]
    let is_socket = is_socket && sockopt::socket_domain(socket)? == AddressFamily::UNIX;
    #[cfg(not(target_os = "linux"))]
    let is_socket =
        is_socket && rustix::net::getsockname(socket)?.address_family() == AddressFamily::UNIX;
    if is_socket {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "what came through the door is no connection"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::{Hello, wire::MAX_HELLO};

    #[tokio::test]
    async fn connections_come_through_until_the_door_is_closed() {
        let (service, bridge) = Door::pair().expect("a door");
        let bridge = Door::at(bridge).expect("its other end");
        for round in 0..3 {
            let hello = Hello::Bridged(crate::ClientHello {
                name: format!("round {round}"),
                ..crate::ClientHello::default()
            });
            let theirs = bridge.connect().await.expect("passed");
            let ours = service.accept().await.expect("taken").expect("one");
            assert!(ours.peer().expect("known").same_user);
            let (_, mut writer) = theirs.split();
            writer.message(&hello).await.expect("written");
            let (mut reader, _writer) = ours.split();
            assert_eq!(reader.message(MAX_HELLO).await.expect("read"), Some(hello));
        }
        drop(bridge);
        assert!(service.accept().await.expect("closed").is_none());
    }

    #[tokio::test]
    async fn the_bridge_learns_that_the_service_has_gone() {
        let (service, bridge) = Door::pair().expect("a door");
        let bridge = Door::at(bridge).expect("its other end");
        let closed = tokio::time::timeout(std::time::Duration::from_millis(20), bridge.closed());
        assert!(closed.await.is_err(), "it is open");
        drop(service);
        bridge.closed().await;
        assert!(bridge.connect().await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_connection_is_refused_and_the_next_one_is_taken() {
        let (service, bridge) = Door::pair().expect("a door");
        let mut raw: StdStream = bridge.into();
        raw.write_all(b"x").expect("a byte without a descriptor");
        assert!(service.accept().await.is_err());
        let bridge = Door::new(raw).expect("its other end");
        let file = tempfile::tempfile().expect("a file");
        platform::pass(&bridge.0, file.as_fd()).await.expect("passed");
        assert!(service.accept().await.is_err());
        let datagrams = std::os::unix::net::UnixDatagram::unbound().expect("a socket");
        platform::pass(&bridge.0, datagrams.as_fd()).await.expect("passed");
        assert!(service.accept().await.is_err());
        let _theirs = bridge.connect().await.expect("passed");
        assert!(service.accept().await.expect("taken").is_some());
    }
}
