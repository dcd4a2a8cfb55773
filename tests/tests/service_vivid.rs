//! The real service on two cameras of the kernel's `vivid` driver: frames, faults and controls.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share the two cameras.

#[path = "service_vivid/controls.rs"]
mod controls;
#[path = "service_vivid/faults.rs"]
mod faults;
#[path = "service_vivid/modes.rs"]
mod modes;
#[path = "service_vivid/slots.rs"]
mod slots;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex},
    time::Duration,
};

use protocol::{CameraState, CameraSummary, Event, Size, StreamRequest};
use serde_json::{Value, json};
use tests::{
    Service,
    guest::{self, PATIENCE},
    live::{Events, Judge, Watcher, any},
    wait_until,
};

const FIRST: &str = "vivid-platform-vivid-000";
const SECOND: &str = "vivid-platform-vivid-001";

fn service() -> Service {
    guest::service().start()
}

/// Changes controls of the first camera as another program does.
fn ctl(settings: &str) {
    guest::output("v4l2-ctl", &["-d", "/dev/video0", "-c", settings]);
}

/// Native frames of the first camera.
fn native() -> StreamRequest {
    StreamRequest::native(FIRST.into())
}

/// A rendition of the first camera.
fn rendition() -> StreamRequest {
    StreamRequest { max_size: Some(Size::new(160, 120)), ..native() }
}

/// The camera in `event`, where it is about one that changed.
fn changed(event: &Event) -> Option<&CameraSummary> {
    match event {
        Event::CameraChanged(summary) => Some(summary),
        _ => None,
    }
}

/// Device files of cameras among the service's descriptors.
fn open_devices(service: &Service) -> Vec<String> {
    let all = service.descriptors().into_iter();
    all.filter(|target| target.starts_with("/dev/video")).collect()
}

fn wait_for_state(service: &Service, camera: &str, state: &str) -> Value {
    wait_until(&format!("{camera} to be {state}"), PATIENCE, || {
        let info = service.json(&["info", camera]);
        if info["state"] == state { Ok(info) } else { Err(info["state"].to_string()) }
    })
}

#[test]
fn both_cameras_are_listed_with_their_modes() {
    let service = service();
    let list = service.json(&["list"]);
    let list = list.as_array().expect("an array");
    let ids: Vec<_> = list.iter().map(|camera| camera["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, [FIRST, SECOND]);
    for camera in list {
        assert_eq!(camera["driver"], "vivid");
        assert_eq!(camera["state"], "closed");
        assert_eq!(camera["present"], true);
        assert_eq!((&camera["mode"], &camera["watchers"]), (&Value::Null, &json!(0)));
    }
    assert_eq!(list[1]["bus"], "platform:vivid-001");

    let info = service.json(&["info", FIRST]);
    assert_eq!(info["path"], "/dev/video0");
    let modes = info["modes"].as_array().expect("modes");
    for (format, width, height, fps) in [
        ("YUYV", 320, 180, json!(12.5)),
        ("RGB", 640, 480, json!(15)),
        ("NV12", 1280, 720, json!(10)),
    ] {
        let mode = json!({"format": format, "width": width, "height": height, "fps": fps});
        assert!(modes.contains(&mode), "{mode} is not among {modes:?}");
    }
    let text = service.cli(&["info", "/dev/video1"]).ok();
    assert!(text.text().contains(SECOND), "{text:?}");
    assert!(text.text().contains("(not served)"), "{text:?}");
    assert_eq!(open_devices(&service), [""; 0], "looking at a camera leaves it closed");

    service.cli(&["info", "vivid"]).expect_code(5).expect_error("use the id");
    service.cli(&["info", "/dev/video7"]).expect_code(5).expect_error(FIRST);
}

#[test]
fn frames_are_whole_and_in_order_shared_and_inline() {
    let service = service();
    for (more, delivery) in [(&[][..], "shared"), (&["--inline"], "inline")] {
        let check = service.json(&[&["check", FIRST, "--seconds", "2"], more].concat());
        assert_eq!(check["camera"], FIRST);
        assert_eq!(check["delivery"], delivery);
        assert_eq!((&check["torn"], &check["out_of_order"]), (&json!(0), &json!(0)), "{check}");
        assert!(check["frames"].as_u64() > Some(5), "{check}");
    }
    let picture = service.cli(&["snapshot", SECOND, "-o", "-"]).ok().stdout;
    assert!(picture.starts_with(&[0xff, 0xd8]) && picture.ends_with(&[0xff, 0xd9]));
}

#[test]
fn eight_readers_get_the_same_whole_frames_of_one_opening() {
    let service = service();
    let events = Events::start(&service);
    let frames: Mutex<HashMap<u64, Vec<u8>>> = Mutex::default();
    // Each frame, whoever reads it first, is compared with what everybody else reads.
    let judge: Arc<Judge> = Arc::new(move |header, bytes| {
        match frames.lock().expect("no panic").entry(header.sequence) {
            Entry::Vacant(entry) => drop(entry.insert(bytes.to_vec())),
            Entry::Occupied(entry) if entry.get() == bytes => {}
            Entry::Occupied(_) => return Err(format!("{} differs", header.sequence)),
        }
        Ok(())
    });
    let readers: Vec<Watcher> =
        (0..8).map(|_| Watcher::start(&service, native(), judge.clone())).collect();
    for reader in &readers {
        assert_eq!(reader.started().mode, reader.started().native);
        reader.frames(0, 15);
    }

    assert_eq!(service.json(&["list"])[0]["watchers"], 8);
    let clients = service.json(&["clients"]);
    let streams = clients.as_array().expect("clients").iter().filter(|c| c["role"] == "stream");
    let streams: Vec<&Value> = streams.collect();
    assert_eq!(streams.len(), 8);
    for client in streams {
        assert_eq!((&client["camera"], &client["delivery"]), (&json!(FIRST), &json!("shared")));
        assert!(client["frames"].as_u64() >= Some(15), "{client}");
    }
    for reader in &readers {
        assert_eq!(reader.other_than_frames().len(), 1, "{:?}", reader.other_than_frames());
    }
    let all = events.all();
    let mut states: Vec<&CameraState> =
        all.iter().filter_map(changed).filter(|c| c.id.0 == FIRST).map(|c| &c.state).collect();
    states.dedup();
    assert_eq!(states, [&CameraState::Opening, &CameraState::Streaming]);
}

#[test]
fn a_camera_that_nobody_watches_is_closed_after_a_while() {
    let service = service();
    let watcher = Watcher::start(&service, native(), any());
    watcher.frames(0, 2);
    assert!(!open_devices(&service).is_empty());
    drop(watcher);
    wait_until("the device to be closed", PATIENCE, || {
        let open = open_devices(&service);
        if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) }
    });
    wait_for_state(&service, FIRST, "closed");

    // Held open it stays, without anybody who watches, until that is ended.
    service.cli(&["start", FIRST]).ok();
    let watcher = Watcher::start(&service, native(), any());
    watcher.frames(0, 2);
    drop(watcher);
    let deadline = std::time::Instant::now() + Duration::from_millis(1500);
    while std::time::Instant::now() < deadline {
        assert_eq!(service.json(&["list"])[0]["state"], "streaming");
    }
    service.cli(&["stop", FIRST]).ok();
    wait_for_state(&service, FIRST, "closed");
    wait_until("the device to be closed", PATIENCE, || {
        let open = open_devices(&service);
        if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) }
    });
}
