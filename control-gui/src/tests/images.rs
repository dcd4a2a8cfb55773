//! Images of the screens in light and dark, compared byte by byte with those in
//! `control-gui/snapshots`. To make them anew, run with UPDATE_SNAPSHOTS=1 and look at them.
//!
//! Images are drawn by tiny-skia (ICED_TEST_BACKEND in `.cargo/config.toml`), the same everywhere.

use std::{env, fs, path::PathBuf};

use protocol::{
    BridgeStatus, ClientSummary, ConnectionId, ControlFlags, Delivery, ErrorKind, Event, Role,
    Scope, State,
};

use super::setup::findings;
use super::*;
use crate::screen::remote::Purpose;
use crate::{
    app::Shown, command::CommandError, connection::Failure, screen::welcome,
    setup::Message as Setup, start::StartError, style,
};

/// A window in which a long screen is seen as a whole.
const TALL: Size = Size::new(800.0, 1200.0);

/// Compares what `app` shows with the images of this name.
#[track_caller]
fn matches(app: &App, name: &str) {
    matches_in(app, name, SIZE);
}

/// The same, in a window of another size.
#[track_caller]
fn matches_in(app: &App, name: &str, size: Size) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let new = env::temp_dir().join("control-gui-snapshots");
    for (theme, shade) in [(style::light(), "light"), (style::dark(), "dark")] {
        let shot = simulator_of(app.view(), size).snapshot(&theme).expect("it can be drawn");
        let name = format!("{name}-{shade}");
        let file = folder.join(format!("{name}-tiny-skia.png"));
        if env::var_os("UPDATE_SNAPSHOTS").is_some() {
            // It may be there or not.
            let _ = fs::remove_file(&file);
        } else {
            // One that is missing would be made, and pass.
            assert!(file.is_file(), "{} is missing; run with UPDATE_SNAPSHOTS=1", file.display());
        }
        let same = shot.matches_image(folder.join(format!("{name}.png"))).expect("it can be read");
        if !same {
            let _ = fs::remove_file(new.join(format!("{name}-tiny-skia.png")));
            shot.matches_image(new.join(format!("{name}.png"))).expect("it can be written");
            panic!("{name} looks different now: see {}", new.display());
        }
    }
}

#[test]
fn no_service_runs() {
    let mut app = no_service();
    matches(&app, "no-service");
    tell(&mut app, Message::Setup(Setup::AtLogin(Ok(true))));
    matches(&app, "no-service-until-login");
    let log = (1..=12).map(|n| format!("line {n} of what the service said before it ended"));
    let error = StartError {
        what: "The service ended at once (exit status: 1).".to_owned(),
        log: log.collect::<Vec<_>>().join("\n"),
    };
    tell(&mut app, Message::Welcome(welcome::Message::Started(Err(error))));
    matches(&app, "no-service-and-it-does-not-start");
}

#[test]
fn there_is_no_camera() {
    let mut app = with_cameras(vec![]);
    matches(&app, "no-camera");
    tell(&mut app, Message::Setup(Setup::Found(Ok(findings()))));
    matches(&app, "no-camera-and-why");
    tell(&mut app, Message::Setup(Setup::Found(Ok(vec![]))));
    matches(&app, "no-camera-and-no-cause");
    let error = CommandError::Silent("camera-service doctor".to_owned());
    tell(&mut app, Message::Setup(Setup::Found(Err(error))));
    matches(&app, "no-camera-and-no-doctor");
}

#[test]
fn a_camera_can_be_started() {
    let mut app = ready();
    matches(&app, "controls");
    tell(&mut app, Message::Show(Shown::Controls));
    matches(&app, "ready");
}

#[test]
fn a_camera_does_not_deliver() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Controls));
    click(&mut app, "Start");
    matches(&app, "waiting");
    let held = CameraSummary {
        state: CameraState::Lost,
        reason: "held by ffmpeg (pid 4711); close it there and frames resume".to_owned(),
        ..samples::camera("a")
    };
    on_stream(&mut app, stream::Update::Lost(held.reason.clone()));
    happened(&mut app, Event::CameraChanged(held));
    matches(&app, "held");
    on_stream(&mut app, stream::Update::Blocked);
    let state = State { cameras: vec![samples::camera("a")], clients: vec![], privacy_off: true };
    happened(&mut app, Event::State(state));
    matches(&app, "all-off");
}

