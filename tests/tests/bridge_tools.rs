//! The bridge and programs that nobody here wrote; and links that are slow.
//!
//! BRIDGE_SECONDS (15) is how long a slow viewer is watched.

use std::{
    env,
    io::{Read as _, Write as _},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use protocol::Scope;
use serde_json::json;
use tests::{
    Output, Program, Service, binary,
    bridge::{Bridge, WebSocket, clock, relay, strip, token},
};

const LONG: Duration = Duration::from_secs(60);

fn setup() -> (Bridge, Service, String) {
    let service = Service::builder().test_camera("640x480@30").start();
    let bridge = Bridge::start(&service, &[]);
    let watch = token(&service, "tools", &[Scope::Watch], &[]);
    (bridge, service, watch)
}

#[track_caller]
fn run(program: &str, args: &[&str]) -> Output {
    Program::start(program, Command::new(program).args(args)).wait(LONG)
}

#[test]
fn ffmpeg_and_gstreamer_read_the_stream() {
    let (bridge, _service, watch) = setup();
    for path in ["/stream?token=", "/?action=stream&token=", "/api/stream.mjpeg?src=test:0&token="]
    {
        let url = format!("http://{}{path}{watch}", bridge.address());
        let args = ["-hide_banner", "-nostdin", "-i", &url, "-frames:v", "20", "-f", "null", "-"];
        let output = run("ffmpeg", &args).ok();
        assert!(output.stderr.contains("640x480"), "{path}: {output:?}");
        assert!(output.stderr.contains("frame=   20"), "{path}: {output:?}");
    }
    let location = format!("location=http://{}/stream?token={watch}", bridge.address());
    let args = [
        "-q",
        "souphttpsrc",
        &location,
        "!",
        "multipartdemux",
        "!",
        "image/jpeg",
        "!",
        "jpegdec",
        "!",
        "identity",
        "eos-after=20",
        "!",
        "fakesink",
    ];
    run("gst-launch-1.0", &args).ok();
    assert!(!bridge.log().contains(&watch), "the token is in the log:\n{}", bridge.log());
}

#[test]
fn curl_gets_pictures_streams_and_requests() {
    let (bridge, service, _) = setup();
    let owner = token(&service, "owner", &Scope::ALL, &[]);
    let bearer = format!("Authorization: Bearer {owner}");
    let at = |path: &str| format!("http://{}{path}", bridge.address());
    let curl = |args: &[&str]| {
        let all = [&["--silent", "--show-error", "--fail", "-H", &bearer], args].concat();
        run("curl", &all)
    };
    let picture = curl(&[&at("/snapshot")]).ok();
    strip(&picture.stdout).unwrap_or_else(|error| panic!("{error}"));
    // A stream does not end by itself; --max-time is exit code 28.
    let stream = curl(&["--max-time", "1", &at("/stream")]).expect_code(28);
    let parts = stream.stdout.windows(4).filter(|four| *four == b"\r\n\r\n").count();
    assert!(parts > 10, "{parts} parts");
    let request =
        r#"{"type":"set_controls","camera":"test:0","settings":[{"name":"brightness","value":4}]}"#;
    let set = curl(&["--json", request, &at("/api/request")]).ok();
    assert_eq!(set.json()["ok"], true);
    assert_eq!(service.json(&["get", "test:0", "brightness"])[0]["value"], 4);
    // --fail makes exit code 22 of an error.
    run("curl", &["--silent", "--fail", &at("/snapshot")]).expect_code(22);
}

#[test]
fn pythons_websockets_and_prometheus_parser_understand_it() {
    let (bridge, service, watch) = setup();
    let script = binary::workspace().join("tests/src/bridge/viewer.py");
    let script = script.to_str().expect("text");
    let url = format!("ws://{}/ws", bridge.address());
    let seen = run("/usr/bin/python3", &[script, &url, &watch, "30"]).ok().json();
    assert_eq!(seen["frames"], 30, "{seen}");
    assert_eq!(seen["size"], json!([640, 480]), "{seen}");
    assert!(seen["name"] == "tools" && seen["ordered"] == true, "{seen}");
    let metrics = service.folder().join("metrics");
    let text = bridge.http().token(&watch).get("/metrics").body;
    std::fs::write(&metrics, text).expect("written");
    let parse = "import json, sys\n\
        from prometheus_client.parser import text_string_to_metric_families as parse\n\
        families = {f.name: f for f in parse(open(sys.argv[1]).read())}\n\
        frames = families['camera_service_bridge_frames']\n\
        print(json.dumps({'type': frames.type, 'frames': {s.labels['way']: s.value for s in frames.samples}}))";
    let told = run("/usr/bin/python3", &["-c", parse, metrics.to_str().expect("text")]).ok().json();
    assert_eq!(told["type"], "counter", "{told}");
    assert!(told["frames"]["websocket"].as_f64().is_some_and(|frames| frames >= 30.0), "{told}");
}

/// What a viewer saw.
struct Seen {
    frames: u32,
    /// The oldest picture that was new to the viewer, after the link was known.
    worst: Duration,
    size: (u32, u32),
}

/// Watches for `time`, of which the first `settling` do not count for latency.
fn view(mut socket: WebSocket, settling: Duration, time: Duration) -> Seen {
    let began = Instant::now();
    let mut seen = Seen { frames: 0, worst: Duration::ZERO, size: (0, 0) };
    let mut last = None;
    while began.elapsed() < time {
        let Ok(Some(frame)) = socket.frame_within(Duration::from_secs(5)) else { break };
        let now = clock();
        socket.acknowledge(&frame);
        let read = strip(&frame.jpeg).unwrap_or_else(|error| panic!("{error}"));
        assert!(Some(read.sequence) > last, "{} after {last:?}", read.sequence);
        last = Some(read.sequence);
        if began.elapsed() > settling {
            seen.frames += 1;
            seen.worst =
                seen.worst.max(Duration::from_nanos(now.saturating_sub(read.monotonic_ns)));
        }
        seen.size = frame.size;
    }
    seen
}

#[test]
fn a_viewer_at_1_mbit_sees_a_moving_picture_and_others_all_of_it() {
    const SETTLING: Duration = Duration::from_secs(4);
    let seconds = env::var("BRIDGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(15)) + SETTLING;
    let service = Service::builder().test_camera("1280x720@30").start();
    let bridge = Bridge::start(&service, &[]);
    let watch = token(&service, "viewer", &[Scope::Watch], &[]);
    let slow = relay(bridge.address(), 1e6 / 8.0);
    let open = |address| {
        let mut socket = WebSocket::connect(address);
        socket.log_in(&watch);
        socket.ok("open_stream", json!({ "camera": "test:0" }));
        socket
    };
    let (slow, quick) = (open(slow), open(bridge.address()));
    let slow = thread::spawn(move || view(slow, SETTLING, time));
    let quick = view(quick, SETTLING, time);
    let slow = slow.join().expect("it watches");
    let rate = |seen: &Seen| f64::from(seen.frames) / (time - SETTLING).as_secs_f64();
    println!(
        "slow: {:.1} frames/s of {:?}, at most {:?} old; quick: {:.1} frames/s, at most {:?} old",
        rate(&slow),
        slow.size,
        slow.worst,
        rate(&quick),
        quick.worst
    );
    assert!(slow.worst < Duration::from_secs(1), "{:?}", slow.worst);
    assert!(rate(&slow) > 3.0, "{} frames/s", rate(&slow));
    assert!(rate(&quick) > 20.0, "{} frames/s", rate(&quick));
    assert_eq!(quick.size, (1280, 720));
}

#[test]
fn an_mjpeg_viewer_that_pauses_goes_on_with_new_pictures() {
    let service = Service::builder().test_camera("1280x720@30").start();
    let bridge = Bridge::start(&service, &[]);
    let watch = token(&service, "viewer", &[Scope::Watch], &[]);
    let mut stream = bridge.connect();
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 8 << 10).expect("set");
    let request =
        format!("GET /stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {watch}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    thread::sleep(Duration::from_secs(3));
    // What waited on the way is all that is old: some pictures, not three seconds of them.
    let resumed = clock();
    let mut bytes = Vec::new();
    let mut old = 0;
    let mut chunk = vec![0; 64 << 10];
    let until = Instant::now() + LONG;
    'reading: while Instant::now() < until {
        let count = stream.read(&mut chunk).expect("the stream goes on");
        assert!(count > 0, "the stream has ended");
        bytes.extend_from_slice(&chunk[..count]);
        while let Some(end) = bytes.windows(4).position(|four| four == b"\xff\xd9\r\n") {
            let begin = bytes.windows(2).position(|two| two == [0xff, 0xd8]).expect("a picture");
            let picture: Vec<u8> = bytes.drain(..end + 4).skip(begin).collect();
            let read = strip(&picture[..picture.len() - 2]).unwrap_or_else(|e| panic!("{e}"));
            if read.monotonic_ns > resumed {
                break 'reading;
            }
            old += 1;
        }
    }
    println!("{old} pictures were old");
    assert!(old < 15, "{old} pictures were old");
}
