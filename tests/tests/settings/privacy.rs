//! The switch for all cameras: off at once, for everybody, and until it is turned on again.

use std::{
    fs,
    time::{Duration, Instant},
};

use protocol::{Event, FrameRate, Mode, PixelFormat, Size, StreamFormat, StreamRequest};
use serde_json::json;
use tests::{
    Service,
    live::{Events, Publishing, Seen, Told, Watcher, any, picture},
    wait_until,
};

use super::{CAMERA, PATIENCE, native, refused, state_file, value, wait_for_state};

fn blocked(watcher: &Watcher, from: usize) -> usize {
    watcher.wait(from, "the stream to be blocked", |seen| matches!(seen, Seen::Blocked)).0
}

fn off(service: &Service, off: bool) {
    let args = if off { "off" } else { "on" };
    assert_eq!(service.json(&[args]), json!({"off": off}));
}

#[test]
fn turned_off_living_streams_are_blocked_and_resume_by_themselves() {
    let service = Service::start();
    let events = Events::start(&service);
    let shared = Watcher::start(&service, native(), any());
    let rendition = StreamRequest { format: StreamFormat::Pixels(PixelFormat::Grey), ..native() };
    let rendition = Watcher::start(&service, rendition, any());
    for round in 0..3 {
        let from = events.now();
        let before = [shared.now(), rendition.now()];
        shared.frames(before[0], 3);
        rendition.frames(before[1], 3);
        off(&service, true);
        // Who is told that they are off need not wait for it.
        assert_eq!(service.json(&["list"])[0]["state"], "blocked");
        let ends = [blocked(&shared, before[0]), blocked(&rendition, before[1])];
        events
            .wait(from, "the event", |event| matches!(event, Event::PrivacyChanged { off: true }));
        let camera = &service.json(&["list"])[0];
        assert_eq!(camera["reason"], "all cameras are turned off", "{camera}");
        assert_eq!((&camera["mode"], &camera["watchers"]), (&json!(null), &json!(2)));
        // Once more changes nothing and is no event.
        off(&service, true);
        let late = Watcher::start(&service, native(), any());
        blocked(&late, 0);
        assert_eq!(late.now(), 1, "{:?}", late.other_than_frames());
        assert_eq!([shared.now(), rendition.now()], ends.map(|end| end + 1), "nothing came since");
        off(&service, false);
        shared.frames(ends[0], 3);
        rendition.frames(ends[1], 3);
        late.frames(0, 3);
        let on = |event: &Event| matches!(event, Event::PrivacyChanged { off: false });
        events.wait(from, "the event", on);
        let of_round = events.all()[from..].to_vec();
        let switched: Vec<bool> = of_round
            .iter()
            .filter_map(|event| match event {
                Event::PrivacyChanged { off } => Some(*off),
                _ => None,
            })
            .collect();
        assert_eq!(switched, [true, false], "round {round}");
    }
    for watcher in [&shared, &rendition] {
        let others = watcher.other_than_frames();
        let expected = others.iter().enumerate().all(|(at, seen)| match seen {
            Seen::Started(_) => at == 0,
            Seen::Blocked => at > 0,
            _ => false,
        });
        assert!(expected && others.len() == 4, "{others:?}");
    }
}

#[test]
fn the_switch_is_shown_and_commands_say_at_once_that_it_is_off() {
    let service = Service::start();
    assert_eq!(service.json(&["status"])["privacy_off"], false);
    let text = service.cli(&["off"]).ok();
    assert_eq!(text.text(), "All cameras are turned off, until `camera-service on`.\n");
    assert_eq!(service.json(&["status"])["privacy_off"], true);
    let status = service.cli(&["status"]).ok();
    assert!(status.text().contains("Privacy       all cameras are turned off\n"), "{status:?}");
    let list = service.cli(&["list"]).ok();
    assert!(list.text().contains("blocked (all cameras are turned off)"), "{list:?}");

    let start = Instant::now();
    for args in [&["start", CAMERA][..], &["snapshot", CAMERA, "-o", "x.jpg"], &["check", CAMERA]] {
        refused(&service, args, "blocked", "`camera-service on` turns them back on");
    }
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    assert!(!service.folder().join("x.jpg").exists());
    // Controls need no picture.
    service.cli(&["set", CAMERA, "brightness=9"]).ok();
    service.cli(&["pin", CAMERA, "contrast=50"]).ok();
    assert_eq!(value(&service, "brightness"), 9);
    assert_eq!(service.json(&["list"])[0]["state"], "blocked");

    let text = service.cli(&["on"]).ok();
    assert_eq!(text.text(), "Cameras may be used again.\n");
    wait_for_state(&service, "closed");
    service.cli(&["snapshot", CAMERA, "-o", "x.jpg"]).ok();
}

