//! The V4L2 backend against the kernel's `uvcvideo` driver and a USB camera made of software.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share one camera, which takes
//! commands through `/run/uvcsim` and sends the images in `/frames`.

use std::{collections::HashSet, fs, path::Path, thread, time::Instant};

use camera_service::device::{self, wake::Waker};
use protocol::{ControlFlags, ControlKind, ControlValue, ModeWish};
use tests::{
    Process,
    device::{PATIENCE, Plugs, camera, cameras, control, error, open, set, v4l2_ctl, wish},
};

const DRIVER: &str = "uvcvideo";

/// Tells the camera something.
fn tell(command: &str) {
    fs::write("/run/uvcsim", format!("{command}\n")).expect("uvcsim takes commands");
}

/// The images that the camera sends in one size.
fn images(size: &str) -> HashSet<Vec<u8>> {
    let files = fs::read_dir("/frames").expect("frames").flatten();
    let ours = files.filter(|file| file.file_name().to_string_lossy().starts_with(size));
    ours.map(|file| fs::read(file.path()).expect("an image")).collect()
}

/// Whether this program has mapped the driver's memory, from which frames are copied.
fn is_mapped() -> bool {
    Process::new(std::process::id()).has_mapped(Path::new("/dev/video0"))
}

#[test]
fn it_is_known_by_vendor_product_serial_and_port() {
    let found = cameras(DRIVER);
    assert_eq!(found.len(), 1, "the metadata node is no camera");
    let descriptor = found[0].descriptor();
    assert_eq!(descriptor.identity.model, "usb-vm-camera_UVC_Test_Camera");
    assert_eq!(descriptor.identity.serial.as_deref(), Some("0001"));
    assert_eq!(descriptor.identity.port, "usb-vhci_hcd.0-1");
    assert_eq!(descriptor.bus, "usb-vhci_hcd.0-1");
    assert!(descriptor.name.starts_with("UVC Test Camera"), "{}", descriptor.name);
    assert!(Path::new("/dev/video1").exists(), "there is a metadata node");
}

#[test]
fn every_mode_is_listed_with_exact_rates() {
    let mut names: Vec<String> =
        camera(DRIVER).modes().expect("modes").iter().map(ToString::to_string).collect();
    let mut all = Vec::new();
    for format in ["MJPG", "YUYV"] {
        for size in ["320x240", "640x480", "1280x720", "1920x1080"] {
            for rate in ["60", "30", "15", "10", "7.5"] {
                all.push(format!("{format} {size} {rate} fps"));
            }
        }
    }
    names.sort();
    all.sort();
    assert_eq!(names, all);
}

#[test]
fn images_arrive_byte_for_byte() {
    let camera = camera(DRIVER);
    for size in ["320x240", "640x480", "1280x720", "1920x1080"] {
        let sent = images(size);
        assert!(sent.len() > 1, "images of {size}");
        let mut open = open(&camera, &format!("MJPG {size} 10"));
        assert_eq!(open.capture.mode().to_string(), format!("MJPG {size} 10 fps"));
        let mut seen = HashSet::new();
        for _ in 0..6 {
            let frame = open.frame();
            let image = frame.slot[..frame.length as usize].to_vec();
            assert!(sent.contains(&image), "{size}: {} bytes that were not sent", image.len());
            seen.insert(image);
        }
        assert!(seen.len() > 1, "one image over and over");
        assert!(!is_mapped(), "the kernel writes into slots");
    }
}

#[test]
fn raw_frames_have_the_right_pixels() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "YUYV 320x240 10");
    for _ in 0..5 {
        let frame = open.frame();
        assert_eq!(frame.length, 320 * 240 * 2);
        // A bright bar, wherever it is now, before a dull ground; the same in every row.
        let rows: Vec<&[u8]> = frame.slot[..frame.length as usize].chunks(640).collect();
        let (first, last) = (rows[0], rows[239]);
        let bright = first.iter().filter(|byte| **byte == 0xeb).count();
        assert!((1..=64).contains(&bright), "{bright} bytes of the bar in {first:?}");
        assert_eq!(first.iter().filter(|byte| **byte == 0x80).count(), 640 - bright, "{first:?}");
        assert_eq!(first, last, "torn");
    }
    assert!(!is_mapped(), "the kernel writes into slots");
}

