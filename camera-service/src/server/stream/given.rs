//! Handles of slots in a client's process (Windows), which stay the service's.
//!
//! A client maps a slot before it first releases it, and has no more use for the handle then.
//! What a client never came to map goes when it has hung up. Did the client close them itself, those
//! in messages that it never read would stay there for as long as it runs, and their memory with
//! them.

use std::{collections::HashMap, io, time::Duration};

use protocol::{SlotId, transport::Reader};
use tokio::time::{sleep, timeout};

use crate::slots::{Memory, Recipient};

/// A client that was told that its stream has ended hangs up within this time, or keeps the
/// handles of the slots that it has not released: it may be about to map them.
const HANGING_UP: Duration = Duration::from_millis(300);
const LOOK: Duration = Duration::from_millis(10);

/// The handles in one process.
pub(super) struct Given {
    recipient: Recipient,
    /// Those of slots that were not released yet: no more than a client may hold.
    handles: HashMap<SlotId, u64>,
}

impl Given {
    /// None yet in process `pid`. Fails where the service may not put any into it.
    pub(super) fn to(pid: u32) -> io::Result<Self> {
        Ok(Self { recipient: Recipient::open(pid)?, handles: HashMap::new() })
    }

    /// Makes one for `slot`.
    pub(super) fn give(&mut self, slot: SlotId, memory: &Memory) -> io::Result<u64> {
        let handle = memory.share_with(&self.recipient)?;
        self.handles.insert(slot, handle);
        Ok(handle)
    }

    /// The client has released `slot`.
    pub(super) fn released(&mut self, slot: SlotId) {
        if let Some(handle) = self.handles.remove(&slot) {
            self.recipient.take_back(handle);
        }
    }

    /// The stream has ended, and the client is at the other end of `reader`.
    pub(super) async fn end(mut self, reader: &Reader) {
        if self.handles.is_empty() {
            return;
        }
        let hung_up = async {
            while !reader.has_hung_up() {
                sleep(LOOK).await;
            }
        };
        if timeout(HANGING_UP, hung_up).await.is_ok() {
            self.handles.drain().for_each(|(_, handle)| self.recipient.take_back(handle));
        }
    }
}