#[test]
fn no_camera_stays_open_for_a_grace_and_what_was_held_open_is_again() {
    let config = "[timeouts]\nclose_after = 600\n";
    let service = Service::builder().config(config).test_camera("320x240@30").start();
    let watcher = Watcher::start(&service, native(), any());
    watcher.frames(0, 1);
    drop(watcher);
    wait_until("the watcher to be gone", PATIENCE, || {
        let camera = &service.json(&["list"])[0];
        if camera["watchers"] == 0 { Ok(()) } else { Err(camera.to_string()) }
    });
    wait_for_state(&service, "streaming");
    off(&service, true);
    wait_for_state(&service, "blocked");
    off(&service, false);
    wait_for_state(&service, "closed");

    service.cli(&["start", CAMERA]).ok();
    off(&service, true);
    wait_for_state(&service, "blocked");
    off(&service, false);
    wait_for_state(&service, "streaming");
    off(&service, true);
    service.cli(&["stop", CAMERA]).ok();
    off(&service, false);
    wait_for_state(&service, "closed");
}

#[test]
fn off_survives_a_restart_and_so_does_on() {
    let mut service = Service::start();
    service.cli(&["pin", CAMERA, "brightness=20"]).ok();
    off(&service, true);
    for damage in [None, Some("garbage\0"), Some("")] {
        let ended = service.restart(|folder| {
            if let Some(text) = damage {
                fs::write(state_file(folder, "cameras-off"), text).expect("written");
            }
        });
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        wait_for_state(&service, "blocked");
        assert!(service.log().contains("all cameras are turned off"));
        assert_eq!(service.json(&["status"])["privacy_off"], true);
        assert_eq!(value(&service, "brightness"), 0, "it was not opened, not even for its pins");
    }
    let events = Events::start(&service);
    let state = |event: &Event| matches!(event, Event::State(state) if state.privacy_off);
    events.wait(0, "the state", state);
    drop(events);
    let watcher = Watcher::start(&service, native(), any());
    blocked(&watcher, 0);
    off(&service, false);
    watcher.frames(0, 3);
    super::wait_for_value(&service, "brightness", 20);
    service.restart(|_| {}).ok();
    wait_for_state(&service, "closed");
    assert_eq!(service.json(&["status"])["privacy_off"], false);
}

#[test]
fn where_it_cannot_be_kept_off_holds_until_the_service_ends_and_on_does_nothing() {
    let mut service = Service::start();
    let watcher = Watcher::start(&service, native(), any());
    watcher.frames(0, 1);
    let folder = state_file(service.folder(), "cameras-off.new");
    fs::create_dir_all(&folder).expect("a folder in its way");
    refused(&service, &["off"], "storage", "only until the service ends");
    let end = blocked(&watcher, 0);
    wait_for_state(&service, "blocked");
    // There is nothing to be removed.
    off(&service, false);
    watcher.frames(end, 1);
    refused(&service, &["off"], "storage", "only until the service ends");
    service.restart(|_| {});
    wait_for_state(&service, "closed");

    fs::remove_dir(&folder).expect("removed");
    off(&service, true);
    let file = state_file(service.folder(), "cameras-off");
    fs::remove_file(&file).and_then(|()| fs::create_dir(&file)).expect("a folder in its place");
    refused(&service, &["on"], "storage", "still turned off");
    assert_eq!(service.json(&["status"])["privacy_off"], true);
    fs::remove_dir(&file).expect("removed");
    off(&service, false);
    wait_for_state(&service, "closed");
}

#[test]
fn a_published_camera_rests_while_all_are_off_and_goes_on_after() {
    let service = Service::builder().start();
    let mode =
        Mode { format: PixelFormat::I420, size: Size::new(160, 120), rate: FrameRate::new(30, 1) };
    let publishing = Publishing::start(&service, "film", mode, move |number| picture(mode, number));
    let camera = StreamRequest::native("published:film".into());
    let watcher = Watcher::start(&service, camera, any());
    watcher.frames(0, 3);
    let rests = |told: &Told| matches!(told, Told::Demand(0, _));
    let before = publishing.now();
    off(&service, true);
    let end = blocked(&watcher, 0);
    let (at, _) = publishing.wait(before, "the publisher to be told that nobody watches", rests);
    let from = watcher.now();
    wait_for_state(&service, "blocked");
    off(&service, false);
    publishing.wait(
        at,
        "it to be told that somebody does",
        |told| matches!(told, Told::Demand(watchers, _) if *watchers > 0),
    );
    assert_eq!(from, end + 1, "nothing came while they were off");
    watcher.frames(end, 3);
}
