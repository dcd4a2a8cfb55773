//! Messages of a connection with the role `events`, all from the service.

use serde::{Deserialize, Serialize};

use crate::{
    BridgeStatus, CameraId, CameraSummary, ConnectionId, Control, Delivery, ErrorReply, Role,
};

/// One event and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventMessage {
    /// ns since 1970.
    pub unix_ns: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The full state. Always the first message, and only then.
    State(State),
    /// A camera appeared.
    CameraAdded(CameraSummary),
    /// Something of a camera changed.
    CameraChanged(CameraSummary),
    /// A camera is gone.
    CameraRemoved {
        /// Its id.
        camera: CameraId,
    },
    /// A control's value, flags or range changed, whoever changed it.
    ControlChanged {
        /// Its camera.
        camera: CameraId,
        /// The control as it is now.
        control: Control,
    },
    /// A client connected, or began or ended a stream.
    ClientChanged(ClientSummary),
    /// A connection has ended.
    ClientRemoved {
        /// The connection.
        connection: ConnectionId,
    },
    /// A program watches a camera that never did before.
    NewWatcher {
        /// The camera.
        camera: CameraId,
        /// The program.
        program: String,
        /// The connection.
        connection: ConnectionId,
    },
    /// All cameras were turned off or back on.
    PrivacyChanged {
        /// Whether they are off.
        off: bool,
    },
    /// The presets of a camera changed.
    PresetsChanged {
        /// The camera.
        camera: CameraId,
        /// The names of its presets.
        names: Vec<String>,
    },
    /// The pinned controls of a camera changed.
    PinsChanged {
        /// The camera.
        camera: CameraId,
        /// The names of its pinned controls.
        names: Vec<String>,
    },
    /// The configuration was read anew.
    ConfigReloaded,
    /// The configuration was changed to something that is not valid; the old one stays in force.
    ConfigRefused {
        /// Why, with the line.
        message: String,
    },
    /// This reader fell 256 events behind; the connection is closed. Connect again.
    Lagged,
    /// The service is stopping.
    Stopping,
    /// The connection is closed, and why.
    Ended(ErrorReply),
    /// Something of the bridge changed. Since 1.1, as all that follow; sent to readers of that
    /// minor version or later.
    BridgeChanged(BridgeStatus),
    /// Tokens were made, revoked, or have expired.
    TokensChanged {
        /// The names of all.
        names: Vec<String>,
    },
}

/// The full state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// All cameras.
    pub cameras: Vec<CameraSummary>,
    /// All connections.
    pub clients: Vec<ClientSummary>,
    /// Whether all cameras are turned off.
    pub privacy_off: bool,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSummary {
    /// Its id.
    pub id: ConnectionId,
    /// The name that the client gave itself.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// The program of that process.
    pub program: String,
    /// Address of the remote user, on bridged connections.
    pub remote: Option<String>,
    /// What it is for.
    pub role: Role,
    /// The camera that it watches or is.
    pub camera: Option<CameraId>,
    /// How its frames come.
    pub delivery: Option<Delivery>,
    /// When it connected, ns since 1970.
    pub since_unix_ns: u64,
    /// Frames delivered to it, or taken from it.
    pub frames: u64,
    /// Frames passed over for it.
    pub dropped: u64,
}
