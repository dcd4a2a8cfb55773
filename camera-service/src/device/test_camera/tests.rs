use std::time::Duration;

use protocol::{
    Colour, ControlKind, ControlSetting, ControlValue, FrameHeader,
    strip::{Strip, StripError},
};

use super::*;
use crate::{
    device::{Captured, Next, wake::Waker},
    slots::Pool,
};

const SIZE: Size = Size::new(320, 240);
const RATE: FrameRate = FrameRate::new(60, 1);

fn camera() -> TestCamera {
    TestCamera::new(0, SIZE, RATE).unwrap()
}

fn open(camera: &TestCamera, format: PixelFormat) -> (Box<dyn Capture>, Pool) {
    let wish = ModeWish { format: Some(format), ..ModeWish::default() };
    let capture = camera.open(&wish).unwrap();
    let pool = capture.pool();
    (capture, pool)
}

fn frame(capture: &mut dyn Capture, pool: &Pool) -> Captured {
    match capture.next_frame(pool, Duration::from_secs(5)).unwrap() {
        Next::Frame(frame) => frame,
        Next::TimedOut => panic!("no frame within 5 s"),
        Next::Damaged { reason } => panic!("damaged: {reason}"),
    }
}

fn header(frame: &Captured, mode: Mode) -> FrameHeader {
    FrameHeader {
        sequence: frame.sequence,
        monotonic_ns: frame.monotonic_ns,
        unix_ns: 0,
        size: mode.size,
        format: mode.format,
        planes: frame.planes.clone(),
        colour: frame.colour,
        length: frame.length,
        dropped: 0,
    }
}

fn set(camera: &TestCamera, name: &str, value: ControlValue) -> Result<ControlValue, Error> {
    let setting = ControlSetting { name: name.to_owned(), value };
    camera.controls().unwrap().set(&setting)
}

#[test]
fn says_what_it_is() {
    let camera = TestCamera::new(3, SIZE, RATE).unwrap();
    let descriptor = camera.descriptor();
    assert_eq!(descriptor.identity.model, "test:3");
    assert_eq!((descriptor.driver.as_str(), descriptor.bus.as_str()), ("test", ""));
    let modes = camera.modes().unwrap();
    assert_eq!(modes.len(), 8 * 6 * 8);
    let odd = TestCamera::new(0, Size::new(321, 241), FrameRate::new(30_000, 1001)).unwrap();
    assert_eq!(odd.modes().unwrap().len(), 8 * 7 * 9);
}

#[test]
fn sizes_and_rates_that_cannot_be_drawn_are_refused() {
    for (size, rate) in [
        (Size::new(79, 100), RATE),
        (Size::new(100, 23), RATE),
        (Size::new(0, 0), RATE),
        (Size::new(7681, 4320), RATE),
        (SIZE, FrameRate::new(0, 1)),
        (SIZE, FrameRate::new(30, 0)),
        (SIZE, FrameRate::new(1001, 1)),
    ] {
        assert!(
            matches!(TestCamera::new(0, size, rate), Err(Error::UnsupportedMode(_))),
            "{size} {rate:?}"
        );
    }
}

#[test]
fn picks_the_mode_that_suits_best() {
    let camera = camera();
    let choose = |text: &str| {
        let mut wish = ModeWish::default();
        for part in text.split_whitespace() {
            if let Ok(format) = part.parse() {
                wish.format = Some(format);
            } else if let Ok(size) = part.parse() {
                wish.size = Some(size);
            } else {
                wish.rate = Some(part.parse().unwrap());
            }
        }
        camera.choose(&wish).unwrap().to_string()
    };
    assert_eq!(choose(""), "YUYV 320x240 60 fps");
    assert_eq!(choose("nv12"), "NV12 320x240 60 fps");
    assert_eq!(choose("1280x720"), "YUYV 1280x720 60 fps");
    assert_eq!(choose("700x400 29.97"), "YUYV 1280x720 30 fps");
    assert_eq!(choose("330x200"), "YUYV 640x360 60 fps");
    assert_eq!(choose("4000x3000 240 mjpg"), "MJPG 1920x1080 60 fps");
    let other = PixelFormat::Other(protocol::FourCc(*b"H264"));
    let wish = ModeWish { format: Some(other), ..ModeWish::default() };
    assert!(matches!(camera.choose(&wish), Err(Error::UnsupportedMode(_))));
}

