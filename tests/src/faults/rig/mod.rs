//! Cameras that can be hurt.

mod shim;
mod vivid;
mod webcam;

use std::{ops::RangeInclusive, process::Command, sync::Arc, time::Duration};

use protocol::{CameraId, ModeWish};

pub use self::{shim::ShimRig, vivid::VividRig, webcam::WebcamRig};
use crate::{Builder, Program, live::Judge};

/// How a camera that is plugged in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It delivers.
    Fine,
    /// It delivers nothing.
    Stalled,
    /// Its frames come marked as damaged.
    Marked,
    /// Its frames come cut short.
    Short,
    /// Calls into its driver fail with EIO.
    Failing,
    /// Another program has it, once it is closed.
    Busy,
}

impl Condition {
    /// All but the good one.
    pub(super) const FAULTS: [Self; 5] =
        [Self::Stalled, Self::Marked, Self::Short, Self::Failing, Self::Busy];

    /// What happens, in a word or two.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Fine => "resume",
            Self::Stalled => "stall",
            Self::Marked => "error frames",
            Self::Short => "short frames",
            Self::Failing => "EIO",
            Self::Busy => "EBUSY",
        }
    }
}

/// A camera that can be hurt, and a service that has it.
pub trait Rig {
    /// Its name in the figures.
    fn name(&self) -> &'static str;
    /// Its id.
    fn camera(&self) -> CameraId;
    /// A service that has it, not started yet.
    fn service(&self) -> Builder;
    /// Longest that a service is stopped.
    fn tempo(&self) -> Duration;
    /// Whether it can be in this condition.
    fn can(&self, condition: Condition) -> bool;
    /// Whether frames that are thrown away in this condition are seen by the service.
    fn shows_damage(&self, condition: Condition) -> bool;
    /// Whether its controls keep their values without power.
    fn keeps_controls(&self) -> bool;
    /// Brings it into a condition.
    fn set(&mut self, condition: Condition);
    /// Pulls it out. It is as new when it is plugged in again.
    fn unplug(&mut self);
    /// Plugs it in.
    fn plug(&mut self);
    /// Modes to start it in.
    fn modes(&self) -> Vec<ModeWish>;
    /// Integer controls that can always be set, with their ranges.
    fn controls(&self) -> Vec<(&'static str, RangeInclusive<i64>)>;
    /// Judges native frames.
    fn judge(&self) -> Arc<Judge>;
}

/// Another program that has a device file of a real driver, where it can get it.
fn holder(path: &str) -> Program {
    let mut command = Command::new("v4l2-ctl");
    Program::start("v4l2-ctl", command.args(["-d", path, "--stream-mmap"]))
}
