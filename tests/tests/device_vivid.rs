//! The V4L2 backend against the kernel's `vivid` driver: cameras, frames and faults.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share two cameras.

#[path = "device_vivid/slots.rs"]
mod slots;

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use camera_service::device::{self, Device, Next};
use protocol::{Holder, ModeWish, PixelFormat};
use tests::device::{
    PATIENCE, Plugs, camera, cameras, error, open, pixel, v4l2_ctl, wait_for, wish,
};

const DRIVER: &str = "vivid";

/// Red, green and blue of vivid's bars from left to right.
const BARS: [[u8; 3]; 8] = [
    [191, 191, 191],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

fn ctl(camera: &Arc<dyn Device>, setting: &str) {
    v4l2_ctl(camera, &["-c", setting]);
}

#[test]
fn both_cameras_are_found_and_told_apart() {
    let found = cameras(DRIVER);
    let ports: Vec<&str> =
        found.iter().map(|camera| camera.descriptor().identity.port.as_str()).collect();
    assert_eq!(ports, ["platform-vivid-000", "platform-vivid-001"]);
    assert!(found.iter().all(|camera| camera.descriptor().identity.model == "vivid"));
    assert_eq!(found[1].descriptor().bus, "platform:vivid-001");
}

#[test]
fn a_link_to_a_camera_is_no_other_camera() {
    let link = "/dev/video-front";
    std::os::unix::fs::symlink("/dev/video0", link).expect("a link");
    let found = cameras(DRIVER);
    fs::remove_file(link).expect("the link is there");
    let paths: Vec<_> =
        found.iter().filter_map(|camera| camera.descriptor().path.clone()).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(paths.iter().all(|path| path.to_str() != Some(link)), "{paths:?}");
}

#[test]
fn all_modes_are_listed_those_that_are_not_served_too() {
    let modes = camera(DRIVER).modes().expect("modes");
    let names: Vec<String> = modes.iter().map(ToString::to_string).collect();
    for name in ["YUYV 320x180 12.5 fps", "RGB 640x480 15 fps", "RGBA 3840x2160 1 fps"] {
        assert!(names.iter().any(|listed| listed == name), "{name} is not among {names:?}");
    }
    assert!(modes.iter().any(|mode| matches!(mode.format, PixelFormat::Other(_))));
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), names.len(), "some are listed twice");
}

#[test]
fn every_served_raw_format_has_the_right_pixels() {
    let camera = camera(DRIVER);
    ctl(&camera, "osd_text_mode=2");
    // Of 320x180 the rows of some formats would have padding if the driver had any.
    for format in ["YUYV", "NV12", "I420", "GREY", "RGB", "BGR", "RGBA"] {
        let mut open = open(&camera, &format!("{format} 320x180 30"));
        let mode = open.capture.mode();
        assert_eq!(mode.to_string(), format!("{format} 320x180 30 fps"));
        let frame = open.frame();
        let bits = match mode.format {
            PixelFormat::Yuyv => 16,
            PixelFormat::Nv12 | PixelFormat::I420 => 12,
            PixelFormat::Grey => 8,
            PixelFormat::Rgb | PixelFormat::Bgr => 24,
            _ => 32,
        };
        assert_eq!(frame.length, 320 * 180 * bits / 8, "{mode}");
        assert_eq!(open.capture.frame_bytes(), frame.length as usize, "{mode}");
        for (bar, colour) in (0..).zip(BARS) {
            let seen = pixel(&frame, mode, bar * 40 + 20, 90);
            if mode.format == PixelFormat::Grey {
                continue;
            }
            let close = seen.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 6);
            assert!(close, "{mode}: bar {bar} is {seen:?}, not {colour:?}");
        }
        if mode.format == PixelFormat::Grey {
            let lumas: Vec<u8> =
                (0..8).map(|bar| pixel(&frame, mode, bar * 40 + 20, 90)[0]).collect();
            assert!(lumas.windows(2).all(|pair| pair[0] > pair[1]), "{lumas:?} do not darken");
        }
    }
    ctl(&camera, "osd_text_mode=0");
}

