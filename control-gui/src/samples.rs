//! Cameras and controls for tests of the screens.

use protocol::{
    CameraDetail, CameraId, CameraState, CameraSummary, Control, ControlFlags, ControlKind,
    ControlValue, FrameRate, MenuEntry, Mode, PixelFormat, Size,
};

/// A camera that rests.
pub(crate) fn camera(id: &str) -> CameraSummary {
    CameraSummary {
        id: CameraId::from(id),
        name: format!("Camera {id}"),
        driver: "v4l2".to_owned(),
        bus: String::new(),
        present: true,
        state: CameraState::Closed,
        reason: String::new(),
        mode: None,
        watchers: 0,
        held_open: false,
    }
}

/// A mode.
pub(crate) fn mode(format: PixelFormat, width: u32, height: u32, rate: u32) -> Mode {
    Mode { format, size: Size::new(width, height), rate: FrameRate::new(rate, 1) }
}

/// All that is known of a camera.
pub(crate) fn detail(id: &str) -> CameraDetail {
    CameraDetail {
        summary: camera(id),
        path: None,
        device_name: format!("Camera {id}"),
        modes: vec![
            mode(PixelFormat::Mjpg, 1280, 720, 30),
            mode(PixelFormat::Mjpg, 640, 480, 30),
            mode(PixelFormat::Yuyv, 640, 480, 30),
            mode(PixelFormat::Yuyv, 640, 480, 15),
        ],
        measured_rate: None,
        frames: 0,
        gaps: 0,
        damaged: 0,
        watchers: vec![],
        holders: vec![],
        renditions: vec![],
    }
}

/// A number.
pub(crate) fn number(name: &str, value: i64, range: (i64, i64)) -> Control {
    Control {
        name: name.to_owned(),
        label: label(name),
        kind: ControlKind::Integer,
        value: ControlValue::Integer(value),
        default: ControlValue::Integer(0),
        min: range.0,
        max: range.1,
        step: 1,
        menu: vec![],
        flags: ControlFlags::default(),
    }
}

/// One of every kind.
pub(crate) fn controls() -> Vec<Control> {
    let switch = Control {
        kind: ControlKind::Boolean,
        value: ControlValue::Boolean(true),
        default: ControlValue::Boolean(true),
        ..number("auto_exposure", 0, (0, 1))
    };
    let mut exposure = number("exposure", 300, (1, 1000));
    exposure.flags.inactive = true;
    let entries = ["Disabled", "50 Hz", "60 Hz"];
    let menu = entries
        .iter()
        .zip(0..)
        .map(|(label, value)| MenuEntry { value, label: (*label).to_owned() });
    let menu = Control {
        kind: ControlKind::Menu,
        menu: menu.collect(),
        ..number("power_line_frequency", 1, (0, 2))
    };
    let button = Control {
        kind: ControlKind::Button,
        value: ControlValue::None,
        default: ControlValue::None,
        ..number("restart_focus", 0, (0, 0))
    };
    let text = Control {
        kind: ControlKind::String,
        value: ControlValue::String("Studio".to_owned()),
        default: ControlValue::String(String::new()),
        ..number("text", 0, (0, 32))
    };
    let mut counter = number("frames_captured", 4711, (0, i64::MAX));
    counter.flags.read_only = true;
    counter.flags.volatile = true;
    counter.default = ControlValue::None;
    let brightness = number("brightness", 12, (-100, 100));
    vec![brightness, number("contrast", 0, (0, 200)), switch, exposure, menu, button, text, counter]
}

fn label(name: &str) -> String {
    let mut words: Vec<String> = vec![];
    for word in name.split('_') {
        let (first, rest) = word.split_at(1);
        words.push(first.to_uppercase() + rest);
    }
    words.join(" ")
}
