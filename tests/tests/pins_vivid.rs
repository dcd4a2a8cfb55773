//! Pinned controls and presets on a camera of the kernel's `vivid` driver, across unplug, replug
//! and a restart of the service; and keeping them where the disk is full or read-only.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share the two cameras.

use std::{fs, path::PathBuf};

use protocol::StreamRequest;
use serde_json::{Value, json};
use tests::{
    Service,
    guest::{self, PATIENCE},
    live::{Watcher, any},
    wait_until,
};

const CAMERA: &str = "vivid-platform-vivid-000";

/// Gain cannot be set while it is automatic: it comes first here, and must not there.
const PINS: [&str; 6] = [
    "gain=77",
    "gain_automatic=off",
    "brightness=42",
    "menu=Menu Item 4",
    "string=abcd",
    "mute=on",
];
const NAMES: &str = "gain_automatic,gain,brightness,mute,menu,string";
const PINNED: &str =
    "gain_automatic: 0\ngain: 77\nbrightness: 42\nmute: 1\nmenu: 4\nstring: 'abcd'\n";
const CHANGED: &str = "gain_automatic=1,brightness=10,menu=1,string=other,mute=0";

fn service() -> Service {
    guest::service().start()
}

#[track_caller]
fn wait_until_closed(service: &Service) {
    wait_until("the device to be closed", PATIENCE, || {
        let all = service.descriptors().into_iter();
        let open: Vec<String> = all.filter(|file| file.starts_with("/dev/video")).collect();
        if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) }
    });
}

#[test]
fn pins_are_set_at_replug_restart_and_open_with_nobody_there() {
    let mut service = service();
    let taken = service.json(&[&["pin", CAMERA], &PINS[..]].concat());
    let taken: Vec<&Value> =
        taken.as_array().expect("outcomes").iter().map(|outcome| &outcome["value"]).collect();
    assert_eq!(json!(taken), json!([77, false, 42, 4, "abcd", true]));
    assert_eq!(guest::values(NAMES), PINNED);
    wait_until_closed(&service);

    // The driver begins anew with its defaults. No client is there all the while.
    for _ in 0..2 {
        guest::unplug_vivid();
        guest::plug_vivid();
        guest::wait_for_values(NAMES, PINNED);
        wait_until_closed(&service);
    }
    service.restart(|_| guest::set_values(CHANGED)).ok();
    guest::wait_for_values(NAMES, PINNED);
    wait_until_closed(&service);

    // At every opening, and after a replug under a living stream.
    guest::set_values(CHANGED);
    let watcher = Watcher::start(&service, StreamRequest::native(CAMERA.into()), any());
    watcher.frames(0, 2);
    guest::wait_for_values(NAMES, PINNED);
    let from = watcher.now();
    guest::unplug_vivid();
    let (lost, _) = watcher.lost(from);
    guest::plug_vivid();
    watcher.frames(lost, 2);
    guest::wait_for_values(NAMES, PINNED);
    drop(watcher);

    service.cli(&["unpin", CAMERA]).ok();
    service.restart(|_| guest::set_values("brightness=11")).ok();
    service.cli(&["list"]).ok();
    let watcher = Watcher::start(&service, StreamRequest::native(CAMERA.into()), any());
    watcher.frames(0, 2);
    drop(watcher);
    wait_until_closed(&service);
    assert_eq!(guest::values("brightness"), "brightness: 11\n", "it is left alone");
    service.cli(&["reset", CAMERA]).ok();
}

#[test]
fn while_turned_off_nothing_is_opened_for_pins() {
    let mut service = service();
    service.cli(&["pin", CAMERA, "brightness=42"]).ok();
    service.cli(&["off"]).ok();
    service.restart(|_| guest::set_values("brightness=10")).ok();
    assert_eq!(service.json(&["list"])[0]["state"], "blocked");
    wait_until_closed(&service);
    guest::unplug_vivid();
    guest::plug_vivid();
    wait_until("the camera to be back", PATIENCE, || {
        let list = service.json(&["list"]);
        if list[0]["state"] == "blocked" { Ok(()) } else { Err(list.to_string()) }
    });
    assert_eq!(guest::values("brightness"), "brightness: 128\n");
    service.cli(&["on"]).ok();
    guest::wait_for_values("brightness", "brightness: 42\n");
    service.cli(&["reset", CAMERA]).ok();
}

/// Name and value of all that a preset keeps.
fn set_up(service: &Service) -> Vec<(Value, Value)> {
    let all = service.json(&["controls", CAMERA]);
    let kept = all.as_array().expect("controls").iter().filter(|control| {
        control["flags"] == json!([]) && control["kind"] != "button" && !control["value"].is_null()
    });
    kept.map(|control| (control["name"].clone(), control["value"].clone())).collect()
}