#[test]
fn rows_with_padding_are_told_of() {
    let camera = camera(DRIVER);
    // The driver keeps the stride that another program asked for only until the format is set
    // anew; so what is checked is that stride and length always agree.
    v4l2_ctl(&camera, &["-v", "width=320,height=180,pixelformat=YUYV,bytesperline=1024"]);
    let mut open = open(&camera, "YUYV 320x180 30");
    let frame = open.frame();
    assert_eq!(frame.length, frame.planes[0].stride * 180);
}

#[test]
fn a_fractional_rate_is_kept_and_harms_nobody() {
    let camera = camera(DRIVER);
    let mut first = open(&camera, "YUYV 320x180 12.5");
    let rate = first.capture.mode().rate;
    assert_eq!((rate.numerator, rate.denominator), (25, 2));
    first.frame();
    drop(first);
    // What another program left behind: this rate, and a format that is not served.
    v4l2_ctl(&camera, &["-v", "width=320,height=180,pixelformat=HSV4"]);
    open(&camera, "YUYV 320x180 30").frame();
}

#[test]
fn a_mode_that_is_not_offered_is_refused_by_name() {
    let camera = camera(DRIVER);
    for (wanted, near) in [("YUYV 640x481", "YUYV 640x480"), ("MJPG", "near it are")] {
        match error(camera.open(&wish(wanted))) {
            device::Error::UnsupportedMode(text) => assert!(text.contains(near), "{text}"),
            other => panic!("{wanted}: {other}"),
        }
    }
    let other =
        camera.modes().expect("modes").into_iter().find(|mode| mode.format.to_string() == "HSV4");
    let refused = error(camera.open(&ModeWish::from(other.expect("a mode that is not served"))));
    assert!(matches!(refused, device::Error::UnsupportedMode(_)), "{refused}");
}

#[test]
fn numbers_grow_also_over_the_driver_s_wrap_and_times_lie_in_the_past() {
    let camera = camera(DRIVER);
    ctl(&camera, "wrap_sequence_number=1");
    let mut open = open(&camera, "YUYV 320x180 60");
    let (mut sequence, mut time) = (0, 0);
    let mut wrapped = false;
    for _ in 0..200 {
        let frame = open.frame();
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
        assert!(frame.sequence > sequence, "{} after {sequence}", frame.sequence);
        assert!(frame.monotonic_ns >= time, "times go back");
        assert!(frame.monotonic_ns <= now, "a time in the future");
        wrapped |= sequence > 0 && sequence < 1 << 32 && frame.sequence >= 1 << 32;
        (sequence, time) = (frame.sequence, frame.monotonic_ns);
    }
    drop(open);
    ctl(&camera, "wrap_sequence_number=0");
    assert!(wrapped, "the driver's number did not wrap, it is {sequence}");
}

#[test]
fn a_stall_is_told_and_frames_resume() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "YUYV 320x180 30");
    open.frame();
    ctl(&camera, "percentage_of_dropped_buffers=100");
    open.stalled();
    ctl(&camera, "percentage_of_dropped_buffers=0");
    open.frame();
}

#[test]
fn a_frame_that_the_driver_marked_is_damaged() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "YUYV 320x180 30");
    open.frame();
    ctl(&camera, "inject_v4l2_buf_flag_error=1");
    assert_eq!(open.damaged(), "the driver marked it as damaged");
    open.frame();
}

#[test]
fn a_fatal_fault_of_the_driver_ends_the_frames_until_it_is_opened_again() {
    let camera = camera(DRIVER);
    let mut first = open(&camera, "YUYV 320x180 30");
    first.frame();
    ctl(&camera, "inject_fatal_streaming_error=1");
    let failed = first.error();
    assert!(matches!(failed, device::Error::Io { .. }), "{failed}");
    drop(first);
    open(&camera, "YUYV 320x180 30").frame();
}

