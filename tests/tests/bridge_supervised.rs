//! The bridge that the service runs: on, off, killed, in the way, and after a restart.

use std::{
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;
use tests::{Process, Service, Signal, wait_until};

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

fn process(pid: u64) -> Process {
    Process::new(u32::try_from(pid).expect("a process"))
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
    let told = std::fs::read_to_string(format!("/proc/{}/status", pid(&on))).expect("it runs");
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
    wait_until("the bridge to end", LONG, || {
        let is_there = Path::new(&format!("/proc/{before}")).exists();
        if is_there { Err("it runs".to_owned()) } else { Ok(()) }
    });
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
}
