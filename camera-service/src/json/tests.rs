//! The keys that were promised, and how values are written.

use protocol::{CameraState, PixelFormat, Size};

use super::*;

fn keys(value: &impl Serialize) -> Vec<String> {
    // As text, because a parsed object has lost its order.
    let text = serde_json::to_string_pretty(value).expect("JSON");
    let top = text.lines().filter_map(|line| line.strip_prefix("  \""));
    top.filter_map(|line| Some(line.split_once('"')?.0.to_owned())).collect()
}

#[test]
fn a_camera_has_the_promised_keys() {
    let mut camera = CameraSummary {
        id: "test:0".into(),
        name: "Test".to_owned(),
        driver: "test".to_owned(),
        bus: String::new(),
        present: true,
        state: CameraState::Closed,
        reason: String::new(),
        mode: None,
        watchers: 0,
        held_open: false,
    };
    let promised = ["id", "name", "driver", "bus", "state", "mode", "watchers"];
    assert_eq!(keys(&Camera::from(&camera))[..7], promised);
    let json = serde_json::to_value(Camera::from(&camera)).expect("JSON");
    assert!(json["mode"].is_null());
    assert_eq!(json["state"], "closed");

    camera.mode = Some(Mode {
        format: PixelFormat::Mjpg,
        size: Size::new(640, 480),
        rate: FrameRate::new(15, 2),
    });
    let json = serde_json::to_value(Camera::from(&camera)).expect("JSON");
    let mode = r#"{"format":"MJPG","width":640,"height":480,"fps":7.5}"#;
    assert_eq!(json["mode"], serde_json::from_str::<serde_json::Value>(mode).expect("JSON"));
}

#[test]
fn a_control_has_the_promised_keys_and_plain_values() {
    let control = Control {
        name: "gain".to_owned(),
        label: "Gain".to_owned(),
        kind: ControlKind::Integer,
        value: ControlValue::Integer(3),
        default: ControlValue::None,
        min: 0,
        max: 9,
        step: 1,
        menu: vec![MenuEntry { value: 1, label: "One".to_owned() }],
        flags: ControlFlags { read_only: true, volatile: true, ..ControlFlags::default() },
    };
    let json = ControlJson::from(&control);
    let promised =
        ["name", "label", "kind", "value", "default", "min", "max", "step", "menu", "flags"];
    assert_eq!(keys(&json), promised);
    assert_eq!(
        serde_json::to_string(&json).expect("JSON"),
        r#"{"name":"gain","label":"Gain","kind":"integer","value":3,"default":null,"min":0,"max":9,"step":1,"menu":[{"value":1,"label":"One"}],"flags":["read_only","volatile"]}"#
    );
    let bytes = ControlValue::Bytes(vec![0, 255]);
    assert_eq!(serde_json::to_string(&Value(&bytes)).expect("JSON"), r#""00ff""#);
    let on = ControlValue::Boolean(true);
    assert_eq!(serde_json::to_string(&Value(&on)).expect("JSON"), "true");
}

#[test]
fn a_client_has_the_promised_keys() {
    let client = ClientSummary {
        id: protocol::ConnectionId(4),
        name: "viewer".to_owned(),
        pid: 9,
        program: "/bin/viewer".to_owned(),
        remote: None,
        role: protocol::Role::Stream,
        camera: Some("test:0".into()),
        delivery: Some(protocol::Delivery::Shared),
        since_unix_ns: 0,
        frames: 1,
        dropped: 2,
    };
    let json = Client::from(&client);
    let promised = [
        "id", "name", "pid", "program", "role", "camera", "delivery", "since", "frames", "dropped",
    ];
    assert_eq!(keys(&json)[..10], promised);
}
