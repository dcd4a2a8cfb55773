//! Random faults on the pretended camera, at native speed. FAULTS_SEED and FAULTS_STEPS (500) name
//! another sequence.
#![cfg(target_os = "linux")]

use tests::faults::{Plan, ShimRig, run};

#[test]
fn whatever_happens_every_client_that_lives_has_frames_again_and_nothing_is_left() {
    run(ShimRig::new(), Plan::from_env(500));
}
