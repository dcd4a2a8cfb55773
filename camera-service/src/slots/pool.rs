//! Which slot may be written, which is held, and which goes out of use.
//!
//! Every slot is free, being written (by one [`WriteSlot`]) or held (by so many [`Lease`]s). The
//! counts lie behind one mutex, held for a few instructions at a time; memory is made and freed
//! outside of it. Bounds: at most [`Pool::MAX_SLOTS`] slots and [`Pool::MAX_BYTES`] in a pool, and
//! beyond them the retired slots that clients still hold, at most two a client.
#![allow(unsafe_code)]

use std::{
    io,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use protocol::{FrameHeader, SlotId};

use super::Memory;

/// The slots of one source. Clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    slot_length: usize,
    max_slots: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Slots in use by this pool; a retired one is no longer here.
    slots: Vec<Entry>,
    /// Slots whose memory is being made right now; they count towards the bound.
    in_making: usize,
    /// Counts publications; the lowest among the held slots is the longest held.
    publications: u64,
}

struct Entry {
    slot: Arc<Slot>,
    used: Use,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Free,
    Written,
    Held { leases: usize, published: u64 },
}

struct Slot {
    id: SlotId,
    memory: Memory,
    retired: AtomicBool,
    /// Retired because it was held for too long, not because its source has ended.
    overdue: AtomicBool,
}

/// Ids and bytes are counted for the whole process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);
static BYTES: AtomicU64 = AtomicU64::new(0);

impl Slot {
    fn new(length: usize) -> io::Result<Self> {
        let memory = Memory::new(length)?;
        BYTES.fetch_add(length as u64, Ordering::Relaxed);
        let id = SlotId(NEXT_ID.fetch_add(1, Ordering::Relaxed));
        Ok(Self { id, memory, retired: AtomicBool::new(false), overdue: AtomicBool::new(false) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        BYTES.fetch_sub(self.memory.length() as u64, Ordering::Relaxed);
    }
}

impl Pool {
    /// Most slots in a pool.
    pub const MAX_SLOTS: usize = 16;
    /// Most bytes in the slots of a pool.
    pub const MAX_BYTES: usize = 256 << 20;

    /// An empty pool for frames of at most `slot_length` bytes; slots are made when needed.
    pub fn new(slot_length: usize) -> Self {
        // Three slots are the least that works: the newest frame, one being read, one being
        // written.
        let max_slots = (Self::MAX_BYTES / slot_length.max(1)).clamp(3, Self::MAX_SLOTS);
        Self(Arc::new(Shared { slot_length, max_slots, state: Mutex::default() }))
    }

    /// Bytes of slots in this process, retired ones that are still held included.
    pub fn bytes_in_process() -> u64 {
        BYTES.load(Ordering::Relaxed)
    }

    /// Size of each slot in bytes.
    pub fn slot_length(&self) -> usize {
        self.0.slot_length
    }

    /// Most slots that this pool has.
    pub fn max_slots(&self) -> usize {
        self.0.max_slots
    }

    /// A slot to write a frame into: a free one, else a new one, else, at the bound, a new one
    /// in place of the one that was held longest, which is retired.
    pub fn acquire(&self) -> io::Result<WriteSlot> {
        {
            let mut state = self.0.lock();
            // The last free one was used most recently: its pages are the warmest.
            if let Some(entry) = state.slots.iter_mut().rfind(|entry| entry.used == Use::Free) {
                entry.used = Use::Written;
                return Ok(self.write_slot(&entry.slot));
            }
            if state.slots.len() + state.in_making >= self.0.max_slots {
                let longest_held = (0..state.slots.len())
                    .filter_map(|at| match state.slots[at].used {
                        Use::Held { published, .. } => Some((published, at)),
                        _ => None,
                    })
                    .min();
                let Some((_, at)) = longest_held else {
                    return Err(io::Error::other("every slot of the pool is being written"));
                };
                let entry = state.slots.swap_remove(at);
                entry.slot.overdue.store(true, Ordering::Release);
                entry.slot.retired.store(true, Ordering::Release);
            }
            state.in_making += 1;
        }
        let made = Slot::new(self.0.slot_length).map(Arc::new);
        let mut state = self.0.lock();
        state.in_making -= 1;
        let slot = made?;
        state.slots.push(Entry { slot: slot.clone(), used: Use::Written });
        Ok(self.write_slot(&slot))
    }

    /// Retires every slot: for the end of a source, or a new mode with other frames. One that is
    /// being written is not used again either.
    pub fn retire_all(&self) {
        let retired = std::mem::take(&mut self.0.lock().slots);
        for entry in &retired {
            entry.slot.retired.store(true, Ordering::Release);
        }
    }

    /// Number of slots, retired ones not counted.
    pub fn slots(&self) -> usize {
        self.0.lock().slots.len()
    }

    fn write_slot(&self, slot: &Arc<Slot>) -> WriteSlot {
        WriteSlot { slot: Some(slot.clone()), pool: self.0.clone() }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the use of `slot`, unless it was retired: then nobody counts any more.
    fn update(&self, slot: &Slot, change: impl FnOnce(&mut State, usize)) {
        let mut state = self.lock();
        if let Some(at) = state.slots.iter().position(|entry| entry.slot.id == slot.id) {
            change(&mut state, at);
        }
    }
}

/// A slot that nobody else has: its bytes may be written. Dropping it gives it back.
pub struct WriteSlot {
    /// `None` only once it was published.
    slot: Option<Arc<Slot>>,
    pool: Arc<Shared>,
}

impl WriteSlot {
    /// Makes the frame in it readable.
    pub fn publish(mut self, header: FrameHeader) -> Lease {
        let slot = self.slot.take().expect("a slot is published once");
        self.pool.update(&slot, |state, at| {
            state.publications += 1;
            state.slots[at].used = Use::Held { leases: 1, published: state.publications };
        });
        Lease { slot, pool: self.pool.clone(), header: Arc::new(header) }
    }

    /// Where its bytes lie, for a device that writes them by itself. Whoever lends them must hold
    /// this value, and leave its bytes alone, until the device writes no more.
    pub fn start(&mut self) -> NonNull<u8> {
        self.slot().memory.start()
    }

    /// Keeps the slot's memory mapped where it is, whatever becomes of the slot.
    pub fn keep(&self) -> Kept {
        Kept(self.slot.clone().expect("a published slot is not written"))
    }

    fn slot(&self) -> &Slot {
        self.slot.as_deref().expect("a published slot is not written")
    }
}

/// Keeps the memory of a slot mapped where it is. Not a hold: the slot is used as if this were not.
pub struct Kept(Arc<Slot>);

impl Kept {
    /// Whether it is the memory of `slot`.
    pub fn is_of(&self, slot: &WriteSlot) -> bool {
        self.0.id == slot.slot().id
    }

    /// Whether no frame will come in that slot any more.
    pub fn is_retired(&self) -> bool {
        self.0.retired.load(Ordering::Acquire)
    }
}

impl Deref for WriteSlot {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the slot is marked as written, so there is no lease and no second WriteSlot.
        unsafe { self.slot().memory.bytes() }
    }
}

impl DerefMut for WriteSlot {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above: no client has been told of what lies here since it was last free,
        // and all who were told before have released it.
        unsafe { self.slot().memory.bytes_mut() }
    }
}

impl Drop for WriteSlot {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            self.pool.update(slot, |state, at| state.slots[at].used = Use::Free);
        }
    }
}

