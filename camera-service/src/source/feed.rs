//! The newest frame of a source, and waking those who wait for it.
//!
//! Sources publish on threads of their own, streams wait on the I/O thread. Waking a task from
//! another thread costs a system call for each, so publishing wakes one task, the relay, and that
//! one wakes the streams.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::slots::Lease;

/// The newest frame of a source.
pub struct Feed {
    newest: Mutex<Option<Published>>,
    /// Counts publications; the relay waits for it. What was published is in `newest`.
    published: watch::Sender<u64>,
    /// The same for streams, by way of the relay.
    relayed: Arc<watch::Sender<u64>>,
}

/// A frame as it was published.
#[derive(Clone)]
pub struct Published {
    /// The hold on its slot.
    pub lease: Lease,
    /// Counts the frames of this feed: what lies between two was passed over.
    pub index: u64,
    /// Which opening of the camera it comes from.
    pub epoch: u64,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            newest: Mutex::new(None),
            published: watch::Sender::new(0),
            relayed: Arc::new(watch::Sender::new(0)),
        }
    }
}

impl Feed {
    fn newest_mut(&self) -> MutexGuard<'_, Option<Published>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `lease` the newest frame and wakes everybody who waits.
    pub fn publish(&self, lease: Lease, epoch: u64) {
        let index = self.published() + 1;
        // The frame before is let go outside of the lock.
        let _before = self.newest_mut().replace(Published { lease, index, epoch });
        self.published.send_if_modified(|published| {
            *published = index;
            // The I/O thread is left alone while nobody watches.
            self.relayed.receiver_count() > 0
        });
    }

    /// The newest frame, if it is newer than `index`.
    pub fn newer_than(&self, index: u64) -> Option<Published> {
        self.newest_mut().as_ref().filter(|newest| newest.index > index).cloned()
    }

    /// Lets the newest frame go: the source has stopped, and its frame is no longer news.
    pub fn clear(&self) {
        let _before = self.newest_mut().take();
    }

    /// Frames published so far.
    pub fn published(&self) -> u64 {
        *self.published.borrow()
    }

    /// A receiver that changes with every publication. To be called on the I/O thread.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        let receiver = self.relayed.subscribe();
        if self.published.receiver_count() == 0 {
            tokio::spawn(relay(self.published.subscribe(), self.relayed.clone()));
        }
        receiver
    }
}

/// Passes publications on, for as long as there is the feed.
async fn relay(mut published: watch::Receiver<u64>, relayed: Arc<watch::Sender<u64>>) {
    while published.changed().await.is_ok() {
        let index = *published.borrow_and_update();
        relayed.send_replace(index);
    }
}
