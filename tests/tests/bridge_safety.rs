//! What hostile clients do to the bridge: nothing to the service, and nothing to other viewers.
//!
//! While each of them does its worst, `camera-service check` reads frames at the service and a
//! well-behaved viewer reads them at the bridge; neither may miss anything.

#[path = "bridge_safety/access.rs"]
mod access;
#[path = "bridge_safety/input.rs"]
mod input;
#[path = "bridge_safety/load.rs"]
mod load;
#[path = "bridge_safety/tls.rs"]
mod tls;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use protocol::{Reply, Request, Scope, Size, TokenRequest};
use serde_json::{Value, json};
use tests::{
    Process, Program, Service, Signal,
    bridge::{Bridge, Http, WebSocket, ask, invitation, jpeg, strip, token},
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
