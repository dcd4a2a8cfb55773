//! The first camera of the kernel's `vivid` driver.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use protocol::{CameraId, ModeWish};

use super::{super::model::wish, Condition, Rig, holder};
use crate::{
    Builder, Program,
    guest::{self, video_nodes},
    live::{Judge, any},
};

/// Frames that are marked at a time: the driver marks one each time it is told.
const MARKED: usize = 5;

/// The first camera of `vivid`, which is plugged in and out with the second.
#[derive(Default)]
pub struct VividRig {
    condition: Option<Condition>,
    holder: Option<Program>,
}

impl VividRig {
    /// It, as the guest has it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its device file: it may have another number after each plugging in.
    fn path() -> String {
        guest::path_of(video_nodes().first().expect("the cameras are plugged in"))
    }

    fn ctl(setting: &str) {
        guest::output("v4l2-ctl", &["-d", &Self::path(), "-c", setting]);
    }

    fn end_condition(&mut self) {
        if self.condition.take() == Some(Condition::Stalled) {
            Self::ctl("percentage_of_dropped_buffers=0");
        }
        self.holder = None;
    }
}

impl Rig for VividRig {
    fn name(&self) -> &'static str {
        "vivid"
    }

    fn camera(&self) -> CameraId {
        "vivid-platform-vivid-000".into()
    }

    fn service(&self) -> Builder {
        guest::service()
    }

    fn tempo(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn can(&self, condition: Condition) -> bool {
        condition != Condition::Short
    }

    fn shows_damage(&self, _: Condition) -> bool {
        // A frame that is marked while the device is opened again is not seen.
        false
    }

    fn keeps_controls(&self) -> bool {
        false
    }

    fn set(&mut self, condition: Condition) {
        self.end_condition();
        match condition {
            Condition::Fine => {}
            Condition::Stalled => Self::ctl("percentage_of_dropped_buffers=100"),
            Condition::Marked => {
                for _ in 0..MARKED {
                    Self::ctl("inject_v4l2_buf_flag_error=1");
                }
            }
            Condition::Failing => Self::ctl("inject_fatal_streaming_error=1"),
            Condition::Busy => self.holder = Some(holder(&Self::path())),
            Condition::Short => unreachable!("it cannot be short of frames"),
        }
        self.condition = Some(condition);
    }

    fn unplug(&mut self) {
        self.end_condition();
        guest::unplug_vivid();
    }

    fn plug(&mut self) {
        guest::plug_vivid();
    }

    fn modes(&self) -> Vec<ModeWish> {
        [("YUYV", 640, 360), ("NV12", 320, 180), ("RGB", 320, 180)]
            .map(|(format, width, height)| wish(format, width, height))
            .to_vec()
    }

    fn controls(&self) -> Vec<(&'static str, RangeInclusive<i64>)> {
        vec![("brightness", 0..=255), ("contrast", 0..=255), ("saturation", 0..=255)]
    }

    fn judge(&self) -> Arc<Judge> {
        any()
    }
}