#[test]
fn frames_are_whole_in_every_format() {
    let camera = camera();
    for format in RAW_FORMATS {
        let (mut capture, pool) = open(&camera, format);
        let mut last = None;
        for _ in 0..3 {
            let frame = frame(&mut *capture, &pool);
            let read = strip::read_frame(&header(&frame, capture.mode()), &frame.slot);
            let (sequence, monotonic_ns) = (frame.sequence, frame.monotonic_ns);
            assert_eq!(read, Ok(Strip { sequence, monotonic_ns }), "{format}");
            assert_eq!(frame.length as usize, capture.frame_bytes(), "{format}");
            assert!(last < Some(sequence), "{format}: {sequence} after {last:?}");
            last = Some(sequence);
        }
    }
}

#[test]
fn a_jpeg_holds_the_same_picture() {
    let camera = camera();
    let (mut capture, pool) = open(&camera, PixelFormat::Mjpg);
    let frame = frame(&mut *capture, &pool);
    assert_eq!(frame.colour, Colour::JPEG);
    let header = header(&frame, capture.mode());
    assert_eq!(
        strip::read_frame(&header, &frame.slot),
        Err(StripError::Compressed(PixelFormat::Mjpg))
    );
    let jpeg = &frame.slot[..frame.length as usize];
    let image = turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::RGB).unwrap();
    assert_eq!((image.width, image.height), (320, 240));
    let read = strip::read_bytes(&image.pixels[1..], image.pitch, 3, SIZE).unwrap();
    assert_eq!((read.sequence, read.monotonic_ns), (frame.sequence, frame.monotonic_ns));
    let yellow = &image.pixels[180 * image.pitch + 60 * 3..][..3];
    for (value, wanted) in yellow.iter().zip([191u8, 191, 0]) {
        assert!(value.abs_diff(wanted) <= 3, "{yellow:?}");
    }
}

#[test]
fn frames_come_at_their_times() {
    let camera = camera();
    let (mut capture, pool) = open(&camera, PixelFormat::Grey);
    let first = frame(&mut *capture, &pool);
    let mut taken = Vec::new();
    while taken.last().is_none_or(|&(sequence, _)| sequence < first.sequence + 30) {
        let frame = frame(&mut *capture, &pool);
        taken.push((frame.sequence, frame.monotonic_ns));
    }
    // Whatever the machine was busy with: no frame is early, and numbers keep step with time.
    for &(sequence, at) in &taken {
        let due = (sequence - first.sequence) * 1_000_000_000 / 60;
        // The first one may have been taken late, by less than an interval.
        assert!(at - first.monotonic_ns + 17_000_000 > due, "{sequence} came early: {taken:?}");
    }
}

#[test]
fn who_is_late_misses_frames() {
    let camera = camera();
    let (mut capture, pool) = open(&camera, PixelFormat::Grey);
    let first = frame(&mut *capture, &pool).sequence;
    std::thread::sleep(Duration::from_millis(100));
    let second = frame(&mut *capture, &pool).sequence;
    assert!(second >= first + 5, "{first}, then {second}");
}

#[test]
fn waits_no_longer_than_allowed() {
    let camera = TestCamera::new(0, SIZE, FrameRate::new(1, 3600)).unwrap();
    let (mut capture, pool) = open(&camera, PixelFormat::Grey);
    frame(&mut *capture, &pool);
    let next = capture.next_frame(&pool, Duration::from_millis(5)).unwrap();
    assert!(matches!(next, Next::TimedOut));
    assert!(pool.slots() == 1, "waiting takes no slot");
}

#[test]
fn is_open_once_at_a_time() {
    let camera = camera();
    let capture = camera.open(&ModeWish::default()).unwrap();
    assert!(matches!(camera.open(&ModeWish::default()), Err(Error::Busy)));
    drop(capture);
    assert!(camera.open(&ModeWish::default()).is_ok());
}

