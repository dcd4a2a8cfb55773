//! Slots lent to the driver (`V4L2_MEMORY_USERPTR`): what it fills is what is published.
//!
//! Always holds:
//! - a slot is lent as a [`WriteSlot`], so nobody holds a lease on it and no client has been told of
//!   what lies in it; it is neither read nor written here until the driver has given it back;
//! - slots in the driver's queue become free, or their memory unmapped, only when the stream was
//!   ended or the device closed: until then the driver may write. A thread that hangs in the driver
//!   keeps them for ever.
//! - a buffer index stays with its slot for as long as both are of use. For the kernel a known
//!   address is a known memory whose pages it has pinned: with another slot's address it pins anew,
//!   which costs more than a copy of a JPEG image; and were another slot mapped where an earlier one
//!   of that index was, it would go on to write into the earlier one, which a reader may still
//!   have. So the earlier one's memory stays mapped until another address is with that index.
#![allow(unsafe_code)]

use std::io;

use rustix::io::Errno;

use super::{COUNT, Filled, request};
use crate::{
    device::v4l2::{
        abi,
        ioctl::{Failure, Node},
    },
    slots::{Kept, Pool, WriteSlot},
};

/// Why slots are not lent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the driver took slots, and then would not go on with them")]
    Before,
    #[error("frames are so large that there are only {0} slots")]
    TooFew(usize),
    #[error("the driver refuses slots ({} gives {})", .0.call, .0.errno)]
    Driver(Failure),
    #[error("no memory for slots ({0})")]
    Memory(#[from] io::Error),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Driver(failure)
    }
}

/// The largest pages that a kernel has.
const PAGE: usize = 64 << 10;

/// The length of slots for frames of at most `length` bytes: whole pages, since some drivers write
/// no part of one. They begin with one, as all mappings do.
pub(super) fn slot_length(length: usize) -> usize {
    length.next_multiple_of(PAGE)
}

/// The driver's buffers, by their index. Must not be dropped before the driver writes no more.
pub(super) struct Queue {
    places: Vec<Place>,
}

/// What is with one index.
#[derive(Default)]
struct Place {
    /// The slot that the driver has.
    lent: Option<WriteSlot>,
    /// The memory that the kernel knows by this index, lent or not.
    known: Option<Kept>,
}

impl Queue {
    /// Lends slots of `pool` to the driver and has it deliver. Where that fails the driver has none
    /// of them any more.
    pub(super) fn start(node: &Node, pool: &Pool) -> Result<Self, Refusal> {
        let mut queue = Self { places: Vec::new() };
        let started = queue.fill(node, pool);
        if let Err(refusal) = started {
            if !queue.places.is_empty() {
                // Nothing was written, since it does not stream. Before the slots are free it
                // forgets them; a device that is gone has forgotten them already.
                let _ = request(node, abi::MEMORY_USERPTR, 0);
            }
            return Err(refusal);
        }
        Ok(queue)
    }

    fn fill(&mut self, node: &Node, pool: &Pool) -> Result<(), Refusal> {
        // As many slots as the driver has are for readers, at least.
        let enough = |lent: u32| pool.max_slots() >= 2 * lent as usize;
        let too_few = || Refusal::TooFew(pool.max_slots());
        if !enough(COUNT) {
            return Err(too_few());
        }
        // What it makes of a small number is what it needs in its queue.
        let lent = request(node, abi::MEMORY_USERPTR, COUNT)?;
        if !enough(lent) {
            return Err(too_few());
        }
        let indices = request(node, abi::MEMORY_USERPTR, pool.max_slots() as u32)?;
        self.places.resize_with(indices as usize, Place::default);
        for _ in 0..lent.min(indices) {
            self.lend(node, pool.acquire()?)?;
        }
        node.stream_on(&mut (abi::VIDEO_CAPTURE as libc::c_int))?;
        Ok(())
    }

    fn lend(&mut self, node: &Node, mut slot: WriteSlot) -> Result<(), Failure> {
        let failure = |errno| Failure { call: "VIDIOC_QBUF", errno };
        let length = u32::try_from(slot.len()).map_err(|_| failure(Errno::TOOBIG))?;
        let (start, kept) = (slot.start(), slot.keep());
        let index = self.place_for(&slot).ok_or(failure(Errno::NOBUFS))?;
        let place = &mut self.places[index];
        // Before the call: one that fails may have taken it.
        place.lent = Some(slot);
        // SAFETY: the slot is exclusively ours, and stays in `lent`, untouched and mapped, until the
        // driver has given it back or writes no more (the head of this file). What the kernel knows
        // by this index is kept in `known` until it knows this memory.
        unsafe { node.queue_lent(index as u32, start, length)? };
        place.known = Some(kept);
        Ok(())
    }

    /// The index for `slot`: its own, else one that was never used, else a retired slot's.
    fn place_for(&self, slot: &WriteSlot) -> Option<usize> {
        let free = |index: &usize| self.places[*index].lent.is_none();
        (0..self.places.len()).filter(free).min_by_key(|&index| match &self.places[index].known {
            Some(known) if known.is_of(slot) => 0,
            None => 1,
            Some(known) if known.is_retired() => 2,
            Some(_) => 3,
        })
    }
}

/// A device that fills slots. Dropping it ends the stream.
pub(super) struct Stream {
    // Before `queue`: where the stream could not be ended, closing the device ends it.
    node: Node,
    queue: Queue,
}

impl Stream {
    /// A device that streams already.
    pub(super) fn new(node: Node, queue: Queue) -> Self {
        Self { node, queue }
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Takes a filled slot; `EAGAIN` where none is.
    pub(super) fn dequeue(&mut self) -> Result<Filled, Failure> {
        let buffer = self.node.dequeue_lent()?;
        let place = self.queue.places.get_mut(buffer.index as usize);
        let slot = place.and_then(|place| place.lent.take());
        if slot.is_none() {
            return Err(Failure { call: "VIDIOC_DQBUF", errno: Errno::IO });
        }
        Ok(Filled { buffer, slot })
    }

    /// Gives a slot to the driver to be filled.
    pub(super) fn lend(&mut self, slot: WriteSlot) -> Result<(), Failure> {
        self.queue.lend(&self.node, slot)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Fails on a device that is gone.
        let _ = self.node.stream_off(&mut (abi::VIDEO_CAPTURE as libc::c_int));
    }
}
