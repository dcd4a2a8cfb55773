//! What is to be had in the guest of `tests/vm/vm-camera.sh`: real drivers, and ways to hurt them.
//!
//! For the tests named `*_vivid` and `*_uvc`, which `tests/run-suites.sh` runs there as root, one
//! at a time. The binary of the service is at `CAMERA_SERVICE_BIN`.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{Builder, Service, wait_until};

/// Longer than anything takes in an emulated machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A configuration with timeouts that suit emulated cameras.
pub const CONFIG: &str = include_str!("guest.toml");

/// A service with that configuration, to be adjusted before it starts.
#[must_use]
pub fn service() -> Builder {
    Service::builder().config(CONFIG)
}

/// One node of the kernel's video4linux class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number: 0 for `/dev/video0`.
    pub number: u32,
    /// The name that the driver gave it.
    pub name: String,
}

/// The nodes that are there now, by number; metadata nodes are among them.
pub fn video_nodes() -> Vec<Node> {
    // No such folder means that no driver has made a node.
    let Ok(entries) = fs::read_dir("/sys/class/video4linux") else { return Vec::new() };
    let mut nodes: Vec<Node> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let number = path.file_name()?.to_str()?.strip_prefix("video")?.parse().ok()?;
            // A node that goes away meanwhile has no name any more.
            let name = fs::read_to_string(path.join("name")).ok()?.trim_end().to_owned();
            Some(Node { number, name })
        })
        .collect();
    nodes.sort_by_key(|node| node.number);
    nodes
}

/// The device file of a node.
pub fn path_of(node: &Node) -> String {
    format!("/dev/video{}", node.number)
}

/// Waits until there are `count` nodes, with their device files.
pub fn wait_for_nodes(count: usize) {
    wait_until(&format!("{count} video nodes"), PATIENCE, || {
        let nodes = video_nodes();
        let files = nodes.iter().filter(|node| Path::new(&path_of(node)).exists()).count();
        if nodes.len() == count && files == count { Ok(()) } else { Err(format!("{nodes:?}")) }
    });
}

/// Runs a program of the guest to its end and returns what it printed; panics when it fails.
pub fn output(program: &str, args: &[&str]) -> String {
    let out = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {args:?}: {}\n{text}{errors}", out.status);
    text
}

/// Asserts that the service's binary starts in this guest.
pub fn assert_binary_runs() {
    let binary = std::env::var("CAMERA_SERVICE_BIN").expect("run-suites.sh sets it in the guest");
    let version = output(&binary, &["--version"]);
    assert!(version.starts_with("camera-service "), "{version:?}");
}

/// Who may open the device files. Dropping it lets everybody, as before.
pub struct Permissions;

impl Permissions {
    /// Gives all device files these bits, such as `0o600`: only root.
    pub fn of_all(bits: u32) -> Self {
        for node in video_nodes() {
            let path = path_of(&node);
            fs::set_permissions(&path, fs::Permissions::from_mode(bits))
                .unwrap_or_else(|error| panic!("cannot change who may open {path}: {error}"));
        }
        Self
    }
}

impl Drop for Permissions {
    fn drop(&mut self) {
        std::mem::forget(Self::of_all(0o666));
    }
}

/// The values of controls of `/dev/video0` as another program reads them, one `name: value` a
/// line; entries of menus by their numbers.
pub fn values(names: &str) -> String {
    let text = output("v4l2-ctl", &["-d", "/dev/video0", "-C", names]);
    let value = |line: &str| line.split_once(" (").map_or(line, |(value, _)| value).to_owned();
    text.lines().map(|line| value(line) + "\n").collect()
}

/// Changes controls of `/dev/video0` as another program does: `name=value,…`.
pub fn set_values(settings: &str) {
    output("v4l2-ctl", &["-d", "/dev/video0", "-c", settings]);
}

/// Waits until another program reads these values, as in [`values`].
#[track_caller]
pub fn wait_for_values(names: &str, expected: &str) {
    wait_until(&format!("the device to have {expected:?}"), Duration::from_secs(30), || {
        let values = values(names);
        if values == expected { Ok(()) } else { Err(values) }
    });
}

/// Takes both cameras of the vivid driver away, as if they were pulled out; returns once their
/// nodes are gone. (They are one device to the kernel; `v4l2-ctl -c disconnect=1` makes one of
/// them answer like a device that is gone.)
pub fn unplug_vivid() {
    tell_vivid("unbind");
    wait_for_nodes(0);
}

/// Brings both cameras of the vivid driver back; returns once their nodes are there.
pub fn plug_vivid() {
    tell_vivid("bind");
    wait_for_nodes(2);
}

fn tell_vivid(action: &str) {
    let file = format!("/sys/bus/platform/drivers/vivid/{action}");
    fs::write(&file, "vivid.0").unwrap_or_else(|error| panic!("cannot write to {file}: {error}"));
}

/// The USB webcam of `tests/vm/uvcsim`.
pub struct Webcam;

impl Webcam {
    /// Plugs it in where a test that failed has left it unplugged.
    pub fn plug_in(&self) {
        if video_nodes().is_empty() {
            self.command("plug");
        }
        wait_for_nodes(2);
    }

    /// Hands it a command: `stall`, `go`, `bad N`, `short N`, `unplug`, `plug`.
    pub fn command(&self, command: &str) {
        fs::OpenOptions::new()
            .write(true)
            .open("/run/uvcsim")
            .and_then(|mut fifo| writeln!(fifo, "{command}"))
            .unwrap_or_else(|error| panic!("cannot tell the webcam to {command}: {error}"));
    }

    /// The JPEGs of a size, such as `640x480`, that it sends in turn.
    pub fn frames(&self, size: &str) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> = fs::read_dir("/frames")
            .expect("the guest has /frames")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with(&format!("{size}-"))
            })
            .collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).expect("a frame can be read")).collect()
    }
}
