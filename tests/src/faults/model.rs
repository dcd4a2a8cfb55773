//! How things must be after what was done, and what may be done next.

use std::{collections::BTreeMap, time::Duration};

use fastrand::Rng;
use protocol::ModeWish;

use super::{Condition, Rig, fault::Fault};

/// How things are, by what was done.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) plugged: bool,
    pub(super) condition: Condition,
    /// All cameras are turned off.
    pub(super) off: bool,
    /// The mode in which the camera was started, as the reply named it.
    pub(super) held: Option<protocol::Mode>,
    /// Values of controls, as the camera took them.
    pub(super) controls: BTreeMap<&'static str, i64>,
    /// Something happened since it was last seen that all is well.
    pub(super) disturbed: bool,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            plugged: true,
            condition: Condition::Fine,
            off: false,
            held: None,
            controls: BTreeMap::new(),
            disturbed: true,
        }
    }

    /// Draws the next fault among those that are possible now, by their weights.
    pub(super) fn draw(&self, rng: &mut Rng, rig: &impl Rig, scene: Scene) -> Fault {
        let mut choices: Vec<(Fault, u32)> = Vec::new();
        if self.plugged {
            choices.push((Fault::Unplug, 4));
            choices.push((Fault::Suspend, 2));
            for condition in Condition::FAULTS {
                if rig.can(condition) && condition != self.condition {
                    choices.push((Fault::Camera(condition), 3));
                }
            }
        } else {
            choices.push((Fault::Replug, 12));
        }
        if self.plugged && self.condition != Condition::Fine {
            choices.push((Fault::Camera(Condition::Fine), 8));
        }
        let modes = rig.modes();
        choices.push((Fault::ModeChange(modes[rng.usize(..modes.len())]), 4));
        if self.held.is_some() {
            choices.push((Fault::HoldEnds, 2));
        }
        let controls = rig.controls();
        let (name, range) = controls[rng.usize(..controls.len())].clone();
        choices.push((Fault::ControlChange { name, value: rng.i64(range) }, 5));
        choices.push(if self.off { (Fault::CamerasOn, 8) } else { (Fault::CamerasOff, 3) });
        if scene.readers > 0 {
            choices.push((Fault::ReaderKilled, 3));
        }
        if scene.readers > scene.stopped {
            choices.push((Fault::ReaderStopped, 3));
        }
        if scene.stopped > 0 {
            choices.push((Fault::ReaderContinued, 3));
        }
        // Most for a moment, a few for longer than anything may take.
        let time = scene.tempo.mul_f64(rng.f64().powi(3));
        choices.push((Fault::ServiceStopped(time), 2));
        if scene.may_kill {
            choices.push((Fault::ServiceKilled(scene.tempo.mul_f64(rng.f64() / 8.0)), 2));
        }
        let all: u32 = choices.iter().map(|(_, weight)| weight).sum();
        let mut at = rng.u32(..all);
        let drawn = choices.into_iter().find(|(_, weight)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        });
        drawn.expect("a number below the sum of all weights is within one of them").0
    }

    /// Notes that the device was without power: what it was told it may have forgotten.
    pub(super) fn lost_power(&mut self, rig: &impl Rig) {
        self.condition = Condition::Fine;
        if !rig.keeps_controls() {
            self.controls.clear();
        }
    }
}

/// Who is there to be hurt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) readers: usize,
    pub(super) stopped: usize,
    /// Whether the service may be killed: not while its memory is compared.
    pub(super) may_kill: bool,
    /// How long a service is stopped at most: longer than it takes for a call to seem stuck.
    pub(super) tempo: Duration,
}

/// A wish for a mode of this format and size.
pub(super) fn wish(format: &str, width: u32, height: u32) -> ModeWish {
    ModeWish {
        format: Some(format.parse().expect("a format")),
        size: Some(protocol::Size::new(width, height)),
        rate: None,
    }
}
