//! The real service and `camera-service loopback` with Debian's v4l2loopback: what other programs
//! read from the device, and when the camera is open.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share the devices.

#[path = "device_loopback/configured.rs"]
mod configured;
#[path = "device_loopback/faults.rs"]
mod faults;

use std::{process::Command, time::Duration};

use protocol::Size;
use serde_json::{Value, json};
use tests::{
    Program, Service,
    guest::{self, CONFIG, PATIENCE},
    loopback::{Footage, Loopback, Reader, Seen},
    wait_until,
};

/// A camera to others only while something is written into it, an output else
/// (`exclusive_caps=1`).
const EXCLUSIVE: &str = "/dev/video10";
/// Both at any time.
const BOTH: &str = "/dev/video11";
/// Another one like that, for other programs to write into. (After those that only write, 0.12
/// does not say that it is an output any more: with `exclusive_caps=1` ffmpeg works once.)
const FOREIGN: &str = "/dev/video12";
const SIZE: &str = "320x240";
/// Bytes of a YUYV frame of that size.
const FRAME: usize = 320 * 240 * 2;

fn service() -> Service {
    guest::service().test_camera("320x240@15").start()
}

fn size() -> Size {
    SIZE.parse().expect("a size")
}

fn state(service: &Service, camera: &str) -> Value {
    service.json(&["info", camera])["state"].clone()
}

#[track_caller]
fn wait_for_state(service: &Service, camera: &str, wanted: &str) {
    wait_until(&format!("{camera} to be {wanted}"), PATIENCE, || {
        let state = state(service, camera);
        if state == wanted { Ok(()) } else { Err(state.to_string()) }
    });
}

/// Drivers of the cameras that the service has now.
fn drivers(service: &Service) -> Vec<String> {
    let list = service.json(&["list"]);
    let driver = |camera: &Value| camera["driver"].as_str().expect("a driver").to_owned();
    list.as_array().expect("cameras").iter().map(driver).collect()
}

/// Has the service look again: a device file that changes its times is a reason to.
#[track_caller]
fn assert_not_listed(service: &Service) {
    let looks = |log: &str| log.matches("looked for cameras").count();
    let before = looks(&service.log());
    guest::output("touch", &[EXCLUSIVE]);
    wait_until("another look for cameras", PATIENCE, || {
        let now = looks(&service.log());
        if now > before { Ok(()) } else { Err(format!("{now} looks")) }
    });
    assert_eq!(drivers(service), ["test", "vivid", "vivid"]);
}

/// Asserts that these are pictures of the test camera in the order in which they were taken,
/// after black ones at most.
#[track_caller]
fn assert_in_order(seen: &[Seen], least: usize) {
    let pictures = seen.iter().skip_while(|seen| **seen == Seen::Black);
    let numbers: Vec<u64> = pictures
        .map(|seen| match seen {
            Seen::Number(number) => *number,
            other => panic!("{other:?} in {seen:?}"),
        })
        .collect();
    assert!(numbers.len() >= least, "{seen:?}");
    assert!(numbers.windows(2).all(|pair| pair[0] <= pair[1]), "{seen:?}");
    assert!(numbers.first() < numbers.last(), "{seen:?}");
}

#[test]
fn a_device_that_nobody_writes_into_is_no_camera() {
    let service = service();
    assert_not_listed(&service);
    // Nor is one that something was written into.
    for device in [EXCLUSIVE, BOTH] {
        let mut loopback = Loopback::start(&service, "test:0", device, &["--size", SIZE]);
        assert_not_listed(&service);
        loopback.program().interrupt().ok();
        assert_not_listed(&service);
    }
}

#[test]
fn a_device_that_another_program_writes_into_is_a_camera() {
    let _producer = producer();
    let service = service();
    let list = service.json(&["list"]);
    let camera = list.as_array().expect("cameras").iter().find(|c| c["driver"] == "v4l2 loopback");
    let camera = camera.unwrap_or_else(|| panic!("not listed: {list}"));
    assert_eq!(camera["name"], "Three");
    let id = camera["id"].as_str().expect("an id");
    let check = service.json(&["check", id, "--seconds", "2"]);
    assert!(check["frames"].as_u64() > Some(5), "{check}");
}

/// Another program that writes into a device, some frames a second; waits until it does.
fn producer() -> Program {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi"]);
    command.args(["-i", "testsrc=size=320x240:rate=15", "-pix_fmt", "yuyv422"]);
    let program = Program::start("ffmpeg", command.args(["-f", "v4l2", FOREIGN]));
    wait_until("another program to write", PATIENCE, || {
        let format = std::fs::read_to_string("/sys/class/video4linux/video12/format");
        let format = format.expect("the device is there");
        if format.starts_with("YUYV:320x240") { Ok(()) } else { Err(program.stderr()) }
    });
    program
}

