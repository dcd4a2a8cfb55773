//! Installed for a real user manager of systemd: for root, and for a user without privileges, for
//! whom the unit's restrictions have to work as well.

use std::{fs, time::Duration};

use serde_json::Value;
use tests::{Manager, Program, wait_until};

use super::PATIENCE;

const SERVICE: &str = "camera-service.service";
const SOCKET: &str = "camera-service.socket";
/// No user of any machine.
const NOBODY: u32 = 61_984;
/// One of every machine, without privileges, who never logs in.
const KNOWN: u32 = 65_534;

fn status(manager: &Manager) -> Value {
    manager.cli(&["status", "--json"]).json()
}

fn wait_for_pid_other_than(manager: &Manager, old: &str) -> String {
    wait_until("another service to run", PATIENCE, || {
        let (pid, state) =
            (manager.property(SERVICE, "MainPID"), manager.property(SERVICE, "ActiveState"));
        if pid != old && pid != "0" && state == "active" { Ok(pid) } else { Err(state) }
    })
}

#[test]
fn a_user_without_privileges_has_it_started_confined_watched_and_started_again() {
    let Some(manager) = Manager::start(Some(NOBODY)) else { return };
    let text = manager.cli(&["install"]).ok();
    assert!(text.text().ends_with("The service runs, and starts at login.\n"), "{text:?}");
    let now = status(&manager);
    assert_eq!(now["started_by"], "systemd, at its socket", "{now}");
    assert_eq!(now["installed"]["way"], "systemd", "{now}");
    assert_eq!(manager.property(SERVICE, "Type"), "notify");
    assert!(manager.property(SERVICE, "StatusText").starts_with("listening at "));
    assert_eq!(
        manager.systemctl(&["is-enabled", SERVICE, SOCKET]).ok().text(),
        "enabled\nenabled\n"
    );
    let pid = manager.property(SERVICE, "MainPID");
    assert_eq!(now["pid"].to_string(), pid);
    let limits = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    for line in ["NoNewPrivs:\t1\n", "Seccomp:\t2\n"] {
        assert!(limits.contains(line), "{limits}");
    }

    // Confined as it is, all goes on: configuration, frames, renditions, state.
    manager.cli(&["config", "set", "cameras.test_cameras", "[\"320x240@30\"]"]).ok();
    wait_until("the camera", PATIENCE, || {
        let output = manager.cli(&["info", "test:0"]);
        if output.code() == Some(0) { Ok(()) } else { Err(format!("{output:?}")) }
    });
    manager
        .cli(&["stream", "test:0", "--format", "jpeg", "--size", "160x120", "--count", "5"])
        .ok();
    manager.cli(&["rename", "test:0", "Desk"]).ok();
    manager.cli(&["start", "test:0"]).ok();

    // Killed, it comes back by itself, holds what it held, and a stream goes on.
    let mut stream = manager.cli_start(&["stream", "test:0", "--count", "90"]);
    wait_until("the stream", PATIENCE, || {
        let camera = manager.cli(&["list", "--json"]).json()[0].clone();
        if camera["watchers"] == 1 { Ok(()) } else { Err(camera.to_string()) }
    });
    manager.systemctl(&["kill", "--signal=KILL", SERVICE]).ok();
    let pid = wait_for_pid_other_than(&manager, &pid);
    let output = stream.wait(PATIENCE).ok();
    assert!(output.stderr.contains("the service is back after "), "{output:?}");
    assert!(output.text().starts_with("90 frames"), "{output:?}");
    let camera = &manager.cli(&["list", "--json"]).json()[0];
    assert_eq!((&camera["name"], &camera["held_open"]), (&"Desk".into(), &true.into()), "{camera}");

    // Shut down it stays down until somebody asks for it.
    manager.cli(&["shutdown"]).ok();
    wait_until("the service to be down", PATIENCE, || {
        let state = manager.property(SERVICE, "ActiveState");
        if state == "inactive" { Ok(()) } else { Err(state) }
    });
    assert_eq!(manager.property(SOCKET, "ActiveState"), "active");
    manager.cli(&["list"]).ok();
    let other = wait_for_pid_other_than(&manager, &pid);

    // By hand a second one is refused, with the process of the first.
    let output = manager.cli(&["serve"]).expect_code(3);
    assert!(output.stderr.contains(&format!("pid {other}")), "{output:?}");

    let text = manager.cli(&["uninstall"]).ok();
    assert!(text.text().contains("no longer starts at login"), "{text:?}");
    manager.cli(&["list"]).expect_code(4);
    assert_eq!(manager.property(SERVICE, "LoadState"), "not-found");
    assert!(!manager.within("config/systemd").exists());
    assert!(!manager.within("run/camera-service/v1.sock").exists());
    assert!(manager.within("config/camera-service/config.toml").exists());
}

#[test]
fn one_that_no_longer_turns_is_ended_and_started_anew() {
    let Some(manager) = Manager::start(None) else { return };
    manager.cli(&["install", "--no-start"]).ok();
    // Sooner than for users, or the test would take a minute.
    let folder = manager.within("config/systemd/user/camera-service.service.d");
    fs::create_dir_all(&folder).expect("a folder");
    let quick = "[Service]\nWatchdogSec=600ms\nRestartSec=100ms\n";
    fs::write(folder.join("quick.conf"), quick).expect("written");
    manager.systemctl(&["daemon-reload"]).ok();
    manager.cli(&["install"]).ok();
    let pid = manager.property(SERVICE, "MainPID");
    // Several times the limit: it says by itself that it lives.
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(manager.property(SERVICE, "MainPID"), pid);
    manager.systemctl(&["kill", "--signal=STOP", SERVICE]).ok();
    wait_for_pid_other_than(&manager, &pid);
    manager.cli(&["list"]).ok();
    assert_eq!(manager.property(SERVICE, "NRestarts"), "1");
}

#[test]
fn with_boot_it_starts_with_the_machine_until_it_is_uninstalled() {
    let Some(manager) = Manager::with_logind(Some(KNOWN)) else { return };
    let lingers = || {
        let user = KNOWN.to_string();
        let mut command = manager.command("loginctl");
        command.args(["show-user", "--property=Linger", "--value", &user]);
        // A user who neither is logged in nor lingers is none that it knows.
        Program::start("loginctl show-user", &mut command).wait(PATIENCE).text().trim() == "yes"
    };
    assert!(!lingers());
    let text = manager.cli(&["install", "--boot"]).ok();
    assert!(text.text().contains("start with the machine now"), "{text:?}");
    assert!(text.text().contains("usermod -aG video"), "{text:?}");
    assert!(lingers());
    assert_eq!(status(&manager)["installed"]["at_boot"], true);
    // Twice it changes nothing.
    let again = manager.cli(&["install", "--boot"]).ok();
    assert!(!again.text().contains("start with the machine now"), "{again:?}");
    let text = manager.cli(&["uninstall"]).ok();
    assert!(text.text().contains("no longer start with the machine"), "{text:?}");
    assert!(!lingers());

    // What was so before stays so.
    let mut command = manager.command("loginctl");
    command.args(["enable-linger", &KNOWN.to_string()]);
    Program::start("loginctl enable-linger", &mut command).wait(PATIENCE).ok();
    manager.cli(&["install", "--boot"]).ok();
    manager.cli(&["uninstall"]).ok();
    assert!(lingers());
}
