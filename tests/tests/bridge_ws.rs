//! The bridge by WebSocket: requests, events, streams with credit, and clients that are cameras.

use std::time::{Duration, Instant};

use protocol::{ModeWish, Reply, Request, Scope, Size};
use serde_json::{Value, json};
use tests::{
    Service,
    bridge::{Bridge, Frame, WebSocket, ask, clock, jpeg, revoke, strip, token},
    wait_until,
};

const LONG: Duration = Duration::from_secs(30);
/// So long nothing comes that does not come at all.
const QUIET: Duration = Duration::from_millis(400);

struct Setup {
    bridge: Bridge,
    service: Service,
    all: String,
}

fn setup() -> Setup {
    let service = Service::start();
    let bridge = Bridge::start(&service, &[]);
    let all = token(&service, "owner", &Scope::ALL, &[]);
    Setup { bridge, service, all }
}

#[track_caller]
fn open(socket: &mut WebSocket, fields: Value) -> u32 {
    let opened = socket.ok("open_stream", fields);
    u32::try_from(opened["stream"].as_u64().expect("a number")).expect("a small one")
}

#[track_caller]
fn number(frame: &Frame) -> u64 {
    strip(&frame.jpeg).unwrap_or_else(|error| panic!("{error}")).sequence
}

#[test]
fn the_state_comes_first_and_then_every_change() {
    let Setup { bridge, service, all } = &setup();
    let mut socket = bridge.websocket();
    let (identified, state) = socket.log_in(all);
    assert_eq!(identified["name"], "owner");
    assert_eq!(identified["scopes"], json!(["watch", "control", "publish"]));
    assert!(identified["time"].as_u64().is_some_and(|ms| ms > 1_600_000_000_000));
    assert_eq!(state["cameras"], service.json(&["list"]));
    service.cli(&["set", "test:0", "brightness=11"]).ok();
    let changed = socket.event("control_changed");
    assert_eq!(changed["control"]["value"], 11, "{changed}");
    // Only what was asked for.
    let mut other = bridge.websocket();
    other.send(&json!({ "op": "identify", "d": { "token": all, "events": ["privacy"] } }));
    assert_eq!(other.event("state")["privacy_off"], false);
    service.cli(&["set", "test:0", "brightness=12"]).ok();
    socket.event("control_changed");
    service.cli(&["off"]).ok();
    let first = other.message();
    assert_eq!(first["d"]["event"], "privacy_changed", "{first}");
    assert_eq!(first["d"]["off"], true);
}

