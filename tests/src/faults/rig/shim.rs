//! The pretended camera, at native speed.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use protocol::{CameraId, FrameHeader, ModeWish, PixelFormat};

use super::{super::model::wish, Condition, Rig};
use crate::{Builder, Service, Shim, live::Judge};

/// The pretended camera of `tests/shim/v4l2shim.c`.
pub struct ShimRig(Shim);

impl ShimRig {
    /// One that is plugged in.
    pub fn new() -> Self {
        Self(Shim::new().pluggable().with("V4L2SHIM_MAXFPS", "60"))
    }
}

impl Default for ShimRig {
    fn default() -> Self {
        Self::new()
    }
}

impl Rig for ShimRig {
    fn name(&self) -> &'static str {
        "shim"
    }

    fn camera(&self) -> CameraId {
        "usb-Shim_Camera_0-usb-shim-1".into()
    }

    fn service(&self) -> Builder {
        Service::builder().config(include_str!("quick.toml")).shim(&self.0)
    }

    fn tempo(&self) -> Duration {
        Duration::from_millis(1600)
    }

    fn can(&self, _: Condition) -> bool {
        true
    }

    fn shows_damage(&self, _: Condition) -> bool {
        true
    }

    fn keeps_controls(&self) -> bool {
        true
    }

    fn set(&mut self, condition: Condition) {
        match condition {
            Condition::Fine => self.0.run(),
            Condition::Stalled => self.0.stall(),
            Condition::Marked => self.0.error(),
            Condition::Short => self.0.truncate(),
            Condition::Failing => self.0.eio(),
            Condition::Busy => self.0.busy(),
        }
    }

    fn unplug(&mut self) {
        self.0.disconnect();
    }

    fn plug(&mut self) {
        self.0.run();
    }

    fn modes(&self) -> Vec<ModeWish> {
        [("MJPG", 640, 480), ("YUYV", 640, 480), ("MJPG", 1280, 720), ("YUYV", 1280, 720)]
            .map(|(format, width, height)| wish(format, width, height))
            .to_vec()
    }

    fn controls(&self) -> Vec<(&'static str, RangeInclusive<i64>)> {
        vec![("brightness", -64..=64), ("contrast", 0..=95), ("saturation", 0..=100)]
    }

    fn judge(&self) -> Arc<Judge> {
        Arc::new(judge)
    }
}

/// Each frame bears its number: a torn one, or one in another's place, has not the header's.
fn judge(header: &FrameHeader, bytes: &[u8]) -> Result<(), String> {
    let at = if header.format == PixelFormat::Mjpg { 6 } else { 0 };
    let tag = bytes.get(at..at + 16).ok_or("a frame without a tag")?;
    let (magic, number) = tag.split_at(8);
    let number = u64::from_le_bytes(number.try_into().expect("8 bytes"));
    if magic == b"V4L2SHIM" && number == header.sequence {
        return Ok(());
    }
    Err(format!("frame {} is tagged {magic:?} {number}", header.sequence))
}
