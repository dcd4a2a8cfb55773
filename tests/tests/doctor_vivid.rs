//! `doctor` with two cameras of the kernel's `vivid` driver: what they are, who may open them, who
//! has them open.
//!
//! Runs in the guest of `tests/vm`, as root, one test after the other: they share the cameras.

use std::{
    fs,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use protocol::StreamRequest;
use serde_json::Value;
use tests::{
    Program, Service, guest,
    live::{Watcher, any},
    wait_until,
};

const FIRST: &str = "vivid-platform-vivid-000";
const DEVICE: &str = "/dev/video0";
/// Longer than anything takes in an emulated machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The guest's user `tester`, who is in no group but its own.
const TESTER: u32 = 1000;

/// What `doctor` finds; checked against its exit code.
#[track_caller]
fn findings(service: &Service) -> Vec<Value> {
    let out = service.cli(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|error| panic!("no JSON ({error}): {out:?}"));
    let problems = report["problems"].as_u64().expect("a number");
    assert_eq!(out.code(), Some(i32::from(problems > 0)), "{out:?}");
    report["findings"].as_array().expect("an array").clone()
}

/// The finding of that kind about `about`.
#[track_caller]
fn finding<'a>(findings: &'a [Value], code: &str, about: &str) -> &'a Value {
    let found = findings.iter().find(|finding| {
        let at = finding["about"].as_str().unwrap_or_default();
        finding["code"] == code && at.split(", ").any(|at| at == about)
    });
    found.unwrap_or_else(|| panic!("no {code} about {about} among {findings:#?}"))
}

fn message(finding: &Value) -> &str {
    finding["message"].as_str().expect("text")
}

/// Streams from the first camera as another program does.
fn stream() -> Program {
    let mut command = Command::new("v4l2-ctl");
    command.args(["-d", DEVICE, "--stream-mmap", "--stream-count=100000", "--stream-to=/dev/null"]);
    Program::start("v4l2-ctl", &mut command)
}

