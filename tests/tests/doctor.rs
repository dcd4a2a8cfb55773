//! `doctor` without real devices: what it says with and without a service, and of files and
//! folders that are not as they should be.
//!
//! Whether this machine has cameras, loopback or enough limits is none of its concern: findings
//! are looked at by their code.
#![cfg(target_os = "linux")]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use serde_json::Value;
use tests::{Output, Service, live::Watcher, live::any, wait_until};

use protocol::StreamRequest;

const LONG: Duration = Duration::from_secs(60);

/// Runs `doctor --json` and gives its findings, after looking at what always holds.
#[track_caller]
fn findings(service: &Service) -> Vec<Value> {
    let out = service.cli(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|error| panic!("no JSON ({error}): {out:?}"));
    let findings = report["findings"].as_array().expect("an array").clone();
    for finding in &findings {
        for key in ["severity", "area", "code", "message"] {
            assert!(finding[key].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
        }
        for key in ["about", "advice"] {
            assert!(finding[key].is_string() || finding[key].is_null(), "{finding}");
        }
        assert!(finding["commands"].is_array(), "{finding}");
        // Something to do for whatever is wrong.
        assert!(finding["severity"] != "problem" || finding["advice"].is_string(), "{finding}");
    }
    let of = |severity: &str| findings.iter().filter(|f| f["severity"] == severity).count();
    assert_eq!(report["problems"], of("problem"), "{report}");
    assert_eq!(report["notes"], of("note"), "{report}");
    assert_eq!(out.code(), Some(i32::from(of("problem") > 0)), "{out:?}");
    findings
}

#[track_caller]
fn finding<'a>(findings: &'a [Value], code: &str) -> &'a Value {
    let found = findings.iter().find(|finding| finding["code"] == code);
    found.unwrap_or_else(|| panic!("no {code} among {findings:#?}"))
}

fn has(findings: &[Value], code: &str) -> bool {
    findings.iter().any(|finding| finding["code"] == code)
}

/// A service that has been told to end: what is left is a place to run commands in.
fn ended(service: &Service) {
    service.cli(&["shutdown"]).ok();
    wait_until("the socket to be gone", LONG, || {
        if service.socket().exists() { Err("still there".to_owned()) } else { Ok(()) }
    });
}

fn text(out: &Output) -> String {
    out.text().to_owned()
}

#[test]
fn a_running_service_and_who_watches_are_told() {
    let service = Service::start();
    let watcher = Watcher::start(&service, StreamRequest::native("test:0".into()), any());
    watcher.frames(0, 3);
    let found = findings(&service);
    let running = finding(&found, "service_running");
    assert_eq!(running["severity"], "ok");
    let message = running["message"].as_str().expect("text");
    assert!(message.contains(&format!("process {}", service.pid())), "{message}");
    let camera = finding(&found, "camera_fine");
    assert_eq!(camera["about"], "test:0");
    assert!(camera["message"].as_str().expect("text").contains("streaming"), "{camera}");
    let client = finding(&found, "client");
    let own = std::process::id();
    assert!(client["message"].as_str().expect("text").contains(&own.to_string()), "{client}");
    assert!(!has(&found, "service_not_running"));
    assert!(!has(&found, "version_differs"));
    // Looking disturbed nobody.
    let seen = watcher.other_than_frames().len();
    watcher.frames(0, 10);
    assert_eq!(watcher.other_than_frames().len(), seen, "{:?}", watcher.other_than_frames());
}

#[test]
fn a_camera_held_open_says_how_to_end_that() {
    let service = Service::start();
    service.cli(&["start", "test:0"]).ok();
    let found = findings(&service);
    assert_eq!(finding(&found, "held_open")["commands"][0], "camera-service stop test:0");
    service.cli(&["stop", "test:0"]).ok();
    assert!(!has(&findings(&service), "held_open"));
}

#[test]
fn a_bridge_that_is_on_and_fails_is_a_problem_with_its_reason() {
    let service = Service::start();
    let of_bridge = || {
        let all = findings(&service).into_iter();
        all.filter(|finding| finding["area"] == "bridge").collect::<Vec<_>>()
    };
    assert!(of_bridge().is_empty(), "{:?}", of_bridge());
    service.cli(&["bridge", "on", "--listen", "0.0.0.0:0"]).expect_code(1);
    let failing = of_bridge();
    let problem = finding(&failing, "bridge_does_not_listen");
    assert_eq!(problem["severity"], "problem");
    assert!(problem["message"].as_str().expect("text").contains("without TLS"), "{problem}");
    assert_eq!(problem["commands"][0], "camera-service config set bridge.tls self");
    let on = service.json(&["bridge", "on", "--listen", "127.0.0.1:0"]);
    let running = of_bridge();
    let listens = finding(&running, "bridge_listens");
    assert_eq!(listens["severity"], "ok");
    let url = on["urls"][0].as_str().expect("an address");
    assert!(listens["message"].as_str().expect("text").contains(url), "{listens}");
    service.cli(&["bridge", "off"]).ok();
    assert!(of_bridge().is_empty(), "{:?}", of_bridge());
}

