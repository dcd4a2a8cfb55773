//! What a camera does while all are turned off.

use protocol::{CameraId, ErrorKind, ErrorReply};
use tokio::time::Instant;

use super::{Life, Phase};
use crate::camera::Condition;

impl Life {
    /// The switch was turned.
    pub(super) fn privacy_changed(&mut self) {
        // Off is seen to at every turn, whatever else happens in between.
        if !self.is_off() {
            self.condition(Condition::Waiting);
            self.camera.controls.set_pins();
        }
    }

    /// Closes the device at once, and refuses starts that wait.
    pub(super) fn turn_off(&mut self, now: Instant) {
        if !self.pending.is_empty() {
            self.hold = None;
            self.wish = self.worked.unwrap_or_default();
            self.answer_starts(&Err(refusal(&self.camera.id)));
        }
        match self.phase {
            Phase::Opening(..) | Phase::Streaming(_) => self.close(now),
            Phase::Retry(_) => self.phase = Phase::Closed,
            Phase::Closed | Phase::Closing(..) | Phase::Stuck(_) => {}
        }
    }

    /// Tells those who wait for the device to be closed that it is, or cannot be.
    pub(super) fn tell_closed(&mut self) {
        if matches!(self.phase, Phase::Closed | Phase::Retry(_) | Phase::Stuck(_)) {
            for waiting in self.when_closed.drain(..) {
                // Who asked may have gone.
                let _ = waiting.send(());
            }
        }
    }

    /// Tells those who watch: before the device is closed, so that they get nothing more, and
    /// also where it cannot be.
    pub(super) fn tell_privacy(&self) {
        if self.is_off() {
            self.condition(Condition::Blocked);
        } else if matches!(self.phase, Phase::Stuck(_)) {
            let reason = self.camera.facts().reason.clone();
            self.condition(Condition::Lost(reason));
        }
    }
}

/// The answer to a start while all cameras are turned off.
pub(super) fn refusal(camera: &CameraId) -> ErrorReply {
    let message = format!(
        "{camera} cannot be started: all cameras are turned off; `camera-service on` turns them \
         back on"
    );
    ErrorReply::new(ErrorKind::Blocked, message)
}
