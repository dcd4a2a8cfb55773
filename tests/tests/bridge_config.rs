//! The bridge that the service runs, and its configuration: what runs is what is configured, however
//! quickly that changes, and what an error advises helps at once.

use std::{fs, net::TcpListener, time::Duration};

use serde_json::Value;
use tests::{Output, QUICK, Service, wait_until};

const LONG: Duration = Duration::from_secs(30);
/// By then an edit was noticed, and a second start would have begun.
const SETTLED: Duration = Duration::from_millis(1500);
const ANYWHERE: &str = "127.0.0.1:0";

fn status(service: &Service) -> Value {
    service.json(&["bridge", "status"])
}

/// Where it listens, if it does.
fn url(status: &Value) -> Option<&str> {
    status["urls"][0].as_str()
}

fn scheme(tls: &str) -> &'static str {
    if tls == "self" { "https://" } else { "http://" }
}

/// `config` with these arguments, about the service's own file.
#[track_caller]
fn config(service: &Service, args: &[&str]) -> Output {
    let file = service.config_file().to_str().expect("text");
    service.cli(&[&["config"], args, &["--config", file]].concat())
}

#[track_caller]
fn set_tls(service: &Service, tls: &str) {
    config(service, &["set", "bridge.tls", tls]).ok();
}

fn file(tls: &str) -> String {
    format!("{QUICK}\n[bridge]\ntls = \"{tls}\"\n")
}

/// How many bridges the service has started so far.
fn starts(service: &Service) -> usize {
    let log = service.log();
    log.lines().filter(|line| line.contains("started job=\"bridge\"")).count()
}

/// Waits until that many were started; there are not to be more.
#[track_caller]
fn expect_starts(service: &Service, expected: usize) {
    wait_until("the starts to be logged", LONG, || match starts(service) {
        count if count < expected => Err(service.log()),
        count => {
            assert_eq!(count, expected, "{}", service.log());
            Ok(())
        }
    });
}

/// What `config` is to do, as a message says.
#[track_caller]
fn advised(message: &str) -> Vec<&str> {
    let command = message.split('`').find_map(|text| text.strip_prefix("camera-service config "));
    command.unwrap_or_else(|| panic!("no command in {message:?}")).split(' ').collect()
}

#[test]
fn what_was_set_last_is_what_runs() {
    for (first, last) in [("off", "self"), ("self", "off")] {
        let service = Service::builder().config(&file(first)).start();
        // Without a pause: each is in force when its command ends.
        set_tls(&service, first);
        service.cli(&["bridge", "on", "--listen", ANYWHERE]).ok();
        set_tls(&service, last);
        wait_until("the bridge to listen", LONG, || {
            let status = status(&service);
            let Some(url) = url(&status) else { return Err(status.to_string()) };
            assert!(url.starts_with(scheme(last)), "tls is {last}: {status}");
            Ok(())
        });
        assert_eq!(config(&service, &["get", "bridge.tls"]).ok().text(), format!("{last}\n"));
    }
}

#[test]
fn a_file_that_changes_while_the_bridge_starts_does_not_decide_for_it() {
    for (configured, between) in [("off", "self"), ("self", "off")] {
        let service = Service::builder().config(&file(configured)).start();
        // Nobody tells the service, which waits until an edit is over; by then the file is as it was.
        let edit = |tls: &str| fs::write(service.config_file(), file(tls)).expect("written");
        edit(between);
        let mut on = service.cli_start(&["bridge", "on", "--listen", ANYWHERE]);
        wait_until("the bridge to listen", LONG, || {
            edit(between);
            on.exit_status().map(drop).ok_or_else(|| service.log())
        });
        edit(configured);
        on.wait(LONG).ok();
        // From here on the service knows the file as it is.
        service.cli(&["config", "reload"]).ok();
        wait_until("the bridge to be as configured", LONG, || {
            let status = status(&service);
            let fits = url(&status).is_some_and(|url| url.starts_with(scheme(configured)));
            if fits { Ok(()) } else { Err(format!("tls is {configured}: {status}")) }
        });
    }
}

#[test]
fn what_an_error_advises_helps_at_once() {
    let service = Service::start();
    let on = ["bridge", "on", "--listen", "0.0.0.0:0"];
    let refused = service.cli(&on).expect_code(1).expect_error("without TLS");
    for command in ["pair", "open"] {
        let told = service.cli(&[command]).expect_code(1).expect_error("without TLS");
        assert!(!told.stderr.contains("turns it on"), "{}", told.stderr);
        assert_eq!(advised(&told.stderr), advised(&refused.stderr));
    }
    config(&service, &advised(&refused.stderr)).ok();
    let on = service.cli(&on).ok();
    assert!(on.text().contains("  https://"), "{on:?}");
    let running = status(&service)["pid"].clone();
    std::thread::sleep(SETTLED);
    assert_eq!(status(&service)["pid"], running, "{}", service.log());
}

#[test]
fn configured_and_turned_on_it_is_started_once() {
    let service = Service::start();
    set_tls(&service, "self");
    service.cli(&["bridge", "on", "--listen", ANYWHERE]).ok();
    std::thread::sleep(SETTLED);
    expect_starts(&service, 1);
}

#[test]
fn turned_on_again_it_is_tried_again_at_once() {
    // By itself it would be tried again in minutes only.
    let slow = QUICK
        .lines()
        .filter(|line| !line.starts_with("retry_"))
        .chain(["retry_first = 600", "retry_most = 600"])
        .collect::<Vec<_>>()
        .join("\n");
    let service = Service::builder().config(&slow).start();
    let taken = TcpListener::bind(ANYWHERE).expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    for _ in 0..3 {
        service.cli(&["bridge", "on", "--listen", &address]).expect_code(1).expect_error(&address);
    }
    expect_starts(&service, 3);
    drop(taken);
    let on = service.json(&["bridge", "on"]);
    assert_eq!((on["running"].as_bool(), on["reason"].as_str()), (Some(true), Some("")), "{on}");
    expect_starts(&service, 4);
    // What listens is left alone.
    assert_eq!(service.json(&["bridge", "on"])["pid"], on["pid"]);
}

#[test]
fn lists_are_set_as_words() {
    let service = Service::start();
    let value = |key: &str| config(&service, &["get", key, "--json"]).json()["value"].clone();
    let hosts = "bridge.allowed_hosts";
    for (words, expected) in [
        ("one.example", &["one.example"][..]),
        ("one.example, two.example", &["one.example", "two.example"]),
        ("[\"three.example\"]", &["three.example"]),
        ("", &[]),
    ] {
        config(&service, &["set", hosts, words]).ok();
        assert_eq!(value(hosts), serde_json::json!(expected), "{words:?}");
    }
    let refused = config(&service, &["set", hosts, "http://one.example"]).expect_code(1);
    assert!(refused.stderr.contains("\"http://one.example\" is no name of a host"), "{refused:?}");
    // What was set is in force.
    let before = service.json(&["list"]).as_array().map(Vec::len);
    config(&service, &["set", "cameras.test_cameras", "320x240@15,640x480@30"]).ok();
    let after = service.json(&["list"]).as_array().map(Vec::len);
    assert_eq!(after, before.map(|count| count + 2));
}