#[test]
fn without_a_service_it_says_so_and_looks_at_the_rest() {
    let service = Service::builder().default_endpoint().test_camera("320x240@30").start();
    ended(&service);
    let found = findings(&service);
    let missing = finding(&found, "service_not_running");
    assert_eq!(missing["severity"], "note");
    assert_eq!(missing["commands"][0], "camera-service serve");
    for code in ["runtime_folder", "configuration", "state_folder", "shared_memory"] {
        assert_eq!(finding(&found, code)["severity"], "ok", "{found:#?}");
    }
    assert!(!has(&found, "stale_socket"));
}

#[test]
fn a_stale_socket_is_told_from_a_file_in_the_way() {
    let mut service = Service::builder().default_endpoint().start();
    service.kill();
    let socket = service.socket().to_owned();
    assert!(socket.exists(), "a killed service leaves its socket");
    let stale = finding(&findings(&service), "stale_socket").clone();
    assert_eq!(stale["severity"], "note");
    assert_eq!(stale["about"], socket.display().to_string());
    fs::remove_file(&socket).expect("removed");
    fs::write(&socket, "a file").expect("written");
    let found = findings(&service);
    assert_eq!(finding(&found, "file_in_the_way")["severity"], "problem");
    service.cli(&["doctor"]).expect_code(1);
}

#[test]
fn a_service_that_does_not_answer_is_a_problem() {
    let service = Service::start();
    service.signal(tests::Signal::STOP);
    let found = findings(&service);
    service.signal(tests::Signal::CONT);
    let fails = finding(&found, "service_fails");
    assert_eq!(fails["severity"], "problem");
    assert!(fails["message"].as_str().expect("text").contains("did not answer"), "{fails}");
}

#[test]
fn a_broken_configuration_names_its_line() {
    let service = Service::start();
    let broken = |file: &Path| {
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, "[timeouts]\n\nclose_aftr = 3\n").expect("written");
        let found = findings(&service);
        let finding = finding(&found, "configuration_invalid");
        assert_eq!(finding["severity"], "problem");
        let message = finding["message"].as_str().expect("text");
        assert!(message.contains("line 3") && message.contains("close_aftr"), "{message}");
        assert!(message.contains(&file.display().to_string()), "{message}");
    };
    // The one that the running service was started with, then the usual one.
    broken(service.config_file());
    ended(&service);
    assert_eq!(finding(&findings(&service), "configuration")["severity"], "ok");
    broken(&service.folder().join("config/camera-service/config.toml"));
}

#[test]
fn a_state_folder_that_cannot_be_made_is_a_problem() {
    let service = Service::start();
    let state = service.folder().join("state");
    fs::remove_dir_all(&state).expect("removed");
    fs::write(&state, "a file in the way").expect("written");
    let found = findings(&service);
    let finding = finding(&found, "state_folder_not_writable");
    assert_eq!(finding["severity"], "problem");
    assert!(finding["commands"][0].as_str().expect("text").starts_with("df "), "{finding}");
}

#[test]
fn a_runtime_folder_that_others_enter_is_noted() {
    let service = Service::builder().default_endpoint().start();
    let run = service.folder().join("run");
    fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("changed");
    let found = findings(&service);
    let finding = finding(&found, "open_runtime_folder");
    assert_eq!(finding["commands"][0], format!("chmod 700 {}", run.display()));
}

#[test]
fn its_text_is_grouped_and_fits_into_80_columns() {
    let service = Service::start();
    let out = service.cli(&["doctor"]);
    let text = text(&out);
    assert!(text.starts_with("Service\n  ok       Running, version "), "{text}");
    for heading in ["\nDevices\n", "\nWho uses the cameras\n", "\nFiles\n", "\nLimits\n"] {
        assert!(text.contains(heading), "no {heading:?} in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
    for line in text.lines() {
        // Paths and commands are not cut: they are to be copied.
        let long = line.chars().count() > 80;
        assert!(!long || line.contains('/') || line.starts_with("             "), "{line:?}");
    }
    let last = text.lines().last().expect("a line");
    let problems = out.code() == Some(1);
    assert_eq!(last.starts_with("No problem"), !problems, "{text}");
    assert_eq!(out.stderr, "");
}

#[test]
fn its_help_documents_the_exit_code() {
    let service = Service::start();
    let help = service.cli(&["doctor", "--help"]).ok();
    assert!(help.text().contains("with 1 when something is"), "{help:?}");
    assert!(help.text().contains("Examples:"), "{help:?}");
}
