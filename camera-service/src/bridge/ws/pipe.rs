//! A WebSocket's bytes: messages out of what comes in, messages and frames into what goes out.
//!
//! tungstenite sees memory only: it takes bytes that were read, and what it writes (text, pongs,
//! the close) is put in line. Frames stand in the same line without passing through it; header
//! and image are written from where they lie, and nothing comes between the two.

use std::{
    io::{self, IoSlice, Read, Write},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext, frame::coding::CloseCode},
};

use crate::bridge::socket::Socket;

/// Bytes of our header of a frame, and of the WebSocket's before it.
pub(super) const HEADER: usize = 40;
const MOST_HEAD: usize = 10 + HEADER;
/// Read at once.
const CHUNK: usize = 16 << 10;
/// Handed to tungstenite at once, which fills so many bytes with zeros before: nearly all that
/// comes are acknowledgements.
const SIP: usize = 512;
/// Bytes of a message before anybody has logged in, and of every text.
pub(super) const MOST_TEXT: usize = 64 << 10;
/// Text that waits for a viewer to read it. With more than that no requests are taken and no
/// events fetched …
const BUSY: usize = 256 << 10;
/// … and with so much more, which one large answer may bring, the viewer is given up.
const MOST_WAITING: usize = 8 << 20;

/// One WebSocket.
pub(super) struct Pipe {
    socket: Socket,
    context: WebSocketContext,
    memory: Memory,
    frame: Option<Outgoing>,
    /// What is being written of `memory.output`; it is finished before a frame begins.
    writing: BytesMut,
    /// Bytes read since the last whole message.
    since_message: usize,
    /// Whether all whole messages of what was read have been taken.
    is_drained: bool,
    most: usize,
    ended: bool,
}

/// What tungstenite reads and writes.
#[derive(Default)]
struct Memory {
    input: Vec<u8>,
    /// Bytes of it that were handed on.
    taken: usize,
    output: BytesMut,
}

impl Memory {
    /// Bytes that were read and not handed on.
    fn left(&self) -> usize {
        self.input.len() - self.taken
    }

    /// Makes room for more.
    fn room(&mut self) -> &mut Vec<u8> {
        if self.left() == 0 {
            self.input.clear();
        } else {
            self.input.drain(..self.taken);
        }
        self.taken = 0;
        self.input.reserve(CHUNK);
        &mut self.input
    }
}

impl Read for Memory {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.input.get(self.taken..).unwrap_or_default();
        if left.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = buf.len().min(left.len());
        buf[..count].copy_from_slice(&left[..count]);
        self.taken += count;
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A frame on its way.
struct Outgoing {
    head: [u8; MOST_HEAD],
    head_length: usize,
    image: Bytes,
    /// Bytes of head and image that were written.
    done: usize,
}

impl Outgoing {
    fn new(header: [u8; HEADER], image: Bytes) -> Self {
        let mut head = [0; MOST_HEAD];
        // One whole binary message.
        head[0] = 0x82;
        let length = HEADER + image.len();
        let prefix = match u16::try_from(length) {
            Ok(short) if length > 125 => {
                head[1] = 126;
                head[2..4].copy_from_slice(&short.to_be_bytes());
                4
            }
            Ok(_) => {
                head[1] = length as u8;
                2
            }
            Err(_) => {
                head[1] = 127;
                head[2..10].copy_from_slice(&(length as u64).to_be_bytes());
                10
            }
        };
        head[prefix..prefix + HEADER].copy_from_slice(&header);
        Self { head, head_length: prefix + HEADER, image, done: 0 }
    }

    fn is_done(&self) -> bool {
        self.done == self.head_length + self.image.len()
    }
}

/// What has happened on a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Something was read.
    Read,
    /// Everything that waited was written, or a frame was.
    Written,
    /// The other side has ended.
    Ended,
}

/// Why a pipe is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum PipeError {
    /// What came is no WebSocket message that is allowed.
    #[error("{0}")]
    Wrong(String),
    /// The viewer does not take what is sent.
    #[error("too much waits to be read")]
    TooSlow,
    /// The connection.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is closed.
    #[error("closed")]
    Closed,
}

