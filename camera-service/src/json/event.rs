//! Events as JSON.

use protocol::{ErrorReply, Event, State};
use serde::Serialize;

use super::{BridgeJson, Camera, Client, ControlJson, all};

/// An event; its name is in `event`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum EventJson<'a> {
    State { cameras: Vec<Camera<'a>>, clients: Vec<Client<'a>>, privacy_off: bool },
    CameraAdded { camera: &'a str, summary: Camera<'a> },
    CameraChanged { camera: &'a str, summary: Camera<'a> },
    CameraRemoved { camera: &'a str },
    ControlChanged { camera: &'a str, control: ControlJson<'a> },
    ClientChanged { client: u64, summary: Client<'a> },
    ClientRemoved { client: u64 },
    NewWatcher { camera: &'a str, program: &'a str, client: u64 },
    PrivacyChanged { off: bool },
    PresetsChanged { camera: &'a str, names: &'a [String] },
    PinsChanged { camera: &'a str, names: &'a [String] },
    ConfigReloaded,
    ConfigRefused { message: &'a str },
    Lagged,
    Stopping,
    Ended { error: &'a ErrorReply },
    BridgeChanged { bridge: BridgeJson<'a> },
    TokensChanged { names: &'a [String] },
}

impl<'a> From<&'a Event> for EventJson<'a> {
    fn from(event: &'a Event) -> Self {
        match event {
            Event::State(State { cameras, clients, privacy_off }) => Self::State {
                cameras: all(cameras),
                clients: all(clients),
                privacy_off: *privacy_off,
            },
            Event::CameraAdded(camera) => {
                Self::CameraAdded { camera: &camera.id.0, summary: camera.into() }
            }
            Event::CameraChanged(camera) => {
                Self::CameraChanged { camera: &camera.id.0, summary: camera.into() }
            }
            Event::CameraRemoved { camera } => Self::CameraRemoved { camera: &camera.0 },
            Event::ControlChanged { camera, control } => {
                Self::ControlChanged { camera: &camera.0, control: control.into() }
            }
            Event::ClientChanged(client) => {
                Self::ClientChanged { client: client.id.0, summary: client.into() }
            }
            Event::ClientRemoved { connection } => Self::ClientRemoved { client: connection.0 },
            Event::NewWatcher { camera, program, connection } => {
                Self::NewWatcher { camera: &camera.0, program, client: connection.0 }
            }
            Event::PrivacyChanged { off } => Self::PrivacyChanged { off: *off },
            Event::PresetsChanged { camera, names } => {
                Self::PresetsChanged { camera: &camera.0, names }
            }
            Event::PinsChanged { camera, names } => Self::PinsChanged { camera: &camera.0, names },
            Event::ConfigReloaded => Self::ConfigReloaded,
            Event::ConfigRefused { message } => Self::ConfigRefused { message },
            Event::Lagged => Self::Lagged,
            Event::Stopping => Self::Stopping,
            Event::Ended(error) => Self::Ended { error },
            Event::BridgeChanged(bridge) => Self::BridgeChanged { bridge: bridge.into() },
            Event::TokensChanged { names } => Self::TokensChanged { names },
        }
    }
}
