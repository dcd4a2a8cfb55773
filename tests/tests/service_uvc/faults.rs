//! What goes wrong with a webcam, and that its streams go on when it is over.

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use protocol::{CameraState, Event, PixelFormat, StreamFormat, StreamRequest};
use serde_json::json;
use tests::{
    Program, Service,
    guest::{self, Webcam},
    live::{Events, Watcher, any},
    wait_until,
};

use super::{CAMERA, PATIENCE, changed, exact, mjpg, service, wait_until_present};

fn is_in(event: &Event, state: &CameraState) -> bool {
    changed(event).is_some_and(|camera| camera.state == *state)
}

/// Asserts that the service, which waits for something, does not spend its time with asking.
fn assert_rests(service: &Service) {
    let (cpu, began) = (service.cpu(), Instant::now());
    thread::sleep(Duration::from_millis(500));
    let (cpu, passed) = (service.cpu() - cpu, began.elapsed());
    assert!(cpu < passed / 4, "{cpu:?} of CPU time in {passed:?}");
}

#[test]
fn unplugged_and_plugged_in_again_the_same_stream_goes_on() {
    let service = service();
    let events = Events::start(&service);
    let (judge, _) = exact("1280x720");
    let watcher = Watcher::start(&service, mjpg(1280, 720), judge);
    let rendition = StreamRequest {
        format: StreamFormat::Pixels(PixelFormat::Grey),
        ..StreamRequest::native(CAMERA.into())
    };
    let rendition = Watcher::start(&service, rendition, any());
    let (mut lost, mut rendition_lost) = (0, 0);
    for _ in 0..2 {
        watcher.frames(lost, 3);
        rendition.frames(rendition_lost, 3);
        let (before, from) = (events.now(), (watcher.now(), rendition.now()));
        Webcam.command("unplug");
        lost = watcher.lost(from.0).0;
        rendition_lost = rendition.lost(from.1).0;
        let at = wait_until_present(&events, before, false);
        let unplugged = "the camera is unplugged; plug it in and frames resume";
        events.wait(before, "the reason to be told", |event| {
            changed(event).is_some_and(|camera| !camera.present && camera.reason == unplugged)
        });
        let list = service.json(&["list"]);
        assert_eq!((&list[0]["id"], &list[0]["state"]), (&json!(CAMERA), &json!("lost")), "{list}");
        assert_eq!((&list[0]["present"], &list[0]["watchers"]), (&json!(false), &json!(2)));
        assert_eq!(list[0]["reason"], unplugged);
        assert_rests(&service);
        service.cli(&["start", CAMERA]).expect_code(1).expect_error("unplugged");

        Webcam.command("plug");
        let at = wait_until_present(&events, at, true);
        events.wait(at, "frames to flow", |event| is_in(event, &CameraState::Streaming));
    }
    watcher.frames(lost, 5);
    rendition.frames(rendition_lost, 5);
    let list = service.json(&["list"]);
    assert_eq!((list.as_array().map(Vec::len), &list[0]["id"]), (Some(1), &json!(CAMERA)));
}

#[test]
fn unplugged_while_nobody_watches_it_is_no_more_and_comes_back() {
    let service = service();
    let events = Events::start(&service);
    Webcam.command("unplug");
    let gone =
        |event: &Event| matches!(event, Event::CameraRemoved { camera } if camera.0 == CAMERA);
    let (at, _) = events.wait(0, "the camera to be removed", gone);
    assert_eq!(service.json(&["list"]), json!([]));
    service.cli(&["info", CAMERA]).expect_code(5);
    Webcam.command("plug");
    let back = |event: &Event| matches!(event, Event::CameraAdded(camera) if camera.id.0 == CAMERA);
    events.wait(at, "the camera to be added", back);
    Watcher::start(&service, mjpg(1280, 720), any()).frames(0, 2);
}

#[test]
fn a_stall_is_told_and_frames_resume_when_it_ends() {
    let service = service();
    let events = Events::start(&service);
    let (judge, _) = exact("1280x720");
    let watcher = Watcher::start(&service, mjpg(1280, 720), judge);
    watcher.frames(0, 3);
    Webcam.command("stall");
    let (lost, reason) = watcher.lost(0);
    assert!(reason.contains("no frame came for 2.5 s"), "{reason}");
    events.wait(0, "the camera to be stalled", |event| is_in(event, &CameraState::Stalled));
    Webcam.command("go");
    watcher.frames(lost, 5);
    assert_eq!(service.json(&["list"])[0]["state"], "streaming");
}

