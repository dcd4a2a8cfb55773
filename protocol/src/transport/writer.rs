//! The writing half of a connection.

use std::{io::IoSlice, sync::Arc};

use serde::Serialize;

use super::{ObjectRef, TransportError, platform};
use crate::wire;

/// Most bytes of a frame that are written at once, so that one slow connection with a large
/// frame does not keep the thread from all others.
pub(super) const PIECE: usize = 256 << 10;

/// Writes messages, raw bytes and memory objects.
pub struct Writer {
    stream: Arc<platform::Stream>,
    /// Kept so that a message costs no allocation.
    buffer: Vec<u8>,
    /// A write was cancelled or failed in the middle of a message: nothing that came behind it
    /// would be understood.
    is_broken: bool,
}

impl Writer {
    pub(super) fn new(stream: Arc<platform::Stream>) -> Self {
        Self { stream, buffer: Vec::new(), is_broken: false }
    }

    /// Writes `message`.
    pub async fn message<T: Serialize>(&mut self, message: &T) -> Result<(), TransportError> {
        self.encode(message)?;
        self.write(None, &[]).await
    }

    /// Writes `message`, with `object` along its first byte.
    pub async fn message_with_object<T: Serialize>(
        &mut self,
        message: &T,
        object: ObjectRef<'_>,
    ) -> Result<(), TransportError> {
        self.encode(message)?;
        self.write(Some(object), &[]).await
    }

    /// Writes `message` and `bytes` behind it.
    pub async fn message_with_bytes<T: Serialize>(
        &mut self,
        message: &T,
        bytes: &[u8],
    ) -> Result<(), TransportError> {
        self.encode(message)?;
        self.write(None, bytes).await
    }

    /// Writes `bytes` as they are.
    pub async fn raw(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        self.buffer.clear();
        self.write(None, bytes).await
    }

    /// A second writer of the same connection. Writes of the two must not overlap.
    #[cfg(feature = "client")]
    pub(crate) fn release_end(&self) -> ReleaseEnd {
        ReleaseEnd(self.stream.clone())
    }

    fn encode<T: Serialize>(&mut self, message: &T) -> Result<(), TransportError> {
        self.buffer.clear();
        Ok(wire::append(&mut self.buffer, message)?)
    }

    async fn write(
        &mut self,
        mut object: Option<ObjectRef<'_>>,
        behind: &[u8],
    ) -> Result<(), TransportError> {
        if std::mem::replace(&mut self.is_broken, true) {
            return Err(TransportError::CutShort);
        }
        let (mut head, mut rest) = (&self.buffer[..], behind);
        while !head.is_empty() || !rest.is_empty() {
            let piece = &rest[..rest.len().min(PIECE)];
            let sent = self.stream.send(&[IoSlice::new(head), IoSlice::new(piece)], object).await?;
            if sent == 0 {
                return Err(TransportError::CutShort);
            }
            // It went with the first byte; a second time would be a second object.
            object = None;
            let of_head = sent.min(head.len());
            head = &head[of_head..];
            rest = &rest[sent - of_head..];
            if !rest.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        self.is_broken = false;
        Ok(())
    }
}

/// Writes without waiting, for a client's releases.
#[cfg(feature = "client")]
pub(crate) struct ReleaseEnd(Arc<platform::Stream>);

#[cfg(feature = "client")]
impl ReleaseEnd {
    /// Writes what goes at once; the number of bytes that did.
    pub(crate) fn try_send(&self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.try_send(bytes)
    }

    /// Waits until some of `bytes` went; the number that did.
    pub(crate) async fn send(&self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(&[IoSlice::new(bytes)], None).await
    }
}
