//! Presets: kept, applied, renamed, deleted, and there again after a restart.

use std::fs;

use protocol::{ControlValue, Event};
use serde_json::json;
use tests::{Service, live::Events};

use super::{CAMERA, presets_file, refused, told, value, write};

fn preset(service: &Service, args: &[&str]) -> serde_json::Value {
    service.json(&[&["preset"], args].concat())
}

#[test]
fn a_preset_keeps_how_the_camera_is_set_up_and_brings_it_back() {
    let mut service = Service::start();
    let evening = ["auto_exposure=off", "exposure=300", "pattern=Grey ramp", "text=on air"];
    service.cli(&[&["set", CAMERA], &evening[..]].concat()).ok();
    let text = service.cli(&["preset", "save", CAMERA, "evening light"]).ok();
    assert_eq!(text.text(), "evening light keeps 10 controls of test:0\n");
    let kept = preset(&service, &["list", CAMERA, "evening light"]);
    let expected = json!([
        // What decides about others first; no button, and nothing that is read-only.
        {"name": "auto_exposure", "value": false},
        {"name": "pattern", "value": 1},
        {"name": "mirror", "value": false},
        {"name": "speed", "value": value(&service, "speed")},
        {"name": "brightness", "value": 0},
        {"name": "contrast", "value": 100},
        {"name": "saturation", "value": value(&service, "saturation")},
        {"name": "exposure", "value": 300},
        {"name": "channels", "value": 7},
        {"name": "text", "value": "on air"},
    ]);
    assert_eq!(kept, json!({"name": "evening light", "settings": expected}));

    service.cli(&["reset", CAMERA]).ok();
    preset(&service, &["save", CAMERA, "day"]);
    let day = preset(&service, &["list", CAMERA, "day"]);
    let day: Vec<&str> = day["settings"]
        .as_array()
        .expect("settings")
        .iter()
        .filter_map(|s| s["name"].as_str())
        .collect();
    assert!(day.contains(&"auto_exposure") && !day.contains(&"exposure"), "{day:?}");

    let restored = |service: &Service| {
        service.cli(&["set", CAMERA, "exposure=77"]).ok();
        let events = Events::start(service);
        let outcomes = preset(service, &["apply", CAMERA, "evening light"]);
        assert_eq!(outcomes, expected);
        let exposure = |event: &Event, value: i64| {
            matches!(event, Event::ControlChanged { control, .. } if control.name == "exposure"
                && control.value == ControlValue::Integer(value) && !control.flags.inactive)
        };
        // It was set once it was no longer automatic.
        let (at, _) = events.wait(0, "manual exposure", |event| exposure(event, 77));
        events.wait(at, "the exposure of the preset", |event| exposure(event, 300));
        for setting in expected.as_array().expect("settings") {
            assert_eq!(value(service, setting["name"].as_str().expect("a name")), setting["value"]);
        }
    };
    restored(&service);
    service.restart(|_| {}).ok();
    assert_eq!(value(&service, "exposure"), 500, "a preset is not applied by itself");
    restored(&service);

    let output = service.cli(&["preset", "rename", CAMERA, "day", "noon"]).ok();
    assert_eq!(output.text(), "day is called noon\n");
    refused(
        &service,
        &["preset", "rename", CAMERA, "noon", "evening light"],
        "name_taken",
        "evening light",
    );
}

