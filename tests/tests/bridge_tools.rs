//! The bridge and programs that nobody here wrote.

use std::{process::Command, time::Duration};

use protocol::Scope;
use serde_json::json;
use tests::{
    Output, Program, Service, binary,
    bridge::{Bridge, strip, token},
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
