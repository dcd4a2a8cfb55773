//! A client by hand, byte by byte: for what no well-behaved client would send.

use std::{
    io::{self, Read as _, Write as _},
    path::Path,
    time::Duration,
};

use protocol::{ClientHello, Hello, Preamble, Role, Verdict, Welcome, wire};

use crate::Socket;

/// How long an answer may take: generous, for a busy machine.
const ANSWER: Duration = Duration::from_secs(20);

/// A connection on which bytes are written and read as they are.
pub struct Raw(Socket);

impl Raw {
    /// Connects and says nothing.
    #[track_caller]
    pub fn connect(socket: &Path) -> Self {
        let stream = Socket::connect(socket).expect("the service accepts connections");
        stream.set_read_timeout(Some(ANSWER)).expect("a timeout can be set");
        stream.set_write_timeout(Some(ANSWER)).expect("a timeout can be set");
        Self(stream)
    }

    /// Connects and shakes hands for `role`.
    #[track_caller]
    pub fn open(socket: &Path, role: Role) -> Self {
        let mut raw = Self::connect(socket);
        raw.send(&Preamble::new(role).to_bytes());
        raw.send_message(&hello("by hand"));
        assert_eq!(raw.verdict(), Verdict::Accepted);
        let welcome: Welcome = raw.message().expect("a welcome");
        assert!(matches!(welcome, Welcome::Accepted { .. }), "{welcome:?}");
        raw
    }

    /// As [`Raw::open`], where the service may have no room, or close the connection.
    pub fn try_open(socket: &Path, role: Role) -> io::Result<Self> {
        let stream = Socket::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.set_write_timeout(Some(ANSWER))?;
        let mut raw = Self(stream);
        raw.send(&Preamble::new(role).to_bytes());
        raw.send_message(&hello("by hand"));
        let mut answer = [0; 16];
        raw.0.read_exact(&mut answer)?;
        let verdict = Preamble::<Verdict>::from_bytes(&answer).map_err(io::Error::other)?.what;
        match raw.message() {
            Some(Welcome::Accepted { .. }) => Ok(raw),
            other => Err(io::Error::other(format!("{verdict:?}, {other:?}"))),
        }
    }

    /// The same connection, for another thread.
    #[track_caller]
    pub fn second(&self) -> Self {
        Self(self.0.try_clone().expect("a descriptor"))
    }

    /// Writes bytes. A service that has closed already is none of the caller's concern here.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Writes a message.
    #[track_caller]
    pub fn send_message<T: serde::Serialize>(&mut self, message: &T) {
        self.send(&wire::encode(message).expect("a message that can be sent"));
    }

    /// Writes bytes, and with them a descriptor. A service that has closed already is none of the
    /// caller's concern here.
    #[cfg(unix)]
    pub fn send_with(&mut self, bytes: &[u8], descriptor: std::os::fd::BorrowedFd<'_>) {
        use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let descriptors = [descriptor];
        ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
        let _ = sendmsg(&self.0, &[io::IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL);
    }

    /// Reads the service's preamble.
    #[track_caller]
    pub fn preamble(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.read_exact(&mut bytes).expect("the service answers with 16 bytes");
        bytes
    }

    /// Reads the service's preamble and its verdict.
    #[track_caller]
    pub fn verdict(&mut self) -> Verdict {
        Preamble::<Verdict>::from_bytes(&self.preamble()).expect("a preamble").what
    }

    /// Reads a message; `None` when the connection has ended.
    #[track_caller]
    pub fn message<T: serde::de::DeserializeOwned>(&mut self) -> Option<T> {
        let mut length = [0; 4];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if is_end(&error) => return None,
            Err(error) => panic!("no message came: {error}"),
        }
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut body).expect("the whole message");
        Some(wire::decode(&body).expect("a message that can be read"))
    }

    /// Waits until the service has closed the connection; what it says before is returned.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => bytes,
            Err(error) if is_end(&error) => bytes,
            Err(error) => panic!("the service did not close the connection: {error}"),
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// Ends the connection, also for those who have it as their [second](Raw::second).
    pub fn shut_down(&self) {
        let _ = self.0.shutdown(std::net::Shutdown::Both);
    }
}

/// The first message of a client called `name`.
pub fn hello(name: &str) -> Hello {
    Hello::Client(ClientHello { name: name.to_owned(), token: None, remote: None })
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}
