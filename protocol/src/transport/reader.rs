//! The reading half of a connection.

use std::{collections::VecDeque, io, sync::Arc};

use serde::de::DeserializeOwned;

use super::{Object, TransportError, platform};
use crate::wire;

/// Room for what usually comes at once.
const USUAL: usize = 4 << 10;
/// Room that a connection may keep when it was needed once.
const KEPT: usize = 64 << 10;

/// Reads messages, raw bytes and memory objects.
pub struct Reader {
    stream: Arc<platform::Stream>,
    /// Bytes `start..end` have come in and were not taken.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Objects that have come in and were not taken, `most_objects` of them. A peer that sends
    /// more breaks the protocol.
    objects: VecDeque<Object>,
    most_objects: usize,
}

impl Reader {
    const MAX_OBJECTS: usize = 32;

    pub(super) fn new(stream: Arc<platform::Stream>) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            objects: VecDeque::new(),
            most_objects: Self::MAX_OBJECTS,
        }
    }

    /// From now on a peer that sends a memory object breaks the protocol: for the service, to
    /// which nobody has any to send.
    pub fn take_no_objects(&mut self) {
        self.most_objects = 0;
    }

    /// The next message; `None` when the other side closed the connection between messages.
    /// Safe to cancel. Fails on more than `limit` bytes before they are read.
    pub async fn message<T: DeserializeOwned>(
        &mut self,
        limit: usize,
    ) -> Result<Option<T>, TransportError> {
        loop {
            if let Some(message) = self.buffered(limit)? {
                return Ok(Some(message));
            }
            if self.fill().await? == 0 {
                return if self.start == self.end {
                    Ok(None)
                } else {
                    Err(TransportError::CutShort)
                };
            }
        }
    }

    /// The next message if all of it has come in already.
    pub fn buffered<T: DeserializeOwned>(
        &mut self,
        limit: usize,
    ) -> Result<Option<T>, TransportError> {
        let bytes = &self.buffer[self.start..self.end];
        let Some((body, used)) = wire::split(bytes, limit)? else { return Ok(None) };
        let message = wire::decode(body)?;
        self.take(used);
        Ok(Some(message))
    }

    /// Fills `target` with the bytes that come next. Not safe to cancel.
    pub async fn raw(&mut self, target: &mut [u8]) -> Result<(), TransportError> {
        let buffered = (self.end - self.start).min(target.len());
        target[..buffered].copy_from_slice(&self.buffer[self.start..self.start + buffered]);
        self.take(buffered);
        let mut filled = buffered;
        while filled < target.len() {
            // Past the buffer: raw bytes are large, and copied once is enough.
            let got = self.stream.receive(&mut target[filled..], &mut self.objects).await?;
            self.check_objects()?;
            if got == 0 {
                return Err(TransportError::CutShort);
            }
            filled += got;
        }
        Ok(())
    }

    /// The next 16 bytes, as a handshake has them. Not safe to cancel.
    pub async fn preamble(&mut self) -> Result<[u8; 16], TransportError> {
        let mut bytes = [0; 16];
        self.raw(&mut bytes).await?;
        Ok(bytes)
    }

    /// The memory object that came with the last message, if one did.
    pub fn take_object(&mut self) -> Option<Object> {
        self.objects.pop_front()
    }

    /// Whether the other side has closed the connection, also where bytes that came before that
    /// were not read. For whoever reads no further; others learn it by reading.
    #[must_use]
    pub fn has_hung_up(&self) -> bool {
        self.stream.has_hung_up()
    }

    async fn fill(&mut self) -> Result<usize, TransportError> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buffer.len() > KEPT {
                self.buffer = Vec::new();
            }
        }
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            } else {
                // Grows with what comes in, not with what was announced.
                self.buffer.resize((self.buffer.len() * 2).max(USUAL), 0);
            }
        }
        let free = &mut self.buffer[self.end..];
        let got = self.stream.receive(free, &mut self.objects).await?;
        self.check_objects()?;
        self.end += got;
        Ok(got)
    }

    /// To be called whenever something has come in: each read may bring an object.
    fn check_objects(&mut self) -> io::Result<()> {
        if self.objects.len() <= self.most_objects {
            return Ok(());
        }
        // Closed at once, however long the connection takes to end.
        self.objects.clear();
        let message = "more memory objects came than the protocol allows";
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }

    fn take(&mut self, bytes: usize) {
        self.start += bytes;
    }
}