impl Pipe {
    /// On a socket from which `early` was read already.
    pub(super) fn new(socket: Socket, early: &[u8]) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(SIP)
            .write_buffer_size(0)
            .max_message_size(Some(MOST_TEXT))
            .max_frame_size(Some(MOST_TEXT));
        Self {
            socket,
            context: WebSocketContext::new(Role::Server, Some(config)),
            memory: Memory { input: early.into(), ..Memory::default() },
            frame: None,
            writing: BytesMut::new(),
            since_message: early.len(),
            is_drained: false,
            most: MOST_TEXT,
            ended: false,
        }
    }

    /// Allows messages of so many bytes.
    pub(super) fn allow(&mut self, most: usize) {
        self.most = most;
        self.context.set_config(|config| {
            config.max_message_size = Some(most);
            config.max_frame_size = Some(most);
        });
    }

    /// The next message among what was read, if it is there in full.
    pub(super) fn message(&mut self) -> Result<Option<Message>, PipeError> {
        if self.is_drained {
            return Ok(None);
        }
        loop {
            match self.context.read(&mut self.memory) {
                // Answered already.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Ok(Message::Close(_)) => {}
                // Also of who may send longer images.
                Ok(Message::Text(text)) if text.len() > MOST_TEXT => {
                    return Err(PipeError::Wrong("a text has more than 64 KiB".to_owned()));
                }
                Ok(message) => {
                    self.since_message = self.memory.left();
                    return Ok(Some(message));
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => {
                    return Err(PipeError::Closed);
                }
                Err(error) => return Err(PipeError::Wrong(error.to_string())),
            }
        }
        self.is_drained = true;
        // However small the pieces are in which a message comes, and whatever comes in between.
        if self.since_message > self.most + MOST_TEXT {
            return Err(PipeError::Wrong("a message came in too many pieces".to_owned()));
        }
        Ok(None)
    }

    /// Pings that come for hours are no message without end.
    pub(super) fn forget_pieces(&mut self) {
        self.since_message = self.memory.left();
    }

    /// Puts a text in line.
    pub(super) fn text(&mut self, text: String) -> Result<(), PipeError> {
        self.put(Message::Text(text.into()))
    }

    /// Puts a ping in line.
    pub(super) fn ping(&mut self) -> Result<(), PipeError> {
        self.put(Message::Ping(Bytes::new()))
    }

    fn put(&mut self, message: Message) -> Result<(), PipeError> {
        match self.context.write(&mut self.memory, message) {
            Ok(()) => {}
            Err(Error::Io(error)) => return Err(error.into()),
            Err(_) => return Err(PipeError::Closed),
        }
        if self.waiting() > MOST_WAITING {
            return Err(PipeError::TooSlow);
        }
        Ok(())
    }

    fn waiting(&self) -> usize {
        self.memory.output.len() + self.writing.len()
    }

    /// Whether so much waits that no more should be asked for.
    pub(super) fn is_busy(&self) -> bool {
        self.waiting() > BUSY
    }

    /// Whether a frame may be put in line: none is there.
    pub(super) fn takes_frame(&self) -> bool {
        self.frame.is_none()
    }

    /// Puts a frame in line.
    pub(super) fn frame(&mut self, header: [u8; HEADER], image: Bytes) {
        self.frame = Some(Outgoing::new(header, image));
    }

    /// Says why, and that nothing follows. A frame that has begun is finished before.
    pub(super) fn close(&mut self, code: u16, reason: &str) {
        let mut end = reason.len().min(120);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let frame = CloseFrame { code: CloseCode::from(code), reason: reason[..end].into() };
        // A connection that is closing already needs it no more.
        let _ = self.context.close(&mut self.memory, Some(frame));
        if self.frame.as_ref().is_some_and(|frame| frame.done == 0) {
            self.frame = None;
        }
    }

    /// Writes what waits, and reads where `reading` says so, whichever is possible first. Safe to
    /// cancel.
    pub(super) async fn progress(&mut self, reading: bool) -> Result<Progress, PipeError> {
        std::future::poll_fn(|cx| self.poll(cx, reading)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>, reading: bool) -> Poll<Result<Progress, PipeError>> {
        if self.has_output() {
            if let Poll::Ready(written) = self.poll_write(cx) {
                return Poll::Ready(written.map(|()| Progress::Written));
            }
        } else {
            // With TLS something may wait below.
            let flushed = Pin::new(&mut self.socket).poll_flush(cx);
            if let Poll::Ready(Err(error)) = flushed {
                return Poll::Ready(Err(error.into()));
            }
        }
        if !reading || self.ended {
            return Poll::Pending;
        }
        let read = pin!(self.socket.read_buf(self.memory.room()));
        let count = ready!(read.poll(cx))?;
        if count == 0 {
            self.ended = true;
            return Poll::Ready(Ok(Progress::Ended));
        }
        self.since_message += count;
        self.is_drained = false;
        Poll::Ready(Ok(Progress::Read))
    }

    /// Whether anything waits to be written.
    pub(super) fn has_output(&self) -> bool {
        self.frame.is_some() || self.waiting() > 0
    }

    /// Writes what can be written at once: until nothing waits or a frame has left, or, which is
    /// `false`, until there is no room. To be called where something waits.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, PipeError> {
        match self.poll_write(cx) {
            Poll::Ready(written) => written.map(|()| true),
            Poll::Pending => Ok(false),
        }
    }

    /// Writes until nothing waits or a frame has left.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        let Self { socket, memory, frame, writing, .. } = self;
        let mut socket = Pin::new(socket);
        loop {
            let begun = frame.as_ref().is_some_and(|frame| frame.done > 0);
            if !begun && (!writing.is_empty() || !memory.output.is_empty()) {
                if writing.is_empty() {
                    std::mem::swap(writing, &mut memory.output);
                }
                let count = ready!(socket.as_mut().poll_write(cx, writing))?;
                if count == 0 {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                writing.advance(count);
                continue;
            }
            let Some(out) = frame else {
                let _ = socket.as_mut().poll_flush(cx)?;
                return Poll::Ready(Ok(()));
            };
            let count = match out.head[..out.head_length].get(out.done..) {
                Some(head) if !head.is_empty() => {
                    let slices = [IoSlice::new(head), IoSlice::new(&out.image)];
                    ready!(socket.as_mut().poll_write_vectored(cx, &slices))?
                }
                _ => {
                    let rest = &out.image[out.done - out.head_length..];
                    ready!(socket.as_mut().poll_write(cx, rest))?
                }
            };
            if count == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            out.done += count;
            if out.is_done() {
                *frame = None;
                let _ = socket.as_mut().poll_flush(cx)?;
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Writes what waits, to the end, and waits for the other side's. What that still sends is
    /// thrown away: closed with something unread, a connection loses what it last wrote.
    pub(super) async fn finish(&mut self) {
        while self.has_output() {
            if std::future::poll_fn(|cx| self.poll_write(cx)).await.is_err() {
                return;
            }
        }
        let socket = &mut self.socket;
        // It may be closed already.
        let _ = std::future::poll_fn(|cx| Pin::new(&mut *socket).poll_shutdown(cx)).await;
        let mut nothing = vec![0; CHUNK];
        while socket.read(&mut nothing).await.is_ok_and(|count| count > 0) {}
    }
}
