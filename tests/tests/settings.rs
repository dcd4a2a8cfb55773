//! What the service remembers: presets, pinned controls, names, the switch for all cameras and the
//! programs that have watched. Also over a restart, and where it cannot be written.

#[path = "settings/pins.rs"]
mod pins;
#[path = "settings/presets.rs"]
mod presets;
#[path = "settings/privacy.rs"]
mod privacy;
#[path = "settings/storage.rs"]
mod storage;
#[path = "settings/watchers.rs"]
mod watchers;

use std::{fs, path::Path, path::PathBuf, time::Duration};

use protocol::{Event, StreamRequest};
use serde_json::Value;
use tests::{Service, wait_until};

const CAMERA: &str = "test:0";
/// Longer than anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn native() -> StreamRequest {
    StreamRequest::native(CAMERA.into())
}

/// A file in which the service whose folders lie in `folder` keeps something.
fn state_file(folder: &Path, name: &str) -> PathBuf {
    folder.join("state/camera-service").join(name)
}

fn presets_file(folder: &Path) -> PathBuf {
    state_file(folder, "presets.toml")
}

/// Writes a file as a user does, while the service does not run.
fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
    fs::write(path, text).expect("it can be written");
}

/// The value of a control of the test camera.
fn value(service: &Service, name: &str) -> Value {
    service.json(&["get", CAMERA, name])[0]["value"].clone()
}

#[track_caller]
fn wait_for_value(service: &Service, name: &str, wanted: impl Into<Value>) {
    let wanted = wanted.into();
    wait_until(&format!("{name} to be {wanted}"), PATIENCE, || {
        let now = value(service, name);
        if now == wanted { Ok(()) } else { Err(now.to_string()) }
    });
}

#[track_caller]
fn wait_for_state(service: &Service, state: &str) {
    wait_until(&format!("the first camera to be {state}"), PATIENCE, || {
        let camera = &service.json(&["list"])[0];
        if camera["state"] == state { Ok(()) } else { Err(camera.to_string()) }
    });
}

/// Whether something is wrong with a command's JSON error, or its exit code.
#[track_caller]
fn refused(service: &Service, args: &[&str], kind: &str, words: &str) {
    let output = service.cli(&[args, &["--json"]].concat()).expect_code(1);
    let last = output.stderr.lines().last().unwrap_or_default();
    let error: Value = serde_json::from_str(last).expect("an error as JSON");
    assert_eq!(error["error"]["kind"], kind, "{output:?}");
    assert!(error["error"]["message"].as_str().expect("text").contains(words), "{output:?}");
}

/// Names in the events that tell of changed presets or pins, in order.
fn told(events: &[Event], pick: impl Fn(&Event) -> Option<&Vec<String>>) -> Vec<Vec<String>> {
    events.iter().filter_map(|event| pick(event).cloned()).collect()
}

#[test]
fn a_camera_keeps_the_name_it_is_given() {
    let mut service =
        Service::builder().test_camera("320x240@30").test_camera("320x240@30").start();
    let renamed = service.json(&["rename", CAMERA, "Desk camera"]);
    assert_eq!(renamed, serde_json::json!({"camera": CAMERA, "name": "Desk camera"}));
    service.cli(&["info", "Desk camera"]).ok();
    refused(&service, &["rename", "test:1", "Desk camera"], "name_taken", "Desk camera");
    refused(&service, &["rename", "test:1", " x"], "invalid", "1 to 64 characters");
    service.cli(&["rename", "nosuch", "x"]).expect_code(5);
    service.restart(|_| {}).ok();
    assert_eq!(service.json(&["list"])[0]["name"], "Desk camera");
    let text = service.cli(&["rename", "Desk camera", "--reset"]).ok();
    assert_eq!(text.text(), "test:0 is called Test camera 0\n");
    service.cli(&["info", "Desk camera"]).expect_code(5);
    service.restart(|_| {}).ok();
    assert_eq!(service.json(&["list"])[0]["name"], "Test camera 0");
}
