//! Random faults on a camera of the kernel's `vivid` driver. FAULTS_SEED and FAULTS_STEPS (60) name
//! another sequence.
#![cfg(target_os = "linux")]

use tests::faults::{Plan, VividRig, run};

#[test]
fn whatever_happens_every_client_that_lives_has_frames_again_and_nothing_is_left() {
    run(VividRig::new(), Plan::from_env(60));
}
