//! Where the connection of a publisher and the capture thread of its camera meet.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use protocol::{Colour, Mode, PixelFormat};
use tokio::sync::Notify;

use crate::slots::WriteSlot;

/// Frames that a publisher may have on their way: one being judged while the next comes in.
pub const MOST_UNACKNOWLEDGED: usize = 2;

/// The meeting point. Whatever waits here is bounded by [`MOST_UNACKNOWLEDGED`].
pub struct Inlet {
    mode: Mode,
    colour: Colour,
    most_bytes: usize,
    state: Mutex<State>,
    /// The capture thread waits here.
    to_capture: Condvar,
    /// The connection waits here.
    to_connection: Notify,
}

#[derive(Default)]
struct State {
    /// Counts openings of the camera; 0 while it is closed.
    opening: u64,
    openings: u64,
    /// Slots that may be filled.
    empty: Vec<WriteSlot>,
    /// Slots that were.
    filled: Vec<(WriteSlot, Arrival)>,
    /// Slots of this opening that exist: empty, being filled and filled.
    offered: usize,
    /// The publisher is gone.
    ended: bool,
    /// What is wrong with what it sends.
    refused: Option<String>,
}

/// A slot to be filled. Dropped unfilled it is lost to its opening, which ends the connection.
pub struct Room {
    slot: WriteSlot,
    opening: u64,
}

impl Room {
    /// The first `length` bytes, where there are so many.
    pub fn bytes(&mut self, length: usize) -> Option<&mut [u8]> {
        self.slot.get_mut(..length)
    }
}

/// What is known of a frame that came in.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Counts the publisher's frames.
    pub sequence: u64,
    /// Number of its bytes.
    pub length: usize,
    /// Time of capture on the monotonic clock in ns.
    pub monotonic_ns: u64,
}

impl Inlet {
    pub(super) fn new(mode: Mode, colour: Colour, most_bytes: usize) -> Self {
        Self {
            mode,
            colour,
            most_bytes,
            state: Mutex::default(),
            to_capture: Condvar::new(),
            to_connection: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn colour(&self) -> Colour {
        self.colour
    }

    pub(super) fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    /// What is wrong with a frame of `length` bytes, before any of them has come in.
    pub fn check_length(&self, length: usize) -> Result<(), String> {
        let Mode { format, size, .. } = self.mode;
        match format {
            PixelFormat::Mjpg if length > self.most_bytes => Err(format!(
                "a JPEG image of {size} may have {} bytes, and one of {length} came",
                self.most_bytes
            )),
            PixelFormat::Mjpg => Ok(()),
            _ if length != self.most_bytes => Err(format!(
                "a frame of {size} in {format} has {} bytes, and one of {length} came",
                self.most_bytes
            )),
            _ => Ok(()),
        }
    }

    // The side of the connection.

    /// A slot to fill, if the capture thread has one to offer.
    pub fn take_room(&self) -> Option<Room> {
        let mut state = self.state();
        let opening = state.opening;
        state.empty.pop().map(|slot| Room { slot, opening })
    }

    /// Whether `room` is still of use: its camera was not closed meanwhile.
    pub fn is_wanted(&self, room: &Room) -> bool {
        self.state().opening == room.opening
    }

    /// Hands a filled slot over.
    pub fn fill(&self, room: Room, arrival: Arrival) {
        let mut state = self.state();
        if state.opening == room.opening {
            state.filled.push((room.slot, arrival));
            self.to_capture.notify_one();
        }
    }

    /// Waits until there may be room, or something is wrong. Safe to cancel.
    pub async fn changed(&self) {
        self.to_connection.notified().await;
    }

    /// What is wrong with what came in, where something is.
    pub fn refused(&self) -> Option<String> {
        self.state().refused.clone()
    }

    /// No more frames come.
    pub fn end(&self) {
        self.state().ended = true;
        self.to_capture.notify_one();
    }

    // The side of the capture thread.

    /// Begins an opening; `None` where no more frames come.
    pub(super) fn open(self: &Arc<Self>) -> Option<u64> {
        let mut state = self.state();
        if state.ended {
            return None;
        }
        state.openings += 1;
        state.opening = state.openings;
        state.offered = 0;
        Some(state.opening)
    }

    /// Ends it.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.opening = 0;
        // Freed outside of the lock.
        let slots = (std::mem::take(&mut state.empty), std::mem::take(&mut state.filled));
        drop(state);
        drop(slots);
        self.to_connection.notify_one();
    }

    /// Whether another slot may be offered.
    pub(super) fn has_room(&self) -> bool {
        self.state().offered < MOST_UNACKNOWLEDGED
    }

    pub(super) fn offer(&self, slot: WriteSlot) {
        let mut state = self.state();
        state.offered += 1;
        state.empty.push(slot);
        drop(state);
        self.to_connection.notify_one();
    }

    /// Waits for a filled slot until `by`.
    pub(super) fn wait(&self, by: Instant) -> Waited {
        let mut state = self.state();
        loop {
            if state.ended {
                return Waited::Ended;
            }
            if !state.filled.is_empty() {
                state.offered -= 1;
                let (slot, arrival) = state.filled.remove(0);
                return Waited::Frame(slot, arrival);
            }
            let left = by.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Waited::TimedOut;
            }
            let waited = self.to_capture.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has the connection told what is wrong, and ended.
    pub(super) fn refuse(&self, why: String) {
        self.state().refused.get_or_insert(why);
        self.to_connection.notify_one();
    }
}

/// What came of waiting for a frame.
pub(super) enum Waited {
    Frame(WriteSlot, Arrival),
    TimedOut,
    Ended,
}
