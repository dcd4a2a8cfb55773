//! Pinned controls: set at once, at every open, and when the service starts.

use protocol::Event;
use serde_json::json;
use tests::{
    Service,
    live::{Events, Watcher, any},
    wait_until,
};

use super::{
    CAMERA, PATIENCE, native, presets_file, refused, told, value, wait_for_state, wait_for_value,
    write,
};

#[test]
fn a_control_that_another_overrules_is_told_of() {
    let service = Service::start();
    let note = "camera-service: exposure is inactive: another control overrules it, probably \
                auto_exposure\n";
    for command in ["set", "pin"] {
        let out = service.cli(&[command, CAMERA, "exposure=33", "brightness=1"]).ok();
        assert_eq!(out.text(), "exposure = 33\nbrightness = 1\n");
        assert_eq!(out.stderr, note);
    }
    // JSON has it in the flags of controls.
    assert_eq!(service.cli(&["set", CAMERA, "exposure=34", "--json"]).ok().stderr, "");
    assert_eq!(service.json(&["get", CAMERA, "exposure"])[0]["flags"], json!(["inactive"]));
    let out = service.cli(&["set", CAMERA, "auto_exposure=off", "exposure=33"]).ok();
    assert_eq!(out.stderr, "");
}

#[test]
fn the_number_of_an_entry_is_not_taken_for_a_label() {
    let service = Service::start();
    service.cli(&["set", CAMERA, "speed=4"]).ok();
    let number = value(&service, "speed");
    assert_eq!(number, 2, "the entry 4 has the number 2");
    service.cli(&["set", CAMERA, "speed=1"]).ok();
    let same = format!("speed=#{number}");
    assert_eq!(service.cli(&["set", CAMERA, &same]).ok().text(), "speed = 4\n");
    assert_eq!(value(&service, "speed"), number);
    // Labels come first where nothing is said.
    service.cli(&["set", CAMERA, "speed=2"]).ok();
    assert_eq!(value(&service, "speed"), 1);
    service.cli(&["set", CAMERA, "speed=#9"]).expect_code(1).expect_error("one of ");
}

#[test]
fn pinned_controls_are_set_again_at_every_open_and_start() {
    let mut service = Service::start();
    let events = Events::start(&service);
    assert_eq!(service.cli(&["pin", CAMERA]).ok().text(), "test:0 has no pinned controls.\n");
    let taken =
        service.json(&["pin", CAMERA, "exposure=300", "pattern=Grey ramp", "auto_exposure=off"]);
    let pins = json!([
        {"name": "exposure", "value": 300},
        {"name": "pattern", "value": 1},
        {"name": "auto_exposure", "value": false},
    ]);
    assert_eq!(taken, pins, "in the order given");
    assert_eq!(service.json(&["pin", CAMERA]), pins);
    let text = service.cli(&["pin", CAMERA]).ok();
    assert_eq!(text.text(), "exposure=300\npattern=Grey ramp\nauto_exposure=off\n");
    assert_eq!(value(&service, "exposure"), 300, "it is set at once");
    events.wait(0, "the change", |event| matches!(event, Event::PinsChanged { .. }));
    let names = told(&events.all(), |event| match event {
        Event::PinsChanged { camera, names } if camera.0 == CAMERA => Some(names),
        _ => None,
    });
    assert_eq!(names, [["exposure", "pattern", "auto_exposure"]]);
    drop(events);

    // Something else changes them: that stays until the camera is opened.
    for _ in 0..2 {
        service.cli(&["set", CAMERA, "exposure=10", "pattern=Solid"]).ok();
        assert_eq!(value(&service, "exposure"), 10);
        let watcher = Watcher::start(&service, native(), any());
        watcher.frames(0, 1);
        wait_for_value(&service, "exposure", 300);
        wait_for_value(&service, "pattern", 1);
        drop(watcher);
        wait_for_state(&service, "closed");
    }
    // A mode is changed by opening the camera anew.
    service.cli(&["start", CAMERA, "--size", "320x240"]).ok();
    wait_for_value(&service, "exposure", 300);
    service.cli(&["set", CAMERA, "exposure=10"]).ok();
    service.cli(&["start", CAMERA, "--size", "640x480"]).ok();
    wait_for_value(&service, "exposure", 300);

    service.cli(&["stop", CAMERA]).ok();
    // A test camera forgets everything with its service, and nobody watches it.
    let ended = service.restart(|_| {}).ok();
    assert!(!ended.stderr.contains("its pin was not set"), "{ended:?}");
    wait_for_value(&service, "exposure", 300);
    assert_eq!(value(&service, "auto_exposure"), false);
    assert_eq!(service.json(&["list"])[0]["state"], "closed");

    let left = service.json(&["unpin", CAMERA, "exposure", "auto_exposure"]);
    assert_eq!(left, json!([{"name": "pattern", "value": 1}]));
    assert_eq!(value(&service, "exposure"), 300, "it is left as it is");
    service.restart(|_| {}).ok();
    wait_for_value(&service, "pattern", 1);
    assert_eq!(value(&service, "exposure"), 500);
    let none = service.cli(&["unpin", CAMERA]).ok();
    assert_eq!(none.text(), "test:0 has no pinned controls.\n");
    service.restart(|_| {}).ok();
    assert_eq!(value(&service, "pattern"), 0);
}

