//! Replies.

use protocol::{
    Affected, CameraDetail, ConnectionId, Control, ControlFlags, ControlKind, ControlOutcome,
    ControlSetting, ControlValue, ErrorKind, FourCc, FrameRate, Holder, MenuEntry, Mode,
    PixelFormat, Preset, Reply, ReplyMessage, ServiceStatus, StartedCamera, Watcher,
};

use super::{Sample, bridge, camera, plain, special};

fn detail() -> CameraDetail {
    CameraDetail {
        summary: camera::streaming(),
        path: Some("/dev/video0".to_owned()),
        device_name: "HD Pro Webcam C920".to_owned(),
        modes: vec![
            camera::HD,
            camera::VGA,
            Mode { format: PixelFormat::Other(FourCc(*b"H264")), ..camera::HD },
        ],
        measured_rate: Some(FrameRate::new(29_970, 1_000)),
        frames: 1_000,
        gaps: 2,
        damaged: 1,
        watchers: vec![Watcher {
            connection: ConnectionId(7),
            name: "meeting".to_owned(),
            pid: 4321,
            program: "meet".to_owned(),
            since_unix_ns: 1_700_000_000_000_000_000,
        }],
        holders: vec![
            Holder { pid: 987, program: "guvcview".to_owned(), streaming: false },
            Holder { pid: 0, program: "another user's program".to_owned(), streaming: true },
        ],
        renditions: vec!["NV12 360x640 15 fps".to_owned()],
    }
}

/// One control of every kind, and every flag once.
fn controls() -> Vec<Control> {
    let entry = |value, label: &str| MenuEntry { value, label: label.to_owned() };
    let control = |label: &str, kind, value: ControlValue| Control {
        name: label.to_lowercase().replace(' ', "_"),
        label: label.to_owned(),
        kind,
        default: value.clone(),
        value,
        ..camera::brightness()
    };
    let flags = ControlFlags::default();
    vec![
        camera::brightness(),
        Control {
            min: 0,
            max: 1,
            flags: ControlFlags { volatile: true, grabbed: true, ..flags },
            ..control("Auto Focus", ControlKind::Boolean, ControlValue::Boolean(true))
        },
        Control {
            min: 0,
            max: 2,
            menu: vec![entry(0, "Disabled"), entry(1, "50 Hz"), entry(2, "60 Hz")],
            flags: ControlFlags { inactive: true, ..flags },
            ..control("Power Line Frequency", ControlKind::Menu, ControlValue::Integer(1))
        },
        Control {
            min: 0,
            max: 0,
            flags: ControlFlags { write_only: true, ..flags },
            ..control("Calibrate", ControlKind::Button, ControlValue::None)
        },
        Control {
            min: 0,
            max: 32,
            ..control("Owner", ControlKind::String, ControlValue::String("Zoë".to_owned()))
        },
        Control {
            min: 0,
            max: 0x0f,
            flags: ControlFlags { disabled: true, ..flags },
            ..control("Leds", ControlKind::Bitmask, ControlValue::Integer(5))
        },
        Control {
            min: 0,
            max: 2,
            flags: ControlFlags { read_only: true, ..flags },
            ..control("Lens Table", ControlKind::Compound, ControlValue::Bytes(vec![0xca, 0xfe]))
        },
    ]
}

fn status() -> ServiceStatus {
    ServiceStatus {
        version: "0.1.0".to_owned(),
        pid: 1234,
        since_unix_ns: 1_699_999_000_000_000_000,
        endpoint: "/run/user/1000/camera-service/v1.sock".to_owned(),
        config: "/home/anna/.config/camera-service/config.toml".to_owned(),
        started_by: "by hand".to_owned(),
        privacy_off: false,
        cameras: vec![camera::closed()],
        connections: 3,
        max_connections: 512,
        slot_bytes: 14_745_600,
    }
}

fn replies() -> Vec<Sample<Reply>> {
    let taken =
        ControlOutcome { name: "brightness".to_owned(), result: Ok(ControlValue::Integer(-12)) };
    let refused = ControlOutcome {
        name: "zoom".to_owned(),
        result: Err(camera::error(ErrorKind::OutOfRange, "zoom is 1 to 5, not 9")),
    };
    let settings = || {
        vec![ControlSetting { name: "brightness".to_owned(), value: ControlValue::Integer(-12) }]
    };
    let affected = Affected {
        connection: ConnectionId(7),
        name: "meeting".to_owned(),
        pid: 4321,
        program: "meet".to_owned(),
    };
    vec![
        plain(Reply::Done),
        plain(Reply::Cameras(vec![camera::streaming(), camera::closed()])),
        plain(Reply::Camera(Box::new(detail()))),
        plain(Reply::Status(status())),
        plain(Reply::Clients(vec![camera::watcher()])),
        plain(Reply::Started(StartedCamera { mode: camera::HD, affected: vec![affected] })),
        plain(Reply::Controls(controls())),
        plain(Reply::Outcomes(vec![taken, refused])),
        plain(Reply::Presets(vec![Preset { name: "day".to_owned(), settings: settings() }])),
        plain(Reply::Pins(settings())),
    ]
}

/// Their ids count from 1; 0 is the connection's own.
fn since_1_1() -> Vec<Sample<Reply>> {
    vec![
        plain(Reply::Tokens(vec![bridge::summary()])),
        plain(Reply::TokenAdded(bridge::made())),
        plain(Reply::Bridge(bridge::running())),
        special("failing", Reply::Bridge(bridge::failing())),
        plain(Reply::Grant(bridge::grant())),
        plain(Reply::Watching { camera: camera::id() }),
    ]
}

pub(crate) fn reply() -> Vec<Sample<ReplyMessage>> {
    let failed = Err(camera::error(
        ErrorKind::NoSuchCamera,
        "no camera is called attic; `camera-service list` shows all",
    ));
    let closed = Err(camera::error(ErrorKind::Forbidden, "the token was revoked"));
    replies()
        .into_iter()
        .map(|(name, reply)| (name, Ok(reply)))
        .chain([("error".to_owned(), failed)])
        .chain(since_1_1().into_iter().map(|(name, reply)| (name, Ok(reply))))
        .zip(1..)
        .map(|((name, result), id)| (name, ReplyMessage { id, result }))
        .chain([("error/of_the_connection".to_owned(), ReplyMessage { id: 0, result: closed })])
        .collect()
}