#[test]
fn a_device_that_another_holds_is_busy_and_so_is_said_who_holds_it() {
    let camera = camera(DRIVER);
    let path = camera.descriptor().path.clone().expect("a device file");
    let other = Command::new("v4l2-ctl")
        .arg("-d")
        .arg(path)
        .args(["--stream-mmap", "--stream-count=0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(Killed)
        .expect("v4l2-ctl runs");
    let streams = Holder { pid: other.0.id(), program: "v4l2-ctl".to_owned(), streaming: true };
    wait_for("v4l2-ctl to stream", || (camera.holders() == [streams.clone()]).then_some(()));
    let failed = error(camera.open(&wish("YUYV 320x180 30")));
    assert!(matches!(failed, device::Error::Busy), "{failed}");
    drop(other);
    let mut ours = open(&camera, "YUYV 320x180 30");
    ours.frame();
    assert_eq!(camera.holders(), [], "we are no other program");
    let failed = error(camera.open(&wish("YUYV 320x180 30")));
    assert!(matches!(failed, device::Error::Busy), "{failed}");
    ours.frame();
}

/// A program that is ended at the latest with its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn without_permission_the_error_names_the_file() {
    let camera = camera(DRIVER);
    let path = camera.descriptor().path.clone().expect("a device file");
    let mode = |bits: &str| {
        let status = Command::new("chmod").arg(bits).arg(&path).status().expect("chmod runs");
        assert!(status.success());
    };
    mode("666");
    // This program once more, as another user who has found the camera before.
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "as_another_user", "--ignored", "--nocapture", "--test-threads=1"])
        .uid(1000)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program runs once more");
    let mut output = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut seen = String::new();
    while !seen.contains("found") {
        let read = std::io::BufRead::read_line(&mut output, &mut seen).expect("output");
        assert!(read > 0, "it ended after {seen:?}");
    }
    mode("600");
    drop(child.stdin.take());
    let status = child.wait().expect("it ends");
    mode("666");
    std::io::Read::read_to_string(&mut output, &mut seen).expect("output");
    assert!(status.success(), "{seen}");
}

#[test]
#[ignore = "run by the test of permissions"]
fn as_another_user() {
    let camera = camera(DRIVER);
    println!("found");
    std::io::read_to_string(std::io::stdin()).expect("an end of input");
    match error(camera.open(&ModeWish::default())) {
        device::Error::Permission(path) => assert_eq!(path, "/dev/video0"),
        other => panic!("{other}"),
    }
}

#[test]
fn changed_permissions_are_noticed() {
    let plugs = Plugs::watch();
    plugs.wait_for(DRIVER, 2);
    plugs.forget();
    let status = Command::new("chmod").args(["666", "/dev/video0"]).status().expect("chmod runs");
    assert!(status.success());
    plugs.wait_for_change();
}

#[test]
fn a_disconnected_device_is_gone() {
    let camera = camera(DRIVER);
    let mut first = open(&camera, "YUYV 320x180 30");
    first.frame();
    ctl(&camera, "disconnect=1");
    let failed = first.error();
    assert!(matches!(failed, device::Error::Gone), "{failed}");
    let failed = error(camera.open(&wish("YUYV 320x180 30")));
    assert!(matches!(failed, device::Error::Gone), "{failed}");
    // The driver connects again when its last user leaves.
    drop(first);
    open(&camera, "YUYV 320x180 30").frame();
}

#[test]
fn unplugging_and_plugging_in_are_noticed_and_frames_come_again() {
    let plugs = Plugs::watch();
    plugs.wait_for(DRIVER, 2);
    let camera = camera(DRIVER);
    let identity = camera.descriptor().identity.clone();
    let mut first = open(&camera, "YUYV 320x180 30");
    first.frame();
    let driver = |file: &str| {
        fs::write(format!("/sys/bus/platform/drivers/vivid/{file}"), "vivid.0").expect(file);
    };
    driver("unbind");
    let failed = first.error();
    assert!(matches!(failed, device::Error::Gone), "{failed}");
    drop(first);
    plugs.wait_for(DRIVER, 0);
    let failed = error(camera.open(&wish("YUYV 320x180 30")));
    assert!(matches!(failed, device::Error::Gone), "{failed}");

    driver("bind");
    plugs.wait_for(DRIVER, 2);
    let again = tests::device::camera(DRIVER);
    assert_eq!(again.descriptor().identity, identity);
    open(&again, "YUYV 320x180 30").frame();
}

#[test]
fn waiting_without_a_frame_ends_in_time() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "YUYV 320x180 1");
    open.frame();
    let began = std::time::Instant::now();
    let timeout = std::time::Duration::from_millis(100);
    let next = open.capture.next_frame(&open.pool, timeout).expect("no error");
    assert!(matches!(next, Next::TimedOut));
    assert!(began.elapsed() >= timeout && began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}
