//! The bridge by HTTP: the addresses that people's tools know, and what comes from them.

use std::{io::Read as _, time::Duration};

use protocol::Scope;
use serde_json::json;
use tests::{
    Service,
    bridge::{Answer, Bridge, invitation, revoke, strip, token},
    wait_until,
};

const LONG: Duration = Duration::from_secs(30);

/// A service with a test camera, its bridge, and tokens to watch and to do everything.
struct Setup {
    // First, so that it ends before the service.
    bridge: Bridge,
    service: Service,
    watch: String,
    all: String,
}

fn setup() -> Setup {
    let service = Service::start();
    let bridge = Bridge::start(&service, &[]);
    let watch = token(&service, "watcher", &[Scope::Watch], &[]);
    let all = token(&service, "owner", &Scope::ALL, &[]);
    Setup { bridge, service, watch, all }
}

/// The number that the test camera drew into a picture.
#[track_caller]
fn number(jpeg: &[u8]) -> u64 {
    strip(jpeg).unwrap_or_else(|error| panic!("{error}")).sequence
}

/// A part of a stream: its headers and image.
struct Part {
    length: usize,
    timestamp: f64,
    jpeg: Vec<u8>,
}

/// Reads parts of a stream that has begun.
struct Parts<R> {
    from: R,
    buffer: Vec<u8>,
}

impl<R: std::io::Read> Parts<R> {
    fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            let found = self.buffer.windows(end.len()).position(|window| window == end);
            if let Some(at) = found {
                let rest = self.buffer.split_off(at + end.len());
                return std::mem::replace(&mut self.buffer, rest);
            }
            self.more();
        }
    }

    fn more(&mut self) {
        let mut bytes = [0; 65_536];
        let count = self.from.read(&mut bytes).expect("the stream goes on");
        assert!(
            count > 0,
            "the stream has ended after {:?}",
            String::from_utf8_lossy(&self.buffer)
        );
        self.buffer.extend_from_slice(&bytes[..count]);
    }

    fn headers(&mut self) -> Answer {
        let head = self.until(b"\r\n\r\n");
        Answer::parse(&head).expect("an answer")
    }

    fn part(&mut self) -> Part {
        let boundary = self.until(b"\r\n");
        assert_eq!(boundary, b"--boundarydonotcross\r\n");
        let head = String::from_utf8(self.until(b"\r\n\r\n")).expect("text");
        let value = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("no {name} in {head:?}"))
        };
        assert_eq!(value("Content-Type"), "image/jpeg");
        let length: usize = value("Content-Length").parse().expect("a number");
        let timestamp = value("X-Timestamp").parse().expect("a time");
        while self.buffer.len() < length + 2 {
            self.more();
        }
        let rest = self.buffer.split_off(length + 2);
        let mut jpeg = std::mem::replace(&mut self.buffer, rest);
        assert_eq!(jpeg.split_off(length), b"\r\n");
        Part { length, timestamp, jpeg }
    }
}

#[test]
fn every_known_address_streams_in_order() {
    let Setup { bridge, watch, service, .. } = &setup();
    for path in [
        "/stream",
        "/?action=stream",
        "/api/stream.mjpeg?src=test:0",
        "/api/cameras/test%3A0/stream.mjpeg",
        "/stream?cam=test:0&fps=15&width=160&quality=50",
    ] {
        let from = bridge.http().token(watch).begin("GET", path, b"");
        let mut parts = Parts { from, buffer: Vec::new() };
        let answer = parts.headers();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let kind = answer.header("content-type").expect("a kind");
        assert_eq!(kind, "multipart/x-mixed-replace;boundary=boundarydonotcross", "{path}");
        assert_eq!(answer.header("transfer-encoding"), None, "{path}: not every player knows it");
        assert!(answer.header("cache-control").is_some_and(|c| c.contains("no-store")), "{path}");
        let first = parts.part();
        let mut last = (number(&first.jpeg), first.timestamp);
        for _ in 0..5 {
            let part = parts.part();
            let next = (number(&part.jpeg), part.timestamp);
            assert_eq!(part.length, part.jpeg.len());
            assert!(next.0 > last.0 && next.1 > last.1, "{path}: {next:?} after {last:?}");
            last = next;
        }
    }
    // With the viewers the streams go, and the camera rests.
    wait_until("the camera to close", LONG, || {
        let camera = &service.json(&["list"])[0];
        if camera["state"] == "closed" { Ok(()) } else { Err(camera.to_string()) }
    });
    let metrics = bridge.http().token(watch).get("/metrics").text();
    assert!(metrics.contains("camera_service_bridge_streams 0\n"), "{metrics}");
}

