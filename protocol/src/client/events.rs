//! The stream of events.

use super::{ClientError, connect::Opened};
use crate::{
    EventMessage,
    transport::{Reader, Writer},
    wire::MAX_MESSAGE,
};

/// A connection for events. The first is [`crate::Event::State`].
pub struct EventStream {
    reader: Reader,
    /// Kept because the connection lives as long as both halves.
    _writer: Writer,
}

impl EventStream {
    pub(super) fn new(opened: Opened) -> Self {
        Self { reader: opened.reader, _writer: opened.writer }
    }

    /// The next event; `None` when the service has closed the connection. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<EventMessage>, ClientError> {
        Ok(self.reader.message(MAX_MESSAGE).await?)
    }
}
