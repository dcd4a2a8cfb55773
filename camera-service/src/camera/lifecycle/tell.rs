//! What others are told of a camera's state: event readers, who watches, and the log.

use protocol::{CameraState, Mode};

use super::Life;
use crate::camera::Condition;

impl Life {
    pub(super) fn tell(&self, state: CameraState, reason: &str, mode: Option<Mode>) {
        let hold = self.hold;
        self.camera.controls.set_camera_open(mode.is_some());
        self.camera.update(|facts| {
            // A retry that fails for the same reason is no news.
            if facts.state != state || (state == CameraState::Lost && facts.reason != reason) {
                self.log((&facts.state, &state), reason, mode);
            }
            facts.state = state;
            reason.clone_into(&mut facts.reason);
            facts.mode = mode;
            facts.hold = hold;
        });
    }

    /// A line for each thing that an owner may ask about a day: opened, and for whom; closed;
    /// lost, and why.
    fn log(&self, (was, now): (&CameraState, &CameraState), reason: &str, mode: Option<Mode>) {
        let camera = &self.camera.id;
        let is_shut =
            |state: &CameraState| matches!(state, CameraState::Closed | CameraState::Blocked);
        match now {
            _ if is_shut(was) && is_shut(now) => {}
            CameraState::Streaming => {
                let watchers = self.camera.watchers.list();
                // A start that waits for its answer is what it is opened for, whoever watches.
                let by = match watchers.first().filter(|_| self.pending.is_empty()) {
                    Some(watcher) => format!("{} (process {})", watcher.name, watcher.pid),
                    None => self.starter(),
                };
                let mode = mode.map(|mode| mode.to_string()).unwrap_or_default();
                tracing::info!(%camera, by, "opened: {mode}");
            }
            CameraState::Closed => tracing::info!(%camera, "closed"),
            CameraState::Blocked => tracing::info!(%camera, "closed: {reason}"),
            CameraState::Opening => tracing::debug!(%camera, "opening"),
            _ => tracing::warn!(%camera, "{now}: {reason}"),
        }
    }

    /// An explicit start, and who asked for it.
    pub(super) fn starter(&self) -> String {
        let by = self.started_by.as_ref().map(|by| format!(" by {by}"));
        format!("start{}", by.unwrap_or_default())
    }

    pub(super) fn condition(&self, condition: Condition) {
        self.camera.condition.send_if_modified(|now| {
            let changed = *now != condition;
            *now = condition;
            changed
        });
    }

    pub(super) fn tell_live(&self) {
        let mode = self.camera.facts().mode;
        if let Some(native) = mode {
            self.condition(Condition::Live { native, epoch: self.epoch });
        }
    }

    pub(super) fn lost(&self, reason: &str) {
        self.tell(CameraState::Lost, reason, None);
        self.condition(Condition::Lost(reason.to_owned()));
    }
}
