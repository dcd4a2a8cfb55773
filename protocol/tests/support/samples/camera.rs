//! Parts that several messages share.

use protocol::{
    CameraId, CameraState, CameraSummary, ClientSummary, Colour, ConnectionId, Control,
    ControlFlags, ControlKind, ControlValue, Delivery, ErrorKind, ErrorReply, FrameHeader,
    FrameRate, Mode, PixelFormat, Plane, Role, Size,
};

pub(crate) fn id() -> CameraId {
    CameraId::from("usb-Logitech_C920_1234ABCD")
}

pub(crate) fn test_id() -> CameraId {
    CameraId::from("test:0")
}

pub(crate) const HD: Mode =
    Mode { format: PixelFormat::Mjpg, size: Size::new(1280, 720), rate: FrameRate::new(30, 1) };

pub(crate) const VGA: Mode = Mode {
    format: PixelFormat::Yuyv,
    size: Size::new(640, 480),
    rate: FrameRate::new(30_000, 1_001),
};

pub(crate) fn error(kind: ErrorKind, message: &str) -> ErrorReply {
    ErrorReply::new(kind, message)
}

/// A webcam that two programs watch.
pub(crate) fn streaming() -> CameraSummary {
    CameraSummary {
        id: id(),
        name: "Küche".to_owned(),
        driver: "uvcvideo".to_owned(),
        bus: "usb-0000:00:14.0-1".to_owned(),
        present: true,
        state: CameraState::Streaming,
        reason: String::new(),
        mode: Some(HD),
        watchers: 2,
        held_open: false,
    }
}

/// A test camera that nobody watches.
pub(crate) fn closed() -> CameraSummary {
    CameraSummary {
        id: test_id(),
        name: "Test camera".to_owned(),
        driver: "test".to_owned(),
        bus: String::new(),
        present: true,
        state: CameraState::Closed,
        reason: String::new(),
        mode: None,
        watchers: 0,
        held_open: false,
    }
}

pub(crate) fn brightness() -> Control {
    Control {
        name: "brightness".to_owned(),
        label: "Brightness".to_owned(),
        kind: ControlKind::Integer,
        value: ControlValue::Integer(-12),
        default: ControlValue::Integer(0),
        min: -64,
        max: 64,
        step: 1,
        menu: Vec::new(),
        flags: ControlFlags::default(),
    }
}

/// A reader of frames in shared memory.
pub(crate) fn watcher() -> ClientSummary {
    ClientSummary {
        id: ConnectionId(7),
        name: "meeting".to_owned(),
        pid: 4321,
        program: "meet".to_owned(),
        remote: None,
        role: Role::Stream,
        camera: Some(id()),
        delivery: Some(Delivery::Shared),
        since_unix_ns: 1_700_000_000_000_000_000,
        frames: 900,
        dropped: 3,
    }
}

/// 640 × 480 in NV12: two planes.
pub(crate) fn nv12() -> FrameHeader {
    FrameHeader {
        sequence: 41,
        monotonic_ns: 5_000_000_123,
        unix_ns: 1_700_000_000_033_333_333,
        size: Size::new(640, 480),
        format: PixelFormat::Nv12,
        planes: vec![Plane { offset: 0, stride: 640 }, Plane { offset: 307_200, stride: 640 }],
        colour: Colour::VIDEO,
        length: 460_800,
        dropped: 2,
    }
}

/// 1280 × 720 in MJPG: one plane without rows.
pub(crate) fn mjpg() -> FrameHeader {
    FrameHeader {
        sequence: 42,
        monotonic_ns: 5_033_333_456,
        unix_ns: 1_700_000_000_066_666_666,
        size: Size::new(1280, 720),
        format: PixelFormat::Mjpg,
        planes: vec![Plane { offset: 0, stride: 0 }],
        colour: Colour::JPEG,
        length: 157_001,
        dropped: 0,
    }
}