#[test]
fn what_cannot_be_set_is_named_and_not_pinned() {
    let service = Service::start();
    service.cli(&["set", CAMERA, "saturation=42"]).ok();
    let args = ["pin", CAMERA, "brightness=1000", "contrast=50", "frames_captured=1", "saturation"];
    let output = service.cli(&args).expect_code(1);
    assert_eq!(
        output.text(),
        "contrast = 50\nsaturation = 42\n",
        "a name alone is the present value"
    );
    for words in ["cannot pin brightness: brightness cannot be 1000", "cannot pin frames_captured"]
    {
        assert!(output.stderr.contains(words), "{output:?}");
    }
    let pins = json!([{"name": "contrast", "value": 50}, {"name": "saturation", "value": 42}]);
    assert_eq!(service.json(&["pin", CAMERA]), pins);
    refused(
        &service,
        &["pin", CAMERA, "reset_counter"],
        "wrong_type",
        "a button, which has no value",
    );
    refused(&service, &["pin", CAMERA, "nosuch=1"], "no_such_control", "nosuch");
    refused(
        &service,
        &["unpin", CAMERA, "contrast", "nosuch"],
        "no_such_control",
        "contrast, saturation",
    );
    assert_eq!(service.json(&["pin", CAMERA]), pins, "nothing was unpinned");
    service.cli(&["pin", CAMERA, "contrast=55"]).ok();
    let pins = json!([{"name": "contrast", "value": 55}, {"name": "saturation", "value": 42}]);
    assert_eq!(service.json(&["pin", CAMERA]), pins, "pinned anew, in its place");
    for command in ["pin", "unpin"] {
        service.cli(&[command, "nosuch"]).expect_code(5);
    }
}

#[test]
fn a_pin_that_is_refused_is_logged_and_the_rest_is_set() {
    let mut service = Service::start();
    service
        .restart(|folder| {
            let text = "[camera.\"test:0\".pinned]\nbrightness = 1000\nnosuch = true\ncontrast = 105\n\
                        [camera.\"other\".pinned]\nbrightness = 1\n";
            write(&presets_file(folder), text);
        })
        .ok();
    wait_for_value(&service, "contrast", 105);
    wait_until("the log to name what was refused", PATIENCE, || {
        let log = service.log();
        let logged = |name: &str| {
            log.lines().any(|line| {
                let words = [" WARN ", "its pin was not set", "test:0", name];
                words.iter().all(|word| line.contains(word))
            })
        };
        if logged("brightness") && logged("nosuch") { Ok(()) } else { Err(log) }
    });
    assert_eq!(value(&service, "brightness"), 0);
    // They stay pinned: the camera may take them another time.
    assert_eq!(service.json(&["pin", CAMERA]).as_array().map(Vec::len), Some(3));
}