#[test]
fn a_preset_of_every_type_of_control_is_applied_after_replug_and_restart() {
    // The size of some controls is that of the picture: as the driver begins.
    guest::unplug_vivid();
    guest::plug_vivid();
    let mut service = service();
    let more = [
        "integer_64_bits=1234567890123",
        "bitmask=0x80400000",
        "area=80020000e0010000",
        "integer_menu=42",
        "boolean=off",
    ];
    service.cli(&[&["set", CAMERA, "gain_automatic=off"], &PINS[..], &more].concat()).ok();
    let before = set_up(&service);
    assert!(before.len() > 40, "{before:?}");
    service.cli(&["preset", "save", CAMERA, "all"]).ok();
    let kept = service.json(&["preset", "list", CAMERA, "all"]);
    let kept = kept["settings"].as_array().expect("settings");
    assert_eq!(kept.len(), before.len());

    let applied = |service: &Service| {
        assert_ne!(set_up(service), before);
        let outcomes = service.json(&["preset", "apply", CAMERA, "all"]);
        assert_eq!(outcomes.as_array(), Some(kept), "what was kept is what the driver took");
        assert_eq!(set_up(service), before);
        assert_eq!(guest::values(NAMES), PINNED);
    };
    service.cli(&["reset", CAMERA]).ok();
    applied(&service);
    guest::unplug_vivid();
    guest::plug_vivid();
    wait_until("the camera to be back", PATIENCE, || {
        let list = service.json(&["list"]);
        if list[0]["present"] == true { Ok(()) } else { Err(list.to_string()) }
    });
    applied(&service);
    service.restart(|_| guest::set_values(CHANGED)).ok();
    applied(&service);
    service.cli(&["reset", CAMERA]).ok();
}

/// A file system of its own where the service keeps its state.
struct Disk(PathBuf);

impl Disk {
    fn mount(service: &Service) -> Self {
        // Past its start, which writes there too.
        service.cli(&["status"]).ok();
        let folder = service.folder().join("state/camera-service");
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.to_str().expect("text");
        guest::output("mount", &["-t", "tmpfs", "-o", "size=64k", "tmpfs", path]);
        Self(folder)
    }

    fn fill(&self) {
        let full = fs::write(self.0.join("filler"), vec![0; 128 << 10]).expect_err("it is small");
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how},size=64k");
        guest::output("mount", &["-o", &options, self.0.to_str().expect("text")]);
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        guest::output("umount", &[self.0.to_str().expect("text")]);
    }
}

#[test]
fn a_full_or_read_only_disk_is_an_error_and_changes_nothing() {
    let service = service();
    let disk = Disk::mount(&service);
    service.cli(&["preset", "save", CAMERA, "day"]).ok();
    service.cli(&["pin", CAMERA, "brightness=42"]).ok();
    let file = disk.0.join("presets.toml");
    let before = fs::read(&file).expect("the file");
    let fails = |words: &str| {
        for args in [
            &["preset", "save", CAMERA, "night"][..],
            &["preset", "delete", CAMERA, "day"],
            &["preset", "rename", CAMERA, "day", "noon"],
            &["pin", CAMERA, "contrast=50"],
            &["unpin", CAMERA],
            &["rename", CAMERA, "Desk"],
        ] {
            let output = service.cli(&[args, &["--json"]].concat()).expect_code(1);
            output.expect_error("\"kind\":\"storage\"").expect_error(words);
        }
        let list = service.json(&["preset", "list", CAMERA]);
        assert_eq!((list.as_array().map(Vec::len), &list[0]["name"]), (Some(1), &json!("day")));
        let pins = service.json(&["pin", CAMERA]);
        assert_eq!(pins, json!([{"name": "brightness", "value": 42}]));
        assert_eq!(fs::read(&file).expect("the file"), before);
        // Privacy comes first: it holds for as long as it can.
        service.cli(&["off"]).expect_code(1).expect_error("only until the service ends");
        assert_eq!(service.json(&["status"])["privacy_off"], true);
        service.cli(&["snapshot", CAMERA]).expect_code(1).expect_error("turned off");
        service.cli(&["on"]).ok();
        service.cli(&["snapshot", CAMERA, "-o", "/dev/null"]).ok();
    };
    disk.fill();
    fails("No space left");
    let names = disk.names();
    assert!(!names.iter().any(|name| name.ends_with(".new")), "left behind: {names:?}");
    fs::remove_file(disk.0.join("filler")).expect("removed");

    // Turned off before, it cannot be turned on while that cannot be kept.
    service.cli(&["off"]).ok();
    disk.remount("ro");
    service.cli(&["on"]).expect_code(1).expect_error("still turned off");
    assert_eq!(service.json(&["status"])["privacy_off"], true);
    disk.remount("rw");
    service.cli(&["on"]).ok();
    disk.remount("ro");
    fails("Read-only file system");

    disk.remount("rw");
    service.cli(&["preset", "save", CAMERA, "night"]).ok();
    assert_eq!(service.json(&["preset", "list", CAMERA]).as_array().map(Vec::len), Some(2));
    service.cli(&["reset", CAMERA]).ok();
}
