//! Random faults, from a seed, and what must hold after them.
//!
//! [`run`] has a real service, clients that watch, and a camera that can be hurt ([`Rig`]: the
//! pretended one at native speed, the kernel's `vivid`, a USB webcam). It injects faults in bursts
//! ([`Fault`]), of which the [`model`] knows what they lead to, then takes everything back and
//! demands ([`settle`]) that every subscriber that still lives receives frames, that what
//! `status`, `clients` and `events` say agrees with one another and with what happened, and that
//! nothing is left: no slot, thread, descriptor or memory.
//!
//! FAULTS_SEED and FAULTS_STEPS name a sequence; a test that fails prints both. The same seed
//! gives the same faults, though not the same timing.

mod fault;
mod invariants;
mod model;
mod plan;
mod reader;
mod record;
mod report;
mod rest;
mod rig;
mod service;
mod settle;
mod stage;
mod subscriber;
mod sure;

pub use plan::Plan;
pub use report::Report;
pub use rig::{Condition, Rig, ShimRig, VividRig, WebcamRig};

use stage::Stage;

/// Injects the faults of `plan`, and panics, with all that was done and seen, where something does
/// not hold. The figures are printed, and returned.
#[track_caller]
pub fn run(rig: impl Rig, plan: Plan) -> Report {
    println!("FAULTS_SEED={} FAULTS_STEPS={} on {}", plan.seed, plan.steps, rig.name());
    let mut stage = Stage::new(rig, plan);
    stage.settle();
    while stage.has_steps() {
        stage.burst();
        stage.settle();
    }
    let report = stage.end();
    print!("{report}");
    report
}
