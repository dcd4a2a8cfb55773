//! Messages of a connection with the role `control`.

use serde::{Deserialize, Serialize};

use crate::{
    BridgeListening, BridgeStatus, BridgeWish, CameraDetail, CameraId, CameraSummary,
    ClientSummary, ConnectionId, Control, ControlOutcome, ControlSetting, ErrorReply, Grant, Mode,
    ModeWish, NewToken, TokenRequest, TokenSummary,
};

/// A request with what identifies its reply. At most 64 may be in flight on a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestMessage {
    /// Chosen by the client, not 0; comes back in the reply.
    pub id: u64,
    /// After so many milliseconds the reply is `Timeout`; 5,000 where not given.
    pub deadline_ms: Option<u32>,
    /// The request.
    pub request: Request,
}

/// The reply to the request with the same id. Replies come in any order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyMessage {
    /// Id of the request. 0, which no request may have, concerns the connection: with an error
    /// it says why the connection is closed.
    pub id: u64,
    /// What was asked for, or why not.
    pub result: Result<Reply, ErrorReply>,
}

/// What a client can ask for. `camera` is an id or a name; names in doubt are an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// All cameras → [`Reply::Cameras`].
    ListCameras,
    /// One camera in full → [`Reply::Camera`].
    DescribeCamera {
        /// The camera.
        camera: CameraId,
    },
    /// The service → [`Reply::Status`].
    Status,
    /// All connections → [`Reply::Clients`].
    ListClients,
    /// Opens a camera and holds it open, or changes its mode for all → [`Reply::Started`].
    StartCamera {
        /// The camera.
        camera: CameraId,
        /// The mode; what is left open stays as it is, or is chosen.
        wish: ModeWish,
    },
    /// Ends the hold of `StartCamera`; streams keep the camera open → [`Reply::Done`].
    StopCamera {
        /// The camera.
        camera: CameraId,
    },
    /// All controls of a camera → [`Reply::Controls`].
    ListControls {
        /// The camera.
        camera: CameraId,
    },
    /// Some controls of a camera as they are now → [`Reply::Controls`].
    GetControls {
        /// The camera.
        camera: CameraId,
        /// Their names.
        names: Vec<String>,
    },
    /// Sets controls in the order given → [`Reply::Outcomes`], one for each.
    SetControls {
        /// The camera.
        camera: CameraId,
        /// Names and values.
        settings: Vec<ControlSetting>,
    },
    /// Sets controls to their defaults → [`Reply::Outcomes`].
    ResetControls {
        /// The camera.
        camera: CameraId,
        /// Their names; none for all that can be set.
        names: Vec<String>,
    },
    /// Gives a camera a name of the user's, or takes it away → [`Reply::Done`].
    RenameCamera {
        /// The camera.
        camera: CameraId,
        /// The name; `None` for the device's own.
        name: Option<String>,
    },
    /// Presets of a camera → [`Reply::Presets`].
    ListPresets {
        /// The camera.
        camera: CameraId,
    },
    /// Keeps the controls as they are now under a name → [`Reply::Done`].
    SavePreset {
        /// The camera.
        camera: CameraId,
        /// The preset.
        preset: String,
    },
    /// Sets the controls as they were kept → [`Reply::Outcomes`].
    ApplyPreset {
        /// The camera.
        camera: CameraId,
        /// The preset.
        preset: String,
    },
    /// Gives a preset another name → [`Reply::Done`].
    RenamePreset {
        /// The camera.
        camera: CameraId,
        /// The preset.
        preset: String,
        /// Its new name.
        name: String,
    },
    /// Forgets a preset → [`Reply::Done`].
    DeletePreset {
        /// The camera.
        camera: CameraId,
        /// The preset.
        preset: String,
    },
    /// Controls that are set again at every open and replug → [`Reply::Pins`].
    ListPins {
        /// The camera.
        camera: CameraId,
    },
    /// Sets controls now and at every open and replug → [`Reply::Outcomes`].
    PinControls {
        /// The camera.
        camera: CameraId,
        /// Names and values.
        settings: Vec<ControlSetting>,
    },
    /// Ends that → [`Reply::Done`].
    UnpinControls {
        /// The camera.
        camera: CameraId,
        /// Names; none for all.
        names: Vec<String>,
    },
    /// Turns all cameras off, or back on → [`Reply::Done`].
    SetPrivacy {
        /// Whether they are to be off.
        off: bool,
    },
    /// Ends a connection → [`Reply::Done`].
    Disconnect {
        /// The connection.
        connection: ConnectionId,
    },
    /// Adds a test camera → [`Reply::Camera`].
    AddTestCamera {
        /// Its mode.
        wish: ModeWish,
    },
    /// Removes a test camera → [`Reply::Done`].
    RemoveTestCamera {
        /// The camera.
        camera: CameraId,
    },
    /// Reads the configuration anew → [`Reply::Done`].
    ReloadConfig,
    /// Stops the service → [`Reply::Done`], then every connection is closed.
    Shutdown,
    /// All tokens → [`Reply::Tokens`]. Since 1.1, as all that follow.
    ListTokens,
    /// Makes a token or an invitation → [`Reply::TokenAdded`].
    AddToken {
        /// What it is to grant.
        token: TokenRequest,
    },
    /// Ends a token and its connections → [`Reply::Done`].
    RevokeToken {
        /// Its name.
        name: String,
    },
    /// The bridge → [`Reply::Bridge`].
    BridgeStatus,
    /// Turns the bridge on or off, or has it listen elsewhere; kept → [`Reply::Bridge`].
    SetBridge {
        /// How it is to run.
        wish: BridgeWish,
    },
    /// Bridged only: what this connection's token grants → [`Reply::Grant`].
    WhoAmI,
    /// Bridged only, without a token: swaps the secret of an invitation for that of a token →
    /// [`Reply::TokenAdded`].
    RedeemInvitation {
        /// The invitation's secret.
        secret: String,
        /// Address of the remote user.
        remote: String,
    },
    /// Bridged only: this connection's user watches a camera, whose frames the bridge fetches
    /// once for all who watch it → [`Reply::Watching`]. Until `Unwatch`, or the connection ends.
    Watch {
        /// The camera.
        camera: CameraId,
    },
    /// Bridged only: ends that → [`Reply::Done`].
    Unwatch {
        /// The camera.
        camera: CameraId,
    },
    /// Bridged only: frames that this connection's user got so far → [`Reply::Done`].
    CountFrames {
        /// Frames delivered.
        frames: u64,
        /// Frames passed over.
        dropped: u64,
    },
    /// Bridged only, without a token: the bridge listens → [`Reply::Done`].
    BridgeListening {
        /// Where.
        listening: BridgeListening,
    },
}

