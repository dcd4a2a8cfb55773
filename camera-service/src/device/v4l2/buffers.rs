//! The buffers that a driver fills: slots lent to it, where it takes them, else memory of its own
//! whose bytes are copied into slots.
//!
//! A [`Stream`] owns the device's node while frames flow, on the capture thread. Which of the two
//! it is shows when it is opened, since only the driver knows: [`lent`] is tried first, and whatever
//! goes wrong with it, [`mapped`] is what counts.

mod lent;
mod mapped;

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::io::Errno;

use super::{
    abi::{self, Plain as _},
    ioctl::{Failure, Node},
};
use crate::{
    device::Error,
    slots::{Pool, WriteSlot},
};

/// Buffers in the driver's queue: one being filled, one done, and two to ride out a reader that
/// comes late by a frame or two.
const COUNT: u32 = 4;

/// A stream that ended without a frame after so long was in vain. Less than a camera needs to begin
/// proves nothing.
const IN_VAIN: Duration = Duration::from_secs(2);

/// What is known of one device's dealings with lent slots: told by one opening to the next.
#[derive(Default)]
pub(super) struct Lending {
    refused: AtomicBool,
}

impl Lending {
    fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    fn set_refused(&self, refused: bool) {
        self.refused.store(refused, Ordering::Relaxed);
    }

    /// A stream has ended. Where it was in vain the next one tries the other memory: should that be
    /// in vain as well, memory was not to blame.
    fn ended(&self, lent: bool, delivered: bool, lasted: Duration) {
        if !delivered && lasted >= IN_VAIN {
            self.set_refused(lent);
        }
    }
}

/// A device that streams. Dropping it ends the stream.
pub(super) struct Stream {
    buffers: Buffers,
    pool: Pool,
    lending: Arc<Lending>,
    since: Instant,
    delivered: bool,
}

enum Buffers {
    Lent(lent::Stream),
    Mapped(mapped::Stream),
}

/// A buffer that the driver has filled and given back.
pub(super) struct Filled {
    /// What the driver says about it.
    pub(super) buffer: abi::Buffer,
    /// The slot that it is, where slots are lent.
    slot: Option<WriteSlot>,
}

impl Stream {
    /// Has the driver deliver in the format that is set: frames of at most `length` bytes, for
    /// which it wants `size_image`.
    pub(super) fn start(
        node: Node,
        length: usize,
        size_image: usize,
        lending: Arc<Lending>,
    ) -> Result<Self, Failure> {
        let stream = |buffers, pool| {
            let since = Instant::now();
            Self { buffers, pool, lending: lending.clone(), since, delivered: false }
        };
        let pool = Pool::new(lent::slot_length(length.max(size_image)));
        let refusal = if lending.is_refused() {
            lent::Refusal::Before
        } else {
            match lent::Queue::start(&node, &pool) {
                Ok(queue) => {
                    tracing::debug!("the driver writes into slots: frames are not copied");
                    let buffers = Buffers::Lent(lent::Stream::new(node, queue));
                    return Ok(stream(buffers, pool));
                }
                Err(refusal) => refusal,
            }
        };
        let buffers = Buffers::Mapped(mapped::Stream::start(node)?);
        tracing::debug!("frames are copied from the driver's buffers: {refusal}");
        Ok(stream(buffers, Pool::new(length)))
    }

    /// The device.
    pub(super) fn node(&self) -> &Node {
        match &self.buffers {
            Buffers::Lent(stream) => stream.node(),
            Buffers::Mapped(stream) => stream.node(),
        }
    }

    /// Where its frames go: the pool that is to be given to [`Stream::take`].
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Takes a filled buffer; `EAGAIN` where none is.
    pub(super) fn dequeue(&mut self) -> Result<Filled, Failure> {
        match &mut self.buffers {
            Buffers::Lent(stream) => stream.dequeue(),
            Buffers::Mapped(stream) => stream.dequeue(),
        }
    }

    /// The bytes that the driver has put there.
    pub(super) fn bytes<'a>(&'a self, filled: &'a Filled) -> &'a [u8] {
        match &self.buffers {
            Buffers::Lent(_) => filled
                .slot
                .as_deref()
                .map_or(&[], |slot| &slot[..slot.len().min(filled.buffer.bytes_used as usize)]),
            Buffers::Mapped(stream) => stream.bytes(filled),
        }
    }

    /// Gives the buffer back to the driver: its frame is thrown away.
    pub(super) fn requeue(&mut self, filled: Filled) -> Result<(), Failure> {
        match &mut self.buffers {
            Buffers::Lent(stream) => stream.lend(filled.into_slot()?),
            Buffers::Mapped(stream) => stream.requeue(filled),
        }
    }

    /// The first `length` of a buffer's bytes as a slot of `pool`. The driver gets another buffer to
    /// fill.
    pub(super) fn take(
        &mut self,
        filled: Filled,
        length: usize,
        pool: &Pool,
    ) -> Result<WriteSlot, Error> {
        let no_room = |source| Error::Io { call: "making room for a frame", source };
        let mut fresh = pool.acquire().map_err(no_room)?;
        self.delivered = true;
        match &mut self.buffers {
            Buffers::Lent(stream) => {
                let slot = filled.into_slot()?;
                stream.lend(fresh).inspect_err(|failure| {
                    // Memory that the driver cannot reach. The next opening does without.
                    if !matches!(failure.errno, Errno::NODEV | Errno::IO) {
                        tracing::debug!(errno = %failure.errno, "the driver refuses a slot");
                        self.lending.set_refused(true);
                    }
                })?;
                Ok(slot)
            }
            Buffers::Mapped(stream) => {
                let bytes = stream.bytes(&filled);
                let room = fresh.get_mut(..length).zip(bytes.get(..length));
                let (room, bytes) = room.ok_or_else(|| no_room(io::ErrorKind::Other.into()))?;
                room.copy_from_slice(bytes);
                stream.requeue(filled)?;
                Ok(fresh)
            }
        }
    }
}

impl Filled {
    fn into_slot(self) -> Result<WriteSlot, Failure> {
        self.slot.ok_or(Failure { call: "VIDIOC_DQBUF", errno: Errno::IO })
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.node().as_fd()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let lent = matches!(self.buffers, Buffers::Lent(_));
        self.lending.ended(lent, self.delivered, self.since.elapsed());
    }
}

/// Has the driver make so many buffers of this kind of memory, 0 to free them; it decides how many
/// they are.
fn request(node: &Node, memory: u32, count: u32) -> Result<u32, Failure> {
    let mut request = abi::RequestBuffers::zeroed();
    request.count = count;
    request.kind = abi::VIDEO_CAPTURE;
    request.memory = memory;
    node.request_buffers(&mut request)?;
    if request.count == 0 && count > 0 {
        return Err(Failure { call: "VIDIOC_REQBUFS", errno: Errno::NOMEM });
    }
    Ok(request.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_delivers_nothing_is_tried_with_the_other_memory() {
        let lending = Lending::default();
        assert!(!lending.is_refused());
        lending.ended(true, false, IN_VAIN / 2);
        assert!(!lending.is_refused(), "it had no time");
        lending.ended(true, true, 10 * IN_VAIN);
        assert!(!lending.is_refused(), "it had frames");
        lending.ended(true, false, IN_VAIN);
        assert!(lending.is_refused());
        lending.ended(false, true, 10 * IN_VAIN);
        assert!(lending.is_refused(), "with copies it works");
        lending.ended(false, false, IN_VAIN);
        assert!(!lending.is_refused(), "nor with copies");
    }
}
