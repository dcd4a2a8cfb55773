//! Cameras, their states, and who uses them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{FrameRate, Mode};

/// The stable name of a camera: `usb-Logitech_C920_1234ABCD`, `test:0`, `published:phone`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CameraId(pub String);

impl fmt::Display for CameraId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for CameraId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A connection to the service; ids are never used again while a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// Where a camera is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CameraState {
    /// Nobody watches; the device is closed and its light off.
    Closed,
    /// The device is being opened.
    Opening,
    /// Frames flow.
    Streaming,
    /// The device is open and delivers nothing; it will be opened again.
    Stalled,
    /// The device cannot be had now (unplugged, in use elsewhere, not permitted); retried.
    Lost,
    /// A call into the device never came back; retried when it does.
    Stuck,
    /// All cameras are turned off by the user.
    Blocked,
}

impl CameraState {
    /// The state as one word, as in `list`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Opening => "opening",
            Self::Streaming => "streaming",
            Self::Stalled => "stalled",
            Self::Lost => "lost",
            Self::Stuck => "stuck",
            Self::Blocked => "blocked",
        }
    }
}

impl fmt::Display for CameraState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A camera in short, as in lists and events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraSummary {
    /// Stable id.
    pub id: CameraId,
    /// The user's name for it, else the device's.
    pub name: String,
    /// The kernel's name of the driver (`uvcvideo`, `vivid`), else `test`, `published` or
    /// `mediafoundation`.
    pub driver: String,
    /// Where it is attached, as the driver says (`usb-0000:00:14.0-1`); empty where nowhere.
    pub bus: String,
    /// Whether the device is there now; a camera that is gone stays listed while it is watched.
    pub present: bool,
    /// State.
    pub state: CameraState,
    /// Why it is in that state, where that needs saying; else empty.
    pub reason: String,
    /// The mode in which it is open.
    pub mode: Option<Mode>,
    /// Number of streams.
    pub watchers: u32,
    /// Whether an explicit start holds it open.
    pub held_open: bool,
}

/// Everything about a camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraDetail {
    /// The camera in short.
    pub summary: CameraSummary,
    /// The device file, where there is one.
    pub path: Option<String>,
    /// The device's own name, also when the user gave another.
    pub device_name: String,
    /// Modes that the device offers, first the one that it opens in where nothing is wished for.
    /// Those in formats named [`crate::PixelFormat::Other`] are
    /// not served.
    pub modes: Vec<Mode>,
    /// Frames a second over the last second or so; `None` while nothing flows.
    pub measured_rate: Option<FrameRate>,
    /// Frames captured since the camera was opened.
    pub frames: u64,
    /// Frames that the driver dropped since then (gaps in its numbers).
    pub gaps: u64,
    /// Frames thrown away since then because they were short or marked as damaged.
    pub damaged: u64,
    /// Streams of this camera.
    pub watchers: Vec<Watcher>,
    /// Programs that have the device open or mapped, as far as this user may see.
    pub holders: Vec<Holder>,
    /// Renditions that are being computed, by name.
    pub renditions: Vec<String>,
}

/// A client with a stream of a camera.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// Its connection.
    pub connection: ConnectionId,
    /// The name it gave itself.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// The program of that process.
    pub program: String,
    /// When the stream began, ns since 1970.
    pub since_unix_ns: u64,
}

/// A program that has a camera's device, other than camera-service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process; 0 where it is another user's.
    pub pid: u32,
    /// Its program; `another user's program` where it cannot be seen.
    pub program: String,
    /// Whether it has frames mapped (it streams) rather than merely having the device open.
    pub streaming: bool,
}
