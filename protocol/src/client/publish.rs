//! Being a camera.

use super::{ClientError, connect::Opened};
use crate::{
    CameraId, ConnectionId, PublishCommand, PublishFrame, PublishMessage, PublishRequest,
    transport::{Reader, Writer},
    wire::{MAX_INLINE_FRAME, MAX_MESSAGE},
};

/// What happens to a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishEvent {
    /// How much is wanted.
    Demand {
        /// Streams of this camera; at 0 it may rest.
        watchers: u32,
        /// Frames that may be sent, in addition to those allowed before.
        credit: u32,
    },
}

/// A connection by which this program is a camera.
pub struct Publisher {
    reader: Reader,
    writer: Writer,
    camera: CameraId,
    id: ConnectionId,
}

impl Publisher {
    pub(super) async fn start(
        opened: Opened,
        request: PublishRequest,
    ) -> Result<Self, ClientError> {
        let Opened { mut reader, mut writer, id, .. } = opened;
        writer.message(&PublishCommand::Open(request)).await?;
        match reader.message(MAX_MESSAGE).await? {
            Some(PublishMessage::Accepted { camera }) => Ok(Self { reader, writer, camera, id }),
            Some(PublishMessage::Refused(error) | PublishMessage::Ended(error)) => {
                Err(error.into())
            }
            Some(PublishMessage::Demand { .. }) => Err(ClientError::Unexpected("a demand")),
            None => Err(ClientError::Closed),
        }
    }

    /// The id of the camera that this program is.
    #[must_use]
    pub fn camera(&self) -> &CameraId {
        &self.camera
    }

    /// Id of this connection, as in lists of clients.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// What happens next. Safe to cancel.
    pub async fn next(&mut self) -> Result<PublishEvent, ClientError> {
        match self.reader.message(MAX_MESSAGE).await? {
            Some(PublishMessage::Demand { watchers, credit }) => {
                Ok(PublishEvent::Demand { watchers, credit })
            }
            Some(PublishMessage::Refused(error) | PublishMessage::Ended(error)) => {
                Err(error.into())
            }
            Some(PublishMessage::Accepted { .. }) => {
                Err(ClientError::Unexpected("a second acceptance"))
            }
            None => Err(ClientError::Closed),
        }
    }

    /// Sends a frame. To be called only with credit left. Not safe to cancel.
    pub async fn send(&mut self, bytes: &[u8], unix_ns: Option<u64>) -> Result<(), ClientError> {
        let length = u32::try_from(bytes.len()).ok();
        let length = length.filter(|length| *length as usize <= MAX_INLINE_FRAME);
        let length = length.ok_or(ClientError::Unexpected("a frame that is too large to send"))?;
        let message = PublishCommand::Frame(PublishFrame { length, unix_ns });
        match self.writer.message_with_bytes(&message, bytes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.why_ended(error.into()).await),
        }
    }

    /// A service that ends a connection says why before; a write fails without knowing.
    async fn why_ended(&mut self, error: ClientError) -> ClientError {
        loop {
            match self.next().await {
                Ok(PublishEvent::Demand { .. }) => {}
                Err(why @ ClientError::Reply(_)) => return why,
                Err(_) => return error,
            }
        }
    }
}
