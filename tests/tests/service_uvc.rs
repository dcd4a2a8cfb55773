//! The real service on a USB webcam, as the kernel's `uvcvideo` driver sees it.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share one webcam, which takes
//! commands through `/run/uvcsim` and sends the JPEGs in `/frames`.

#[path = "service_uvc/controls.rs"]
mod controls;
#[path = "service_uvc/faults.rs"]
mod faults;

use std::{
    collections::HashSet,
    path::Path,
    sync::{Arc, Mutex},
};

use protocol::{
    CameraState, CameraSummary, Delivery, Event, PixelFormat, Size, StreamFormat, StreamRequest,
};
use serde_json::json;
use tests::{
    Service,
    guest::{self, PATIENCE, Webcam},
    live::{Events, Judge, Seen, Watcher, any},
    wait_until,
};

const CAMERA: &str = "usb-vm-camera_UVC_Test_Camera_0001";

fn service() -> Service {
    Webcam.plug_in();
    guest::service().start()
}

/// MJPG of a size: the camera opens in it where nobody else watches.
fn mjpg(width: u32, height: u32) -> StreamRequest {
    StreamRequest {
        format: StreamFormat::Pixels(PixelFormat::Mjpg),
        max_size: Some(Size::new(width, height)),
        ..StreamRequest::native(CAMERA.into())
    }
}

/// The frames that came, each once.
type Came = Arc<Mutex<HashSet<Vec<u8>>>>;

/// Judges that each frame is, byte for byte, one of those that the camera sends in this size;
/// and which of them came.
fn exact(size: &str) -> (Arc<Judge>, Came) {
    let sent: HashSet<Vec<u8>> = Webcam.frames(size).into_iter().collect();
    assert!(sent.len() > 1, "frames of {size}");
    let came = Came::default();
    let noted = came.clone();
    let judge = move |_: &_, bytes: &[u8]| {
        if !sent.contains(bytes) {
            return Err(format!("{} bytes that were not sent", bytes.len()));
        }
        noted.lock().expect("no panic").insert(bytes.to_vec());
        Ok(())
    };
    (Arc::new(judge), came)
}

fn changed(event: &Event) -> Option<&CameraSummary> {
    match event {
        Event::CameraChanged(camera) if camera.id.0 == CAMERA => Some(camera),
        _ => None,
    }
}

/// Waits until the camera is there, or is not, as the event readers know it.
fn wait_until_present(events: &Events, from: usize, present: bool) -> usize {
    let what = if present { "the camera to be back" } else { "the camera to be gone" };
    let is = |event: &Event| changed(event).is_some_and(|camera| camera.present == present);
    events.wait(from, what, is).0
}

#[test]
fn the_webcam_is_listed_once_with_a_stable_id_and_its_metadata_node_is_not() {
    assert!(Path::new("/dev/video1").exists(), "there is a metadata node");
    let mut paths = Vec::new();
    // Each service has a state of its own: the id comes from the device.
    for _ in 0..2 {
        let service = service();
        let list = service.json(&["list"]);
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
        let camera = &list[0];
        assert_eq!((&camera["id"], &camera["driver"]), (&json!(CAMERA), &json!("uvcvideo")));
        assert_eq!(
            (&camera["bus"], &camera["state"]),
            (&json!("usb-vhci_hcd.0-1"), &json!("closed"))
        );
        let info = service.json(&["info", CAMERA]);
        paths.push(info["path"].clone());
        let modes = info["modes"].as_array().expect("modes");
        let mode = json!({"format": "MJPG", "width": 1920, "height": 1080, "fps": 7.5});
        assert!(modes.contains(&mode), "{mode} is not among {modes:?}");
        service.cli(&["info", "/dev/video1"]).expect_code(5);
    }
    assert_eq!(paths, ["/dev/video0", "/dev/video0"]);
}

