//! The faults that there are.

use std::{fmt, time::Duration};

use protocol::ModeWish;

use super::Condition;

/// Something that happens to the camera, to a client or to the service.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// The camera is pulled out.
    Unplug,
    /// It is plugged in again.
    Replug,
    /// From now on it is like this; [`Condition::Fine`] ends what was before.
    Camera(Condition),
    /// A client starts it in this mode, for all.
    ModeChange(ModeWish),
    /// That hold ends.
    HoldEnds,
    /// A client sets a control.
    ControlChange { name: &'static str, value: i64 },
    /// The user turns all cameras off.
    CamerasOff,
    /// And back on.
    CamerasOn,
    /// A reader's process is killed.
    ReaderKilled,
    /// A reader's process is stopped, with the slots that it holds.
    ReaderStopped,
    /// One that was stopped goes on.
    ReaderContinued,
    /// The service is stopped and goes on after this time.
    ServiceStopped(Duration),
    /// The service is killed, is not there for this time, and is started again.
    ServiceKilled(Duration),
    /// The computer sleeps: all are stopped, and the camera loses its power.
    Suspend,
}

impl Fault {
    /// In one word, for the figures.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Unplug => "unplug",
            Self::Replug => "replug",
            Self::Camera(condition) => condition.word(),
            Self::ModeChange(_) => "mode change",
            Self::HoldEnds => "hold ends",
            Self::ControlChange { .. } => "control change",
            Self::CamerasOff => "cameras off",
            Self::CamerasOn => "cameras on",
            Self::ReaderKilled => "reader killed",
            Self::ReaderStopped => "reader stopped",
            Self::ReaderContinued => "reader continued",
            Self::ServiceStopped(_) => "service stopped",
            Self::ServiceKilled(_) => "service killed",
            Self::Suspend => "suspend",
        }
    }

    /// Whether frames go on as if nothing had happened, but for a reader that it concerns.
    pub(super) fn is_harmless(&self) -> bool {
        matches!(
            self,
            Self::ControlChange { .. }
                | Self::HoldEnds
                | Self::ReaderKilled
                | Self::ReaderStopped
                | Self::ReaderContinued
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ModeChange(ModeWish { format: Some(format), size: Some(size), .. }) => {
                write!(f, "mode change to {format} {size}")
            }
            Self::ControlChange { name, value } => write!(f, "control change {name}={value}"),
            Self::ServiceStopped(time) => write!(f, "service stopped for {time:?}"),
            Self::ServiceKilled(time) => write!(f, "service killed, back after {time:?}"),
            other => f.write_str(other.kind()),
        }
    }
}