/// A program under another name that merely has the first camera open.
struct Holder {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Holder {
    fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let program: PathBuf = folder.path().join(name);
        fs::copy("/bin/busybox", &program).expect("the guest has busybox");
        let device = fs::OpenOptions::new().read(true).write(true).open(DEVICE);
        // busybox is the program that its first argument names.
        let child = Command::new(program)
            .arg0("sleep")
            .arg("600")
            .stdin(device.expect("root may open it"))
            .spawn()
            .expect("busybox starts under any name");
        Self { child, _folder: folder }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_cameras_are_described_and_looking_leaves_them_closed() {
    let service = Service::builder().start();
    let found = findings(&service);
    let camera = finding(&found, "camera_found", DEVICE);
    for text in ["vivid", "a camera: ", "YUYV", "; not served: ", FIRST] {
        assert!(message(camera).contains(text), "no {text:?} in {camera}");
    }
    finding(&found, "camera_found", "/dev/video1");
    assert!(message(finding(&found, "permitted", DEVICE)).contains("root"));
    let open = service.descriptors().into_iter().filter(|file| file.starts_with("/dev/video"));
    assert_eq!(open.count(), 0, "a look at a camera leaves it closed");
    // The same without a service, but for the ids that it gave.
    service.cli(&["shutdown"]).ok();
    let found = findings(&service);
    assert!(!message(finding(&found, "camera_found", DEVICE)).contains(FIRST));
}

#[test]
fn looking_disturbs_no_stream() {
    let service = Service::builder().start();
    let watcher = Watcher::start(&service, StreamRequest::native(FIRST.into()), any());
    watcher.frames(0, 3);
    for _ in 0..5 {
        let found = findings(&service);
        assert!(message(finding(&found, "camera_found", DEVICE)).contains("a camera: "));
        assert!(message(finding(&found, "client", FIRST)).contains("watches"));
    }
    watcher.frames(watcher.now(), 5);
    let others = watcher.other_than_frames();
    assert_eq!(others.len(), 1, "only the start: {others:?}");
    // The service's own hold of the device is none of another program.
    let found = findings(&service);
    assert!(!found.iter().any(|finding| finding["code"] == "streams_elsewhere"), "{found:#?}");
}

#[test]
fn a_program_that_streams_is_named_and_a_problem_once_the_service_wants_the_camera() {
    let mut other = stream();
    let service = Service::builder().start();
    let seen = wait_until("the program to stream", PATIENCE, || {
        let found = findings(&service);
        let seen = found.iter().find(|finding| finding["code"] == "streams_elsewhere");
        seen.cloned().ok_or_else(|| format!("{found:#?}\n{}", other.stderr()))
    });
    assert_eq!((&seen["severity"], &seen["about"]), (&"note".into(), &DEVICE.into()));
    let expected = format!("v4l2-ctl (process {}) streams from it", other.pid());
    assert!(message(&seen).contains(&expected), "{seen}");

    let mut reader = service.cli_start(&["stream", FIRST, "--count", "3"]);
    wait_until("the camera to be lost", PATIENCE, || {
        let state = service.json(&["info", FIRST])["state"].clone();
        if state == "lost" { Ok(()) } else { Err(state.to_string()) }
    });
    let found = findings(&service);
    assert_eq!(finding(&found, "streams_elsewhere", DEVICE)["severity"], "problem");
    let lost = finding(&found, "camera_lost", FIRST);
    assert!(message(lost).contains("v4l2-ctl"), "{lost}");

    other.kill();
    reader.wait(PATIENCE).ok();
    let found = findings(&service);
    assert!(!found.iter().any(|finding| finding["severity"] == "problem"), "{found:#?}");
}

#[test]
fn pipewire_that_watches_a_device_is_explained() {
    for (name, code, words) in [
        ("pipewire", "watched_by_media_server", "does no harm"),
        ("wireplumber", "watched_by_media_server", "does no harm"),
        ("some-program", "opened_elsewhere", "does not stream"),
    ] {
        let holder = Holder::start(name);
        let service = Service::builder().start();
        let seen = wait_until(&format!("{name} to have the device"), PATIENCE, || {
            let found = findings(&service);
            let seen = found.iter().find(|finding| finding["code"] == code);
            seen.cloned().ok_or_else(|| format!("{found:#?}"))
        });
        assert_eq!((&seen["severity"], &seen["about"]), (&"ok".into(), &DEVICE.into()));
        let expected = format!("{name} (process {})", holder.child.id());
        assert!(message(&seen).contains(&expected), "{seen}");
        assert!(message(&seen).contains(words), "{seen}");
    }
}

#[test]
fn whoever_may_not_open_the_devices_is_told_what_to_do() {
    let permissions = guest::Permissions::of_all(0o660);
    let service = Service::builder().user(TESTER).start();
    let found = findings(&service);
    let denied = finding(&found, "not_in_group", DEVICE);
    assert_eq!((&denied["severity"], &denied["area"]), (&"problem".into(), &"permissions".into()));
    let command = denied["commands"][0].as_str().expect("a command");
    let expected = match fs::metadata(DEVICE).expect("a device").gid() {
        0 => "sudo chgrp video /dev/video*",
        _ => "sudo usermod -aG video tester",
    };
    assert_eq!(command, expected);
    finding(&found, "device_not_permitted", DEVICE);
    finding(&found, "device_not_permitted", "/dev/video1");
    service.cli(&["doctor"]).expect_code(1);

    drop(permissions);
    let found = findings(&service);
    assert!(message(finding(&found, "permitted", DEVICE)).contains("everybody"));
}

#[test]
fn a_state_folder_of_somebody_else_is_a_problem() {
    let service = Service::builder().user(TESTER).start();
    let state = service.folder().join("state");
    std::os::unix::fs::chown(&state, Some(0), Some(0)).expect("root can give folders away");
    let kept = state.join("camera-service");
    if Path::new(&kept).exists() {
        fs::remove_dir_all(&kept).expect("removed");
    }
    let found = findings(&service);
    let finding = found.iter().find(|finding| finding["code"] == "state_folder_not_writable");
    assert_eq!(finding.expect("it is found")["severity"], "problem", "{found:#?}");
}
