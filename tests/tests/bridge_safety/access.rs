//! Who gets in: origins, hosts, tokens, scopes, cameras.

use super::*;

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
fn nothing_secret_is_logged_however_much_is() {
    let service = Service::builder().test_camera("320x240@30").env("RUST_LOG", "trace").start();
    let bridge = Bridge::start(&service, &["--log", "trace"]);
    let watch = token(&service, "watcher", &[Scope::Watch], &[]);
    let all = token(&service, "owner", &Scope::ALL, &[]);
    let secret = invitation(&service, "phone", &[Scope::Watch]);
    let http = bridge.http();
    assert_eq!(http.get(&format!("/snapshot?token={watch}")).status, 200);
    assert_eq!(http.get(&format!("/?action=snapshot&token={watch}")).status, 200);
    assert_eq!(http.get("/snapshot?token=wrong-1-in-query").status, 401);
    assert_eq!(http.get(&format!("/nothing?token={watch}")).status, 404);
    assert_eq!(http.clone().token(&all).get("/api/cameras").status, 200);
    assert_eq!(http.clone().token("wrong-2-in-header").get("/api/cameras").status, 401);
    let mut socket = bridge.log_in(&all);
    socket.ok("open_stream", json!({ "camera": "test:0" }));
    socket.frame();
    let mut wrong = bridge.websocket();
    wrong.send(&json!({ "op": "identify", "d": { "token": "wrong-3-in-identify" } }));
    assert_eq!(wrong.closed().0, 4001);
    let session =
        |secret: &str| http.post("/api/session", &json!({ "secret": secret }).to_string());
    let redeemed = session(&secret);
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    assert_eq!(session(&secret).status, 401, "it was used");
    assert_eq!(session("wrong-4-in-session").status, 401);
    let phone = redeemed.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(http.clone().token(&phone).get("/api/cameras").status, 200);
    for (whose, log) in [("bridge", bridge.log()), ("service", service.log())] {
        assert!(log.contains("TRACE"), "{whose}: it is not all that can be logged");
        let secrets = [watch.as_str(), &all, &secret, &phone, "wrong-"];
        for line in log.lines() {
            let found = secrets.iter().find(|secret| line.contains(**secret));
            assert!(found.is_none(), "{found:?} is in the {whose}'s log: {line}");
        }
    }
}

#[test]
fn a_token_whose_time_is_over_ends_what_is_connected_and_lets_nobody_in() {
    let setup = &setup();
    let request = TokenRequest {
        name: "guest".to_owned(),
        scopes: vec![Scope::Watch],
        cameras: Vec::new(),
        expires_s: Some(2),
        invitation_s: None,
    };
    let made = Instant::now();
    let Reply::TokenAdded(guest) = ask(&setup.service, Request::AddToken { token: request }) else {
        panic!("no token was made")
    };
    let http = setup.bridge.http().token(&guest.secret);
    let mut socket = setup.bridge.log_in(&guest.secret);
    socket.ok("open_stream", json!({ "camera": "test:0" }));
    let stream = http.begin("GET", "/stream", b"");
    let (code, error) = socket.closed();
    assert_eq!((code, error["kind"].clone()), (4003, "forbidden".into()), "{error}");
    assert!(error["message"].as_str().is_some_and(|why| why.contains("expired")), "{error}");
    assert!(drained(stream).starts_with(b"HTTP/1.0 200"), "it watched until then");
    assert!(made.elapsed() > Duration::from_secs(2), "{:?}", made.elapsed());
    assert_eq!(http.get("/api/cameras").status, 401);
    let mut socket = setup.bridge.websocket();
    socket.send(&json!({ "op": "identify", "d": { "token": guest.secret } }));
    assert_eq!(socket.closed().0, 4001);
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
fn open_watch_lets_anybody_here_watch_and_no_more() {
    let setup = setup();
    let bridge = Bridge::start(&setup.service, &["--open-watch"]);
    assert_eq!(bridge.http().get("/snapshot").status, 200);
    assert_eq!(bridge.http().get("/api/cameras").status, 200);
    // Not so a page of another place, for which a browser fetches any picture.
    for (site, status) in [("cross-site", 403), ("same-origin", 200), ("none", 200)] {
        let from = || bridge.http().header("Sec-Fetch-Site", site);
        assert_eq!(from().get("/snapshot").status, status, "{site}");
        assert_eq!(from().token(&setup.watch).get("/snapshot").status, 200, "{site}");
    }
    let set: Value = json!({ "type": "stop_camera", "camera": "test:0" });
    assert_eq!(bridge.http().post("/api/request", &set.to_string()).status, 403);
    let mut socket = bridge.websocket();
    socket.send(&json!({ "op": "identify", "d": {} }));
    assert_eq!(socket.op("identified")["scopes"], json!(["watch"]));
    assert_eq!(bridge.http().token("wrong").get("/snapshot").status, 401);
    bridge.stop().ok();
    // What stood in for tokens that are not shown has ended with it.
    let tokens = setup.service.json(&["token", "list"]);
    let names: Vec<_> = tokens.as_array().expect("a list").iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["owner", "watcher"]);
}