#[test]
fn results_are_what_the_command_line_prints() {
    let Setup { bridge, service, all } = &setup();
    let mut socket = bridge.log_in(all);
    let camera = || json!({ "camera": "test:0" });
    let with = |more: Value| {
        let mut fields = camera();
        fields.as_object_mut().expect("fields").extend(more.as_object().expect("more").clone());
        fields
    };
    assert_eq!(socket.ok("list_cameras", json!({})), service.json(&["list"]));
    assert_eq!(socket.ok("describe_camera", camera()), service.json(&["info", "test:0"]));
    assert_eq!(socket.ok("list_controls", camera()), service.json(&["controls", "test:0"]));
    let set = with(json!({ "settings": [{ "name": "brightness", "value": 9 }] }));
    assert_eq!(socket.ok("set_controls", set), json!([{ "name": "brightness", "value": 9 }]));
    let named = with(json!({ "names": ["brightness"] }));
    assert_eq!(
        socket.ok("get_controls", named.clone()),
        service.json(&["get", "test:0", "brightness"])
    );
    let preset = |name: &str| with(json!({ "preset": name }));
    let saved = socket.ok("save_preset", preset("day"));
    assert_eq!(saved, service.json(&["preset", "list", "test:0"])[0]);
    socket.ok("reset_controls", named);
    let applied = socket.ok("apply_preset", preset("day"));
    assert!(
        applied
            .as_array()
            .is_some_and(|a| a.contains(&json!({ "name": "brightness", "value": 9 })))
    );
    let renamed = socket.ok("rename_preset", with(json!({ "preset": "day", "name": "noon" })));
    assert_eq!(renamed, json!({ "camera": "test:0", "preset": "noon" }));
    assert_eq!(socket.ok("delete_preset", preset("noon"))["preset"], "noon");
    assert_eq!(socket.ok("list_presets", camera()), json!([]));
    let pin = with(json!({ "settings": [{ "name": "brightness", "value": 3 }] }));
    assert_eq!(socket.ok("pin_controls", pin), json!([{ "name": "brightness", "value": 3 }]));
    assert_eq!(socket.ok("list_pins", camera()), service.json(&["pin", "test:0"]));
    assert_eq!(socket.ok("unpin_controls", camera()), json!([]));
    let named = socket.ok("rename_camera", with(json!({ "name": "Desk" })));
    assert_eq!(named, json!({ "camera": "test:0", "name": "Desk" }));
    // Of one that is away a name can be taken, and is free then.
    let added = ask(service, Request::AddTestCamera { wish: ModeWish::default() });
    assert!(matches!(added, Reply::Camera(_)), "{added:?}");
    let away = socket.ok("rename_camera", json!({ "camera": "test:1", "name": "Hall" }));
    assert_eq!(away, json!({ "camera": "test:1", "name": "Hall" }));
    let gone = Request::RemoveTestCamera { camera: "test:1".into() };
    assert_eq!(ask(service, gone), Reply::Done);
    let hall = with(json!({ "name": "Hall" }));
    assert_eq!(socket.fails("rename_camera", hall), "name_taken");
    let reset = socket.ok("rename_camera", json!({ "camera": "Hall", "name": null }));
    assert_eq!(reset, json!({ "camera": "Hall", "name": null }));
    let unknown = json!({ "camera": "none", "name": null });
    assert_eq!(socket.fails("rename_camera", unknown), "no_such_camera");
    let started =
        socket.ok("start_camera", json!({ "camera": "Desk", "size": "320x240", "fps": 15 }));
    assert_eq!(
        (started["camera"].clone(), started["mode"]["fps"].clone()),
        ("test:0".into(), 15.into())
    );
    assert_eq!(socket.ok("stop_camera", camera())["camera"]["held_open"], false);
    let me = socket.ok("who_am_i", json!({}));
    assert_eq!(me["name"], "owner");
    let clients = socket.ok("list_clients", json!({}));
    assert!(
        clients.as_array().is_some_and(|all| all.iter().any(|one| one["remote"] == "127.0.0.1"))
    );
    assert_eq!(socket.ok("status", json!({}))["running"], true);
    assert!(socket.ok("time", json!({}))["unix_ms"].is_u64());
    assert_eq!(socket.ok("cameras_off", json!({})), json!({ "off": true }));
    assert_eq!(service.json(&["status"])["privacy_off"], true);
    for (kind, fields, expected) in [
        ("describe_camera", json!({ "camera": "none" }), "no_such_camera"),
        (
            "set_controls",
            with(json!({ "settings": [{ "name": "brightness", "value": [] }] })),
            "invalid",
        ),
        ("shutdown", json!({}), "invalid"),
        ("token_add", json!({}), "invalid"),
        ("list_cameras", json!({ "more": 1 }), "invalid"),
        ("open_stream", json!({ "camera": "none" }), "no_such_camera"),
        ("open_stream", with(json!({ "quality": 0 })), "invalid"),
        ("open_stream", with(json!({ "rotation": 45 })), "invalid"),
        ("open_stream", with(json!({ "crop": "60,0,50,100" })), "invalid"),
        ("open_stream", with(json!({ "crop": [0, 0, 50, 50] })), "invalid"),
        ("close_stream", json!({ "stream": 99 }), "invalid"),
        ("publish", json!({ "name": "../x", "width": 320, "height": 240, "fps": 10 }), "invalid"),
    ] {
        assert_eq!(socket.fails(kind, fields), expected, "{kind}");
    }
}

#[test]
fn a_stream_may_be_a_part_of_the_picture() {
    let Setup { bridge, all, .. } = &setup();
    let mut socket = bridge.log_in(all);
    let opened = socket.ok("open_stream", json!({ "camera": "test:0", "crop": "50,0,50,75" }));
    let side = |key: &str| opened["mode"][key].as_u64();
    assert_eq!((side("width"), side("height")), (Some(160), Some(180)), "{opened}");
    let frame = socket.frame();
    assert_eq!(frame.size, (160, 180));
    let header = turbojpeg::read_header(&frame.jpeg).expect("a JPEG");
    assert_eq!((header.width, header.height), (160, 180));
}

