//! The configuration: what a user can set, its defaults, and the file it is read from.
//!
//! Plain data, read on the thread that asks. Every value of a [`Config`] that was loaded is
//! within its bounds.

mod bridge;
mod file;
mod folders;
mod loopback;
mod template;
mod values;

use std::time::Duration;

use protocol::{FrameRate, Size};
use serde::Deserialize;

pub use bridge::{Bridge, Tls, bridge_listen};
pub use file::ConfigError;
pub use folders::{default_path, state_dir};
pub use loopback::{LOAD_V4L2LOOPBACK, Loopback, USUAL_FORMAT, loopback_format, loopback_size};
pub use template::documented;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How much there may be.
    pub limits: Limits,
    /// Test cameras that are there from the start.
    pub test_cameras: Vec<TestCamera>,
    /// How cameras are offered to browsers and other machines.
    pub bridge: Bridge,
    /// Cameras that are written into v4l2loopback devices.
    pub loopbacks: Vec<Loopback>,
}

impl Config {
    /// The parts in which it differs from `other`, by their names in the file.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        // Taken apart, so that a field cannot be forgotten here.
        let Self { timeouts, limits, test_cameras, bridge, loopbacks } = self;
        let differs = [
            ("timeouts", *timeouts != other.timeouts),
            ("limits", *limits != other.limits),
            ("test_cameras", *test_cameras != other.test_cameras),
            ("bridge", *bridge != other.bridge),
            ("loopback", *loopbacks != other.loopbacks),
        ];
        differs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

/// How long things may take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// A camera is closed so long after its last stream has ended.
    #[serde(deserialize_with = "values::seconds")]
    pub close_after: Duration,
    /// A camera that delivers nothing for so long is opened again.
    #[serde(deserialize_with = "values::seconds")]
    pub stall_after: Duration,
    /// A device that takes longer to open is stuck.
    #[serde(deserialize_with = "values::seconds")]
    pub open_within: Duration,
    /// A device that takes longer to close is stuck.
    #[serde(deserialize_with = "values::seconds")]
    pub close_within: Duration,
    /// Wait before a camera that failed is tried again …
    #[serde(deserialize_with = "values::seconds")]
    pub retry_first: Duration,
    /// … doubling with every failure up to this.
    #[serde(deserialize_with = "values::seconds")]
    pub retry_most: Duration,
    /// A connection that has not said who it is by then is closed.
    #[serde(deserialize_with = "values::seconds")]
    pub handshake: Duration,
    /// A request that names no deadline of its own gets this one.
    #[serde(deserialize_with = "values::seconds")]
    pub request: Duration,
}

/// How much there may be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at once.
    #[serde(deserialize_with = "values::connections")]
    pub connections: u32,
}

/// A test camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TestCamera {
    /// Its size in pixels.
    pub size: Size,
    /// Its frame rate.
    pub rate: FrameRate,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 1024 }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            close_after: Duration::from_secs(3),
            stall_after: Duration::from_secs(3),
            open_within: Duration::from_secs(10),
            close_within: Duration::from_secs(1),
            retry_first: Duration::from_millis(250),
            retry_most: Duration::from_secs(5),
            handshake: Duration::from_secs(2),
            request: Duration::from_secs(5),
        }
    }
}
