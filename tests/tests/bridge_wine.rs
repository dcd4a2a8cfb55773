//! The bridge as a Windows program, reached over loopback by clients that are none: by hand, and as
//! the service runs it.
#![cfg(target_os = "linux")]

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use tests::{
    Program,
    bridge::{Http, WebSocket, strip},
    wait_until,
    wine::Wine,
};

const SOON: Duration = Duration::from_secs(120);
const SIZE: (u32, u32) = (320, 240);
/// Frames to see.
const COUNT: usize = 60;

/// Where the bridge that says this listens.
fn address(said: &Value) -> Option<SocketAddr> {
    let url = said["urls"][0].as_str()?;
    url.strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}

/// Waits until a bridge that was started by hand says where it listens.
fn listening(bridge: &mut Program) -> SocketAddr {
    wait_until("the bridge to listen", SOON, || {
        assert!(bridge.is_running(), "the bridge has ended: {}", bridge.stderr());
        let output = String::from_utf8_lossy(&bridge.stdout()).into_owned();
        let line = serde_json::from_str(output.lines().next().unwrap_or_default());
        line.ok().as_ref().and_then(address).ok_or_else(|| output + &bridge.stderr())
    })
}

/// Waits until the bridge there has found the service.
fn healthy(address: SocketAddr) -> Http {
    let http = Http::new(address);
    wait_until("the bridge to reach the service", SOON, || match http.get("/healthz") {
        answer if answer.status == 200 => Ok(()),
        answer => Err(format!("{answer:?}")),
    });
    http
}

#[test]
fn a_bridge_that_was_started_by_hand_gives_pictures() {
    let wine = Wine::start();
    let _service = wine.service("320x240@15", "");
    let args = ["bridge", "--listen", "127.0.0.1:0", "--open-watch", "--json"];
    let mut bridge = wine.program("camera-service", &args, &[]);
    let http = healthy(listening(&mut bridge));
    let page = http.get("/");
    assert!(page.status == 200 && page.text().contains("<html"), "{page:?}");
    let picture = || {
        let answer = http.get("/snapshot");
        assert_eq!(answer.status, 200, "{}", answer.text());
        strip(&answer.body).unwrap_or_else(|error| panic!("{error}"))
    };
    let first = picture();
    wait_until("another picture", SOON, || match picture() {
        later if later.sequence > first.sequence => Ok(()),
        other => Err(format!("{other:?} after {first:?}")),
    });
    let clients = wine.cli(&["clients", "--json"]).json();
    let all = clients.as_array().expect("a list");
    assert!(all.iter().any(|one| one["program"] == "camera-service.exe"), "{clients}");
}

#[test]
fn the_services_own_bridge_streams_and_controls_and_ends_with_it() {
    let wine = Wine::start();
    let mut service = wine.service("320x240@15", "");
    let on = wine.cli(&["bridge", "on", "--listen", "127.0.0.1:0", "--json"]).json();
    assert_eq!(on["running"], true, "{on}");
    let address = address(&on).unwrap_or_else(|| panic!("no address: {on}"));
    let http = healthy(address);
    // It has no right of its own: everybody needs a token.
    assert_eq!(http.get("/api/cameras").status, 401);
    let made = wine.cli(&["token", "add", "linux", "--scope", "watch,control", "--json"]).json();
    let token = made["token"].as_str().expect("a secret");
    assert_eq!(http.token(token).get("/api/cameras").json()[0]["id"], "test:0");

    let mut socket = WebSocket::connect(address);
    let (identified, state) = socket.log_in(token);
    assert_eq!(identified["name"], "linux", "{identified}");
    assert_eq!(state["cameras"][0]["id"], "test:0", "{state}");
    let camera = |name: &str, value: Value| json!({ "camera": "test:0", name: value });
    // Pictures as they are, however slow this machine is.
    socket.ok("open_stream", camera("adaptive", false.into()));
    let mut last = None;
    for _ in 0..COUNT {
        let frame = socket.frame();
        assert_eq!(frame.size, SIZE);
        let read = strip(&frame.jpeg).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.sequence, frame.sequence);
        assert!(last < Some(read.sequence), "{} after {last:?}", read.sequence);
        last = Some(read.sequence);
    }
    let set = json!([{ "name": "brightness", "value": 9 }]);
    assert_eq!(socket.ok("set_controls", camera("settings", set.clone())), set);
    let got = wine.cli(&["get", "test:0", "brightness", "--json"]).json();
    assert!(got.to_string().contains("\"value\":9"), "{got}");
    let watchers = wine.cli(&["list", "--json"]).json()[0]["watchers"].clone();
    assert_eq!(watchers, 1, "the viewer, once");

    // Revoked, it is thrown out at once; and the bridge goes with the service.
    wine.cli(&["token", "revoke", "linux"]).ok();
    let (code, error) = socket.closed();
    assert_eq!(code, 4003, "{error}");
    wine.cli(&["shutdown"]).ok();
    service.wait(SOON).ok();
    wait_until("the bridge to be gone", SOON, || match TcpStream::connect(address) {
        Err(_) => Ok(()),
        Ok(_) => Err("it listens".to_owned()),
    });
}