#[test]
fn every_kind_of_control_is_there() {
    let camera = camera();
    let list = camera.controls().unwrap().list().unwrap();
    for kind in [
        ControlKind::Integer,
        ControlKind::Boolean,
        ControlKind::Menu,
        ControlKind::Button,
        ControlKind::String,
        ControlKind::Bitmask,
    ] {
        assert!(list.iter().any(|control| control.kind == kind), "no {kind}");
    }
    for control in list.iter().filter(|control| control.kind != ControlKind::Button) {
        let set = set(&camera, &control.name, control.value.clone());
        if control.flags.read_only {
            assert!(matches!(set, Err(Error::ReadOnly(_))), "{}", control.name);
        } else {
            assert_eq!(set.unwrap(), control.value, "{}", control.name);
        }
    }
}

#[test]
fn values_are_taken_as_a_driver_would() {
    let camera = camera();
    let number = ControlValue::Integer;
    let text = |text: &str| ControlValue::String(text.to_owned());
    assert_eq!(set(&camera, "brightness", number(1000)).unwrap(), number(100));
    assert_eq!(set(&camera, "contrast", number(103)).unwrap(), number(100));
    assert_eq!(set(&camera, "channels", number(0xff)).unwrap(), number(7));
    assert_eq!(set(&camera, "pattern", text("Grey ramp")).unwrap(), number(1));
    assert_eq!(set(&camera, "text", text(&"ü".repeat(40))).unwrap(), text(&"ü".repeat(32)));
    assert_eq!(set(&camera, "reset_counter", ControlValue::None).unwrap(), ControlValue::None);
    for (name, value) in [
        ("pattern", number(3)),
        ("speed", text("3")),
        ("mirror", number(1)),
        ("no_such", number(1)),
        ("text", ControlValue::Bytes(vec![1])),
    ] {
        assert!(matches!(set(&camera, name, value), Err(Error::Refused(_))), "{name}");
    }
}

#[test]
fn controls_act_on_a_running_capture_and_outlive_it() {
    let camera = camera();
    let centre = |capture: &mut dyn Capture, pool: &Pool| frame(capture, pool).slot[180 * 320 + 60];
    let (mut capture, pool) = open(&camera, PixelFormat::Grey);
    let before = centre(&mut *capture, &pool);
    set(&camera, "brightness", ControlValue::Integer(30)).unwrap();
    let brighter = centre(&mut *capture, &pool);
    assert!(brighter > before, "{before} became {brighter}");
    drop((capture, pool));
    let (mut capture, pool) = open(&camera, PixelFormat::Grey);
    assert_eq!(centre(&mut *capture, &pool), brighter, "after opening it again");
}

#[test]
fn frames_are_counted_until_reset() {
    let camera = camera();
    let counted = || {
        let list = camera.controls().unwrap().list().unwrap();
        list.into_iter().find(|control| control.name == "frames_captured").unwrap().value
    };
    let (mut capture, pool) = open(&camera, PixelFormat::Grey);
    for _ in 0..3 {
        frame(&mut *capture, &pool);
    }
    assert_eq!(counted(), ControlValue::Integer(3));
    set(&camera, "reset_counter", ControlValue::None).unwrap();
    assert_eq!(counted(), ControlValue::Integer(0));
}

#[test]
fn what_changes_with_another_control_is_told() {
    let camera = camera();
    let mut controls = camera.controls().unwrap();
    let exposure_inactive = |controls: &mut dyn Controls| {
        let list = controls.list().unwrap();
        list.iter().find(|control| control.name == "exposure").unwrap().flags.inactive
    };
    assert!(exposure_inactive(&mut *controls));
    let manual =
        ControlSetting { name: "auto_exposure".to_owned(), value: ControlValue::Boolean(false) };
    controls.set(&manual).unwrap();
    assert!(!exposure_inactive(&mut *controls));
    let waker = Waker::new().unwrap();
    assert_eq!(controls.wait(&waker).unwrap(), ["exposure"]);
    waker.wake();
    assert_eq!(controls.wait(&waker).unwrap(), [""; 0]);
}
