//! Messages of a connection with the role `publish`: a client that is a camera.

use serde::{Deserialize, Serialize};

use crate::{CameraId, Colour, ErrorReply, Mode};

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublishCommand {
    /// Asks to be a camera. The first message, and sent once.
    Open(PublishRequest),
    /// A frame, whose `length` bytes follow this message raw.
    Frame(PublishFrame),
}

/// The camera that a client wants to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishRequest {
    /// The camera's id will be `published:` and this name: 1 to 64 letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Format, size and rate of its frames: MJPG, YUYV, I420, NV12, RGB or RGBA.
    /// Rows are not padded.
    pub mode: Mode,
    /// Colour encoding; where not given, [`Colour::JPEG`] for MJPG and [`Colour::VIDEO`] else.
    pub colour: Option<Colour>,
}

impl PublishRequest {
    /// Whether a published camera can have this name.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        (1..=64).contains(&name.len()) && name.chars().all(is_allowed)
    }
}

/// What is said of one published frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishFrame {
    /// Number of bytes that follow.
    pub length: u32,
    /// Time of capture in ns since 1970, where the publisher knows it.
    pub unix_ns: Option<u64>,
}

/// What the service sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublishMessage {
    /// The client is a camera now.
    Accepted {
        /// Its id.
        camera: CameraId,
    },
    /// It is not; the connection is closed.
    Refused(ErrorReply),
    /// How much is wanted. Sent at the start and whenever it changes.
    Demand {
        /// Streams of this camera; at 0 it may rest.
        watchers: u32,
        /// Frames that may be sent before the next `Demand`, in addition to those allowed before.
        credit: u32,
    },
    /// The camera has ended; the connection is closed.
    Ended(ErrorReply),
}
