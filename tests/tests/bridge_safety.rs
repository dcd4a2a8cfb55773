//! What hostile clients do to the bridge: nothing to the service, and nothing to other viewers.
//!
//! While each of them does its worst, `camera-service check` reads frames at the service and a
//! well-behaved viewer reads them at the bridge; neither may miss anything.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use protocol::{Reply, Request, Scope, Size};
use serde_json::{Value, json};
use tests::{
    Process, Program, Service, Signal,
    bridge::{Bridge, Http, WebSocket, ask, jpeg, strip, token},
    wait_until,
};
use tokio_tungstenite::tungstenite::{
    Bytes, Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

const LONG: Duration = Duration::from_secs(60);

struct Setup {
    bridge: Bridge,
    service: Service,
    watch: String,
    all: String,
}

fn setup_with(config: &str) -> Setup {
    let config = format!("{}\n{config}", tests::QUICK);
    let service = Service::builder().test_camera("320x240@30").config(&config).start();
    let path = service.config_file().to_owned();
    let bridge = Bridge::start(&service, &["--config", path.to_str().expect("text")]);
    let watch = token(&service, "watcher", &[Scope::Watch], &[]);
    let all = token(&service, "owner", &Scope::ALL, &[]);
    Setup { bridge, service, watch, all }
}

fn setup() -> Setup {
    setup_with("")
}

/// Somebody who watches at the bridge while others attack it.
struct Viewer {
    socket: WebSocket,
    last: u64,
}

impl Viewer {
    #[track_caller]
    fn new(setup: &Setup) -> Self {
        let mut socket = setup.bridge.log_in(&setup.watch);
        socket.ok("open_stream", json!({ "camera": "test:0", "adaptive": false }));
        let last = socket.frame().sequence;
        Self { socket, last }
    }

    /// Frames come and are whole.
    #[track_caller]
    fn sees(&mut self, frames: usize) {
        for _ in 0..frames {
            let frame = self.socket.frame();
            let number = strip(&frame.jpeg).unwrap_or_else(|error| panic!("{error}")).sequence;
            assert!(number > self.last, "{number} after {}", self.last);
            self.last = number;
        }
    }
}

/// Runs `attack` while the service and a viewer are watched.
#[track_caller]
fn unharmed(setup: &Setup, attack: impl FnOnce(&Setup)) {
    let mut viewer = Viewer::new(setup);
    let mut check: Program =
        setup.service.cli_start(&["check", "test:0", "--seconds", "2", "--json"]);
    attack(setup);
    viewer.sees(20);
    check.wait(LONG).ok();
    let pid = setup.bridge.pid();
    assert_eq!(setup.bridge.http().get("/healthz").status, 200);
    assert_eq!(setup.bridge.pid(), pid);
    let log = setup.bridge.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// Reads until the other side closes.
fn drained(mut stream: TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(LONG)).expect("set");
    let mut bytes = Vec::new();
    // A reset is a close as well.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn pages_of_others_get_nothing() {
    let setup = &setup();
    let http = setup.bridge.http().token(&setup.all);
    let port = setup.bridge.address().port();
    for host in ["evil.example", &format!("evil.example:{port}"), "localhost.evil.example", ""] {
        for path in ["/", "/healthz", "/api/cameras", "/stream", "/ws"] {
            let answer = http.clone().header("Host", host).get(path);
            assert_eq!(answer.status, 403, "{host} {path}: {answer:?}");
        }
    }
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")]
    {
        assert_eq!(http.clone().header("Host", &host).get("/api/cameras").status, 200, "{host}");
    }
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"] {
        let answer = http.clone().header("Origin", origin).get("/api/cameras");
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        let posted = http.clone().header("Origin", origin).post("/api/request", "{}");
        assert_eq!(posted.status, 403, "{origin}");
        let socket = WebSocket::try_connect(setup.bridge.address(), &[("Origin", origin)]);
        assert!(socket.is_err_and(|error| error.contains("403")), "{origin}");
    }
    let origin = format!("http://{}", setup.bridge.address());
    assert!(WebSocket::try_connect(setup.bridge.address(), &[("Origin", &origin)]).is_ok());
    let socket = WebSocket::try_connect(setup.bridge.address(), &[("Host", "evil.example")]);
    assert!(socket.is_err_and(|error| error.contains("403")));
}

