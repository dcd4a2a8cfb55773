//! A service that is killed and comes back: it finds what it kept, its clients find it, and no kill
//! and no full disk leaves a file that cannot be read.

#[path = "restart/clients.rs"]
mod clients;
#[path = "restart/storage.rs"]
mod storage;

use std::{fs, time::Duration};

use serde_json::json;
use tests::{Service, wait_until};

const CAMERA: &str = "test:0";
const PATIENCE: Duration = Duration::from_secs(30);

#[track_caller]
fn wait_for_state(service: &Service, state: &str) {
    wait_until(&format!("the first camera to be {state}"), PATIENCE, || {
        let camera = &service.json(&["list"])[0];
        if camera["state"] == state { Ok(()) } else { Err(camera.to_string()) }
    });
}

#[test]
fn a_camera_that_was_started_is_held_open_again_in_its_mode() {
    let mut service = Service::builder().test_camera("640x480@30").start();
    let modes = service.json(&["info", CAMERA])["modes"].clone();
    let other = modes.as_array().expect("modes").iter().find(|mode| mode["format"] != "YUYV");
    let format = other.expect("a test camera has several")["format"].clone();
    let format = format.as_str().expect("text");
    service.cli(&["start", CAMERA, "--format", format]).ok();
    let mode = service.json(&["list"])[0]["mode"].clone();
    for _ in 0..2 {
        service.start_again();
        wait_for_state(&service, "streaming");
        let camera = &service.json(&["list"])[0];
        assert_eq!((&camera["mode"], &camera["held_open"]), (&mode, &json!(true)), "{camera}");
    }
    // The switch comes before it, over a restart as well.
    service.cli(&["off"]).ok();
    service.start_again();
    wait_for_state(&service, "blocked");
    service.cli(&["on"]).ok();
    wait_for_state(&service, "streaming");
    assert_eq!(service.json(&["list"])[0]["mode"], mode);
    // Ended is ended.
    service.cli(&["stop", CAMERA]).ok();
    service.start_again();
    let camera = &service.json(&["list"])[0];
    assert_eq!((&camera["state"], &camera["held_open"]), (&json!("closed"), &json!(false)));
    assert!(!service.folder().join("state/camera-service/starts.toml").exists());
}

#[test]
fn a_start_that_failed_is_not_kept_and_one_that_cannot_be_is_said() {
    let mut service = Service::builder().test_camera("640x480@30").start();
    service.cli(&["start", CAMERA, "--size", "641x3"]).expect_code(1);
    let file = service.folder().join("state/camera-service/starts.toml");
    assert!(!file.exists());
    fs::create_dir_all(file.with_extension("toml.new")).expect("a folder in its way");
    let output = service.cli(&["start", CAMERA]).expect_code(1);
    assert!(output.stderr.contains("held open, but only until the service ends"), "{output:?}");
    wait_for_state(&service, "streaming");
    fs::remove_dir(file.with_extension("toml.new")).expect("removed");
    // What cannot be understood is put aside.
    service.cli(&["start", CAMERA]).ok();
    service.restart(|_| fs::write(&file, "camera = [").expect("written")).ok();
    assert_eq!(service.json(&["list"])[0]["held_open"], false);
    assert!(file.with_extension("toml.unreadable").exists());
}