/// A hold on a slot with a frame: while there is one, the slot is not written.
pub struct Lease {
    slot: Arc<Slot>,
    pool: Arc<Shared>,
    header: Arc<FrameHeader>,
}

impl Lease {
    /// Id of the slot.
    pub fn id(&self) -> SlotId {
        self.slot.id
    }

    /// The frame's header, with nothing dropped.
    pub fn header(&self) -> &FrameHeader {
        &self.header
    }

    /// The slot's memory, to be given to clients.
    pub fn memory(&self) -> &Memory {
        &self.slot.memory
    }

    /// Whether the slot was taken out of use because it was held for too long. What lies in it
    /// stays whole for as long as this lease.
    pub fn is_overdue(&self) -> bool {
        self.slot.overdue.load(Ordering::Acquire)
    }

    /// A mark by which to learn later whether the slot was retired, without holding it.
    pub fn watch_retirement(&self) -> Retirement {
        Retirement { slot: Arc::downgrade(&self.slot) }
    }

    /// Takes the slot out of use, because a client that held it is gone without releasing it
    /// and may still be reading.
    pub fn abandon(self) {
        let entry = {
            let mut state = self.pool.lock();
            let at = state.slots.iter().position(|entry| entry.slot.id == self.slot.id);
            at.map(|at| state.slots.swap_remove(at))
        };
        self.slot.retired.store(true, Ordering::Release);
        drop(entry);
    }
}

/// Tells whether a slot was retired, without holding it.
pub struct Retirement {
    slot: std::sync::Weak<Slot>,
}

impl Retirement {
    /// Whether no frame will come in that slot any more.
    pub fn is_retired(&self) -> bool {
        self.slot.upgrade().is_none_or(|slot| slot.retired.load(Ordering::Acquire))
    }
}

impl Deref for Lease {
    type Target = [u8];

    /// The bytes of the frame.
    fn deref(&self) -> &[u8] {
        // SAFETY: the slot is not written while this lease counts; a retired slot never is.
        let bytes = unsafe { self.slot.memory.bytes() };
        &bytes[..(self.header.length as usize).min(bytes.len())]
    }
}

impl Clone for Lease {
    fn clone(&self) -> Self {
        self.pool.update(&self.slot, |state, at| {
            if let Use::Held { leases, .. } = &mut state.slots[at].used {
                *leases += 1;
            }
        });
        Self { slot: self.slot.clone(), pool: self.pool.clone(), header: self.header.clone() }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.update(&self.slot, |state, at| {
            let used = &mut state.slots[at].used;
            if let Use::Held { leases, .. } = used {
                *leases -= 1;
                if *leases == 0 {
                    *used = Use::Free;
                }
            }
        });
    }
}
