//! What the webcam's threads share: one answers the host, one sends frames, one takes commands.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard},
};

use crate::negotiation::{self, Choice};

/// The webcam from plugging in to unplugging.
pub struct State {
    shared: Mutex<Shared>,
    changed: Condvar,
}

/// What lies behind the lock.
pub struct Shared {
    /// Transfers that the host waits for on the video endpoint, oldest first.
    pub pending: VecDeque<Pending>,
    /// The wish for a stream that the host last made, as settled.
    pub probe: Vec<u8>,
    /// What is being streamed.
    pub streaming: Option<Choice>,
    /// Streams begun so far.
    pub streams: u32,
    /// No frames are to be sent although the host streams.
    pub stalled: bool,
    /// So many of the next frames are marked as bad.
    pub bad: u32,
    /// So many of the next frames are cut in half.
    pub short: u32,
    /// The cable is out.
    pub gone: bool,
    /// Frames sent.
    pub sent: u64,
    /// Frames that the host was not ready for.
    pub dropped: u64,
}

/// A transfer that the host waits for.
pub struct Pending {
    /// Its number.
    pub number: u32,
    /// Room in it, in bytes.
    pub length: usize,
}

impl State {
    /// A webcam that was just plugged in.
    pub fn new() -> Self {
        let shared = Shared {
            pending: VecDeque::new(),
            probe: negotiation::default_probe(),
            streaming: None,
            streams: 0,
            stalled: false,
            bad: 0,
            short: 0,
            gone: false,
            sent: 0,
            dropped: 0,
        };
        Self { shared: Mutex::new(shared), changed: Condvar::new() }
    }

    /// To read, or to change something that nobody waits for.
    pub fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no thread panics with the lock")
    }

    /// Changes something and tells whoever waits.
    pub fn change<T>(&self, change: impl FnOnce(&mut Shared) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits for a change.
    pub fn wait<'a>(&self, guard: MutexGuard<'a, Shared>) -> MutexGuard<'a, Shared> {
        self.changed.wait(guard).expect("no thread panics with the lock")
    }
}
