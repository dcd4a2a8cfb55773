//! The page in a real browser, against the real service and its bridge: Chromium, driven from
//! Node.js by the specs in `tests/page`. Each has a service of its own.
//!
//! PAGE_IMAGES=FOLDER has `look` write the screenshots of the documentation.
#![cfg(target_os = "linux")]

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};
use tests::{Output, Program, QUICK, Service, binary, bridge::Relay, wait_until};

/// The test cameras' mode …
const SMALL: &str = "320x240@30";
/// … where they are looked at.
const LARGE: &str = "1280x720@30";
/// A bridge with a certificate of its own.
const TLS: &str = "tls = \"self\"";
/// How long a spec may take, on a machine that is busy.
const SPEC: Duration = Duration::from_secs(240);
/// How long `npm ci` and the bridge may take.
const READY: Duration = Duration::from_secs(90);
/// How long the service is away in a restart: so long that the page has to say so.
const AWAY: Duration = Duration::from_secs(2);
/// What says which packages the specs need.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// A folder outside the sources with what the specs need from npm. Installed once, also when
/// several test programs want it at a time, and again when the lock file has changed.
fn modules() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let target = binary::camera_service().parent().and_then(Path::parent);
        let folder = target.expect("the binary lies in the target folder").join("page");
        let sources = binary::workspace().join("tests/page");
        fs::create_dir_all(&folder).expect("a folder can be made");
        let lock = fs::File::create(folder.join("lock")).expect("a file can be made");
        flock(&lock, FlockOperation::LockExclusive).expect("a file can be locked");
        let read = |folder: &Path| FILES.map(|name| fs::read(folder.join(name)).ok());
        let installed = folder.join("node_modules/.package-lock.json").exists();
        if !installed || read(&folder) != read(&sources) {
            for name in FILES {
                fs::copy(sources.join(name), folder.join(name)).expect("a file can be copied");
            }
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
            let out = Program::start("npm ci", &mut npm).wait(READY);
            if out.code() != Some(0) {
                // Else the next run would take it for installed.
                let _ = fs::remove_dir_all(folder.join("node_modules"));
                panic!("{out:?}");
            }
        }
        folder
    })
}

/// A port that nobody listens on now. It has to be known beforehand: the bridge is to be found in
/// the same place after a restart.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port can be had");
    listener.local_addr().expect("it has an address").port()
}

/// Runs a spec with a service, two test cameras of this mode, and a bridge of which `more` is
/// configured.
#[track_caller]
fn run(spec: &str, mode: &str, more: &str) {
    let port = free_port();
    let scheme = if more == TLS { "https" } else { "http" };
    let bridge =
        format!("{QUICK}\n[bridge]\nenabled = true\nlisten = \"127.0.0.1:{port}\"\n{more}\n");
    let mut service =
        Service::builder().test_camera(mode).test_camera(mode).config(&bridge).start();
    wait_until("the bridge to listen", READY, || {
        let status = service.json(&["bridge", "status"]);
        match status["urls"].as_array() {
            Some(urls) if !urls.is_empty() => Ok(()),
            _ => Err(status.to_string()),
        }
    });
    let relay = Relay::start(SocketAddr::from(([127, 0, 0, 1], port)));
    let (restart, rate) = (service.folder().join("restart"), service.folder().join("rate"));
    let mut node = Command::new("node");
    // As commands have it in their environment, so that those of the spec find the service.
    for (name, value) in service.command().get_envs() {
        match value {
            Some(value) => node.env(name, value),
            None => node.env_remove(name),
        };
    }
    node.arg("--test-reporter=spec")
        .arg(binary::workspace().join(format!("tests/page/{spec}.spec.js")))
        .current_dir(service.folder())
        .env("CAMERA_SERVICE_BIN", binary::camera_service())
        .env("PAGE_MODULES", modules())
        .env("PAGE_URL", format!("{scheme}://127.0.0.1:{port}/"))
        .env("PAGE_RESTART", &restart)
        .env("PAGE_RELAY", format!("{scheme}://{}/", relay.address()))
        .env("PAGE_RATE", &rate);
    if let Some(folder) = env::var_os("PAGE_IMAGES") {
        node.env("PAGE_IMAGES", binary::workspace().join(folder));
    }
    let mut node = Program::start(spec, &mut node);
    let out = supervise(&mut node, &mut service, (&restart, &rate), &relay);
    println!("{}", String::from_utf8_lossy(&out.stdout));
    assert_eq!(out.code(), Some(0), "{spec} failed:\n{}", out.stderr);
}

/// Waits for the end of a spec, and does what it asks for with files: the service is restarted, the
/// relay passes on so many bytes a second.
#[track_caller]
fn supervise(
    node: &mut Program,
    service: &mut Service,
    (restart, rate): (&Path, &Path),
    relay: &Relay,
) -> Output {
    let deadline = Instant::now() + SPEC;
    while node.is_running() && Instant::now() < deadline {
        if restart.exists() {
            service.restart(|_| thread::sleep(AWAY)).ok();
            fs::remove_file(restart).expect("a file can be removed");
        }
        // It may not be written in full yet.
        if let Some(rate) = fs::read_to_string(rate).ok().and_then(|text| text.parse().ok()) {
            relay.to_viewer(rate);
        }
        thread::sleep(Duration::from_millis(20));
    }
    if node.is_running() {
        // The message of what follows has its errors alone.
        println!("{}", String::from_utf8_lossy(&node.stdout()));
    }
    node.wait(Duration::ZERO)
}

#[test]
fn watch() {
    run("watch", SMALL, "");
}

#[test]
fn control() {
    run("control", SMALL, "");
}

#[test]
fn holds() {
    run("holds", SMALL, "");
}

#[test]
fn access() {
    run("access", SMALL, "");
}

#[test]
fn resume() {
    run("resume", SMALL, "");
}

#[test]
fn fallback() {
    run("fallback", SMALL, TLS);
}

#[test]
fn share() {
    run("share", SMALL, TLS);
}

#[test]
fn slow() {
    run("slow", LARGE, "");
}

#[test]
fn open_watch() {
    run("open_watch", SMALL, "open_watch = true");
}

#[test]
fn look() {
    run("look", LARGE, "");
}