/// What a request gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is done, and there is nothing to tell.
    Done,
    /// Cameras.
    Cameras(Vec<CameraSummary>),
    /// A camera.
    Camera(Box<CameraDetail>),
    /// The service.
    Status(ServiceStatus),
    /// Connections.
    Clients(Vec<ClientSummary>),
    /// A camera was started.
    Started(StartedCamera),
    /// Controls.
    Controls(Vec<Control>),
    /// What became of each setting, in the order of the request.
    Outcomes(Vec<ControlOutcome>),
    /// Presets.
    Presets(Vec<Preset>),
    /// Pinned controls.
    Pins(Vec<ControlSetting>),
    /// Tokens. Since 1.1, as all that follow.
    Tokens(Vec<TokenSummary>),
    /// A token or invitation was made.
    TokenAdded(NewToken),
    /// The bridge.
    Bridge(BridgeStatus),
    /// What a token grants.
    Grant(Grant),
    /// The camera that is watched.
    Watching {
        /// Its id, also where the request named it otherwise.
        camera: CameraId,
    },
}

/// What an explicit start did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedCamera {
    /// The mode in which the camera is open now.
    pub mode: Mode,
    /// Clients whose frames changed with the mode.
    pub affected: Vec<Affected>,
}

/// A client whose frames changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Its connection.
    pub connection: ConnectionId,
    /// The name that it gave itself.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// The program of that process.
    pub program: String,
}

/// Controls kept under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset {
    /// The name.
    pub name: String,
    /// The controls, in the order in which they are set.
    pub settings: Vec<ControlSetting>,
}

/// The service as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Version of the program.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started, ns since 1970.
    pub since_unix_ns: u64,
    /// Where it listens.
    pub endpoint: String,
    /// Its configuration file, whether or not that exists.
    pub config: String,
    /// How it was started: `by hand`, `systemd`, ….
    pub started_by: String,
    /// Whether all cameras are turned off.
    pub privacy_off: bool,
    /// Cameras.
    pub cameras: Vec<CameraSummary>,
    /// Connections now.
    pub connections: u32,
    /// Most connections at once.
    pub max_connections: u32,
    /// Bytes of shared memory in slots.
    pub slot_bytes: u64,
}
