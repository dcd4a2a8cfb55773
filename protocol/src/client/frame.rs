//! A frame as a client has it, and how its slot goes back.

use std::{
    io,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{FrameHeader, SlotId, StreamCommand, mapping::Mapping, transport::ReleaseEnd, wire};

/// A frame. In shared memory it lies in a slot, which goes back when this is dropped: a client
/// that keeps two frames gets no more until it drops one.
pub struct Frame {
    header: FrameHeader,
    bytes: Bytes,
}

enum Bytes {
    Mapped { mapping: Arc<Mapping>, _lease: Lease },
    Inline(Vec<u8>),
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not its pixels.
        f.debug_struct("Frame").field("header", self.header()).finish_non_exhaustive()
    }
}

impl Frame {
    pub(super) fn mapped(
        header: FrameHeader,
        mapping: Arc<Mapping>,
        slot: SlotId,
        releaser: Arc<Releaser>,
    ) -> Self {
        Self { header, bytes: Bytes::Mapped { mapping, _lease: Lease { slot, releaser } } }
    }

    pub(super) fn inline(header: FrameHeader, bytes: Vec<u8>) -> Self {
        Self { header, bytes: Bytes::Inline(bytes) }
    }

    /// What the frame is.
    #[must_use]
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }
}

impl Deref for Frame {
    type Target = [u8];

    /// The bytes of the frame, where they lie.
    fn deref(&self) -> &[u8] {
        match &self.bytes {
            // `FrameStream` made sure that the header's length lies within the slot.
            Bytes::Mapped { mapping, .. } => &mapping[..self.header.length as usize],
            Bytes::Inline(bytes) => bytes,
        }
    }
}

struct Lease {
    slot: SlotId,
    releaser: Arc<Releaser>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.releaser.release(self.slot);
    }
}

/// Sends releases, from whichever thread a frame is dropped on.
pub(super) struct Releaser {
    end: ReleaseEnd,
    pending: Mutex<Pending>,
    wanted: tokio::sync::Notify,
}

#[derive(Default)]
struct Pending {
    /// Releases that did not go at once; bounded by the slots that a client may hold.
    bytes: Vec<u8>,
    /// Earlier ones are being written by [`Releaser::flush`]: none may overtake them.
    flushing: bool,
}

impl Releaser {
    pub(super) fn new(end: ReleaseEnd) -> Self {
        Self { end, pending: Mutex::default(), wanted: tokio::sync::Notify::new() }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, slot: SlotId) {
        let mut pending = self.pending();
        if wire::append(&mut pending.bytes, &StreamCommand::Release { slot }).is_err() {
            return;
        }
        if !pending.flushing {
            match self.end.try_send(&pending.bytes) {
                Ok(sent) => drop(pending.bytes.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The connection has ended; the reading side says so.
                Err(_) => pending.bytes.clear(),
            }
        }
        if !pending.bytes.is_empty() {
            self.wanted.notify_one();
        }
    }

    /// Writes what did not go at once, whenever there is such, by way of `outgoing`, which the
    /// caller keeps between calls. Ends with the connection's error. Safe to cancel.
    pub(super) async fn flush(&self, outgoing: &mut Vec<u8>) -> io::Error {
        loop {
            if outgoing.is_empty() {
                let more = {
                    let mut pending = self.pending();
                    std::mem::swap(outgoing, &mut pending.bytes);
                    pending.flushing = !outgoing.is_empty();
                    pending.flushing
                };
                if !more {
                    self.wanted.notified().await;
                    continue;
                }
            }
            match self.end.send(outgoing).await {
                Ok(sent) => drop(outgoing.drain(..sent)),
                Err(error) => return error,
            }
        }
    }
}
