//! Pinned controls and presets on a USB webcam, across unplug, replug and a restart of the service.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share one webcam. The kernel's
//! `uvcvideo` driver refuses exposure, white balance and focus while they are automatic, as the
//! webcam's defaults have it.

use protocol::StreamRequest;
use serde_json::{Value, json};
use tests::{
    Service,
    guest::{self, PATIENCE, Webcam},
    live::{Watcher, any},
    wait_until,
};

const CAMERA: &str = "usb-vm-camera_UVC_Test_Camera_0001";

/// What depends on others comes first here, and must not there.
const PINS: [&str; 7] = [
    "exposure_time_absolute=333",
    "white_balance_temperature=3000",
    "focus_absolute=50",
    "brightness=42",
    "auto_exposure=Manual Mode",
    "white_balance_automatic=off",
    "focus_automatic_continuous=off",
];
const NAMES: &str = "brightness,white_balance_automatic,white_balance_temperature,auto_exposure,\
                     exposure_time_absolute,focus_absolute,focus_automatic_continuous";
const PINNED: &str = "brightness: 42\nwhite_balance_automatic: 0\nwhite_balance_temperature: 3000\n\
                      auto_exposure: 1\nexposure_time_absolute: 333\nfocus_absolute: 50\n\
                      focus_automatic_continuous: 0\n";
const AUTOMATIC: &str =
    "brightness=99,white_balance_automatic=1,auto_exposure=3,focus_automatic_continuous=1";

fn service() -> Service {
    Webcam.plug_in();
    guest::service().start()
}

/// Makes all automatic that can be, and what is not that different from the pins.
fn change() {
    guest::set_values("auto_exposure=1,white_balance_automatic=0,focus_automatic_continuous=0");
    guest::set_values("exposure_time_absolute=7,white_balance_temperature=6000,focus_absolute=5");
    guest::set_values(AUTOMATIC);
}

fn replug() {
    Webcam.command("unplug");
    guest::wait_for_nodes(0);
    Webcam.command("plug");
    guest::wait_for_nodes(2);
}

#[track_caller]
fn wait_until_closed(service: &Service) {
    wait_until("the device to be closed", PATIENCE, || {
        let all = service.descriptors().into_iter();
        let open: Vec<String> = all.filter(|file| file.starts_with("/dev/video")).collect();
        if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) }
    });
}

#[track_caller]
fn wait_until_listed(service: &Service) {
    wait_until("the camera to be there", PATIENCE, || {
        let list = service.json(&["list"]);
        if list[0]["present"] == true { Ok(()) } else { Err(list.to_string()) }
    });
}

#[test]
fn exposure_cannot_be_set_while_it_is_automatic() {
    // What the other tests are about.
    let service = service();
    change();
    let output = service.cli(&["set", CAMERA, "exposure_time_absolute=333"]).expect_code(1);
    output.expect_error("cannot set exposure_time_absolute");
    // Pinned alone it is refused too, and the rest is pinned.
    let args = ["pin", CAMERA, "exposure_time_absolute=333", "brightness=50"];
    let output = service.cli(&args).expect_code(1);
    assert_eq!(output.text(), "brightness = 50\n");
    assert_eq!(service.json(&["pin", CAMERA]), json!([{"name": "brightness", "value": 50}]));
}

#[test]
fn pins_are_set_at_replug_restart_and_open_with_nobody_there() {
    let mut service = service();
    change();
    let taken = service.json(&[&["pin", CAMERA], &PINS[..]].concat());
    let taken: Vec<&Value> =
        taken.as_array().expect("outcomes").iter().map(|outcome| &outcome["value"]).collect();
    assert_eq!(json!(taken), json!([333, 3000, 50, 42, 1, false, false]));
    assert_eq!(guest::values(NAMES), PINNED);
    wait_until_closed(&service);

    for _ in 0..2 {
        change();
        replug();
        guest::wait_for_values(NAMES, PINNED);
        wait_until_closed(&service);
    }
    service.restart(|_| change()).ok();
    guest::wait_for_values(NAMES, PINNED);
    wait_until_closed(&service);

    change();
    let watcher = Watcher::start(&service, StreamRequest::native(CAMERA.into()), any());
    watcher.frames(0, 2);
    guest::wait_for_values(NAMES, PINNED);
    change();
    let from = watcher.now();
    replug();
    let (lost, _) = watcher.lost(from);
    watcher.frames(lost, 2);
    guest::wait_for_values(NAMES, PINNED);
    drop(watcher);
    let log = service.log();
    assert!(!log.contains("its pin was not set"), "{log}");

    service.cli(&["unpin", CAMERA]).ok();
    wait_until_closed(&service);
    change();
    replug();
    wait_until_listed(&service);
    let watcher = Watcher::start(&service, StreamRequest::native(CAMERA.into()), any());
    watcher.frames(0, 2);
    let now = guest::values(NAMES);
    assert!(now.contains("auto_exposure: 3\n") && !now.contains("brightness: 42\n"), "{now}");
}

#[test]
fn a_preset_is_applied_in_order_after_replug_and_restart() {
    let mut service = service();
    change();
    // Automatic is kept as such, and what it decides about is not.
    service.cli(&["preset", "save", CAMERA, "automatic"]).ok();
    let kept = service.json(&["preset", "list", CAMERA, "automatic"]);
    let names: Vec<&str> = kept["settings"]
        .as_array()
        .expect("settings")
        .iter()
        .filter_map(|setting| setting["name"].as_str())
        .collect();
    assert!(names.contains(&"auto_exposure"), "{names:?}");
    for name in ["exposure_time_absolute", "white_balance_temperature", "focus_absolute"] {
        assert!(!names.contains(&name), "{names:?}");
    }
    let mut manual = PINS.to_vec();
    manual.rotate_left(4);
    service.cli(&[&["set", CAMERA], &manual[..]].concat()).ok();
    service.cli(&["preset", "save", CAMERA, "manual"]).ok();

    let applied = |service: &Service| {
        service.cli(&["preset", "apply", CAMERA, "automatic"]).ok();
        assert!(guest::values(NAMES).contains("auto_exposure: 3\n"));
        change();
        service.cli(&["preset", "apply", CAMERA, "manual"]).ok();
        assert_eq!(guest::values(NAMES), PINNED);
    };
    applied(&service);
    replug();
    wait_until_listed(&service);
    applied(&service);
    service.restart(|_| change()).ok();
    applied(&service);
    let watcher = Watcher::start(&service, StreamRequest::native(CAMERA.into()), any());
    watcher.frames(0, 2);
    applied(&service);
    watcher.frames(watcher.now(), 2);
}
