//! Starts of a camera that is slow to open, or does not open at all.

use std::{fs, thread, time::Duration};

use tests::wait_until;

use super::{CONFIG, LONG, Scene, scene, scene_with};

/// A camera may take its time to open, though it is closed at once.
fn patient() -> Scene {
    let config = CONFIG.replace("open_within = 0.5", "open_within = 60");
    scene_with(&config.replace("close_within = 0.3", "close_within = 0.1"))
}

impl Scene {
    /// The cameras that the next service would hold open.
    fn kept(&self) -> String {
        let path = self.service.folder().join("state/camera-service/starts.toml");
        fs::read_to_string(path).unwrap_or_default()
    }
}

#[test]
fn one_that_was_refused_does_not_come_into_force_later() {
    let scene = scene();
    scene.shim.hang("open");
    let start = scene.service.cli(&["start", &scene.camera]).expect_code(1);
    assert!(start.stderr.contains("does not return"), "{start:?}");
    scene.wait_until_stuck();
    assert_eq!(scene.status()["held_open"], false);
    scene.shim.run();
    // Nobody watches it, and nothing holds it open.
    scene.wait_for_state("closed");
    assert_eq!(scene.kept(), "");
}

#[test]
fn one_whose_asker_has_gone_is_kept_like_any_other() {
    let scene = patient();
    scene.shim.hang("open");
    let mut start = scene.service.cli_start(&["start", &scene.camera]);
    scene.wait_for_state("opening");
    start.kill();
    scene.shim.run();
    scene.wait_for_state("streaming");
    assert_eq!(scene.status()["held_open"], true);
    wait_until("the start to be kept", LONG, || {
        let kept = scene.kept();
        if kept.contains(&scene.camera) { Ok(()) } else { Err(kept) }
    });
}

#[test]
fn a_camera_that_is_turned_off_while_it_opens_is_slow_and_not_stuck() {
    let scene = patient();
    scene.shim.hang("open");
    let watcher = scene.watch();
    scene.wait_for_state("opening");
    let mut off = scene.service.cli_start(&["off"]);
    // Several times what closing may take.
    thread::sleep(Duration::from_millis(500));
    assert_ne!(scene.status()["state"], "stuck");
    assert!(off.is_running(), "who turns them off is told when they are");
    scene.shim.run();
    off.wait(LONG).ok();
    scene.wait_for_state("blocked");
    scene.service.cli(&["on"]).ok();
    watcher.frames(watcher.now(), 3);
}
