//! The async client: control calls, the event stream and frame streams.
//!
//! A [`Connector`] says who this program is and where to look; each of its connections has one
//! role. Everything here runs on the caller's tokio runtime.

mod connect;
mod control;
mod events;
pub mod frame;
mod lasting;
mod publish;
mod remote;
mod stream;

use std::time::Duration;

pub use connect::Connector;
pub use control::Client;
pub use events::EventStream;
pub use lasting::{Lasting, LastingEvents, LastingPublisher, LastingStream, is_passing};
pub use publish::{PublishEvent, Publisher};
pub use stream::{FrameStream, StreamEvent};

use crate::{ErrorReply, PreambleError, transport::TransportError, wire::WireError};

/// Why a client could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No service runs for this user.
    #[error("camera-service is not running (looked at {0}); start it with `camera-service serve`")]
    NotRunning(String),
    /// The service cannot be reached although it runs.
    #[error("cannot connect to {endpoint}: {source}")]
    Connect {
        /// Where it listens.
        endpoint: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// What answers there is another user's.
    #[error("what listens at {0} belongs to another user; not connected")]
    ForeignService(String),
    /// Client and service have no version in common.
    #[error("cannot talk to camera-service: {0}")]
    Preamble(#[from] PreambleError),
    /// The service does not take the connection.
    #[error("camera-service refused the connection: {0}")]
    NotAccepted(&'static str),
    /// The service did not answer in time.
    #[error("camera-service did not answer within {0:?}")]
    NoAnswer(Duration),
    /// The service refused, or tried and failed.
    #[error(transparent)]
    Reply(#[from] ErrorReply),
    /// The service sent something that does not belong here.
    #[error("camera-service sent {0}, which does not belong here")]
    Unexpected(&'static str),
    /// The connection is closed.
    #[error("camera-service closed the connection")]
    Closed,
    /// The connection failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl From<std::io::Error> for ClientError {
    fn from(error: std::io::Error) -> Self {
        Self::Transport(error.into())
    }
}

impl From<WireError> for ClientError {
    fn from(error: WireError) -> Self {
        Self::Transport(error.into())
    }
}
