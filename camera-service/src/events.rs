//! Telling event readers what happens.

use std::sync::Arc;

use protocol::{CameraId, ConnectionId, Event, EventMessage};
use tokio::sync::broadcast;

use crate::clock;

/// How far a reader may fall behind before it is told so and closed.
const BEHIND: usize = 256;

/// Takes events from everywhere and gives them to every reader. Clones are the same hub.
#[derive(Clone)]
pub struct Hub(broadcast::Sender<Arc<Told>>);

/// An event on its way to readers, of whom not all may hear of it.
#[derive(Debug)]
pub struct Told {
    /// The bytes of its message, the same for all.
    pub bytes: Vec<u8>,
    /// What it is about.
    pub subject: Subject,
    /// The minor version from which on readers understand it.
    pub minor: u16,
}

/// What an event is about: all that is asked before it is told to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A camera.
    Camera(CameraId),
    /// The controls, presets or pins of a camera.
    Controls(CameraId),
    /// A connection, and the camera that it watches or is.
    Client {
        /// Its id.
        id: ConnectionId,
        /// The camera.
        camera: Option<CameraId>,
    },
    /// The switch for all cameras.
    Privacy,
    /// The service itself: its configuration, its bridge, its tokens.
    Service,
}

impl Subject {
    /// What `event` is about.
    fn of(event: &Event) -> Self {
        match event {
            Event::CameraAdded(camera) | Event::CameraChanged(camera) => {
                Self::Camera(camera.id.clone())
            }
            Event::CameraRemoved { camera } => Self::Camera(camera.clone()),
            Event::ControlChanged { camera, .. }
            | Event::PresetsChanged { camera, .. }
            | Event::PinsChanged { camera, .. } => Self::Controls(camera.clone()),
            Event::ClientChanged(client) => {
                Self::Client { id: client.id, camera: client.camera.clone() }
            }
            Event::ClientRemoved { connection } => Self::Client { id: *connection, camera: None },
            Event::NewWatcher { camera, connection, .. } => {
                Self::Client { id: *connection, camera: Some(camera.clone()) }
            }
            Event::PrivacyChanged { .. } => Self::Privacy,
            Event::ConfigReloaded
            | Event::ConfigRefused { .. }
            | Event::BridgeChanged(_)
            | Event::TokensChanged { .. }
            // Told to one reader each, not to all.
            | Event::State(_)
            | Event::Lagged
            | Event::Stopping
            | Event::Ended(_) => Self::Service,
        }
    }
}

/// The minor version that has `event`.
fn minor(event: &Event) -> u16 {
    match event {
        Event::BridgeChanged(_) | Event::TokensChanged { .. } => 1,
        Event::State(_)
        | Event::CameraAdded(_)
        | Event::CameraChanged(_)
        | Event::CameraRemoved { .. }
        | Event::ControlChanged { .. }
        | Event::ClientChanged(_)
        | Event::ClientRemoved { .. }
        | Event::NewWatcher { .. }
        | Event::PrivacyChanged { .. }
        | Event::PresetsChanged { .. }
        | Event::PinsChanged { .. }
        | Event::ConfigReloaded
        | Event::ConfigRefused { .. }
        | Event::Lagged
        | Event::Stopping
        | Event::Ended(_) => 0,
    }
}

impl Hub {
    /// A hub without readers.
    pub fn new() -> Self {
        // Never waits for a reader: the oldest event gives way, and who missed it is closed.
        Self(broadcast::Sender::new(BEHIND))
    }

    /// Tells `event` to every reader. It is encoded once for all.
    pub fn send(&self, event: Event) {
        self.send_about(event, None);
    }

    /// Tells that a connection has ended, which had to do with `camera`.
    pub fn send_removed(&self, connection: ConnectionId, camera: Option<CameraId>) {
        let subject = Subject::Client { id: connection, camera };
        self.send_about(Event::ClientRemoved { connection }, Some(subject));
    }

    fn send_about(&self, event: Event, subject: Option<Subject>) {
        if self.0.receiver_count() == 0 {
            return;
        }
        let subject = subject.unwrap_or_else(|| Subject::of(&event));
        let minor = minor(&event);
        match encode(event) {
            // Without a reader there is nobody to tell.
            Ok(bytes) => drop(self.0.send(Arc::new(Told { bytes, subject, minor }))),
            Err(error) => tracing::error!("an event could not be told: {error}"),
        }
    }

    /// Every event from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Told>> {
        self.0.subscribe()
    }

    /// Number of readers.
    pub fn readers(&self) -> usize {
        self.0.receiver_count()
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

/// The bytes of the message for `event`, stamped with the present time.
pub fn encode(event: Event) -> Result<Vec<u8>, protocol::wire::WireError> {
    protocol::wire::encode(&EventMessage { unix_ns: clock::unix_ns(), event })
}