#[test]
fn every_known_address_gives_a_picture() {
    let Setup { bridge, watch, .. } = &setup();
    let mut last = None;
    for path in [
        "/snapshot",
        "/?action=snapshot",
        "/api/frame.jpeg?src=test:0",
        "/api/cameras/test:0/snapshot.jpg",
    ] {
        let answer = bridge.http().token(watch).get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("image/jpeg"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(answer.header("x-timestamp").is_some(), "{path}");
        let number = Some(number(&answer.body));
        assert!(number >= last, "{path}: {number:?} after {last:?}");
        last = number;
    }
    let small = bridge.http().token(watch).get("/snapshot?width=160&quality=30");
    number(&small.body);
    let head = bridge.http().token(watch).ask("HEAD", "/snapshot", b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let head = bridge.http().token(watch).ask("HEAD", "/stream", b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert!(head.header("content-type").is_some_and(|kind| kind.starts_with("multipart/")));
}

#[test]
fn cameras_state_and_metrics_are_told() {
    let Setup { bridge, service, all, .. } = &setup();
    let http = bridge.http().token(all);
    let listed = service.json(&["list"]);
    assert_eq!(http.get("/api/cameras").json(), listed);
    let detail = http.get("/api/cameras/test:0").json();
    assert_eq!(detail["id"], "test:0");
    assert_eq!(detail["modes"], service.json(&["info", "test:0"])["modes"]);
    let state = http.get("/state").json();
    assert_eq!(state["ok"], true);
    let source = &state["result"]["source"];
    assert!(source["resolution"]["width"].is_number(), "{state}");
    assert_eq!(source["online"], false);
    assert!(source["captured_fps"].is_number());
    assert_eq!(state["result"]["stream"]["clients"], 0);
    let mut stream = http.begin("GET", "/stream", b"");
    let mut some = [0; 1000];
    stream.read_exact(&mut some).expect("the stream begins");
    wait_until("the viewer to be told", LONG, || {
        let state = http.get("/state?cam=test:0").json();
        let result = &state["result"];
        let told = result["source"]["online"] == true
            && result["source"]["resolution"] == json!({ "width": 320, "height": 240 })
            && result["stream"]["clients"] == 1
            && result["stream"]["clients_stat"].as_object().is_some_and(|stat| stat.len() == 1);
        if told { Ok(()) } else { Err(state.to_string()) }
    });
    let metrics = http.get("/metrics");
    assert!(metrics.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    let text = metrics.text();
    assert!(text.contains("camera_service_bridge_viewers{way=\"mjpeg\"} 1\n"), "{text}");
    assert!(
        text.contains("camera_service_camera_state{camera=\"test:0\",state=\"streaming\"} 1\n")
    );
    assert_eq!(bridge.http().get("/healthz").status, 200);
}

#[test]
fn a_closed_camera_is_told_in_the_mode_in_which_it_opens() {
    let service = Service::builder().test_camera("640x480@25").start();
    let bridge = Bridge::start(&service, &[]);
    let http = bridge.http().token(&token(&service, "owner", &Scope::ALL, &[]));
    let told = || {
        let mut result = http.get("/state").json()["result"].take();
        let online = result["source"]["online"].take();
        (online, result["source"]["resolution"].take(), result["source"]["desired_fps"].take(), {
            result["encoder"].take()
        })
    };
    let (online, size, rate, encoder) = told();
    assert_eq!((&online, &rate), (&json!(false), &json!(25)));
    assert_eq!(size, json!({ "width": 640, "height": 480 }));
    let mut stream = http.begin("GET", "/stream", b"");
    stream.read_exact(&mut [0; 1000]).expect("the stream begins");
    assert_eq!(told(), (json!(true), size, rate, encoder));
}

#[test]
fn metrics_tell_of_capture_while_a_camera_is_open() {
    let service = Service::builder().test_camera("320x240@30").test_camera("640x480@30").start();
    let bridge = Bridge::start(&service, &[]);
    let all = token(&service, "owner", &Scope::ALL, &[]);
    let one = token(&service, "second", &[Scope::Watch], &["test:1"]);
    let value = |token: &str, name: &str, camera: &str| -> Option<f64> {
        let text = bridge.http().token(token).get("/metrics").text();
        let start = format!("camera_service_camera_{name}{{camera=\"{camera}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&start))?;
        Some(line.parse().unwrap_or_else(|error| panic!("{error}: {line}")))
    };
    assert_eq!(value(&all, "present", "test:0"), Some(1.0));
    assert_eq!(value(&all, "frames", "test:0"), None, "it is closed");
    let mut stream = bridge.http().token(&all).begin("GET", "/stream?cam=test:0", b"");
    stream.read_exact(&mut [0; 1000]).expect("the stream begins");
    wait_until("the rate to be measured", LONG, || match value(&all, "measured_fps", "test:0") {
        Some(rate) if (1.0..=60.0).contains(&rate) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let frames = value(&all, "frames", "test:0").expect("told");
    assert!(frames > 1.0, "{frames}");
    wait_until("the count to go on", LONG, || match value(&all, "frames", "test:0") {
        Some(more) if more > frames => Ok(()),
        other => Err(format!("{other:?}")),
    });
    for name in ["gaps", "damaged"] {
        assert!(value(&all, name, "test:0").is_some(), "{name}");
        assert_eq!(value(&all, name, "test:1"), None, "{name}");
    }
    // Who may not see a camera hears nothing of it.
    for name in ["present", "frames", "measured_fps"] {
        assert_eq!(value(&one, name, "test:0"), None, "{name}");
    }
    assert_eq!(value(&one, "present", "test:1"), Some(1.0));
}

#[test]
fn a_part_of_the_picture_can_be_had() {
    let Setup { bridge, watch, .. } = &setup();
    let http = bridge.http().token(watch);
    let size = |jpeg: &[u8]| {
        let header = turbojpeg::read_header(jpeg).expect("a JPEG");
        (header.width, header.height)
    };
    let snapshot = |crop: &str| http.get(&format!("/snapshot?{crop}")).body;
    assert_eq!(size(&snapshot("crop=")), (320, 240));
    // The bars, which are white on the left and dark on the right, are where they were.
    let light = |jpeg: &[u8], from: usize, to: usize| {
        let image = turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::GRAY).expect("a JPEG");
        let rows = image.pixels.chunks(image.pitch).skip(image.height / 2);
        let some: Vec<u64> = rows.flat_map(|row| &row[from..to]).map(|&p| p.into()).collect();
        some.iter().sum::<u64>() / some.len() as u64
    };
    let whole = snapshot("");
    let (left, right) = (snapshot("crop=0,0,10,100"), snapshot("crop=90%2C0%2C10%2C100"));
    assert_eq!((size(&left), size(&right)), ((32, 240), (32, 240)));
    let (white, dark) = (light(&whole, 0, 32), light(&whole, 288, 320));
    assert!(white > dark + 50, "{white} {dark}");
    assert!(light(&left, 0, 32).abs_diff(white) < 20, "{} {white}", light(&left, 0, 32));
    assert!(light(&right, 0, 32).abs_diff(dark) < 20, "{} {dark}", light(&right, 0, 32));
    assert_eq!(size(&snapshot("crop=25,25,50,50&rotation=90&width=60")), (60, 80));
    for wrong in ["crop=1,2,3", "crop=60,0,50,100", "crop=0,0,0,100", "crop=x"] {
        for path in ["/snapshot", "/stream"] {
            let answer = http.get(&format!("{path}?{wrong}"));
            assert_eq!(answer.status, 400, "{path} {wrong}");
            assert!(answer.text().contains("crop in the address is to be"), "{answer:?}");
        }
    }
    let from = http.begin("GET", "/stream?crop=0,50,50,50", b"");
    let mut parts = Parts { from, buffer: Vec::new() };
    assert_eq!(parts.headers().status, 200);
    assert_eq!(size(&parts.part().jpeg), (160, 120));
}

#[test]
fn requests_go_by_post_and_the_command_line_sees_them() {
    let Setup { bridge, service, all, watch } = &setup();
    let http = bridge.http().token(all);
    let set = json!({
        "type": "set_controls",
        "camera": "test:0",
        "settings": [{ "name": "brightness", "value": 7 }],
    });
    let answer = http.post("/api/request", &set.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.json(),
        json!({ "ok": true, "result": [{ "name": "brightness", "value": 7 }] })
    );
    assert_eq!(service.json(&["get", "test:0", "brightness"])[0]["value"], 7);
    // The same request from one who may only watch.
    let refused = bridge.http().token(watch).post("/api/request", &set.to_string());
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(refused.json()["error"]["kind"], "forbidden");
    for (body, status) in [
        ("{", 400),
        ("{}", 400),
        (r#"{"type":"shutdown"}"#, 400),
        (r#"{"type":"list_cameras","more":1}"#, 400),
        (r#"{"type":"describe_camera","camera":"no such"}"#, 404),
        (r#"{"type":"who_am_i"}"#, 200),
        (r#"{"type":"time"}"#, 200),
    ] {
        assert_eq!(http.post("/api/request", body).status, status, "{body}");
    }
}

#[test]
fn an_invitation_is_swapped_once_for_a_token() {
    let Setup { bridge, service, .. } = &setup();
    let secret = invitation(service, "phone", &[Scope::Watch, Scope::Publish]);
    let body = json!({ "secret": secret }).to_string();
    let session = bridge.http().post("/api/session", &body);
    assert_eq!(session.status, 200, "{session:?}");
    let session = session.json();
    assert_eq!(session["scopes"], json!(["watch", "publish"]));
    let token = session["token"].as_str().expect("a token");
    assert_eq!(bridge.http().token(token).get("/api/cameras").status, 200);
    let again = bridge.http().post("/api/session", &body);
    assert_eq!(again.status, 401, "{again:?}");
}

#[test]
fn errors_come_as_json_or_text_as_asked() {
    let Setup { bridge, watch, .. } = &setup();
    let http = bridge.http();
    let none = http.get("/api/cameras");
    assert_eq!(none.status, 401);
    assert_eq!(none.header("www-authenticate"), Some("Bearer realm=\"camera-service\""));
    assert_eq!(none.json()["error"]["kind"], "forbidden");
    let text = http.clone().header("Accept", "text/html").get("/api/cameras");
    assert_eq!(text.header("content-type"), Some("text/plain; charset=utf-8"));
    let plain = http.get("/stream");
    assert_eq!(
        (plain.status, plain.header("content-type")),
        (401, Some("text/plain; charset=utf-8"))
    );
    let json = http.clone().header("Accept", "application/json").get("/nothing");
    assert_eq!((json.status, json.json()["ok"].clone()), (404, false.into()));
    let wrong = bridge.http().token(watch).ask("DELETE", "/api/cameras", b"");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(bridge.http().get("/api/request").status, 405);
    // What the page asks before it asks its user for a token.
    assert_eq!(bridge.http().get("/api/session").json(), json!({ "token_needed": true }));
    for path in ["/stream?fps=0", "/snapshot?width=0", "/stream?quality=101", "/stream?rotation=1"]
    {
        assert_eq!(bridge.http().token(watch).get(path).status, 400, "{path}");
    }
    for path in ["/stream?cam=none", "/api/cameras/none", "/api/cameras/none/snapshot.jpg"] {
        assert_eq!(bridge.http().token(watch).get(path).status, 404, "{path}");
    }
}

#[test]
fn every_answer_keeps_pages_of_others_out() {
    let Setup { bridge, watch, .. } = &setup();
    for path in ["/", "/healthz", "/api/cameras", "/nothing", "/snapshot"] {
        let answer = bridge.http().token(watch).get(path);
        let policy = answer.header("content-security-policy").expect(path);
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "script-src 'self'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert!(answer.header("permissions-policy").is_some_and(|p| p.contains("camera=(self)")));
        assert_eq!(answer.header("set-cookie"), None, "{path}");
        assert!(answer.header("cache-control").is_some(), "{path}");
    }
    let page = bridge.http().get("/");
    let tag = page.header("etag").expect("a tag").to_owned();
    assert_eq!(bridge.http().header("If-None-Match", &tag).get("/").status, 304);
}

#[test]
fn a_token_that_is_revoked_ends_its_streams() {
    let Setup { bridge, service, watch, .. } = &setup();
    let from = bridge.http().token(watch).begin("GET", "/stream", b"");
    let mut parts = Parts { from, buffer: Vec::new() };
    assert_eq!(parts.headers().status, 200);
    parts.part();
    revoke(service, "watcher");
    let mut rest = Vec::new();
    parts.from.read_to_end(&mut rest).expect("the stream ends");
    assert_eq!(bridge.http().token(watch).get("/api/cameras").status, 401);
}

#[test]
fn a_bridge_outlives_the_service_and_finds_it_again() {
    let Setup { bridge, mut service, watch, .. } = setup();
    assert_eq!(bridge.http().token(&watch).get("/snapshot").status, 200);
    service.restart(|_| {
        let away = bridge.http().token(&watch).get("/api/cameras");
        assert_eq!(away.status, 503, "{away:?}");
        assert!(away.header("retry-after").is_some());
        wait_until("the bridge to notice", LONG, || match bridge.http().get("/healthz").status {
            503 => Ok(()),
            other => Err(other.to_string()),
        });
    });
    wait_until("the service to be found", LONG, || {
        let answer = bridge.http().token(&watch).get("/snapshot");
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
    });
}

#[test]
fn a_bridge_that_nobody_uses_holds_nothing_and_sleeps() {
    let Setup { bridge, service, watch, .. } = &setup();
    assert_eq!(bridge.http().token(watch).get("/snapshot").status, 200);
    wait_until("all to be at rest", LONG, || {
        let clients = service.json(&["clients"]);
        let streams = clients.as_array().map_or(0, |clients| {
            clients.iter().filter(|client| client["role"] == "stream").count()
        });
        if streams == 0 { Ok(()) } else { Err(clients.to_string()) }
    });
    let (cpu, wakeups) = (bridge.cpu(), bridge.wakeups());
    std::thread::sleep(Duration::from_secs(2));
    let (cpu, wakeups) = (bridge.cpu() - cpu, bridge.wakeups() - wakeups);
    assert!(cpu < Duration::from_millis(5) && wakeups < 6, "{cpu:?} and {wakeups} wake-ups");
}
