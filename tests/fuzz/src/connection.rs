//! All that comes over a connection, in pieces: the preamble, the handshake, then the messages of
//! the role, with the raw bytes that follow some of them.

use protocol::{
    EventMessage, Hello, Preamble, PublishCommand, PublishMessage, ReplyMessage, RequestMessage,
    Role, StreamCommand, StreamMessage, Verdict, Welcome,
    wire::{self, MAX_HELLO, MAX_INLINE_FRAME, MAX_MESSAGE},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::decode;

/// Why nothing more is read.
struct Closed;

/// What has come so far and what has not; the first byte of the input says how long pieces are.
struct Arriving<'a> {
    piece: usize,
    to_come: &'a [u8],
    buffer: Vec<u8>,
}

impl<'a> Arriving<'a> {
    fn new(input: &'a [u8]) -> Option<Self> {
        let (first, to_come) = input.split_first()?;
        Some(Self { piece: usize::from(*first) + 1, to_come, buffer: Vec::new() })
    }

    fn more(&mut self) -> Result<(), Closed> {
        if self.to_come.is_empty() {
            return Err(Closed);
        }
        let (piece, rest) = self.to_come.split_at(self.piece.min(self.to_come.len()));
        self.buffer.extend_from_slice(piece);
        self.to_come = rest;
        Ok(())
    }

    fn preamble(&mut self) -> Result<[u8; 16], Closed> {
        loop {
            if let Some(bytes) = self.buffer.first_chunk::<16>().copied() {
                self.buffer.drain(..16);
                return Ok(bytes);
            }
            self.more()?;
        }
    }

    fn message<T: Serialize + DeserializeOwned>(&mut self, limit: usize) -> Result<T, Closed> {
        loop {
            if let Some((body, used)) = wire::split(&self.buffer, limit).map_err(|_| Closed)? {
                assert!(body.len() <= limit && used == body.len() + 4);
                let message = decode(body).map_err(|_| Closed)?;
                self.buffer.drain(..used);
                return Ok(message);
            }
            assert!(self.buffer.len() < limit + 4, "a whole message was not seen");
            self.more()?;
        }
    }

    /// Passes over the bytes of a frame.
    fn raw(&mut self, length: u32) -> Result<(), Closed> {
        let mut left = length as usize;
        if left > MAX_INLINE_FRAME {
            return Err(Closed);
        }
        loop {
            let here = left.min(self.buffer.len());
            self.buffer.drain(..here);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            self.more()?;
        }
    }
}

/// What a client sends, as the service reads it.
pub fn from_client(input: &[u8]) {
    let Some(mut arriving) = Arriving::new(input) else { return };
    let Err(Closed) = client(&mut arriving);
}

fn client(arriving: &mut Arriving<'_>) -> Result<std::convert::Infallible, Closed> {
    let bytes = arriving.preamble()?;
    let preamble = Preamble::<Role>::from_bytes(&bytes).map_err(|_| Closed)?;
    assert_eq!(preamble.to_bytes()[..13], bytes[..13]);
    arriving.message::<Hello>(MAX_HELLO)?;
    loop {
        match preamble.what {
            Role::Control => drop(arriving.message::<RequestMessage>(MAX_MESSAGE)?),
            Role::Events => arriving.more()?,
            Role::Stream => drop(arriving.message::<StreamCommand>(MAX_MESSAGE)?),
            Role::Publish => {
                if let PublishCommand::Frame(frame) = arriving.message(MAX_MESSAGE)? {
                    arriving.raw(frame.length)?;
                }
            }
        }
    }
}

/// What the service sends, as a client reads it. A role is chosen by the first byte as well.
pub fn from_service(input: &[u8]) {
    let Some(mut arriving) = Arriving::new(input) else { return };
    let role = input[0] & 3;
    let Err(Closed) = service(&mut arriving, role);
}

fn service(arriving: &mut Arriving<'_>, role: u8) -> Result<std::convert::Infallible, Closed> {
    let bytes = arriving.preamble()?;
    let preamble = Preamble::<Verdict>::from_bytes(&bytes).map_err(|_| Closed)?;
    assert_eq!(preamble.to_bytes()[..13], bytes[..13]);
    if preamble.what != Verdict::Accepted {
        return Err(Closed);
    }
    arriving.message::<Welcome>(MAX_MESSAGE)?;
    loop {
        match role {
            0 => drop(arriving.message::<ReplyMessage>(MAX_MESSAGE)?),
            1 => drop(arriving.message::<EventMessage>(MAX_MESSAGE)?),
            2 => {
                if let StreamMessage::InlineFrame { header } = arriving.message(MAX_MESSAGE)? {
                    arriving.raw(header.length)?;
                }
            }
            _ => drop(arriving.message::<PublishMessage>(MAX_MESSAGE)?),
        }
    }
}