#[test]
fn v4l2_ctl_reads_right_frames_and_the_camera_rests_when_nobody_reads() {
    let service = service();
    for device in [EXCLUSIVE, BOTH] {
        for format in ["YUYV", "I420", "NV12"] {
            let more = ["--size", SIZE, "--format", format, "--fps", "15"];
            let mut loopback = Loopback::start(&service, "test:0", device, &more);
            let ready = &loopback.lines()[0];
            assert_eq!(ready["driver_tells_readers"], false, "{ready}");
            assert_eq!((&ready["format"], &ready["fps"]), (&json!(format), &json!(15.0)));
            wait_for_state(&service, "test:0", "closed");
            let listed = guest::output("v4l2-ctl", &["-d", device, "--list-formats-ext"]);
            assert!(listed.contains("Size: Discrete 320x240"), "{listed}");
            assert!(listed.contains("(15.000 fps)"), "{listed}");
            // Looking at it is no reason to open the camera.
            assert_eq!(state(&service, "test:0"), "closed");

            let bytes = Reader::v4l2_ctl(device, 25).wait();
            assert_in_order(&Footage::new(bytes, format, size()).seen(), 15);
            let read = loopback.wait_for(0, "read");
            assert_eq!(loopback.lines()[read - 1]["programs"][0]["program"], "v4l2-ctl");
            loopback.wait_for(read, "unread");
            wait_for_state(&service, "test:0", "closed");
            loopback.program().terminate().ok();
        }
    }
}

#[test]
fn frames_of_another_shape_lie_in_black_and_jpegs_pass() {
    let service = service();
    let mut loopback = Loopback::start(&service, "test:0", EXCLUSIVE, &["--size", "400x300"]);
    let bytes = Reader::v4l2_ctl(EXCLUSIVE, 20).wait();
    assert_eq!(bytes.len(), 20 * 400 * 300 * 2);
    let last = &bytes[19 * 400 * 300 * 2..];
    // The camera's 320x240 lie 40 to the right and 30 down.
    let row = |y: usize| &last[y * 800..(y + 1) * 800];
    assert!(row(29).chunks(2).all(|pixel| pixel == [16, 128]), "{:?}", row(29));
    assert!(row(150)[..80].chunks(2).all(|pixel| pixel == [16, 128]));
    let inner: Vec<u8> = (30..270).flat_map(|y| row(y)[80..720].to_vec()).collect();
    let seen = Footage::new(inner, "YUYV", size()).seen();
    assert!(matches!(seen[..], [Seen::Number(_)]), "{seen:?}");
    loopback.program().terminate().ok();

    let more = ["--size", SIZE, "--format", "mjpg"];
    let _loopback = Loopback::start(&service, "test:0", EXCLUSIVE, &more);
    let bytes = Reader::ffmpeg(EXCLUSIVE, 20).wait();
    let starts = bytes.windows(3).filter(|bytes| *bytes == [0xff, 0xd8, 0xff]).count();
    assert_eq!(starts, 20, "in {} bytes", bytes.len());
    assert!(bytes.ends_with(&[0xff, 0xd9]));
}

#[test]
fn ffmpeg_and_v4l2_ctl_read_while_another_client_watches_the_camera() {
    let service = service();
    for device in [EXCLUSIVE, BOTH] {
        let mut loopback = Loopback::start(&service, "test:0", device, &["--size", SIZE]);
        let mut other = service.cli_start(&["check", "test:0", "--seconds", "4", "--json"]);
        for frames in two_readers(device, 40) {
            assert_in_order(&Footage::new(frames, "YUYV", size()).seen(), 25);
        }
        let check = other.wait(PATIENCE).json();
        assert_eq!((&check["torn"], &check["out_of_order"]), (&json!(0), &json!(0)), "{check}");
        loopback.wait_for(0, "unread");
        loopback.program().terminate().ok();
    }
}

/// What two programs read at once, as many frames each, before either ends. A program that begins
/// or ends makes 0.12 refuse a frame to one that reads just then: then both begin anew.
fn two_readers(device: &str, frames: usize) -> [Vec<u8>; 2] {
    let length = frames * FRAME;
    let mut ends = Vec::new();
    for _ in 0..5 {
        let mut readers = [Reader::v4l2_ctl(device, 0), Reader::ffmpeg(device, 0)];
        let read = wait_until("both to have read enough", PATIENCE, || {
            for reader in &mut readers {
                if let Some(end) = reader.ended() {
                    ends.push(end);
                    return Ok(None);
                }
            }
            let read = [readers[0].so_far(), readers[1].so_far()];
            let enough = read.iter().all(|bytes| bytes.len() >= length);
            if enough { Ok(Some(read)) } else { Err(format!("{:?}", read.map(|read| read.len()))) }
        });
        if let Some(read) = read {
            return read.map(|bytes| bytes[..length].to_vec());
        }
    }
    panic!("never both of them {frames} frames: {ends:?}");
}