#[test]
fn a_fractional_rate_is_kept() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "YUYV 320x240 7.5");
    let rate = open.capture.mode().rate;
    assert_eq!((rate.numerator, rate.denominator), (15, 2));
    let (first, second) = (open.frame(), open.frame());
    let frames = second.sequence - first.sequence;
    let apart = (second.monotonic_ns - first.monotonic_ns) / frames / 1_000_000;
    assert!((60..400).contains(&apart), "{apart} ms from frame to frame");
}

#[test]
fn nothing_wished_gives_720p_raw_at_30() {
    // The camera lists raw 720p at 60; whether a bus can carry it, it does not say.
    let open = camera(DRIVER).open(&ModeWish::default()).expect("opens");
    assert_eq!(open.mode().to_string(), "YUYV 1280x720 30 fps");
}

/// Unplugs the camera and plugs it in again, the driver being told to keep or to drop frames
/// that it finds damaged.
fn replug_keeping_damaged_frames(keep: bool) {
    let plugs = Plugs::watch();
    let parameter = "/sys/module/uvcvideo/parameters/nodrop";
    fs::write(parameter, if keep { "1" } else { "0" }).expect("a parameter of the driver");
    tell("unplug");
    plugs.wait_for(DRIVER, 0);
    tell("plug");
    plugs.wait_for(DRIVER, 1);
}

#[test]
fn an_image_that_was_cut_off_is_damaged() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "MJPG 320x240 15");
    open.frame();
    tell("short 1");
    assert_eq!(open.damaged(), "it does not end like a JPEG image");
    let frame = open.frame();
    assert!(images("320x240").contains(&frame.slot[..frame.length as usize]));
}

#[test]
fn what_the_driver_drops_leaves_a_gap() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "YUYV 320x240 15");
    for command in ["short 3", "bad 3"] {
        let mut last = open.frame().sequence;
        tell(command);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let frame = open.frame();
            assert_eq!(frame.length, 320 * 240 * 2);
            if frame.sequence > last + 2 {
                break;
            }
            last = frame.sequence;
            assert!(Instant::now() < deadline, "no gap after {command}");
        }
    }
}

#[test]
fn what_the_driver_marks_is_damaged_and_others_follow_whole() {
    replug_keeping_damaged_frames(true);
    let camera = camera(DRIVER);
    for format in ["MJPG", "YUYV"] {
        let mut open = open(&camera, &format!("{format} 320x240 15"));
        open.frame();
        tell("bad 1");
        assert_eq!(open.damaged(), "the driver marked it as damaged");
        open.frame();
        tell("short 1");
        // Raw frames that are short the driver marks by itself.
        open.damaged();
        let frame = open.frame();
        match format {
            "YUYV" => assert_eq!(frame.length, 320 * 240 * 2),
            _ => assert!(images("320x240").contains(&frame.slot[..frame.length as usize])),
        }
    }
    replug_keeping_damaged_frames(false);
}

#[test]
fn a_stall_is_told_and_frames_resume() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "MJPG 320x240 15");
    open.frame();
    tell("stall");
    open.stalled();
    tell("go");
    open.frame();
}

#[test]
fn a_second_opener_finds_it_busy() {
    let camera = camera(DRIVER);
    let mut first = open(&camera, "MJPG 320x240 15");
    first.frame();
    let failed = error(camera.open(&wish("MJPG 320x240 15")));
    assert!(matches!(failed, device::Error::Busy), "{failed}");
    first.frame();
}

