//! Telling event readers what happens.

use std::sync::Arc;

use protocol::{Event, EventMessage};
use tokio::sync::broadcast;

use crate::clock;

/// How far a reader may fall behind before it is told so and closed.
const BEHIND: usize = 256;

/// Takes events from everywhere and gives them to every reader. Clones are the same hub.
#[derive(Clone)]
pub struct Hub(broadcast::Sender<Arc<[u8]>>);

impl Hub {
    /// A hub without readers.
    pub fn new() -> Self {
        // Never waits for a reader: the oldest event gives way, and who missed it is closed.
        Self(broadcast::Sender::new(BEHIND))
    }

    /// Tells `event` to every reader. It is encoded once for all.
    pub fn send(&self, event: Event) {
        if self.0.receiver_count() == 0 {
            return;
        }
        match encode(event) {
            // Without a reader there is nobody to tell.
            Ok(bytes) => drop(self.0.send(bytes.into())),
            Err(error) => tracing::error!("an event could not be told: {error}"),
        }
    }

    /// Every event from now on, as the bytes of its message.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[u8]>> {
        self.0.subscribe()
    }

    /// Number of readers.
    pub fn readers(&self) -> usize {
        self.0.receiver_count()
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

/// The bytes of the message for `event`, stamped with the present time.
pub fn encode(event: Event) -> Result<Vec<u8>, protocol::wire::WireError> {
    protocol::wire::encode(&EventMessage { unix_ns: clock::unix_ns(), event })
}
