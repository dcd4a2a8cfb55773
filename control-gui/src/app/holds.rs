//! Cameras that this window opened to have them in a mode.
//!
//! The service keeps such a hold until it is told otherwise, also when this program has gone and
//! when the service starts anew. So it is noted before it is asked for, and the note stays until
//! the service has let go. A hold that was there before, or that somebody began after the
//! window's own had ended, is not the window's.

use std::collections::HashMap;

use protocol::CameraId;

use crate::model::Model;

/// How far a hold is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It is asked for.
    Asked,
    /// It lasts until a stream of the camera has begun.
    Awaits,
    /// It is to end, and the service may have been told.
    Due,
}

#[derive(Debug, Clone, Copy)]
struct Hold {
    phase: Phase,
    /// Whether the service has told of it.
    seen: bool,
}

/// Holds that are to be ended by this window.
#[derive(Debug, Default)]
pub(super) struct Holds(HashMap<CameraId, Hold>);

impl Holds {
    /// A camera is about to be opened in a mode. Whether the hold is this window's.
    pub(super) fn ask(&mut self, camera: &CameraId, model: &Model) -> bool {
        let was_held = model.camera(camera).is_some_and(|known| known.held_open);
        let own = self.0.contains_key(camera) || !was_held;
        if own {
            self.0.insert(camera.clone(), Hold { phase: Phase::Asked, seen: false });
        }
        own
    }

    /// The camera is open, and its first stream is awaited.
    pub(super) fn keep_until_begun(&mut self, camera: &CameraId) {
        if let Some(hold) = self.0.get_mut(camera) {
            hold.phase = Phase::Awaits;
        }
    }

    /// A stream of the camera has begun, or was changed. Whether the hold ends with that.
    pub(super) fn begun(&mut self, camera: &CameraId) -> bool {
        let awaited = self.0.get(camera).is_some_and(|hold| hold.phase == Phase::Awaits);
        awaited && self.end(camera)
    }

    /// The hold is to end, whether it is asked for or there. Whether there is one of this window's.
    pub(super) fn end(&mut self, camera: &CameraId) -> bool {
        let hold = self.0.get_mut(camera);
        hold.map(|hold| hold.phase = Phase::Due).is_some()
    }

    /// The service has ended it.
    pub(super) fn ended(&mut self, camera: &CameraId) {
        if self.0.get(camera).is_some_and(|hold| hold.phase == Phase::Due) {
            self.0.remove(camera);
        }
    }

    /// Takes what the service says now: who ends a hold may begin one that is theirs.
    pub(super) fn look(&mut self, model: &Model) {
        self.0.retain(|camera, hold| {
            let Some(known) = model.camera(camera) else { return true };
            hold.seen |= known.held_open;
            known.held_open || !hold.seen || hold.phase == Phase::Asked
        });
    }

    /// Those that were to end, as after a time without a connection.
    pub(super) fn due(&self) -> Vec<CameraId> {
        let due = self.0.iter().filter(|(_, hold)| hold.phase == Phase::Due);
        due.map(|(camera, _)| camera.clone()).collect()
    }

    /// All, as at the end of the program.
    pub(super) fn all(&self) -> Vec<CameraId> {
        self.0.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{CameraSummary, Event};

    use super::*;
    use crate::samples;

    const NONE: [CameraId; 0] = [];

    fn a() -> CameraId {
        CameraId::from("a")
    }

    fn tell(model: &mut Model, held_open: bool) {
        model.apply(&Event::CameraChanged(CameraSummary { held_open, ..samples::camera("a") }));
    }

    #[test]
    fn it_is_noted_before_the_service_answers_and_until_it_has_let_go() {
        let (mut holds, mut model) = (Holds::default(), Model::default());
        tell(&mut model, false);
        assert!(holds.ask(&a(), &model));
        assert_eq!(holds.all(), [a()], "the window may be closed now");
        // It is not there yet.
        holds.look(&model);
        assert_eq!((holds.all(), holds.begun(&a())), (vec![a()], false));

        tell(&mut model, true);
        holds.look(&model);
        holds.keep_until_begun(&a());
        assert_eq!(holds.due(), NONE, "its stream needs it still");
        assert!(holds.begun(&a()));
        assert!(!holds.begun(&a()), "it is ended once");
        assert_eq!(holds.due(), [a()], "who knows whether that arrived");
        holds.ended(&a());
        assert_eq!(holds.all(), NONE);
    }

    #[test]
    fn one_that_failed_is_ended_too() {
        let (mut holds, mut model) = (Holds::default(), Model::default());
        tell(&mut model, false);
        holds.ask(&a(), &model);
        assert!(holds.end(&a()), "it may have been begun");
        assert_eq!(holds.due(), [a()]);
    }

    #[test]
    fn what_others_hold_open_stays_so() {
        let (mut holds, mut model) = (Holds::default(), Model::default());
        tell(&mut model, true);
        assert!(!holds.ask(&a(), &model));
        holds.keep_until_begun(&a());
        assert!(!holds.begun(&a()) && !holds.end(&a()));
        assert_eq!(holds.all(), NONE);
    }

    #[test]
    fn a_start_after_the_own_one_has_ended_is_somebody_elses() {
        let (mut holds, mut model) = (Holds::default(), Model::default());
        tell(&mut model, false);
        holds.ask(&a(), &model);
        holds.keep_until_begun(&a());
        for held_open in [true, false, true] {
            tell(&mut model, held_open);
            holds.look(&model);
        }
        assert!(!holds.begun(&a()));
        assert_eq!(holds.all(), NONE);
    }

    #[test]
    fn a_second_mode_before_the_first_is_there_is_the_windows_own_too() {
        let (mut holds, mut model) = (Holds::default(), Model::default());
        tell(&mut model, false);
        assert!(holds.ask(&a(), &model));
        tell(&mut model, true);
        holds.look(&model);
        assert!(holds.ask(&a(), &model), "the hold that is there is that of the first");
        holds.ended(&a());
        assert_eq!(holds.all(), [a()], "the end of the first does not end the second");
    }
}