#[test]
fn mjpg_is_passed_on_byte_for_byte_shared_and_inline() {
    let service = service();
    for (width, height) in [(320, 240), (640, 480), (1280, 720)] {
        let size = Size::new(width, height).to_string();
        service.cli(&["start", CAMERA, "--format", "MJPG", "--size", &size, "--fps", "10"]).ok();
        for delivery in [Delivery::Shared, Delivery::Inline] {
            let (judge, came) = exact(&size);
            let request = StreamRequest { delivery, ..mjpg(width, height) };
            let watcher = Watcher::start(&service, request, judge);
            let started = watcher.started();
            assert_eq!((started.mode, started.delivery), (started.native, delivery));
            assert_eq!(started.native.to_string(), format!("MJPG {size} 10 fps"));
            watcher.frames(0, 5);
            assert!(came.lock().expect("no panic").len() > 1, "one frame over and over");
            assert_eq!(watcher.other_than_frames().len(), 1, "{:?}", watcher.other_than_frames());
        }
    }
    for (more, delivery) in [(&[][..], "shared"), (&["--inline"], "inline")] {
        let check = service.json(&[&["check", CAMERA, "--seconds", "2"], more].concat());
        assert_eq!(
            (&check["delivery"], &check["mode"]["format"]),
            (&json!(delivery), &json!("MJPG"))
        );
        assert_eq!((&check["torn"], &check["out_of_order"]), (&json!(0), &json!(0)), "{check}");
        assert!(check["frames"].as_u64() > Some(3), "{check}");
    }

    // What the command writes is one JPEG after the other.
    let output = service.cli(&["stream", CAMERA, "--count", "4", "-o", "-"]).ok().stdout;
    let frames = Webcam.frames("1280x720");
    let mut rest = &output[..];
    for number in 0..4 {
        let next = frames.iter().find_map(|frame| rest.strip_prefix(&frame[..]));
        rest = next.unwrap_or_else(|| panic!("frame {number} of {} bytes", output.len()));
    }
    assert!(rest.is_empty(), "{} bytes more", rest.len());
    let snapshot = service.cli(&["snapshot", CAMERA, "-o", "-"]).ok().stdout;
    assert!(frames.contains(&snapshot), "a snapshot of {} bytes", snapshot.len());
}

#[test]
fn raw_frames_come_at_a_fractional_rate() {
    let service = service();
    let args = ["start", CAMERA, "--format", "YUYV", "--size", "320x240", "--fps", "7.5"];
    assert_eq!(service.json(&args)["mode"]["fps"], 7.5);
    let watcher = Watcher::start(&service, StreamRequest::native(CAMERA.into()), any());
    assert_eq!(watcher.started().mode.to_string(), "YUYV 320x240 7.5 fps");
    watcher.frames(0, 3);
}

#[test]
fn eight_readers_get_frames_of_one_opening() {
    let service = service();
    let events = Events::start(&service);
    let (judge, _) = exact("1280x720");
    let readers: Vec<Watcher> =
        (0..8).map(|_| Watcher::start(&service, mjpg(1280, 720), judge.clone())).collect();
    for reader in &readers {
        reader.frames(0, 15);
        assert_eq!(reader.other_than_frames().len(), 1, "{:?}", reader.other_than_frames());
    }
    assert_eq!(service.json(&["list"])[0]["watchers"], 8);
    let all = events.all();
    let mut states: Vec<&CameraState> = all.iter().filter_map(changed).map(|c| &c.state).collect();
    states.dedup();
    assert_eq!(states, [&CameraState::Opening, &CameraState::Streaming]);
}

#[test]
fn a_start_changes_format_and_size_and_renditions_keep_theirs() {
    let service = service();
    let start = |format: &str, size: &str| {
        service.cli(&["start", CAMERA, "--format", format, "--size", size, "--fps", "10"]).ok();
    };
    start("MJPG", "640x480");
    let native = Watcher::start(&service, StreamRequest::native(CAMERA.into()), any());
    let request = StreamRequest {
        format: StreamFormat::Pixels(PixelFormat::Rgba),
        max_size: Some(Size::new(160, 120)),
        ..StreamRequest::native(CAMERA.into())
    };
    let rendition = Watcher::start(&service, request, any());
    let kept = rendition.started().mode;
    assert_eq!((kept.format, kept.size), (PixelFormat::Rgba, Size::new(160, 120)));
    native.frames(0, 2);
    rendition.frames(0, 2);
    for (format, size) in [("YUYV", "320x240"), ("MJPG", "320x240")] {
        let from = (native.now(), rendition.now());
        start(format, size);
        let mode = protocol::Mode {
            format: format.parse().expect("a format"),
            size: size.parse().expect("a size"),
            ..native.started().native
        };
        let (at, now) = native.mode_changed(from.0, mode);
        assert_eq!(now, mode);
        native.frames(at, 2);
        let (at, now) = rendition.mode_changed(from.1, mode);
        assert_eq!((now.format, now.size), (kept.format, kept.size));
        for header in rendition.frames(at, 2) {
            assert_eq!((header.format, header.size), (kept.format, kept.size));
        }
    }
    let lost = |seen: &Seen| matches!(seen, Seen::Lost(_));
    assert!(!native.other_than_frames().iter().any(lost), "{:?}", native.other_than_frames());
}

#[test]
fn nothing_of_it_stays_open_when_nobody_watches() {
    let service = service();
    let watcher = Watcher::start(&service, mjpg(1280, 720), any());
    watcher.frames(0, 2);
    let open = || -> Vec<String> {
        let all = service.descriptors().into_iter();
        all.filter(|target| target.starts_with("/dev/video")).collect()
    };
    assert!(!open().is_empty());
    drop(watcher);
    wait_until("the device to be closed", PATIENCE, || {
        let open = open();
        if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) }
    });
    assert_eq!(service.json(&["list"])[0]["state"], "closed");
}
