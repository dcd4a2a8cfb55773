//! Slots: one frame's room each, in shared memory that clients map read-only.
//!
//! A [`Pool`] belongs to one source of frames. Its rule is what makes reading without locks
//! sound: bytes are written only through a [`WriteSlot`], and there is one only while nobody
//! holds a [`Lease`] on that slot.

mod memory;
mod pool;

#[cfg(test)]
mod tests;

pub use memory::Memory;
#[cfg(windows)]
pub use memory::Recipient;
pub use pool::{Kept, Lease, Pool, Retirement, WriteSlot};