#[test]
fn without_the_right_token_there_is_nothing_to_see() {
    let setup = &setup();
    let http = setup.bridge.http();
    let paths = [
        "/stream",
        "/snapshot",
        "/?action=stream",
        "/?action=snapshot",
        "/state",
        "/metrics",
        "/api/cameras",
        "/api/cameras/test:0",
        "/api/stream.mjpeg?src=test:0",
        "/api/frame.jpeg?src=test:0",
        "/api/cameras/test:0/stream.mjpeg",
        "/api/cameras/test:0/snapshot.jpg",
    ];
    for path in paths {
        assert_eq!(http.get(path).status, 401, "{path}");
    }
    assert_eq!(http.post("/api/request", r#"{"type":"list_cameras"}"#).status, 401);
    assert_eq!(http.token("wrong").get("/api/cameras").status, 401);
    let other = setup.bridge.http().header("Authorization", "Basic dTpw").get("/api/cameras");
    assert_eq!(other.status, 401);
    // A token in an address: for pictures only, and only one that can do no more.
    let query = |path: &str, token: &str| {
        let joint = if path.contains('?') { '&' } else { '?' };
        setup.bridge.http().get(&format!("{path}{joint}token={token}")).status
    };
    assert_eq!(query("/snapshot", &setup.watch), 200);
    assert_eq!(query("/?action=snapshot", &setup.watch), 200);
    assert_eq!(query("/snapshot", &setup.all), 403);
    for path in ["/api/cameras", "/state", "/metrics"] {
        assert_eq!(query(path, &setup.watch), 401, "{path}");
    }
    let mut socket = setup.bridge.websocket();
    socket.send(&json!({ "op": "identify", "d": { "token": "wrong" } }));
    let (code, error) = socket.closed();
    assert_eq!((code, error["kind"].clone()), (4001, "forbidden".into()));
    let mut socket = setup.bridge.websocket();
    socket.send(&json!({ "op": "identify", "d": {} }));
    assert_eq!(socket.closed().0, 4001);
    let mut socket = setup.bridge.websocket();
    socket.send(&json!({ "op": "request", "d": { "id": "1", "type": "list_cameras" } }));
    assert_eq!(socket.closed().0, 4000);
    // Nothing of that is in a log.
    for log in [setup.bridge.log(), setup.service.log()] {
        for secret in [setup.watch.as_str(), &setup.all, "?token", "&token"] {
            assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        }
    }
}

#[test]
fn a_token_is_good_for_its_scopes_and_cameras_only() {
    let service =
        Service::builder().test_camera("320x240@30").args(&["--test-camera", "320x240@15"]).start();
    let bridge = Bridge::start(&service, &[]);
    let secret = token(&service, "one", &[Scope::Watch], &["test:1"]);
    let http = bridge.http().token(&secret);
    let cameras = http.get("/api/cameras").json();
    assert_eq!(cameras.as_array().map(Vec::len), Some(1), "{cameras}");
    assert_eq!(http.get("/api/cameras/test:1/snapshot.jpg").status, 200);
    assert_eq!(http.get("/snapshot").status, 200, "the first that it may see");
    for path in ["/api/cameras/test:0", "/api/cameras/test:0/snapshot.jpg", "/stream?cam=test:0"] {
        let status = http.get(path).status;
        assert!(matches!(status, 403 | 404), "{path}: {status}");
    }
    let mut socket = bridge.websocket();
    let (_, state) = socket.log_in(&secret);
    assert_eq!(state["cameras"].as_array().map(Vec::len), Some(1), "{state}");
    for (kind, fields) in [
        ("open_stream", json!({ "camera": "test:0" })),
        ("describe_camera", json!({ "camera": "test:0" })),
        (
            "set_controls",
            json!({ "camera": "test:1", "settings": [{ "name": "brightness", "value": 1 }] }),
        ),
        ("start_camera", json!({ "camera": "test:1" })),
        ("cameras_off", json!({})),
        ("list_clients", json!({})),
        ("publish", json!({ "name": "x", "width": 320, "height": 240, "fps": 10 })),
    ] {
        let error = socket.fails(kind, fields);
        assert!(matches!(error.as_str(), "forbidden" | "no_such_camera"), "{kind}: {error}");
    }
    let publisher = token(&service, "phone", &[Scope::Publish], &["published:mine"]);
    let mut socket = bridge.log_in(&publisher);
    let named = |name: &str| json!({ "name": name, "width": 320, "height": 240, "fps": 10 });
    assert_eq!(socket.fails("publish", named("other")), "forbidden");
    assert_eq!(socket.ok("publish", named("mine"))["camera"], "published:mine");
    assert_eq!(socket.fails("list_cameras", json!({})), "forbidden");
}

#[test]
fn paths_lead_nowhere_but_to_what_is_there() {
    let setup = &setup();
    for path in [
        "/../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/app.css/../../../Cargo.toml",
        "/api/cameras/../../etc/passwd",
        "/api/cameras/%00",
        "/api/cameras/%ff",
        "/api/cameras/",
        "/index.html%00",
        "/Cargo.toml",
        "/.git/config",
    ] {
        let answer = setup.bridge.http().token(&setup.all).get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
        assert!(!answer.text().contains("root:"), "{path}");
    }
}

#[test]
fn headers_and_bodies_without_measure_are_cut_off() {
    unharmed(&setup(), |setup| {
        let send = |bytes: &[u8]| {
            let mut stream = setup.bridge.connect();
            // It may be closed before all is sent.
            let _ = stream.write_all(bytes);
            String::from_utf8_lossy(&drained(stream)).into_owned()
        };
        let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(5000));
        let answer = send(many.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let long =
            format!("GET / HTTP/1.1\r\nHost: localhost\r\nA: {}\r\n\r\n", "b".repeat(1 << 20));
        let answer = send(long.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let path = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a/".repeat(1 << 19));
        let answer = send(path.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let http = setup.bridge.http().token(&setup.all);
        let large = http.post("/api/request", &"x".repeat(65 << 10));
        assert_eq!(large.status, 413, "{large:?}");
        let endless = format!(
            "POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
            u64::MAX,
            "x".repeat(4 << 20)
        );
        let answer = send(endless.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:.80}");
        let deep = format!("{{\"type\":{}", "[".repeat(60_000));
        assert_eq!(http.post("/api/request", &deep).status, 400);
        for garbage in [
            &b"\0\0\0\0"[..],
            b"GET\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ] {
            send(garbage);
        }
    });
}

#[test]
fn who_dawdles_is_cut_off() {
    unharmed(&setup(), |setup| {
        let began = Instant::now();
        let mut headers = setup.bridge.connect();
        headers.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").expect("sent");
        let mut body = setup.bridge.connect();
        let request = format!(
            "POST /api/request HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Length: 1000\r\n\r\n{{",
            setup.all
        );
        body.write_all(request.as_bytes()).expect("sent");
        let mut socket = setup.bridge.websocket();
        // A byte now and then keeps nothing alive.
        let dripping = headers.try_clone().map(|mut stream| {
            thread::spawn(move || {
                while stream.write_all(b"A").is_ok() && began.elapsed() < LONG {
                    thread::sleep(Duration::from_millis(500));
                }
            })
        });
        assert_eq!(socket.closed().0, 4001);
        drained(headers);
        let answer = String::from_utf8_lossy(&drained(body)).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        dripping.expect("cloned").join().expect("it ends");
    });
}

#[test]
fn messages_that_are_none_close_the_connection() {
    unharmed(&setup(), |setup| {
        let closed = |message: Message| {
            let mut socket = setup.bridge.log_in(&setup.watch);
            // It may be closed before all is sent.
            let _ = socket.send_raw(message);
            socket.closed_somehow()
        };
        let deep = format!("{{\"op\":\"request\",\"d\":{}", "[".repeat(50_000));
        for text in ["", "x", "[]", "{}", r#"{"op":"fly","d":{}}"#, r#"{"op":"ack","d":{}}"#, &deep]
        {
            assert_eq!(closed(Message::text(text)), Some(4000), "{text:.50}");
        }
        assert_eq!(closed(Message::binary(vec![2; 10])), Some(4000));
        assert_eq!(closed(Message::binary(vec![2; 1000])), Some(4000));
        // 64 MiB, in one piece and in pieces without end.
        let text = Message::text("x".repeat(64 << 20));
        assert!(closed(text).is_none_or(|code| code == 4000));
        let fragment = |first: bool, length: usize| {
            let kind = if first { Data::Text } else { Data::Continue };
            let bytes = Bytes::from(vec![b'x'; length]);
            Message::Frame(Frame::message(bytes, OpCode::Data(kind), false))
        };
        for length in [0, 1, 1000] {
            let mut socket = setup.bridge.log_in(&setup.watch);
            let mut first = true;
            let until = Instant::now() + LONG;
            while socket.send_raw(fragment(std::mem::take(&mut first), length)).is_ok() {
                assert!(Instant::now() < until, "fragments of {length} go on for ever");
            }
        }
        // What is no UTF-8.
        let bad = Frame::message(
            Bytes::from_static(b"{\"op\":\"\xff\"}"),
            OpCode::Data(Data::Text),
            true,
        );
        assert!(closed(Message::Frame(bad)).is_none_or(|code| code == 4000));
        // Compressed: nobody offered that.
        let mut bomb = Frame::message(Bytes::from(vec![0; 1000]), OpCode::Data(Data::Text), true);
        bomb.header_mut().rsv1 = true;
        assert!(closed(Message::Frame(bomb)).is_none_or(|code| code == 4000));
    });
}

/// How a connection ended, where the other side may not have had time for words.
trait ClosedSomehow {
    fn closed_somehow(&mut self) -> Option<u16>;
}

impl ClosedSomehow for WebSocket {
    fn closed_somehow(&mut self) -> Option<u16> {
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            match self.next(Duration::from_secs(1)) {
                Ok(_) => {}
                Err(error) => {
                    let code = error.split_once("Library(").or(error.split_once("code: "));
                    let digits = code.map(|(_, rest)| {
                        rest.chars().take_while(char::is_ascii_digit).collect::<String>()
                    });
                    return digits.and_then(|digits| digits.parse().ok());
                }
            }
        }
        panic!("the connection is not closed");
    }
}

#[test]
fn compression_is_not_offered() {
    let setup = setup();
    let mut stream = setup.bridge.connect();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: camera.v1.json\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
        setup.bridge.address()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    stream.set_read_timeout(Some(LONG)).expect("set");
    let mut bytes = [0; 4096];
    let count = stream.read(&mut bytes).expect("an answer");
    let answer = String::from_utf8_lossy(&bytes[..count]).to_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
}

#[test]
fn published_images_that_lie_end_the_publication_alone() {
    unharmed(&setup(), |setup| {
        let size = Size::new(320, 240);
        let good = jpeg(size, 1);
        let frame = good
            .windows(2)
            .position(|pair| pair[0] == 0xff && pair[1] & 0xf0 == 0xc0 && pair[1] != 0xc4);
        let at = frame.expect("a frame header");
        let mut huge = good.clone();
        huge[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
        for bad in
            [huge, b"\xff\xd8\xff\xd9".to_vec(), vec![0; 100], Vec::new(), good[..at].to_vec()]
        {
            let mut phone = setup.bridge.log_in(&setup.all);
            let fields = json!({ "name": "phone", "width": 320, "height": 240, "fps": 30 });
            let published = wait_until("the name to be free", LONG, || {
                let response = phone.request("publish", fields.clone());
                if response["ok"] == true { Ok(response) } else { Err(response.to_string()) }
            });
            let publication = published["result"]["publication"].as_u64().expect("a number") as u32;
            // There is credit as soon as somebody watches.
            let watch =
                json!({ "id": "watch", "type": "open_stream", "camera": "published:phone" });
            phone.send(&json!({ "op": "request", "d": watch }));
            wait_until("credit", LONG, || match phone.op("demand") {
                demand if demand["credit"].as_u64() > Some(0) => Ok(()),
                demand => Err(demand.to_string()),
            });
            phone.publish(publication, 1, (320, 240), &bad);
            let ended = phone.event("publication_ended");
            assert_eq!(ended["publication"], publication, "{ended}");
            // The connection lives on.
            phone.ok("time", json!({}));
        }
        // More frames than there is credit for.
        let mut phone = setup.bridge.log_in(&setup.all);
        let fields = json!({ "name": "flood", "width": 320, "height": 240, "fps": 30 });
        let publication =
            phone.ok("publish", fields)["publication"].as_u64().expect("a number") as u32;
        for number in 0..1000 {
            let mut message = vec![2, 40, 0, 0];
            message.extend(publication.to_le_bytes());
            message.extend(u64::to_le_bytes(number));
            message.extend([0; 20]);
            message.extend((good.len() as u32).to_le_bytes());
            message.extend(&good);
            if phone.send_raw(Message::binary(message)).is_err() {
                break;
            }
        }
        assert_eq!(phone.closed_somehow().unwrap_or(4000), 4000);
    });
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out_for_long() {
    let limits = "[bridge]\nconnections = 300\nconnections_per_address = 300\n";
    let setup = setup_with(limits);
    let mut viewer = Viewer::new(&setup);
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(setup.bridge.connect());
    }
    viewer.sees(30);
    assert!(setup.bridge.fd_count() < 400, "{}", setup.bridge.fd_count());
    // Who says nothing makes room.
    wait_until("there to be room again", LONG, || {
        let mut stream = setup.bridge.connect();
        let host = setup.bridge.address();
        let request = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let sent = stream.write_all(request.as_bytes());
        let answer = String::from_utf8_lossy(&drained(stream)).into_owned();
        if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("{sent:?} {answer}")) }
    });
    viewer.sees(5);
    drop(idle);
}

#[test]
fn a_viewer_that_never_reads_costs_the_others_nothing() {
    unharmed(&setup(), |setup| {
        let http = setup.bridge.http().token(&setup.watch);
        let _streams: Vec<TcpStream> = (0..5).map(|_| http.begin("GET", "/stream", b"")).collect();
        let mut sockets = Vec::new();
        for _ in 0..5 {
            let mut socket = setup.bridge.log_in(&setup.watch);
            socket.send(&json!({ "op": "request", "d": { "id": "s", "type": "open_stream", "camera": "test:0" } }));
            // Answers that nobody reads either.
            for id in 0..500 {
                let id = id.to_string();
                let request = json!({ "id": id, "type": "describe_camera", "camera": "test:0" });
                let sent = socket.stream().set_write_timeout(Some(Duration::from_millis(100)));
                sent.expect("set");
                if socket
                    .send_raw(Message::text(json!({ "op": "request", "d": request }).to_string()))
                    .is_err()
                {
                    break;
                }
            }
            sockets.push(socket);
        }
        let before = setup.bridge.anonymous_rss();
        thread::sleep(Duration::from_secs(1));
        let grown = setup.bridge.anonymous_rss().saturating_sub(before);
        assert!(grown < 16 << 20, "{grown} bytes more");
    });
}

#[test]
fn a_flood_of_log_ins_is_slowed_and_shuts_nobody_out() {
    unharmed(&setup(), |setup| {
        assert_eq!(setup.bridge.http().token(&setup.all).get("/api/cameras").status, 200);
        let statuses: Vec<u16> = thread::scope(|scope| {
            let guess = |guess: usize| {
                let http = setup.bridge.http().token(&format!("guess{guess}"));
                scope.spawn(move || {
                    (0..20).map(|_| http.get("/api/cameras").status).collect::<Vec<_>>()
                })
            };
            let guesses: Vec<_> = (0..8).map(guess).collect();
            guesses.into_iter().flat_map(|guess| guess.join().expect("it ends")).collect()
        });
        let count = |status: u16| statuses.iter().filter(|other| **other == status).count();
        assert_eq!(count(401) + count(429), 160, "{statuses:?}");
        assert!(count(401) < 40, "{} were looked at", count(401));
        // Who was right before is let in all the same.
        assert_eq!(setup.bridge.http().token(&setup.all).get("/api/cameras").status, 200);
        let guess = setup.bridge.http().token("another").get("/api/cameras");
        assert_eq!(guess.status, 429);
        assert!(guess.header("retry-after").is_some());
        let log = setup.bridge.log();
        assert!(log.contains("a log-in failed") && !log.contains("guess"), "{log}");
        let lines = log.lines().filter(|line| line.contains("a log-in failed")).count();
        assert!(lines < 5, "{lines} lines in the log");
    });
}

#[test]
fn off_loopback_there_is_tls_or_nothing() {
    let setup = setup();
    let refused = |args: &[&str]| {
        let all = [&["bridge", "--json"], args].concat();
        let output = setup.service.cli(&all);
        assert_eq!(output.code(), Some(1), "{args:?}");
        output.stderr.clone()
    };
    let open = refused(&["--listen", "0.0.0.0:0"]);
    assert!(open.contains("--tls self"), "{open}");
    let watch = refused(&["--listen", "0.0.0.0:0", "--insecure", "--open-watch"]);
    assert!(watch.contains("loopback only"), "{watch}");
    let insecure = Bridge::start_at(&setup.service, "0.0.0.0:0", &["--insecure"]);
    assert_eq!(insecure.http().get("/api/cameras").status, 401);
}

#[test]
fn the_own_certificate_is_kept_and_good_for_every_name() {
    let setup = setup();
    let bridge = Bridge::start_tls(&setup.service, "0.0.0.0:0");
    let fingerprint = bridge.fingerprint().expect("it has a certificate");
    let curl = |host: &str| {
        let url = format!("https://{host}:{}/healthz", bridge.address().port());
        let certificate = setup.service.folder().join("state/camera-service/tls/certificate.pem");
        let output = std::process::Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
            .arg(certificate)
            .arg(&url)
            .output()
            .expect("curl runs");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for host in ["localhost", "127.0.0.1"] {
        let (out, error) = curl(host);
        assert_eq!(out, "ok\n", "{host}: {error}");
    }
    drop(bridge);
    let again = Bridge::start_tls(&setup.service, "0.0.0.0:0");
    assert_eq!(again.fingerprint(), Some(fingerprint));
}

#[test]
fn open_watch_lets_anybody_here_watch_and_no_more() {
    let setup = setup();
    let bridge = Bridge::start(&setup.service, &["--open-watch"]);
    assert_eq!(bridge.http().get("/snapshot").status, 200);
    assert_eq!(bridge.http().get("/api/cameras").status, 200);
    let set: Value = json!({ "type": "stop_camera", "camera": "test:0" });
    assert_eq!(bridge.http().post("/api/request", &set.to_string()).status, 403);
    let mut socket = bridge.websocket();
    socket.send(&json!({ "op": "identify", "d": {} }));
    assert_eq!(socket.op("identified")["scopes"], json!(["watch"]));
    assert_eq!(bridge.http().token("wrong").get("/snapshot").status, 401);
    bridge.stop().ok();
    let tokens = setup.service.json(&["clients"]);
    assert!(tokens.is_array());
}

#[test]
fn a_bridge_that_is_killed_is_there_again_at_once() {
    let config = format!("{}\n[bridge]\nenabled = true\nlisten = \"127.0.0.1:0\"\n", tests::QUICK);
    let service = Service::builder().test_camera("320x240@30").config(&config).start();
    let watch = token(&service, "watcher", &[Scope::Watch], &[]);
    let listening = |not: Option<u32>| {
        wait_until("the bridge to listen", LONG, || {
            let Reply::Bridge(status) = ask(&service, Request::BridgeStatus) else { panic!() };
            match (status.pid, status.urls.first()) {
                (Some(pid), Some(url)) if Some(pid) != not => Ok((pid, url.clone())),
                _ => Err(format!("{status:?}")),
            }
        })
    };
    let snapshot = |url: &str| {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let http = Http::new(address.parse().expect("an address")).token(&watch);
        wait_until("a picture", LONG, || {
            let answer = http.get("/snapshot");
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    };
    let (pid, url) = listening(None);
    snapshot(&url);
    let killed = Instant::now();
    Process::new(pid).signal(Signal::KILL);
    let (_, url) = listening(Some(pid));
    let away = killed.elapsed();
    assert!(away < Duration::from_secs(2), "{away:?}");
    snapshot(&url);
    service.stop().ok();
    wait_until("the bridge to end with the service", LONG, || {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        match TcpStream::connect(address) {
            Err(_) => Ok(()),
            Ok(_) => Err(format!("{address} is still there")),
        }
    });
}
