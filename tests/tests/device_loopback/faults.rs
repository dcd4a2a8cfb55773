//! What readers see when the camera or the service is gone, and devices that cannot be written
//! into.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use super::*;

/// Long enough for an emulated machine, short enough to tell it from waiting.
const SOON: Duration = Duration::from_secs(4);

/// Waits until the newest frame that `reader` got is one that is `wanted`.
#[track_caller]
fn wait_for_frame(reader: &Reader, what: &str, wanted: impl Fn(Seen) -> bool) {
    wait_until(what, PATIENCE, || {
        let frame = reader.last(FRAME);
        let seen = Footage::new(frame, "YUYV", size()).seen();
        match seen.last() {
            Some(seen) if wanted(*seen) => Ok(()),
            seen => Err(format!("{seen:?} of {} bytes", reader.so_far().len())),
        }
    });
}

/// Waits until as many more frames have come.
#[track_caller]
fn wait_for_more(reader: &Reader, frames: usize) {
    let before = reader.so_far().len();
    wait_until(&format!("{frames} more frames"), PATIENCE, || {
        let more = reader.so_far().len() - before;
        if more >= frames * FRAME { Ok(()) } else { Err(format!("{more} bytes more")) }
    });
}

#[test]
fn readers_see_black_while_the_camera_is_lost() {
    let service = service();
    let camera = "vivid-platform-vivid-000";
    let loopback = Loopback::start(&service, camera, EXCLUSIVE, &["--size", SIZE]);
    let reader = Reader::v4l2_ctl(EXCLUSIVE, 0);
    loopback.wait_for(0, "streaming");
    wait_for_frame(&reader, "a picture", |seen| seen != Seen::Black);

    vivid("unbind");
    let lost = loopback.wait_for(0, "lost");
    wait_for_frame(&reader, "black", |seen| seen == Seen::Black);
    // Again and again, so that the reader does not give up.
    wait_for_more(&reader, 2);
    wait_for_frame(&reader, "black", |seen| seen == Seen::Black);

    vivid("bind");
    loopback.wait_for(lost, "streaming");
    wait_for_frame(&reader, "a picture", |seen| seen != Seen::Black);
}

#[test]
fn readers_see_black_while_all_cameras_are_turned_off() {
    let service = service();
    let loopback = Loopback::start(&service, "test:0", BOTH, &["--size", SIZE]);
    let reader = Reader::v4l2_ctl(BOTH, 0);
    loopback.wait_for(0, "streaming");
    wait_for_frame(&reader, "a picture", |seen| matches!(seen, Seen::Number(_)));

    service.cli(&["off"]).ok();
    let blocked = loopback.wait_for(0, "blocked");
    wait_for_frame(&reader, "black", |seen| seen == Seen::Black);
    wait_for_more(&reader, 2);
    wait_for_frame(&reader, "black", |seen| seen == Seen::Black);
    // Who comes now sees black as well.
    drop(reader);
    let unread = loopback.wait_for(blocked, "unread");
    let seen = Footage::new(Reader::v4l2_ctl(BOTH, 3).wait(), "YUYV", size()).seen();
    assert_eq!(seen, [Seen::Black; 3]);
    loopback.wait_for(unread, "blocked");

    let reader = Reader::v4l2_ctl(BOTH, 0);
    service.cli(&["on"]).ok();
    loopback.wait_for(unread, "streaming");
    wait_for_frame(&reader, "a picture", |seen| matches!(seen, Seen::Number(_)));
}

/// Takes the cameras of the vivid driver away (`unbind`) or brings them back (`bind`).
fn vivid(action: &str) {
    fs::write(format!("/sys/bus/platform/drivers/vivid/{action}"), "vivid.0").expect("root may");
    wait_until(&format!("vivid to {action}"), PATIENCE, || {
        let is_there = Path::new("/dev/video0").exists() && Path::new("/dev/video1").exists();
        if is_there == (action == "bind") { Ok(()) } else { Err(format!("there: {is_there}")) }
    });
}

#[test]
fn it_outlives_a_service_that_stops_and_starts_again() {
    let mut service = service();
    let mut loopback = Loopback::start(&service, "test:0", EXCLUSIVE, &["--size", SIZE]);
    let reader = Reader::v4l2_ctl(EXCLUSIVE, 0);
    loopback.wait_for(0, "streaming");
    wait_for_frame(&reader, "a picture", |seen| seen != Seen::Black);

    service.terminate().ok();
    let gone = loopback.wait_for(0, "service_gone");
    wait_for_frame(&reader, "black", |seen| seen == Seen::Black);
    wait_for_more(&reader, 2);
    assert_eq!(loopback.lines().len(), gone, "told once: {:?}", loopback.lines());

    let mut again = service.command();
    again.arg("serve").arg("--config").arg(service.config_file());
    let mut again = Program::start("serve", again.args(["--test-camera", "320x240@15"]));
    loopback.wait_for(gone, "streaming");
    wait_for_frame(&reader, "a picture", |seen| matches!(seen, Seen::Number(_)));
    loopback.program().terminate().ok();
    again.terminate().ok();
}

