//! Random faults on a USB webcam, as the kernel's `uvcvideo` driver sees it. FAULTS_SEED and
//! FAULTS_STEPS (60) name another sequence.
#![cfg(target_os = "linux")]

use tests::faults::{Plan, WebcamRig, run};

#[test]
fn whatever_happens_every_client_that_lives_has_frames_again_and_nothing_is_left() {
    run(WebcamRig::new(), Plan::from_env(60));
}
