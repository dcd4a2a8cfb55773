//! Getting frames to a client, and its slots back.

#[cfg(windows)]
use std::io;
use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use protocol::{
    Delivery, ErrorKind, ErrorReply, FrameHeader, SlotId, StreamMessage,
    transport::{Reader, TransportError, Writer},
};

use super::super::clients::Connected;
#[cfg(windows)]
use super::given::Given;
use crate::{
    slots::{Lease, Retirement},
    source::Published,
};

/// Most slots that a client may hold.
const MOST_HELD: usize = 2;

/// The way to one client.
pub(super) struct Outlet {
    writer: Writer,
    connected: Arc<Connected>,
    delivery: Delivery,
    /// Slots that the client holds.
    held: Vec<Lease>,
    /// Slots that the client knows and has mapped.
    known: HashMap<SlotId, Retirement>,
    /// It held a slot for too long, and gets nothing until it holds none.
    lagging: bool,
    /// What was put into the client's process.
    #[cfg(windows)]
    given: Option<Given>,
}

impl Outlet {
    pub(super) fn new(writer: Writer, connected: Arc<Connected>) -> Self {
        Self {
            writer,
            connected,
            delivery: Delivery::Shared,
            held: Vec::with_capacity(MOST_HELD),
            known: HashMap::new(),
            lagging: false,
            #[cfg(windows)]
            given: None,
        }
    }

    /// Frames go this way from now on; inline where the system does not let this client share
    /// memory with the service.
    pub(super) fn set_delivery(&mut self, delivery: Delivery) {
        self.delivery = match delivery {
            Delivery::Shared if !self.may_share() => Delivery::Inline,
            wanted => wanted,
        };
    }

    /// Memory goes along with messages.
    #[cfg(unix)]
    fn may_share(&mut self) -> bool {
        true
    }

    /// Memory is put into the client's process, which one with an administrator's rights does not
    /// let happen.
    #[cfg(windows)]
    fn may_share(&mut self) -> bool {
        let Connected { pid, name, .. } = &*self.connected;
        match Given::to(*pid) {
            Ok(given) => self.given = Some(given),
            Err(error) => tracing::info!(pid, name, "frames go inline: no way to share: {error}"),
        }
        self.given.is_some()
    }

    pub(super) fn delivery(&self) -> Delivery {
        self.delivery
    }

    pub(super) async fn send(&mut self, message: &StreamMessage) -> Result<(), TransportError> {
        self.writer.message(message).await
    }

    pub(super) async fn refuse(
        &mut self,
        kind: ErrorKind,
        message: &str,
    ) -> Result<(), TransportError> {
        self.send(&StreamMessage::Refused(ErrorReply::new(kind, message))).await
    }

    /// Whether the client may be given a frame.
    pub(super) fn has_room(&self) -> bool {
        !self.lagging && self.held.len() < MOST_HELD
    }

    /// Takes a slot back; false where the client does not hold it.
    pub(super) fn release(&mut self, slot: SlotId) -> bool {
        let Some(at) = self.held.iter().position(|lease| lease.id() == slot) else { return false };
        self.held.swap_remove(at);
        #[cfg(windows)]
        if let Some(given) = &mut self.given {
            given.released(slot);
        }
        if self.held.is_empty() {
            self.lagging = false;
        }
        true
    }

    /// Tells the client which slots it need not keep mapped, and whether it lags.
    pub(super) async fn tell_retired(&mut self) -> Result<(), TransportError> {
        if !self.lagging && self.held.iter().any(Lease::is_overdue) {
            self.lagging = true;
            self.writer.message(&StreamMessage::Lagged).await?;
        }
        let retired: Vec<SlotId> = self
            .known
            .iter()
            .filter(|(_, retirement)| retirement.is_retired())
            .map(|(slot, _)| *slot)
            .collect();
        for slot in retired {
            self.known.remove(&slot);
            self.writer.message(&StreamMessage::Retired { slot }).await?;
        }
        Ok(())
    }

    /// Gives the client a frame.
    pub(super) async fn frame(
        &mut self,
        frame: Published,
        passed_over: u32,
    ) -> Result<(), TransportError> {
        let lease = frame.lease;
        let header = FrameHeader { dropped: passed_over, ..lease.header().clone() };
        match self.delivery {
            Delivery::Shared => {
                self.announce(&lease).await?;
                let slot = lease.id();
                // Before it is told: once it may be reading, the slot must not be written.
                self.held.push(lease);
                self.writer.message(&StreamMessage::Frame { slot, header }).await?;
            }
            Delivery::Inline => {
                let message = StreamMessage::InlineFrame { header };
                self.writer.message_with_bytes(&message, &lease).await?;
                if lease.is_overdue() {
                    self.writer.message(&StreamMessage::Lagged).await?;
                }
            }
        }
        self.connected.frames.fetch_add(1, Ordering::Relaxed);
        self.connected.dropped.fetch_add(passed_over.into(), Ordering::Relaxed);
        Ok(())
    }

    /// Gives the client the memory of a slot that it does not know.
    async fn announce(&mut self, lease: &Lease) -> Result<(), TransportError> {
        let slot = lease.id();
        if self.known.contains_key(&slot) {
            return Ok(());
        }
        let length = lease.memory().length() as u64;
        self.known.insert(slot, lease.watch_retirement());
        #[cfg(unix)]
        {
            let message = StreamMessage::Slot { slot, length, handle: 0 };
            self.writer.message_with_object(&message, lease.memory().fd()).await
        }
        #[cfg(windows)]
        {
            let gone = || io::Error::other("there is no process to give a slot to");
            let given = self.given.as_mut().ok_or_else(gone)?;
            let handle = given.give(slot, lease.memory())?;
            self.writer.message(&StreamMessage::Slot { slot, length, handle }).await
        }
    }

    /// The stream has ended, and the client, at the other end of `reader`, is gone or will go. What
    /// it held it may still be reading: that is written no more.
    pub(super) async fn end(&mut self, reader: &Reader) {
        for lease in self.held.drain(..) {
            lease.abandon();
        }
        #[cfg(windows)]
        if let Some(given) = self.given.take() {
            given.end(reader).await;
        }
        #[cfg(unix)]
        let _ = reader;
    }
}