#[test]
fn frames_come_in_order_with_credit_and_not_without() {
    let Setup { bridge, all, service } = &setup();
    let mut socket = bridge.log_in(all);
    let opened = socket.ok("open_stream", json!({ "camera": "test:0", "adaptive": false }));
    assert_eq!(opened["mode"]["width"], 320, "{opened}");
    assert_eq!((opened["rung"].clone(), opened["camera"].clone()), (0.into(), "test:0".into()));
    let mut last: Option<Frame> = None;
    for _ in 0..20 {
        let frame = socket.frame();
        assert_eq!(frame.sequence, number(&frame));
        assert_eq!(frame.size, (320, 240));
        if let Some(last) = &last {
            assert!(frame.sequence > last.sequence && frame.unix_us > last.unix_us);
        }
        last = Some(frame);
    }
    // Two may be on their way, no more; then come new ones, and it is said what was left out.
    let mut unacknowledged = Vec::new();
    while let Some(frame) = socket.frame_within(QUIET).expect("the connection lasts") {
        unacknowledged.push(frame);
    }
    assert_eq!(unacknowledged.len(), 2);
    std::thread::sleep(QUIET);
    let before = clock();
    socket.acknowledge(&unacknowledged[1]);
    let next = socket.frame();
    let taken = strip(&next.jpeg).expect("a strip").monotonic_ns;
    assert!(next.dropped >= 5, "{}", next.dropped);
    assert!(before.saturating_sub(taken) < 300_000_000, "it is {} ns old", before - taken);
    // The camera itself may have left some out as well.
    assert!(next.sequence > unacknowledged[1].sequence + u64::from(next.dropped));
    // The user sees who watches, and how much.
    wait_until("the viewer's frames to be told", LONG, || {
        let clients = service.json(&["clients"]);
        let told = clients.as_array().is_some_and(|all| {
            all.iter().any(|one| {
                one["remote"] == "127.0.0.1" && one["frames"].as_u64().is_some_and(|n| n > 0)
            })
        });
        if told { Ok(()) } else { Err(clients.to_string()) }
    });
    // Acknowledgements that make no sense change nothing.
    socket.send(&json!({ "op": "ack", "d": { "stream": 77, "sequence": 1 } }));
    socket.send(&json!({ "op": "ack", "d": { "stream": opened["stream"], "sequence": u64::MAX } }));
    assert_eq!(socket.ok("close_stream", json!({ "stream": opened["stream"] })), json!({}));
}

#[test]
fn several_streams_share_one_connection_and_renditions_are_shared_by_all() {
    let Setup { bridge, all, service } = &setup();
    let mut one = bridge.log_in(all);
    let mut two = bridge.log_in(all);
    let large = open(&mut one, json!({ "camera": "test:0", "adaptive": false }));
    let small = open(&mut one, json!({ "camera": "test:0", "width": 160, "adaptive": false }));
    open(&mut two, json!({ "camera": "test:0", "width": 160, "adaptive": false }));
    assert_ne!(large, small);
    let mut seen = [0, 0];
    while seen.iter().any(|count| *count < 5) {
        let frame = one.frame();
        let (at, size) = if frame.stream == large { (0, (320, 240)) } else { (1, (160, 120)) };
        assert_eq!((frame.size, number(&frame)), (size, frame.sequence));
        seen[at] += 1;
    }
    assert_eq!(two.frame().size, (160, 120));
    let clients = service.json(&["clients"]);
    let streams = clients.as_array().expect("clients").iter().filter(|c| c["role"] == "stream");
    assert_eq!(streams.count(), 2, "{clients}");
    assert_eq!(service.json(&["list"])[0]["watchers"], 2);
    one.ok("close_stream", json!({ "stream": large }));
    one.ok("close_stream", json!({ "stream": small }));
    assert_eq!(two.frame().size, (160, 120));
    assert!(one.frame_within(QUIET).expect("the connection lasts").is_none_or(|f| f.stream > 0));
}

#[test]
fn what_happens_to_the_camera_is_told_and_frames_resume() {
    let Setup { bridge, all, service } = &setup();
    let mut socket = bridge.log_in(all);
    let stream = open(&mut socket, json!({ "camera": "test:0" }));
    socket.frame();
    service.cli(&["off"]).ok();
    assert_eq!(socket.event("stream_blocked")["stream"], stream);
    service.cli(&["on"]).ok();
    let changed = socket.event("stream_changed");
    assert_eq!((changed["stream"].clone(), changed["rung"].clone()), (stream.into(), 0.into()));
    let before = clock();
    let until = Instant::now() + LONG;
    while strip(&socket.frame().jpeg).expect("a strip").monotonic_ns < before {
        assert!(Instant::now() < until, "frames do not resume");
    }
}

#[test]
fn a_token_that_is_revoked_ends_its_connections() {
    let Setup { bridge, service, .. } = &setup();
    let secret = token(service, "guest", &[Scope::Watch], &[]);
    let mut socket = bridge.log_in(&secret);
    open(&mut socket, json!({ "camera": "test:0" }));
    socket.frame();
    revoke(service, "guest");
    let (code, error) = socket.closed();
    assert_eq!((code, error["kind"].clone()), (4003, "forbidden".into()), "{error}");
}

