//! Events.

use protocol::{
    CameraState, CameraSummary, ClientSummary, ConnectionId, ErrorKind, Event, EventMessage, Role,
    State,
};

use super::{Sample, bridge, camera, plain, special};

/// A webcam that was unplugged while an explicit start held it open.
fn lost() -> CameraSummary {
    CameraSummary {
        present: false,
        state: CameraState::Lost,
        reason: "unplugged".to_owned(),
        mode: None,
        held_open: true,
        ..camera::streaming()
    }
}

/// A remote user's connection for requests.
fn remote() -> ClientSummary {
    ClientSummary {
        id: ConnectionId(8),
        name: "Anna's phone".to_owned(),
        pid: 1300,
        program: "camera-service".to_owned(),
        remote: Some("192.0.2.7".to_owned()),
        role: Role::Control,
        camera: None,
        delivery: None,
        since_unix_ns: 1_700_000_001_000_000_000,
        frames: 0,
        dropped: 0,
    }
}

pub(crate) fn event() -> Vec<Sample<EventMessage>> {
    let names = || vec!["brightness".to_owned(), "focus_absolute".to_owned()];
    let state = State {
        cameras: vec![camera::streaming(), camera::closed()],
        clients: vec![camera::watcher(), remote()],
        privacy_off: false,
    };
    let empty = State { cameras: Vec::new(), clients: Vec::new(), privacy_off: true };
    let events = vec![
        plain(Event::State(state)),
        special("empty", Event::State(empty)),
        plain(Event::CameraAdded(camera::closed())),
        plain(Event::CameraChanged(lost())),
        plain(Event::CameraRemoved { camera: camera::test_id() }),
        plain(Event::ControlChanged { camera: camera::id(), control: camera::brightness() }),
        plain(Event::ClientChanged(camera::watcher())),
        plain(Event::ClientRemoved { connection: ConnectionId(7) }),
        plain(Event::NewWatcher {
            camera: camera::id(),
            program: "meet".to_owned(),
            connection: ConnectionId(7),
        }),
        plain(Event::PrivacyChanged { off: true }),
        plain(Event::PresetsChanged {
            camera: camera::id(),
            names: vec!["day".to_owned(), "night".to_owned()],
        }),
        plain(Event::PinsChanged { camera: camera::id(), names: names() }),
        plain(Event::ConfigReloaded),
        plain(Event::ConfigRefused {
            message: "config.toml, line 3: there is no key grace".to_owned(),
        }),
        plain(Event::Lagged),
        plain(Event::Stopping),
        plain(Event::Ended(camera::error(ErrorKind::Forbidden, "the token was revoked"))),
        plain(Event::BridgeChanged(bridge::running())),
        special("failing", Event::BridgeChanged(bridge::failing())),
        plain(Event::TokensChanged { names: vec!["browser".to_owned(), "phone".to_owned()] }),
    ];
    events
        .into_iter()
        .map(|(name, event)| (name, EventMessage { unix_ns: 1_700_000_002_500_000_000, event }))
        .collect()
}
