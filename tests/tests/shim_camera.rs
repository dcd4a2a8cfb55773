//! The life of a V4L2 camera under a living subscription, on the pretended camera at native speed.
#![cfg(target_os = "linux")]

use std::time::Duration;

use protocol::{
    PixelFormat, StreamRequest,
    client::{Connector, FrameStream, StreamEvent},
    endpoint::Endpoint,
};
use tests::{Service, Shim, wait_until};

const LONG: Duration = Duration::from_secs(60);

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(LONG, test).await.expect("the test ends in time");
    });
}

fn id(service: &Service) -> String {
    let list = service.json(&["list"]);
    list[0]["id"].as_str().unwrap_or_else(|| panic!("a camera: {list}")).to_owned()
}

async fn stream(service: &Service) -> FrameStream {
    let connector = Connector::new("a test").endpoint(Endpoint::at(service.socket()));
    let request = StreamRequest::native(id(service).as_str().into());
    connector.stream(request).await.expect("a stream")
}

/// Reads until the camera is lost; the reason.
async fn until_lost(stream: &mut FrameStream) -> String {
    loop {
        if let StreamEvent::Lost { reason } = stream.next().await.expect("an event") {
            return reason;
        }
    }
}

async fn frames(stream: &mut FrameStream, count: u32) {
    for _ in 0..count {
        stream.next_frame().await.expect("a frame");
    }
}

#[test]
fn the_same_subscription_survives_unplug_and_stall() {
    let shim = Shim::new();
    let service = Service::builder().shim(&shim).start();
    run(async {
        let mut stream = stream(&service).await;
        frames(&mut stream, 10).await;
        for _ in 0..3 {
            shim.disconnect();
            let reason = until_lost(&mut stream).await;
            assert!(reason.contains("gone"), "{reason}");
            shim.run();
            frames(&mut stream, 10).await;
        }
        shim.stall();
        let reason = until_lost(&mut stream).await;
        assert!(reason.contains("no frame came"), "{reason}");
        shim.run();
        frames(&mut stream, 10).await;
    });
    let out = service.stop();
    assert_eq!(out.code(), Some(0), "{out:?}");
}

/// The mark that the pretended camera puts into each frame: what it is, and the frame's number.
fn mark(frame: &[u8], format: PixelFormat) -> (&[u8], u64) {
    let at = if format == PixelFormat::Mjpg { 6 } else { 0 };
    let number = frame[at + 8..at + 16].try_into().expect("eight bytes");
    (&frame[at..at + 8], u64::from_le_bytes(number))
}

#[test]
fn frames_are_written_into_slots_or_copied_as_the_driver_will_have_it() {
    const REFUSED: &str = "frames are copied from the driver's buffers: the driver refuses slots";
    for (userptr, expected) in [
        ("1", "the driver writes into slots".to_owned()),
        ("0", format!("{REFUSED} (VIDIOC_REQBUFS gives")),
        ("qbuf", format!("{REFUSED} (VIDIOC_QBUF gives")),
    ] {
        let shim = Shim::new().with("V4L2SHIM_USERPTR", userptr);
        let service = Service::builder().shim(&shim).start();
        for format in ["YUYV", "MJPG"] {
            service.cli(&["start", &id(&service), "--format", format, "--size", "1280x720"]).ok();
            run(async {
                let (mut slow, mut stream) = (stream(&service).await, stream(&service).await);
                // One reader holds what it has, and the driver's queue goes round all the same.
                let kept = slow.next_frame().await.expect("a frame");
                let as_it_was = kept.to_vec();
                for _ in 0..40 {
                    let frame = stream.next_frame().await.expect("a frame");
                    let header = frame.header();
                    let expected = (&b"V4L2SHIM"[..], header.sequence);
                    assert_eq!(mark(&frame, header.format), expected, "{userptr} {format}");
                }
                assert!(*kept == *as_it_was, "{userptr} {format}: a held frame was written over");
            });
            let log = service.log();
            assert_eq!(
                log.matches(&expected).count(),
                if format == "YUYV" { 1 } else { 2 },
                "{log}"
            );
        }
        let out = service.stop();
        assert_eq!(out.code(), Some(0), "{out:?}");
    }
}

#[test]
fn a_camera_that_another_program_holds_is_waited_for() {
    let shim = Shim::new();
    shim.busy();
    let service = Service::builder().shim(&shim).start();
    run(async {
        let mut stream = stream(&service).await;
        let reason = until_lost(&mut stream).await;
        assert!(reason.contains("another"), "{reason}");
        assert_eq!(service.json(&["list"])[0]["state"], "lost");
        let out = service.cli(&["start", &id(&service)]).expect_code(1);
        assert!(out.stderr.contains("another"), "{out:?}");
        shim.run();
        frames(&mut stream, 5).await;
    });
}

#[test]
fn damaged_frames_are_counted_and_not_delivered() {
    let shim = Shim::new();
    let service = Service::builder().shim(&shim).start();
    run(async {
        let mut stream = stream(&service).await;
        frames(&mut stream, 5).await;
        for fault in [Shim::error, Shim::truncate] {
            fault(&shim);
            let before = damaged(&service);
            wait_until("damaged frames to be counted", LONG, || {
                let now = damaged(&service);
                if now > before + 3 { Ok(()) } else { Err(now.to_string()) }
            });
            shim.run();
            frames(&mut stream, 5).await;
        }
    });
}

fn damaged(service: &Service) -> u64 {
    let info = service.json(&["info", &id(service)]);
    info["damaged"].as_u64().unwrap_or_else(|| panic!("a count: {info}"))
}

#[test]
fn controls_work_while_the_camera_is_closed_and_changes_are_told() {
    let shim = Shim::new();
    let service = Service::builder().shim(&shim).start();
    let camera = id(&service);
    let events = service.cli_start(&["events", "--json"]);
    wait_until("the event reader to be there", LONG, || {
        let text = String::from_utf8_lossy(&events.stdout()).into_owned();
        if text.contains("state") { Ok(()) } else { Err(text) }
    });
    service.cli(&["set", &camera, "brightness=17"]).ok();
    let out = service.cli(&["get", &camera, "brightness", "--json"]).ok();
    assert!(out.text().contains("17"), "{out:?}");
    assert_eq!(service.json(&["list"])[0]["state"], "closed");
    wait_until("the change to be told", LONG, || {
        let text = String::from_utf8_lossy(&events.stdout()).into_owned();
        let told = text.lines().any(|line| line.contains("brightness") && line.contains("17"));
        if told { Ok(()) } else { Err(text) }
    });
}
