//! Started at login: what the registry says, and the service that it stands for.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;
use tests::{Output, Process, Program, Service, wait_until};

const LONG: Duration = Duration::from_secs(120);

const RUN: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
/// Where the system notes what a user switches off.
const APPROVED: &str =
    r"HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";

/// The system's own program for its registry, about what is called `camera-service` there.
fn registry(verb: &str, key: &str, more: &[&str]) -> Output {
    let mut command = Command::new("reg.exe");
    Program::start("reg", command.args([verb, key, "/v", "camera-service"]).args(more)).wait(LONG)
}

/// What is run when this user logs in: the system's own word for it.
fn at_login() -> Option<String> {
    let out = registry("query", RUN, &[]);
    if out.code() != Some(0) {
        return None;
    }
    let (_, text) = out.text().split_once("REG_SZ").unwrap_or_else(|| panic!("{out:?}"));
    Some(text.trim().to_owned())
}

fn started(out: &str) -> bool {
    out.contains("the service was started")
}

/// What a command says to somebody who reads it through a pipe, to its end.
fn through_a_pipe(mut command: Command) -> String {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut pipe = child.stdout.take().expect("it is piped");
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = pipe.read_to_string(&mut text).map(|_| text);
        said.send(read).expect("somebody waits");
    });
    let read = heard.recv_timeout(LONG).expect("an end, though the service goes on");
    assert!(child.wait().expect("it has ended").success());
    read.expect("text")
}

#[test]
fn installed_it_starts_at_login_and_uninstalled_it_does_not() {
    // Its folders and its pipe are what this is about; it makes room for the one that is installed.
    let mut by_hand = Service::start();
    let status = |service: &Service| service.json(&["status"]);
    // What a run that failed may have left: the registry outlives it.
    by_hand.cli(&["uninstall"]).ok();
    assert_eq!(status(&by_hand)["installed"], Value::Null);
    assert_eq!(at_login(), None);

    let done = by_hand.json(&["install", "--no-start"]);
    assert_eq!(done["installed"]["way"], "registry", "{done}");
    assert_eq!(done["written"].as_array().map(Vec::len), Some(1), "{done}");
    let command = at_login().expect("it is written");
    let program = tests::binary::camera_service().to_string_lossy().to_lowercase();
    let wanted =
        format!("conhost.exe --headless \"{program}\" serve --started-by registry").to_lowercase();
    assert_eq!(command.to_lowercase(), wanted);
    assert!(by_hand.is_running(), "it was left as it was");
    // Done twice it changes nothing.
    let again = by_hand.json(&["install", "--no-start"]);
    assert_eq!(again["written"], Value::Array(Vec::new()), "{again}");
    // The registry knows no time before the login.
    by_hand.cli(&["install", "--boot"]).expect_code(2);

    // What the user switches off in the Task Manager is not started, until it is installed anew.
    registry("add", APPROVED, &["/t", "REG_BINARY", "/d", "030000000000000000000000", "/f"]).ok();
    assert_eq!(status(&by_hand)["installed"], Value::Null);
    let again = by_hand.json(&["install", "--no-start"]);
    assert_eq!(again["installed"]["way"], "registry", "{again}");
    assert!(again["notes"].to_string().contains("switched off"), "{again}");
    assert_ne!(registry("query", APPROVED, &[]).code(), Some(0), "it is not noted any more");

    // Now the one that was started by hand makes room.
    let mut install = by_hand.command();
    install.arg("install");
    let out = through_a_pipe(install);
    assert!(started(&out), "{out}");
    assert_eq!(by_hand.wait(LONG).code(), Some(0));
    let now = status(&by_hand);
    assert_eq!(now["started_by"], "registry", "{now}");
    assert_eq!(now["installed"]["way"], "registry", "{now}");
    let pid = now["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process");
    assert!(Process::new(pid).rss() > 0);
    let out = by_hand.cli(&["install"]).ok();
    assert!(!started(out.text()), "it runs already: {out:?}");

    by_hand.cli(&["uninstall"]).ok();
    assert_eq!(at_login(), None);
    wait_until("the service to have ended", LONG, || {
        let out = by_hand.cli(&["status"]);
        if out.code() == Some(4) { Ok(()) } else { Err(format!("{out:?}")) }
    });
    let out = by_hand.cli(&["uninstall"]).ok();
    assert!(out.text().contains("did not start at login"), "{out:?}");

    let state = by_hand.folder().join("state").join("camera-service");
    assert!(state.join("service.log").is_file(), "what the installed service logged");
    let purged = by_hand.json(&["uninstall", "--purge"]);
    assert!(purged["removed"].to_string().contains("state"), "{purged}");
    assert!(!state.exists(), "{purged}");
}
