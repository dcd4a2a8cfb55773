//! How a camera's device is opened and closed, and what follows when it does neither.

use protocol::{CameraState, ErrorKind, ErrorReply};
use tokio::time::Instant;

use super::{Life, Phase};
use crate::{
    camera::{Condition, capture},
    device,
};

impl Life {
    pub(super) fn open(&mut self, now: Instant) {
        let Some(device) = self.camera.device() else { return };
        let timeouts = self.timeouts();
        self.epoch += 1;
        self.close_at = None;
        let camera = self.camera.clone();
        match capture::start(camera, device, self.wish, self.epoch, timeouts.stall_after) {
            Ok(capturing) => {
                self.phase = Phase::Opening(capturing, now + timeouts.open_within);
                if self.failures == 0 {
                    self.tell(CameraState::Opening, "", None);
                }
            }
            Err(source) => {
                let error = device::Error::Io { call: "starting a thread", source };
                self.failed(&error, "");
            }
        }
    }

    /// Closes the device; what comes then follows from how things are by then.
    pub(super) fn close(&mut self, now: Instant) {
        self.close_at = None;
        let by = now + self.timeouts().close_within;
        self.phase = match std::mem::replace(&mut self.phase, Phase::Closed) {
            // The call that opens it returns when it does: it may take as long as it might have.
            Phase::Opening(capturing, opened_by) => {
                capturing.stop();
                Phase::Closing(capturing, by.max(opened_by))
            }
            Phase::Streaming(capturing) => {
                capturing.stop();
                Phase::Closing(capturing, by)
            }
            other => other,
        };
    }

    pub(super) fn stuck(&mut self) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Opening(capturing, _)
            | Phase::Streaming(capturing)
            | Phase::Closing(capturing, _) => {
                capturing.stop();
                Phase::Stuck(capturing)
            }
            other => other,
        };
        if !self.pending.is_empty() {
            // What is refused now must not come into force when the call does return.
            self.hold = None;
            self.wish = self.worked.unwrap_or_default();
        }
        let reason = "a call into its driver does not return; unplug it and plug it in again";
        self.tell(CameraState::Stuck, reason, None);
        self.condition(Condition::Lost(reason.to_owned()));
        self.answer_starts(&Err(ErrorReply::new(
            ErrorKind::Device,
            format!("{}: {reason}", self.camera.id),
        )));
    }

    pub(super) fn retry_later(&mut self) {
        let timeouts = self.timeouts();
        let wait = timeouts.retry_first.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        self.phase = Phase::Retry(Instant::now() + wait.min(timeouts.retry_most));
    }
}
