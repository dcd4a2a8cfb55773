//! Whether the pretended camera does what tests and benches rely on, seen with a peer's program.
#![cfg(target_os = "linux")]

use std::{process::Command, time::Duration};

use tests::{Program, Shim};

const LONG: Duration = Duration::from_secs(30);

fn v4l2_ctl(shim: &Shim, args: &[&str]) -> Program {
    let mut command = Command::new("v4l2-ctl");
    command.args(["-d", Shim::DEVICE]).args(args).envs(shim.env());
    Program::start("v4l2-ctl", &mut command)
}

#[test]
fn it_streams_both_formats() {
    let shim = Shim::new();
    for (format, at) in [("MJPG", 6), ("YUYV", 0)] {
        let wish = format!("--set-fmt-video=width=640,height=480,pixelformat={format}");
        let args = [&wish, "--stream-mmap", "--stream-count=2", "--stream-to=-"];
        let out = v4l2_ctl(&shim, &args).wait(LONG).ok();
        assert_eq!(&out.stdout[at..at + 8], b"V4L2SHIM", "the tag in a {format} frame");
    }
}

#[test]
fn it_is_not_there_while_disconnected() {
    let shim = Shim::new();
    v4l2_ctl(&shim, &["--info"]).wait(LONG).ok();
    shim.disconnect();
    v4l2_ctl(&shim, &["--info"]).wait(LONG).expect_code(1);
    shim.run();
    v4l2_ctl(&shim, &["--info"]).wait(LONG).ok();
}

#[test]
fn it_refuses_to_stream_while_busy() {
    let shim = Shim::new();
    shim.busy();
    let out = v4l2_ctl(&shim, &["--stream-mmap", "--stream-count=1"]).wait(LONG);
    assert!(out.stderr.contains("busy"), "{out:?}");
    shim.run();
    let out = v4l2_ctl(&shim, &["--stream-mmap", "--stream-count=1"]).wait(LONG).ok();
    assert!(!out.stderr.contains("busy"), "{out:?}");
}

#[test]
fn controls_are_shared_between_programs() {
    let shim = Shim::new();
    v4l2_ctl(&shim, &["--set-ctrl=brightness=11"]).wait(LONG).ok();
    let out = v4l2_ctl(&shim, &["--get-ctrl=brightness"]).wait(LONG).ok();
    assert_eq!(out.text().trim(), "brightness: 11");
}