fn damaged(service: &Service) -> u64 {
    service.json(&["info", CAMERA])["damaged"].as_u64().expect("a number")
}

#[test]
fn damaged_and_short_frames_are_counted_and_not_delivered() {
    let service = service();
    let events = Events::start(&service);
    let (judge, _) = exact("1280x720");
    let watcher = Watcher::start(&service, mjpg(1280, 720), judge);
    watcher.frames(0, 3);
    assert_eq!(damaged(&service), 0);
    // The driver passes on what the camera itself cut off.
    Webcam.command("short 3");
    let count = |least: u64| {
        wait_until(&format!("{least} damaged frames"), PATIENCE, || {
            let now = damaged(&service);
            if now >= least { Ok(()) } else { Err(now.to_string()) }
        });
    };
    count(3);
    watcher.frames(watcher.now(), 3);

    // What the camera marks the driver passes on, marked, only where it is told so.
    let parameter = "/sys/module/uvcvideo/parameters/nodrop";
    for (drop, command) in [("1", "bad 3"), ("0", "")] {
        fs::write(parameter, drop).expect("a parameter of the driver");
        let before = events.now();
        let from = watcher.now();
        Webcam.command("unplug");
        let at = wait_until_present(&events, before, false);
        Webcam.command("plug");
        wait_until_present(&events, at, true);
        let (lost, _) = watcher.lost(from);
        watcher.frames(lost, 3);
        if !command.is_empty() {
            assert_eq!(damaged(&service), 0, "counted since the camera was opened");
            Webcam.command(command);
            count(3);
            watcher.frames(watcher.now(), 3);
        }
    }
    let text = service.cli(&["info", CAMERA]).ok();
    assert!(text.text().contains(" damaged\n"), "{text:?}");
    watcher.assert_sound();
}

#[test]
fn a_device_that_another_program_holds_is_had_when_that_ends() {
    let service = service();
    let mut command = Command::new("v4l2-ctl");
    let mut other =
        Program::start("v4l2-ctl", command.args(["-d", "/dev/video0", "--stream-mmap"]));
    let holder = json!({"pid": other.pid(), "program": "v4l2-ctl", "streaming": true});
    wait_until("v4l2-ctl to stream", PATIENCE, || {
        let info = service.json(&["info", CAMERA]);
        if info["holders"] == json!([holder]) { Ok(()) } else { Err(info["holders"].to_string()) }
    });
    let (judge, _) = exact("1280x720");
    let watcher = Watcher::start(&service, mjpg(1280, 720), judge);
    let (lost, reason) = watcher.lost(0);
    let held = format!("held by v4l2-ctl (pid {})", other.pid());
    assert!(reason.contains(&held), "{reason}");
    let list = service.json(&["list"]);
    assert!(list[0]["reason"].as_str().is_some_and(|reason| reason.contains(&held)), "{list}");
    assert!(other.is_running(), "it was not disturbed");
    other.kill();
    watcher.frames(lost, 5);
}

#[test]
fn without_permission_it_is_listed_and_opening_it_says_which_group_to_join() {
    Webcam.plug_in();
    let forbidden = guest::Permissions::of_all(0o000);
    let service = guest::service().user(1000).start();
    let list = service.json(&["list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list[0]["id"], CAMERA, "the id needs no permission");
    let denied = "no permission to open /dev/video0; add your user to the group `video`";
    service.cli(&["start", CAMERA]).expect_code(1).expect_error(denied);
    service.cli(&["controls", CAMERA]).expect_code(1).expect_error(denied);
    let mut reader = service.cli_start(&["stream", CAMERA, "--count", "3", "-o", "-"]);
    wait_until("the reason to be told", PATIENCE, || {
        let camera = &service.json(&["list"])[0];
        let reason = camera["reason"].as_str().unwrap_or_default();
        let told = camera["state"] == "lost" && camera["watchers"] == 1 && reason.contains(denied);
        if told { Ok(()) } else { Err(camera.to_string()) }
    });
    drop(forbidden);
    let frames = reader.wait(PATIENCE).ok().stdout;
    assert!(!frames.is_empty());
    service.cli(&["controls", CAMERA]).ok();
}
