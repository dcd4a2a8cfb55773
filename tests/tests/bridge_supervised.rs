//! The bridge that the service runs: on, off, killed, in the way, after a restart, and open to
//! whoever is here.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tests::{
    Process, QUICK, Service, Signal,
    bridge::{Http, WebSocket},
    wait_until,
};

const LONG: Duration = Duration::from_secs(30);
/// So soon a bridge that was killed is there again.
const AGAIN: Duration = Duration::from_secs(2);

fn status(service: &Service) -> Value {
    service.json(&["bridge", "status"])
}

/// Waits until the bridge listens in a process other than `before`; its status.
fn listening(service: &Service, before: Option<u64>) -> Value {
    wait_until("the bridge to listen", LONG, || {
        let status = status(service);
        let is_there = status["urls"].as_array().is_some_and(|urls| !urls.is_empty());
        let pid = status["pid"].as_u64();
        if is_there && pid.is_some() && pid != before {
            Ok(status)
        } else {
            Err(status.to_string())
        }
    })
}

fn pid(status: &Value) -> u64 {
    status["pid"].as_u64().unwrap_or_else(|| panic!("no process: {status}"))
}

/// Where it listens on this machine.
fn address(status: &Value) -> SocketAddr {
    let url = status["urls"][0].as_str().unwrap_or_else(|| panic!("no address: {status}"));
    let authority = url.trim_start_matches("http://").trim_end_matches('/');
    authority.parse().unwrap_or_else(|error| panic!("{error}: {url}"))
}

fn process(pid: u64) -> Process {
    Process::new(u32::try_from(pid).expect("a process"))
}

/// Waits until a process is no more, or has nothing left but its exit status.
fn wait_for_end(pid: u64) {
    wait_until("the bridge to end", LONG, || match fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(program) => Err(format!("{} runs", program.display())),
        Err(_) => Ok(()),
    });
}

#[test]
fn it_runs_while_it_is_on_and_stays_on_over_restarts() {
    let mut service = Service::start();
    assert_eq!(status(&service)["enabled"], false);
    service.cli(&["pair"]).expect_error("the bridge does not run");
    service.cli(&["open"]).expect_error("`camera-service bridge on`");
    let on = service.json(&["bridge", "on", "--listen", "127.0.0.1:0"]);
    assert_eq!(
        (on["enabled"].as_bool(), on["running"].as_bool()),
        (Some(true), Some(true)),
        "{on}"
    );
    let url = on["urls"][0].as_str().expect("an address").to_owned();
    assert!(url.starts_with("http://127.0.0.1:"), "{on}");
    // It is there only for this machine, and without TLS: nothing for a phone.
    service.cli(&["pair"]).expect_error("this machine only");
    // On again changes nothing.
    assert_eq!(pid(&service.json(&["bridge", "on"])), pid(&on));
    // What it does not need it has given up; `confine.rs` tries what is left.
    let told = fs::read_to_string(format!("/proc/{}/status", pid(&on))).expect("it runs");
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(told.lines().any(|known| known == line), "{line}\n{told}");
    }
    service.restart(|_| {});
    assert_ne!(pid(&listening(&service, None)), pid(&on));
    let off = service.json(&["bridge", "off"]);
    assert_eq!((off["enabled"].as_bool(), off["pid"].as_u64()), (Some(false), None), "{off}");
    service.restart(|_| {});
    assert_eq!(status(&service)["enabled"], false);
}

#[test]
fn killed_it_is_back_within_two_seconds() {
    let service = Service::start();
    let mut before = pid(&service.json(&["bridge", "on", "--listen", "127.0.0.1:0"]));
    for _ in 0..3 {
        let killed = Instant::now();
        process(before).signal(Signal::KILL);
        let status = listening(&service, Some(before));
        assert!(killed.elapsed() < AGAIN, "it took {:?}", killed.elapsed());
        before = pid(&status);
    }
    // With the service ends what it has started.
    service.stop();
    wait_for_end(before);
}

#[test]
fn it_ends_with_a_service_that_is_killed() {
    // What the bridge logs goes to the service: to nobody, when that is gone.
    let mut service = Service::builder().env("RUST_LOG", "debug").start();
    let bridge = pid(&service.json(&["bridge", "on", "--listen", "127.0.0.1:0"]));
    service.kill();
    wait_for_end(bridge);
}

#[test]
fn why_it_does_not_listen_is_said_and_it_listens_once_it_can() {
    let service = Service::start();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    service.cli(&["bridge", "on", "--listen", &address]).expect_error(&address);
    let failing = status(&service);
    assert_eq!(failing["running"], false, "{failing}");
    assert!(
        failing["reason"].as_str().is_some_and(|reason| reason.contains(&address)),
        "{failing}"
    );
    drop(taken);
    let there = listening(&service, None);
    assert_eq!(there["reason"], "", "{there}");
    service.cli(&["bridge", "on", "--listen", "nowhere"]).expect_code(2);
    // What is advised is what can be done here: neither --tls nor --insecure is for `bridge on`.
    let open = service
        .cli(&["bridge", "on", "--listen", "0.0.0.0:0"])
        .expect_error("camera-service config set bridge.tls self");
    assert!(!open.stderr.contains("--insecure"), "{}", open.stderr);
    assert_eq!(open.stderr.matches("camera-service: ").count(), 1, "{}", open.stderr);
}

