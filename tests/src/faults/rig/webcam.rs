//! The USB webcam made of software, as `uvcvideo` sees it.

use std::{collections::HashSet, ops::RangeInclusive, sync::Arc, time::Duration};

use protocol::{CameraId, FrameHeader, ModeWish, PixelFormat};

use super::{super::model::wish, Condition, Rig, holder};
use crate::{
    Builder, Program,
    guest::{self, Webcam, video_nodes, wait_for_nodes},
    live::Judge,
};

/// The webcam of `tests/vm/uvcsim`.
#[derive(Default)]
pub struct WebcamRig {
    stalled: bool,
    holder: Option<Program>,
}

impl WebcamRig {
    /// It, plugged in.
    pub fn new() -> Self {
        Webcam.plug_in();
        Self::default()
    }

    fn end_condition(&mut self) {
        if std::mem::take(&mut self.stalled) {
            Webcam.command("go");
        }
        self.holder = None;
    }
}

impl Rig for WebcamRig {
    fn name(&self) -> &'static str {
        "uvc"
    }

    fn camera(&self) -> CameraId {
        "usb-vm-camera_UVC_Test_Camera_0001".into()
    }

    fn service(&self) -> Builder {
        guest::service()
    }

    fn tempo(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn can(&self, condition: Condition) -> bool {
        condition != Condition::Failing
    }

    fn shows_damage(&self, _: Condition) -> bool {
        // The driver keeps marked frames to itself, and a few short ones may fall between two
        // openings.
        false
    }

    fn keeps_controls(&self) -> bool {
        false
    }

    fn set(&mut self, condition: Condition) {
        self.end_condition();
        match condition {
            Condition::Fine => {}
            Condition::Stalled => {
                Webcam.command("stall");
                self.stalled = true;
            }
            Condition::Marked => Webcam.command("bad 5"),
            Condition::Short => Webcam.command("short 5"),
            Condition::Busy => {
                let node = &video_nodes()[0];
                self.holder = Some(holder(&guest::path_of(node)));
            }
            Condition::Failing => unreachable!("its driver fails only where it is gone"),
        }
    }

    fn unplug(&mut self) {
        self.end_condition();
        Webcam.command("unplug");
        wait_for_nodes(0);
    }

    fn plug(&mut self) {
        Webcam.command("plug");
        wait_for_nodes(2);
    }

    fn modes(&self) -> Vec<ModeWish> {
        [("MJPG", 640, 480), ("MJPG", 320, 240), ("MJPG", 1280, 720)]
            .map(|(format, width, height)| wish(format, width, height))
            .to_vec()
    }

    fn controls(&self) -> Vec<(&'static str, RangeInclusive<i64>)> {
        vec![("brightness", 0..=100), ("contrast", 0..=100)]
    }

    fn judge(&self) -> Arc<Judge> {
        let sizes = ["320x240", "640x480", "1280x720", "1920x1080"];
        let sent: HashSet<Vec<u8>> = sizes.iter().flat_map(|size| Webcam.frames(size)).collect();
        Arc::new(move |header: &FrameHeader, bytes: &[u8]| {
            if header.format != PixelFormat::Mjpg || sent.contains(bytes) {
                return Ok(());
            }
            Err(format!("frame {} is none that was sent", header.sequence))
        })
    }
}