#[test]
fn its_controls_are_listed_with_ranges_menus_and_flags() {
    let mut controls = camera(DRIVER).controls().expect("controls");
    let names: Vec<String> =
        controls.list().expect("a list").into_iter().map(|control| control.name).collect();
    let listed = v4l2_ctl(&camera(DRIVER), &["-L"]);
    for name in &names {
        assert!(listed.lines().any(|line| line.trim().starts_with(name)), "{name}: {listed}");
    }
    assert_eq!(names.len(), 16, "{names:?}");

    let exposure = control(&mut controls, "exposure_time_absolute");
    assert_eq!((exposure.min, exposure.max, exposure.step), (3, 2047, 1));
    assert_eq!(exposure.default, ControlValue::Integer(250));
    assert_eq!(exposure.label, "Exposure Time, Absolute");
    let pan = control(&mut controls, "pan_absolute");
    assert_eq!((pan.min, pan.max, pan.step), (-36_000, 36_000, 3_600));
    let auto = control(&mut controls, "auto_exposure");
    assert_eq!(auto.kind, ControlKind::Menu);
    let menu: Vec<(i64, &str)> =
        auto.menu.iter().map(|entry| (entry.value, entry.label.as_str())).collect();
    assert_eq!(menu, [(1, "Manual Mode"), (3, "Aperture Priority Mode")]);
}

#[test]
fn controls_work_while_frames_flow_and_tell_what_else_changed() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "MJPG 320x240 15");
    open.frame();
    let mut controls = camera.controls().expect("controls");
    let inactive = ControlFlags { inactive: true, ..Default::default() };
    set(&mut controls, "auto_exposure", ControlValue::Integer(3)).expect("automatic");
    assert_eq!(control(&mut controls, "exposure_time_absolute").flags, inactive);

    let waker = Waker::new().expect("a waker");
    let manual = ControlValue::String("Manual Mode".to_owned());
    let taken = set(&mut controls, "auto_exposure", manual).expect("manual");
    assert_eq!(taken, ControlValue::Integer(1));
    let told = controls.wait(&waker).expect("something was told");
    assert!(told.iter().any(|name| name == "exposure_time_absolute"), "{told:?}");
    let exposure = control(&mut controls, "exposure_time_absolute");
    assert_eq!(exposure.flags, ControlFlags::default());

    let taken = set(&mut controls, "exposure_time_absolute", ControlValue::Integer(333));
    assert_eq!(taken.expect("set"), ControlValue::Integer(333));
    let told = v4l2_ctl(&camera, &["-C", "exposure_time_absolute"]);
    assert_eq!(told.trim(), "exposure_time_absolute: 333");
    open.frame();
    v4l2_ctl(&camera, &["-c", "brightness=42"]);
    assert_eq!(controls.wait(&waker).expect("a change"), ["brightness"]);
    assert_eq!(control(&mut controls, "brightness").value, ControlValue::Integer(42));
    set(&mut controls, "auto_exposure", ControlValue::Integer(3)).expect("automatic");
}

#[test]
fn unplugging_ends_frames_and_waiting_and_plugging_in_brings_it_back() {
    let plugs = Plugs::watch();
    plugs.wait_for(DRIVER, 1);
    let camera = camera(DRIVER);
    let mut controls = camera.controls().expect("controls");
    let mut first = open(&camera, "MJPG 320x240 15");
    first.frame();
    let waiting = thread::spawn(move || controls.wait(&Waker::new().expect("a waker")));
    tell("unplug");
    let failed = first.error();
    assert!(matches!(failed, device::Error::Gone), "{failed}");
    let failed = error(waiting.join().expect("no panic"));
    assert!(matches!(failed, device::Error::Gone), "{failed}");
    drop(first);
    plugs.wait_for(DRIVER, 0);
    let failed = error(camera.open(&wish("MJPG 320x240 15")));
    assert!(matches!(failed, device::Error::Gone), "{failed}");

    tell("plug");
    plugs.wait_for(DRIVER, 1);
    let again = tests::device::camera(DRIVER);
    assert_eq!(again.descriptor().identity, camera.descriptor().identity);
    open(&again, "MJPG 320x240 15").frame();
}
