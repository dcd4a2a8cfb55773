//! Started at login: what the registry says, and the service that it stands for.

use std::{process::Command, time::Duration};

use serde_json::Value;
use tests::{Output, Process, Program, Service, wait_until};

const LONG: Duration = Duration::from_secs(120);

/// What is run when this user logs in: the system's own word for it.
fn at_login() -> Option<String> {
    let key = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
    let mut command = Command::new("reg.exe");
    let out =
        Program::start("reg", command.args(["query", key, "/v", "camera-service"])).wait(LONG);
    if out.code() != Some(0) {
        return None;
    }
    let (_, text) = out.text().split_once("REG_SZ").unwrap_or_else(|| panic!("{out:?}"));
    Some(text.trim().to_owned())
}

fn started(out: &Output) -> bool {
    out.text().contains("the service was started")
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

    // Now the one that was started by hand makes room.
    let out = by_hand.cli(&["install"]).ok();
    assert!(started(&out), "{out:?}");
    assert_eq!(by_hand.wait(LONG).code(), Some(0));
    let now = status(&by_hand);
    assert_eq!(now["started_by"], "registry", "{now}");
    assert_eq!(now["installed"]["way"], "registry", "{now}");
    let pid = now["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process");
    assert!(Process::new(pid).rss() > 0);
    let out = by_hand.cli(&["install"]).ok();
    assert!(!started(&out), "it runs already: {out:?}");

    by_hand.cli(&["uninstall"]).ok();
    assert_eq!(at_login(), None);
    wait_until("the service to have ended", LONG, || {
        let out = by_hand.cli(&["status"]);
        if out.code() == Some(4) { Ok(()) } else { Err(format!("{out:?}")) }
    });
    let out = by_hand.cli(&["uninstall"]).ok();
    assert!(out.text().contains("did not start at login"), "{out:?}");
}