#[test]
fn a_stream_is_turned_and_cropped() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Controls));
    click(&mut app, "Start");
    click(&mut app, "Framing");
    matches(&app, "framing");
    click(&mut app, "Turn right");
    click(&mut app, "Mirror stream");
    click(&mut app, "Crop");
    matches(&app, "framing-changed");
}

#[test]
fn remote_users() {
    let mut app = remote::shown();
    matches(&app, "remote-not-known-yet");
    let bridge = BridgeStatus { listen: "127.0.0.1:8088".to_owned(), ..BridgeStatus::default() };
    remote::answer(&mut app, Purpose::Bridge, Ok(Reply::Bridge(bridge)));
    matches(&app, "remote-off");
    remote::answer(&mut app, Purpose::Bridge, Ok(Reply::Bridge(remote::bridge())));
    let mut used = remote::token("tablet", &[Scope::Watch, Scope::Control]);
    used.connections = 2;
    used.cameras = vec![CameraId::from("a")];
    let tokens = vec![used, remote::token("door", &[Scope::Publish])];
    remote::answer(&mut app, Purpose::Tokens, Ok(Reply::Tokens(tokens)));
    matches(&app, "remote");
    // All of it: what lies below the edge is scrolled to.
    matches_in(&app, "remote-whole", TALL);
    remote::made(&mut app, Purpose::Token);
    matches_in(&app, "remote-token", TALL);
    remote::made(&mut app, Purpose::Invitation);
    matches_in(&app, "remote-invitation", TALL);
}

#[test]
fn the_service_has_ended_meanwhile() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Controls));
    click(&mut app, "Start");
    tell(&mut app, Message::Connection(Update::Gone(Why::Ended)));
    matches(&app, "service-ended");
}

#[test]
fn controls_that_cannot_be_set_say_why() {
    let mut app = ready();
    let mut refused = samples::number("contrast", 0, (0, 200));
    refused.flags = ControlFlags { grabbed: true, ..ControlFlags::default() };
    happened(&mut app, Event::ControlChanged { camera: CameraId::from("a"), control: refused });
    let set = controls::Purpose::Set("brightness".to_owned());
    let failure = Failure {
        kind: Some(ErrorKind::OutOfRange),
        message: "brightness takes -100 to 100".to_owned(),
    };
    let message = controls::Message::Answered(CameraId::from("a"), set, Err(failure));
    tell(&mut app, Message::Controls(message));
    matches(&app, "controls-refused");
}

#[test]
fn all_other_screens() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Settings));
    matches(&app, "settings-not-known-yet");
    tell(&mut app, Message::Setup(Setup::AtLogin(Ok(true))));
    tell(&mut app, Message::Setup(Setup::CloseAfter(Ok(3.0))));
    matches(&app, "settings");
    let old = || CommandError::TooOld("/usr/bin/camera-service".into());
    tell(&mut app, Message::Setup(Setup::AtLogin(Err(old()))));
    tell(&mut app, Message::Setup(Setup::CloseAfter(Err(old()))));
    matches(&app, "settings-of-an-old-service");
    tell(&mut app, Message::Show(Shown::Help));
    matches(&app, "keys");
    tell(&mut app, Message::Show(Shown::Clients));
    matches(&app, "nobody-watches");
    for (id, name, camera) in [(7, "control-gui", "a"), (9, "", "b")] {
        let client = ClientSummary {
            id: ConnectionId(id),
            name: name.to_owned(),
            pid: 1000 + id as u32,
            program: "ffmpeg".to_owned(),
            remote: None,
            role: Role::Stream,
            camera: Some(CameraId::from(camera)),
            delivery: Some(Delivery::Shared),
            // Not yet begun, so that no time passes.
            since_unix_ns: u64::MAX / 2,
            frames: 12_345,
            dropped: 6,
        };
        happened(&mut app, Event::ClientChanged(client));
    }
    matches(&app, "who-watches");
    tell(&mut app, Message::Snapshot(Ok("/home/me/Pictures/Camera a.jpg".into())));
    tell(&mut app, Message::Snapshot(Err("no frame came within 15 s".to_owned())));
    matches(&app, "notices");
}