#[test]
fn open_watch_lets_anybody_here_watch_for_as_long_as_it_is_configured() {
    let config = |open: bool| {
        format!(
            "{QUICK}\n[bridge]\nenabled = true\nlisten = \"127.0.0.1:0\"\nopen_watch = {open}\n"
        )
    };
    let service = Service::builder().test_camera("320x240@30").config(&config(true)).start();
    let there = listening(&service, None);
    let http = Http::new(address(&there));
    assert_eq!(http.get("/api/session").json(), json!({ "token_needed": false }));
    for path in ["/snapshot", "/api/cameras", "/api/cameras/test:0/snapshot.jpg", "/state"] {
        assert_eq!(http.get(path).status, 200, "{path}");
    }
    let camera = http.get("/api/cameras/test:0").json();
    assert_eq!((camera["path"].clone(), camera["holders"].clone()), (Value::Null, json!([])));
    for request in ["stop_camera", "list_controls", "list_presets"] {
        let request = json!({ "type": request, "camera": "test:0" }).to_string();
        assert_eq!(http.post("/api/request", &request).status, 403, "{request}");
    }
    for request in ["list_clients", "cameras_off", "status"] {
        let request = json!({ "type": request }).to_string();
        assert_eq!(http.post("/api/request", &request).status, 403, "{request}");
    }
    // A token that is shown is looked at all the same.
    assert_eq!(http.clone().token("wrong").get("/snapshot").status, 401);
    assert_eq!(http.get("/snapshot?token=wrong").status, 401);
    // Pages of others are kept out as ever.
    assert_eq!(http.clone().header("Origin", "http://evil.example").get("/snapshot").status, 403);
    assert_eq!(http.clone().header("Host", "evil.example").get("/snapshot").status, 403);
    let mut socket = WebSocket::connect(address(&there));
    socket.send(&json!({ "op": "identify", "d": {} }));
    let identified = socket.op("identified");
    assert_eq!(
        (identified["name"].clone(), identified["scopes"].clone()),
        (json!("open-watch"), json!(["watch"]))
    );
    socket.ok("open_stream", json!({ "camera": "test:0" }));
    socket.frame();
    assert_eq!(
        socket.fails("publish", json!({ "name": "x", "width": 320, "height": 240, "fps": 10 })),
        "forbidden"
    );
    let clients = service.json(&["clients"]);
    let is_told = |one: &Value| one["name"] == "open-watch" && one["remote"] == "127.0.0.1";
    assert!(clients.as_array().is_some_and(|all| all.iter().any(is_told)), "{clients}");
    assert_eq!(service.json(&["token", "list"]), json!([]));
    // Once it is not configured any more, who watches is sent away.
    fs::write(service.config_file(), config(false)).expect("written");
    assert_eq!(socket.closed().0, 1001);
    assert!(!service.log().contains("is killed"), "it ends when it is to:\n{}", service.log());
    let again = listening(&service, Some(pid(&there)));
    let http = Http::new(address(&again));
    assert_eq!(http.get("/api/session").json(), json!({ "token_needed": true }));
    assert_eq!(http.get("/snapshot").status, 401);
    let mut socket = WebSocket::connect(address(&again));
    socket.send(&json!({ "op": "identify", "d": {} }));
    assert_eq!(socket.closed().0, 4001);
}

#[test]
fn a_phone_that_is_to_be_paired_is_said_to_do_what_its_code_is_for() {
    let config =
        format!("{QUICK}\n[bridge]\nenabled = true\nlisten = \"0.0.0.0:0\"\ntls = \"self\"\n");
    let service = Service::builder().config(&config).start();
    let there = listening(&service, None);
    let urls = there["urls"].as_array().expect("addresses");
    if urls.iter().all(|url| url.as_str().is_some_and(|url| url.contains("//127."))) {
        // A machine without a network: no phone reaches it.
        service.cli(&["pair"]).expect_error("this machine only");
        return;
    }
    let told = |args: &[&str]| {
        let out = service.cli(args).ok();
        let line = out.text().lines().find(|line| line.starts_with("The phone will be able to "));
        line.unwrap_or_else(|| panic!("{out:?}")).to_owned()
    };
    assert_eq!(
        told(&["pair"]),
        "The phone will be able to watch. `--control` lets it control cameras. `--publish` lets it \
         be a camera itself."
    );
    assert_eq!(
        told(&["pair", "--publish", "--control"]),
        "The phone will be able to watch, and to control cameras, and to be a camera itself."
    );
    let grants: Vec<Value> = service.json(&["token", "list"]).as_array().expect("tokens").clone();
    assert!(grants.is_empty(), "nobody has scanned either: {grants:?}");
}

#[test]
fn open_watch_is_refused_where_other_machines_can_come() {
    let config = format!(
        "{QUICK}\n[bridge]\nenabled = true\nlisten = \"0.0.0.0:0\"\ntls = \"self\"\nopen_watch = true\n"
    );
    let service = Service::builder().config(&config).start();
    wait_until("the reason to be told", LONG, || {
        let status = status(&service);
        let reason = status["reason"].as_str().unwrap_or_default();
        if reason.contains("open_watch") && reason.contains("loopback only") {
            Ok(())
        } else {
            Err(status.to_string())
        }
    });
    assert_eq!(status(&service)["urls"], json!([]));
}
