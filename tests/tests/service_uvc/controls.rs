//! Controls while frames flow, and after a replug.

use protocol::{Control, ControlValue, Event};
use serde_json::{Value, json};
use tests::{
    guest::{self, Webcam},
    live::{Events, Watcher, any},
    wait_until,
};

use super::{CAMERA, PATIENCE, mjpg, service, wait_until_present};

/// Changes controls as another program does.
fn ctl(settings: &str) {
    guest::output("v4l2-ctl", &["-d", "/dev/video0", "-c", settings]);
}

fn control<'a>(event: &'a Event, name: &str) -> Option<&'a Control> {
    match event {
        Event::ControlChanged { control, .. } if control.name == name => Some(control),
        _ => None,
    }
}

#[test]
fn controls_are_set_and_what_changes_beside_them_is_told() {
    let service = service();
    let events = Events::start(&service);
    let watcher = Watcher::start(&service, mjpg(1280, 720), any());
    watcher.frames(0, 2);
    let controls = service.json(&["controls", CAMERA]);
    let find = |name: &str| -> Value {
        let all = controls.as_array().expect("controls");
        all.iter().find(|control| control["name"] == name).expect(name).clone()
    };
    let exposure = find("exposure_time_absolute");
    assert_eq!(
        (&exposure["min"], &exposure["max"], &exposure["default"]),
        (&json!(3), &json!(2047), &json!(250))
    );
    let auto = find("auto_exposure");
    assert_eq!(auto["kind"], "menu");
    assert_eq!(auto["menu"][0], json!({"value": 1, "label": "Manual Mode"}));

    service.cli(&["set", CAMERA, "auto_exposure=Aperture Priority Mode"]).ok();
    let from = events.now();
    service.cli(&["set", CAMERA, "auto_exposure=Manual Mode", "exposure_time_absolute=333"]).ok();
    events.wait(from, "exposure to be active", |event| {
        control(event, "exposure_time_absolute").is_some_and(|control| !control.flags.inactive)
    });
    let told = guest::output("v4l2-ctl", &["-d", "/dev/video0", "-C", "exposure_time_absolute"]);
    assert_eq!(told.trim(), "exposure_time_absolute: 333");
    service.cli(&["set", CAMERA, "exposure_time_absolute=1"]).expect_code(1).expect_error("3");
    service.cli(&["set", CAMERA, "pan_absolute=3601"]).expect_code(1).expect_error("3600");

    let from = events.now();
    ctl("brightness=42");
    events.wait(from, "a change of brightness", |event| {
        control(event, "brightness")
            .is_some_and(|control| control.value == ControlValue::Integer(42))
    });
    watcher.frames(watcher.now(), 2);

    // Controls are told of, and can be set, after a replug as before.
    let before = events.now();
    Webcam.command("unplug");
    let at = wait_until_present(&events, before, false);
    Webcam.command("plug");
    wait_until_present(&events, at, true);
    let mut value = 50;
    let from = events.now();
    wait_until("a change of contrast", PATIENCE, || {
        value += 1;
        ctl(&format!("contrast={value}"));
        let told = events.all()[from..].iter().any(|event| control(event, "contrast").is_some());
        if told { Ok(()) } else { Err("not told".to_owned()) }
    });
    service.cli(&["reset", CAMERA]).ok();
    let controls = service.json(&["controls", CAMERA]);
    for control in controls.as_array().expect("controls") {
        if control["flags"] == json!([]) {
            assert_eq!(control["value"], control["default"], "{control}");
        }
    }
}
