//! Waiting until a fault shows, where it must.

use protocol::CameraState;

use super::{
    Condition, Rig,
    fault::Fault,
    stage::{PATIENCE, Stage},
};
use crate::wait_until;

impl<R: Rig> Stage<R> {
    /// Waits until `fault` shows where it must: in what events told since `from`, or to
    /// subscribers. `was_well`: frames flowed before it.
    #[track_caller]
    pub(super) fn make_sure(&mut self, fault: &Fault, was_well: bool, from: usize) {
        let told_state = |state: CameraState| {
            let what = format!("the camera to be told {state}");
            self.wait_for(&what, |stage| {
                stage.record.told(from, |camera| camera.id == stage.camera && camera.state == state)
            });
        };
        match fault {
            Fault::Unplug => self.wait_for("the camera to be gone", |stage| !stage.is_present()),
            Fault::Replug => self.wait_for("the camera to be back", |stage| stage.is_present()),
            Fault::Camera(Condition::Stalled) if was_well => told_state(CameraState::Stalled),
            Fault::Camera(Condition::Failing) if was_well => told_state(CameraState::Lost),
            Fault::Camera(condition @ (Condition::Marked | Condition::Short))
                if was_well && self.rig.shows_damage(*condition) =>
            {
                self.wait_for_damage();
            }
            Fault::CamerasOff => self.wait_for("all to be told that cameras are off", |stage| {
                let seen = stage.subscribers.iter().map(|subscriber| subscriber.seen());
                let mut connected = seen.filter(|seen| seen.connection.is_some());
                stage.record.picture().off && connected.all(|seen| seen.blocked)
            }),
            Fault::CamerasOn => {
                self.wait_for("cameras to be on", |stage| !stage.record.picture().off);
            }
            Fault::ModeChange(_) if was_well => {
                let mode = self.model.held;
                self.wait_for("the mode to be told", |stage| {
                    let cameras = stage.record.picture().cameras;
                    cameras.get(&stage.camera).is_some_and(|camera| camera.mode == mode)
                });
            }
            Fault::ControlChange { name, .. } if was_well => {
                let value = self.model.controls.get(name).copied();
                let key = (self.camera.clone(), (*name).to_owned());
                // One that had the value already did not change.
                self.wait_for("the control to be told", |stage| {
                    let controls = stage.record.picture().controls;
                    let told = controls.get(&key);
                    told.is_none_or(|told| {
                        Some(told) == value.map(protocol::ControlValue::Integer).as_ref()
                    })
                });
            }
            // Whatever happens to one reader, the others go on.
            other if was_well && other.is_harmless() => self.wait_for_frames(1),
            _ => {}
        }
        self.invariants();
    }

    fn is_present(&self) -> bool {
        self.record.picture().cameras.get(&self.camera).is_some_and(|camera| camera.present)
    }

    #[track_caller]
    fn wait_for(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        wait_until(what, PATIENCE, || {
            if holds(self) { Ok(()) } else { Err("that has not come".to_owned()) }
        });
    }

    #[track_caller]
    fn wait_for_damage(&mut self) {
        let camera = self.camera.clone();
        wait_until("damaged frames to be counted", PATIENCE, || {
            let detail =
                self.attended.must("the camera", async |client| client.camera(&camera).await);
            if detail.damaged > 0 { Ok(()) } else { Err(format!("{detail:?}")) }
        });
    }
}