#[test]
fn presets_are_listed_renamed_and_deleted_and_every_change_is_told() {
    let mut service = Service::start();
    let events = Events::start(&service);
    let none = service.cli(&["preset", "list", CAMERA]).ok();
    assert_eq!(none.text(), "test:0 has no presets\n");
    assert_eq!(preset(&service, &["list", CAMERA]), json!([]));
    for (args, kind, words) in [
        (&["apply", CAMERA, "day"][..], "no_such_preset", "preset save test:0 NAME"),
        (&["delete", CAMERA, "day"], "no_such_preset", "\"day\""),
        (&["rename", CAMERA, "day", "noon"], "no_such_preset", "\"day\""),
        (&["list", CAMERA, "day"], "no_such_preset", "\"day\""),
        (&["save", CAMERA, "two\nlines"], "invalid", "control character"),
        (&["save", CAMERA, ""], "invalid", "1 to 64"),
    ] {
        refused(&service, &[&["preset"], args].concat(), kind, words);
    }
    for name in ["save", "apply", "delete", "list"] {
        let args = ["preset", name, "nosuch", "day"];
        service.cli(&args).expect_code(5).expect_error("there is test:0");
    }
    for name in ["day", "night", "day"] {
        preset(&service, &["save", CAMERA, name]);
    }
    service.cli(&["set", CAMERA, "brightness=7"]).ok();
    preset(&service, &["save", CAMERA, "day"]);
    refused(&service, &["preset", "rename", CAMERA, "day", "night"], "name_taken", "night");
    assert_eq!(
        preset(&service, &["rename", CAMERA, "day", "noon"]),
        json!({"camera": CAMERA, "preset": "noon"})
    );
    refused(&service, &["preset", "apply", CAMERA, "day"], "no_such_preset", "night, noon");
    let list = service.cli(&["preset", "list", CAMERA]).ok();
    assert_eq!(list.text(), "NAME   CONTROLS\nnight  9\nnoon   9\n");
    let lines = service.cli(&["preset", "list", CAMERA, "noon"]).ok();
    assert!(lines.text().contains("pattern=Colour bars\n"), "{lines:?}");
    assert!(lines.text().contains("brightness=7\n"), "{lines:?}");
    preset(&service, &["delete", CAMERA, "night"]);
    let last =
        |event: &Event| matches!(event, Event::PresetsChanged { names, .. } if *names == ["noon"]);
    events.wait(0, "the last change", last);
    let all = told(&events.all(), |event| match event {
        Event::PresetsChanged { camera, names } if camera.0 == CAMERA => Some(names),
        _ => None,
    });
    // What was kept once more as it was is no change.
    let expected =
        [&["day"][..], &["day", "night"], &["day", "night"], &["night", "noon"], &["noon"]];
    assert_eq!(all, expected);
    drop(events);

    service.restart(|_| {}).ok();
    let list = preset(&service, &["list", CAMERA]);
    assert_eq!((list.as_array().map(Vec::len), &list[0]["name"]), (Some(1), &json!("noon")));
    preset(&service, &["delete", CAMERA, "noon"]);
    let text = fs::read_to_string(presets_file(service.folder())).expect("the file");
    assert!(!text.contains(CAMERA), "nothing is left of it: {text}");
}

#[test]
fn what_the_camera_refuses_is_named_and_the_rest_is_set() {
    let mut service = Service::start();
    service
        .restart(|folder| {
            let text = "[camera.\"test:0\".preset.odd]\nbrightness = 1000\nnosuch = 1\nexposure = 300\n\
                        contrast = 105\nframes_captured = 3\nreset_counter = 1\ntext = 8\n\
                        auto_exposure = false\n";
            write(&presets_file(folder), text);
        })
        .ok();
    let output = service.cli(&["preset", "apply", CAMERA, "odd", "--json"]).expect_code(1);
    let outcomes: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let kind = |at: usize| outcomes[at]["error"]["kind"].clone();
    let expected = [
        json!("out_of_range"),
        json!("no_such_control"),
        json!(null),
        json!(null),
        json!("read_only"),
        json!("wrong_type"),
        json!("wrong_type"),
        json!(null),
    ];
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(kind), expected, "in the order of the preset");
    for name in ["brightness", "nosuch", "frames_captured", "reset_counter", "text"] {
        assert!(output.stderr.contains(&format!("cannot set {name}:")), "{output:?}");
    }
    for (name, expected) in [
        ("brightness", json!(0)),
        ("contrast", json!(105)),
        ("exposure", json!(300)),
        ("auto_exposure", json!(false)),
    ] {
        assert_eq!(value(&service, name), expected, "{name}");
    }
}