#[test]
fn who_waits_for_the_service_is_told_that_it_goes() {
    let Setup { bridge, mut service, all } = setup();
    let mut socket = bridge.log_in(&all);
    service.restart(|_| {
        assert_eq!(socket.closed().0, 1001);
    });
    wait_until("the service to be found", LONG, || {
        let answer = bridge.http().token(&all).get("/api/cameras");
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    });
    let mut again = bridge.log_in(&all);
    open(&mut again, json!({ "camera": "test:0" }));
    again.frame();
}

/// Publishes as it is asked to, until `until`.
fn publish_until(socket: &mut WebSocket, publication: u32, size: Size, until: Instant) -> u64 {
    let mut credit = 0;
    let mut sent = 0;
    while Instant::now() < until {
        while let Ok(Some(message)) = socket.next(Duration::from_millis(5)) {
            if message["op"] == "demand" && message["d"]["publication"] == publication {
                credit += message["d"]["credit"].as_u64().expect("a number");
            }
        }
        if credit > 0 {
            credit -= 1;
            let picture = jpeg(size, sent);
            socket.publish(publication, sent, (size.width, size.height), &picture);
            sent += 1;
        }
    }
    sent
}

#[test]
fn a_viewer_can_be_a_camera_for_others() {
    let Setup { bridge, service, all } = &setup();
    let size = Size::new(320, 240);
    let mut phone = bridge.log_in(all);
    let fields = json!({ "name": "phone", "width": 320, "height": 240, "fps": 30 });
    let published = phone.ok("publish", fields.clone());
    assert_eq!(published["camera"], "published:phone");
    let publication = published["publication"].as_u64().expect("a number") as u32;
    let mut viewer = bridge.log_in(all);
    assert_eq!(viewer.fails("publish", fields.clone()), "name_taken");
    let mut check = service.cli_start(&["check", "published:phone", "--seconds", "1"]);
    let publishing = std::thread::spawn(move || {
        let until = Instant::now() + Duration::from_secs(4);
        (publish_until(&mut phone, publication, size, until), phone)
    });
    open(&mut viewer, json!({ "camera": "published:phone", "adaptive": false }));
    let mut last = None;
    for _ in 0..10 {
        let number = Some(number(&viewer.frame()));
        assert!(number > last, "{number:?} after {last:?}");
        last = number;
    }
    check.wait(LONG).ok();
    let (sent, mut phone) = publishing.join().expect("it publishes");
    assert!(sent > 20, "{sent} frames");
    // It goes with its connection; who watches is told, and sees it again when it is back.
    phone.ok("stop_publishing", json!({ "publication": publication }));
    viewer.event("stream_lost");
    let again = phone.ok("publish", fields);
    let publication = again["publication"].as_u64().expect("a number") as u32;
    publish_until(&mut phone, publication, size, Instant::now() + Duration::from_secs(2));
    viewer.event("stream_changed");
    viewer.frame();
}

#[test]
fn a_slow_viewer_is_moved_down_a_rung_and_up_again() {
    let service = Service::builder().test_camera("1280x720@30").start();
    let bridge = Bridge::start(&service, &[]);
    let secret = token(&service, "viewer", &[Scope::Watch], &[]);
    let mut socket = bridge.log_in(&secret);
    open(&mut socket, json!({ "camera": "test:0" }));
    assert_eq!(socket.frame().size, (1280, 720));
    let mut rungs = Vec::new();
    wait_until("the lowest rung", LONG, || {
        if let Ok(Some(frame)) = socket.frame_within(Duration::from_millis(50)) {
            std::thread::sleep(Duration::from_millis(450));
            socket.acknowledge(&frame);
        }
        while let Some(message) = socket.next(Duration::from_millis(5)).expect("it lasts") {
            if message["d"]["event"] == "stream_changed" {
                assert_eq!(message["d"]["reason"], "the link is slow");
                rungs.push((message["d"]["rung"].as_u64(), message["d"]["mode"]["width"].as_u64()));
            }
        }
        if rungs.len() == 2 { Ok(()) } else { Err(format!("{rungs:?}")) }
    });
    assert_eq!(rungs, [(Some(1), Some(640)), (Some(2), Some(320))]);
    let until = Instant::now() + LONG;
    loop {
        let frame = socket.frame();
        if frame.size == (640, 360) {
            break;
        }
        assert!(Instant::now() < until, "no rung is climbed");
    }
    assert_eq!(socket.event("stream_changed")["reason"], "the link is quick again");
}

#[test]
fn the_end_of_the_bridge_is_told() {
    let Setup { bridge, all, service: _service } = setup();
    let mut socket = bridge.log_in(&all);
    let ended = std::thread::spawn(move || bridge.stop());
    assert_eq!(socket.closed().0, 1001);
    drop(socket);
    ended.join().expect("it ends").ok();
}