#[test]
fn a_killed_one_can_be_started_again_under_its_reader() {
    let service = service();
    let mut first = Loopback::start(&service, "test:0", EXCLUSIVE, &["--size", SIZE]);
    let reader = Reader::v4l2_ctl(EXCLUSIVE, 0);
    first.wait_for(0, "streaming");
    first.program().kill();
    let second = Loopback::start(&service, "test:0", EXCLUSIVE, &["--size", SIZE]);
    second.wait_for(0, "streaming");
    wait_for_more(&reader, 5);
    wait_for_frame(&reader, "a picture", |seen| matches!(seen, Seen::Number(_)));

    // As long as somebody has it open, its format stays.
    drop(second);
    let args = ["loopback", "test:0", EXCLUSIVE, "--size", "160x120"];
    let refused = service.cli(&args).expect_code(1);
    refused.expect_error("stays at YUYV 320x240 in place of YUYV 160x120").expect_error("v4l2-ctl");
}

#[test]
fn what_cannot_be_written_into_is_said_at_once() {
    let service = service();
    let refused = |device: &str| {
        let began = Instant::now();
        let out = service.cli(&["loopback", "test:0", device, "--size", SIZE]).expect_code(1);
        assert!(began.elapsed() < SOON, "{device}: {:?}", began.elapsed());
        out
    };
    refused("/dev/video0").expect_error("/dev/video0 is a camera (vivid, driver vivid)");
    refused("/dev/null").expect_error("/dev/null is no video device");
    refused("/dev/video99").expect_error("modprobe v4l2loopback");
    refused("/etc/passwd").expect_error("/etc/passwd is no device");
    service.cli(&["loopback", "nobody", EXCLUSIVE]).expect_code(5);

    let _writer = Loopback::start(&service, "test:0", EXCLUSIVE, &["--size", SIZE]);
    refused(EXCLUSIVE)
        .expect_error("another program writes into /dev/video10 already: camera-service (pid ");
    let _producer = producer();
    refused(FOREIGN).expect_error("another program writes into /dev/video12 already: ffmpeg (pid ");
    let json = service.cli(&["loopback", "test:0", FOREIGN, "--size", SIZE, "--json"]);
    json.expect_code(1).expect_error("{\"error\":{\"kind\":\"loopback\"");
}

#[test]
fn a_device_without_permission_says_what_to_do() {
    let service = Service::builder().test_camera("320x240@15").user(1000).start();
    let give =
        |bits| fs::set_permissions(BOTH, fs::Permissions::from_mode(bits)).expect("root may");
    give(0o600);
    let refused = service.cli(&["loopback", "test:0", BOTH, "--size", SIZE]);
    give(0o666);
    refused
        .expect_code(1)
        .expect_error("no permission to open /dev/video11")
        .expect_error("usermod");
    // With it nothing more is needed, although who reads, which is root, cannot be seen.
    let loopback = Loopback::start(&service, "test:0", BOTH, &["--size", SIZE]);
    assert_in_order(&Footage::new(Reader::v4l2_ctl(BOTH, 20).wait(), "YUYV", size()).seen(), 10);
    let read = loopback.wait_for(0, "read");
    assert_eq!(loopback.lines()[read - 1]["programs"], json!([]));
    loopback.wait_for(read, "unread");
    wait_for_state(&service, "test:0", "closed");
}

#[test]
fn it_ends_when_the_device_is_removed() {
    let service = service();
    for is_read in [false, true] {
        let mut loopback = Loopback::start(&service, "test:0", EXCLUSIVE, &["--size", SIZE]);
        let reader = is_read.then(|| Reader::v4l2_ctl(EXCLUSIVE, 0));
        if is_read {
            loopback.wait_for(0, "streaming");
        }
        // The driver lets nobody unload it while it is in use; what else takes a device away,
        // takes its file.
        let rmmod = Command::new("rmmod").arg("v4l2loopback").output().expect("rmmod");
        assert!(!rmmod.status.success(), "the driver was unloaded");
        let numbers = fs::read_to_string("/sys/class/video4linux/video10/dev").expect("its number");
        let (major, minor) = numbers.trim().split_once(':').expect("two numbers");
        let began = Instant::now();
        fs::remove_file(EXCLUSIVE).expect("root may");
        let ended = loopback.program().wait(PATIENCE);
        let took = began.elapsed();
        guest::output("mknod", &["-m", "666", EXCLUSIVE, "c", major, minor]);
        drop(reader);
        ended.expect_code(1).expect_error("/dev/video10 was removed");
        assert!(took < SOON, "{took:?}");
    }
}
