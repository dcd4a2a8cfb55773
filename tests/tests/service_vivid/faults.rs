//! What goes wrong with cameras, and that their streams go on when it is over.

use std::process::Command;

use protocol::{CameraId, CameraState, Event};
use serde_json::json;
use tests::{
    Program, guest,
    live::{Events, Watcher, any},
    wait_until,
};

use super::{FIRST, PATIENCE, SECOND, changed, ctl, native, rendition, service};

fn is_in(event: &Event, camera: &str, state: &CameraState) -> bool {
    changed(event).is_some_and(|camera_| camera_.id.0 == camera && camera_.state == *state)
}

#[test]
fn unplugged_and_plugged_in_again_the_same_stream_goes_on() {
    let service = service();
    let events = Events::start(&service);
    let watcher = Watcher::start(&service, native(), any());
    let small = Watcher::start(&service, rendition(), any());
    watcher.frames(0, 3);
    small.frames(0, 3);
    let before = events.now();

    guest::unplug_vivid();
    let (lost, reason) = watcher.lost(0);
    let (small_lost, _) = small.lost(0);
    let (at, _) = events.wait(before, "the camera to be gone", |event| {
        changed(event).is_some_and(|c| c.id.0 == FIRST && !c.present && c.watchers == 2)
    });
    events.wait(before, "the camera to be lost", |e| is_in(e, FIRST, &CameraState::Lost));
    let removed = Event::CameraRemoved { camera: CameraId::from(SECOND) };
    let (removed, _) =
        events.wait(before, "the other camera to be removed", |event| *event == removed);
    let list = service.json(&["list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!((&list[0]["id"], &list[0]["state"]), (&json!(FIRST), &json!("lost")), "{list}");
    assert!(list[0]["reason"].as_str() > Some(""), "{list}: {reason}");

    guest::plug_vivid();
    watcher.frames(lost + 1, 5);
    small.frames(small_lost + 1, 5);
    let (at, _) = events.wait(at, "the camera to be back", |event| {
        changed(event).is_some_and(|camera| camera.id.0 == FIRST && camera.present)
    });
    events.wait(at, "frames to flow", |event| is_in(event, FIRST, &CameraState::Streaming));
    events.wait(removed, "the other camera to be back", |event| {
        matches!(event, Event::CameraAdded(camera) if camera.id.0 == SECOND && camera.present)
    });
    assert_eq!(service.json(&["list"]).as_array().map(Vec::len), Some(2));
}

#[test]
fn a_disconnected_device_comes_back_with_frames_and_control_events() {
    let service = service();
    let events = Events::start(&service);
    let watcher = Watcher::start(&service, native(), any());
    let small = Watcher::start(&service, rendition(), any());
    watcher.frames(0, 3);
    small.frames(0, 3);
    ctl("disconnect=1");
    let (lost, _) = watcher.lost(0);
    let (small_lost, _) = small.lost(0);
    // The driver connects again when its last user leaves: so the service must have let go.
    watcher.frames(lost + 1, 5);
    small.frames(small_lost + 1, 5);
    let before = events.now();
    ctl("contrast=91");
    events.wait(before, "a change of contrast", |event| is_change(event, "contrast"));
    ctl("contrast=128");
}

fn is_change(event: &Event, name: &str) -> bool {
    matches!(event, Event::ControlChanged { control, .. } if control.name == name)
}

#[test]
fn a_stall_is_told_and_frames_resume_when_it_ends() {
    let service = service();
    let events = Events::start(&service);
    let watcher = Watcher::start(&service, native(), any());
    watcher.frames(0, 3);
    ctl("percentage_of_dropped_buffers=100");
    let (lost, reason) = watcher.lost(0);
    assert!(reason.contains("no frame came for 2.5 s"), "{reason}");
    events.wait(0, "the camera to be stalled", |event| {
        is_in(event, FIRST, &CameraState::Stalled)
            && changed(event).is_some_and(|c| c.reason == reason)
    });
    // Opened again it stalls again.
    watcher.lost(lost + 1);
    ctl("percentage_of_dropped_buffers=0");
    watcher.frames(watcher.now(), 5);
    assert_eq!(service.json(&["info", FIRST])["state"], "streaming");
}

#[test]
fn frames_marked_as_damaged_are_counted_and_not_delivered() {
    let service = service();
    let watcher = Watcher::start(&service, native(), any());
    watcher.frames(0, 3);
    let info = wait_until("damaged frames", PATIENCE, || {
        ctl("inject_v4l2_buf_flag_error=1");
        let info = service.json(&["info", FIRST]);
        if info["damaged"].as_u64() >= Some(2) {
            Ok(info)
        } else {
            Err(info["damaged"].to_string())
        }
    });
    let text = service.cli(&["info", FIRST]).ok();
    assert!(text.text().contains(" damaged\n"), "{text:?}");
    watcher.frames(watcher.now(), 5);
    assert_eq!(watcher.other_than_frames().len(), 1, "{:?}", watcher.other_than_frames());
    // What was damaged is missing from the numbers of those that were delivered.
    let seen = watcher.frames(0, watcher.now() - 1);
    let (first, last) = (&seen[0], &seen[seen.len() - 1]);
    let missing = last.sequence - first.sequence + 1 - seen.len() as u64;
    let passed_over: u64 = seen[1..].iter().map(|header| u64::from(header.dropped)).sum();
    let damaged = info["damaged"].as_u64().expect("a number");
    assert!(
        missing >= passed_over + damaged,
        "{missing} missing, {passed_over} passed over, {info}"
    );
}

#[test]
fn a_device_that_another_program_holds_is_had_when_that_ends() {
    let service = service();
    let mut command = Command::new("v4l2-ctl");
    let mut other =
        Program::start("v4l2-ctl", command.args(["-d", "/dev/video0", "--stream-mmap"]));
    let holder = json!({"pid": other.pid(), "program": "v4l2-ctl", "streaming": true});
    wait_until("v4l2-ctl to stream", PATIENCE, || {
        let info = service.json(&["info", FIRST]);
        if info["holders"] == json!([holder]) { Ok(()) } else { Err(info["holders"].to_string()) }
    });

    let held = format!("held by v4l2-ctl (pid {})", other.pid());
    service.cli(&["start", FIRST]).expect_code(1).expect_error(&held);
    let watcher = Watcher::start(&service, native(), any());
    let (lost, reason) = watcher.lost(0);
    assert!(reason.contains(&held), "{reason}");
    let list = service.json(&["list"]);
    assert_eq!(list[0]["state"], "lost", "{list}");
    assert!(list[0]["reason"].as_str().is_some_and(|reason| reason.contains(&held)), "{list}");
    service
        .cli(&["check", FIRST, "--seconds", "1", "--timeout", "1"])
        .expect_code(1)
        .expect_error(&held);
    assert!(other.is_running(), "it was not disturbed");

    other.kill();
    watcher.frames(lost + 1, 5);
    assert_eq!(service.json(&["info", FIRST])["holders"], json!([]));
}

#[test]
fn a_camera_that_may_not_be_opened_any_more_says_so_and_works_once_it_may() {
    let service = guest::service().user(1000).start();
    service.cli(&["info", FIRST]).ok();
    let forbidden = guest::Permissions::of_all(0o600);
    let denied = "no permission to open /dev/video0; add your user to the group `video`";
    service.cli(&["start", FIRST]).expect_code(1).expect_error(denied);
    let check = ["check", FIRST, "--seconds", "1", "--timeout", "1"];
    service.cli(&check).expect_code(1).expect_error(denied);
    drop(forbidden);
    service.cli(&["check", FIRST, "--seconds", "1"]).ok();
}

#[test]
fn another_user_is_not_served() {
    let service = guest::service().user(1000).start();
    // This test is root's, whom no permission of the socket's file keeps out.
    let mut raw = tests::Raw::connect(service.socket());
    raw.send(&protocol::Preamble::new(protocol::Role::Control).to_bytes());
    assert_eq!(raw.verdict(), protocol::Verdict::NotPermitted);
    assert_eq!(raw.rest(), b"");
    wait_until("the log to say so", PATIENCE, || {
        let log = service.log();
        if log.contains("belongs to another user") { Ok(()) } else { Err(log) }
    });
    service.cli(&["list"]).ok();
}
