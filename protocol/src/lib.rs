//! What programs and camera-service say to each other.
//!
//! The message types stand alone: with `default-features = false` this crate is plain data and
//! its byte format. The feature `transport` adds the endpoint, connections and frames in shared
//! memory; `client` adds the async [`Client`].
//!
//! Within a major version no struct or variant here ever changes: a new need is a new variant at
//! the end of an enum, and nobody sends a variant newer than the lower of the two minors. The
//! files in `tests/golden/` pin the bytes of every message.
#![deny(missing_docs)]

mod bridge;
mod camera;
mod control;
mod error;
mod event;
mod format;
mod frame;
mod handshake;
mod publish;
mod request;
mod stream;
pub mod strip;
pub mod wire;

#[cfg(feature = "transport")]
pub mod endpoint;
#[cfg(feature = "transport")]
mod mapping;
#[cfg(feature = "transport")]
pub mod transport;

#[cfg(feature = "client")]
pub mod client;

pub use bridge::{
    BridgeListening, BridgeStatus, BridgeWish, Grant, NewToken, Scope, TokenRequest, TokenSummary,
};
pub use camera::{
    CameraDetail, CameraId, CameraState, CameraSummary, ConnectionId, Holder, Watcher,
};
pub use control::{
    Control, ControlFlags, ControlKind, ControlOutcome, ControlSetting, ControlValue, MenuEntry,
};
pub use error::{ErrorKind, ErrorReply};
pub use event::{ClientSummary, Event, EventMessage, State};
pub use format::{FourCc, FrameRate, Mode, ModeWish, ParseError, PixelFormat, Size};
pub use frame::{Colour, FrameHeader, Matrix, Plane, Range, SlotId};
pub use handshake::{
    ClientHello, Hello, MAGIC, MAJOR, MINOR, Preamble, PreambleError, Role, Verdict, Welcome,
};
pub use publish::{PublishCommand, PublishFrame, PublishMessage, PublishRequest};
pub use request::{
    Affected, Preset, Reply, ReplyMessage, Request, RequestMessage, ServiceStatus, StartedCamera,
};
pub use stream::{
    Crop, Delivery, Rotation, Started, StreamCommand, StreamFormat, StreamMessage, StreamRequest,
};

#[cfg(feature = "client")]
pub use client::frame::Frame;
#[cfg(feature = "client")]
pub use client::{Client, ClientError};
