//! One connection: bytes out, without ever waiting for the service, and messages in.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use arbitrary::Unstructured;
use protocol::Role;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::heard::{Heard, Progress};

/// Longest wait for the answer to a handshake; a good service is a thousand times faster.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Bytes taken in a turn: a stream with inline frames has no end.
const TURN: usize = 1 << 20;

pub(super) struct Line {
    stream: UnixStream,
    /// What has come and is no whole message yet.
    inbox: Vec<u8>,
    /// The other half of a message of which one was sent.
    rest: Vec<u8>,
    pub(super) heard: Heard,
    progress: Progress,
    /// What the service takes its role for is not known: nothing it says is looked at.
    deaf: bool,
    closed: bool,
}

/// What is done to a message before it is sent.
pub(super) enum Damage {
    /// Only so many bytes go out, the rest before the next message.
    Split(usize),
    /// Only so many bytes go out, and never the rest.
    Cut(usize),
    /// One byte is another.
    Flip(usize, u8),
    /// The length in front is another.
    Length(u32),
    /// Bytes follow.
    Longer(u8),
}

impl Damage {
    pub(super) fn choose(length: usize, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let last = length.saturating_sub(1).min(usize::from(u16::MAX));
        Ok(match bytes.int_in_range(0..=7u8)? {
            0..=2 => Self::Split(bytes.int_in_range(0..=last)?),
            3 => Self::Cut(bytes.int_in_range(0..=last)?),
            4 | 5 => Self::Flip(bytes.int_in_range(0..=last)?, bytes.int_in_range(1..=255)?),
            6 => Self::Length(bytes.arbitrary()?),
            _ => Self::Longer(bytes.arbitrary()?),
        })
    }
}

impl Line {
    /// Connects and says nothing. `None` where there is no room: the service's backlog is full.
    pub(super) fn connect(socket: &Path, role: Role) -> Option<Self> {
        let stream = UnixStream::connect(socket).ok()?;
        stream.set_nonblocking(true).expect("a socket can be told not to block");
        Some(Self {
            stream,
            inbox: Vec::new(),
            rest: Vec::new(),
            heard: Heard::new(role),
            progress: Progress::Preamble,
            deaf: false,
            closed: false,
        })
    }

    /// The service's id of this connection, once it was told.
    pub(super) fn id(&self) -> Option<u64> {
        match self.progress {
            Progress::Welcomed(id) => Some(id),
            Progress::Preamble | Progress::Hello | Progress::Over => None,
        }
    }

    /// Sends as much as there is room for; what does not fit is lost, as of a client that ends.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let rest = std::mem::take(&mut self.rest);
        self.write(&rest);
        self.write(bytes);
    }

    /// Sends what is no message at all.
    pub(super) fn send_garbage(&mut self, bytes: &[u8]) {
        self.heard.expect_anything();
        self.deaf |= matches!(self.progress, Progress::Preamble);
        self.send(bytes);
    }

    fn write(&mut self, mut bytes: &[u8]) {
        // A little patience: large frames do not fit into the socket at once.
        let deadline = Instant::now() + Duration::from_millis(10);
        while !bytes.is_empty() && !self.closed {
            match self.stream.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if Instant::now() >= deadline {
                        return self.heard.expect_anything();
                    }
                    self.ready(PollFlags::OUT, Duration::from_millis(2));
                }
                // The service has closed: what it said last may still be read.
                Err(_) => return,
            }
        }
    }

    pub(super) fn send_damaged(&mut self, mut message: Vec<u8>, damage: &Damage) {
        match *damage {
            Damage::Split(at) => {
                let rest = message.split_off(at.min(message.len()));
                self.send(&message);
                self.rest = rest;
                return;
            }
            Damage::Cut(at) => message.truncate(at),
            Damage::Flip(at, bits) => {
                if let Some(byte) = message.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Damage::Length(length) => {
                if let Some(first) = message.first_chunk_mut::<4>() {
                    *first = length.to_le_bytes();
                }
            }
            Damage::Longer(byte) => message.push(byte),
        }
        self.send_garbage(&message);
    }

    /// Sends the first half of a message that what is sent next is taken for the rest of.
    pub(super) fn send_half(&mut self, mut message: Vec<u8>) {
        message.truncate(message.len() / 2);
        self.heard.expect_anything();
        self.send(&message);
    }

    /// Says that nothing more will be sent.
    pub(super) fn finish(&mut self) {
        // It may be closed already.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Hears what the service says until it is welcome or refused. Fails when neither comes.
    pub(super) fn listen_until_welcome(&mut self) {
        let deadline = Instant::now() + HANDSHAKE;
        while matches!(self.progress, Progress::Preamble | Progress::Hello) && !self.closed {
            assert!(Instant::now() < deadline, "no answer to a handshake");
            self.listen(Duration::from_millis(100));
        }
    }

    /// Hears what the service says, after waiting so long for the first word.
    pub(super) fn listen(&mut self, wait: Duration) {
        if self.closed || !self.ready(PollFlags::IN, wait) {
            return;
        }
        let mut piece = [0; 16384];
        let mut taken = 0;
        while taken < TURN && !self.closed {
            match self.stream.read(&mut piece) {
                Ok(0) => self.closed = true,
                Ok(read) => {
                    taken += read;
                    self.inbox.extend_from_slice(&piece[..read]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.closed = true,
            }
        }
        if self.deaf {
            self.inbox.clear();
        } else {
            self.heard.take(&mut self.progress, &mut self.inbox);
        }
    }

    fn ready(&self, what: PollFlags, wait: Duration) -> bool {
        let wait = Timespec::try_from(wait).ok();
        let mut polled = [PollFd::new(&self.stream, what)];
        // An interruption is no reason to fail: it counts as nothing having come.
        poll(&mut polled, wait.as_ref()).is_ok_and(|ready| ready > 0)
    }
}
