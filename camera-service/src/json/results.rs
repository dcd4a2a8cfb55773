//! What requests give, as JSON.

use protocol::{CameraDetail, Grant, Scope, ServiceStatus};
use serde::Serialize;

use super::{AffectedJson, Camera, ModeJson, Rate, all};
use crate::time::rfc3339;

/// A camera in full, as in `info`.
#[derive(Serialize)]
pub(crate) struct Detail<'a> {
    #[serde(flatten)]
    camera: Camera<'a>,
    path: Option<&'a str>,
    device_name: &'a str,
    modes: Vec<ModeJson>,
    measured_fps: Option<Rate>,
    frames: u64,
    gaps: u64,
    damaged: u64,
    clients: Vec<Watcher<'a>>,
    holders: &'a [protocol::Holder],
    renditions: &'a [String],
}

#[derive(Serialize)]
struct Watcher<'a> {
    id: u64,
    name: &'a str,
    pid: u32,
    program: &'a str,
    since: String,
}

impl<'a> From<&'a CameraDetail> for Detail<'a> {
    fn from(detail: &'a CameraDetail) -> Self {
        let watcher = |watcher: &'a protocol::Watcher| Watcher {
            id: watcher.connection.0,
            name: &watcher.name,
            pid: watcher.pid,
            program: &watcher.program,
            since: rfc3339(watcher.since_unix_ns),
        };
        Self {
            camera: (&detail.summary).into(),
            path: detail.path.as_deref(),
            device_name: &detail.device_name,
            modes: detail.modes.iter().copied().map(Into::into).collect(),
            measured_fps: detail.measured_rate.map(Rate),
            frames: detail.frames,
            gaps: detail.gaps,
            damaged: detail.damaged,
            clients: detail.watchers.iter().map(watcher).collect(),
            holders: &detail.holders,
            renditions: &detail.renditions,
        }
    }
}

/// The service, as in `status`.
#[derive(Serialize)]
pub(crate) struct Status<'a> {
    running: bool,
    version: &'a str,
    pid: u32,
    since: String,
    endpoint: &'a str,
    config: &'a str,
    started_by: &'a str,
    privacy_off: bool,
    connections: u32,
    max_connections: u32,
    slot_bytes: u64,
    cameras: Vec<Camera<'a>>,
}

impl<'a> From<&'a ServiceStatus> for Status<'a> {
    fn from(status: &'a ServiceStatus) -> Self {
        Self {
            running: true,
            version: &status.version,
            pid: status.pid,
            since: rfc3339(status.since_unix_ns),
            endpoint: &status.endpoint,
            config: &status.config,
            started_by: &status.started_by,
            privacy_off: status.privacy_off,
            connections: status.connections,
            max_connections: status.max_connections,
            slot_bytes: status.slot_bytes,
            cameras: all(&status.cameras),
        }
    }
}

/// A camera that was started, as in `start`.
#[derive(Serialize)]
pub(crate) struct Started<'a> {
    pub(crate) camera: &'a str,
    pub(crate) mode: ModeJson,
    pub(crate) affected: Vec<AffectedJson<'a>>,
}

/// A camera that was stopped, as in `stop`.
#[derive(Serialize)]
pub(crate) struct Stopped<'a> {
    /// None where it is not there any more.
    pub(crate) camera: Option<Camera<'a>>,
}

/// A camera that was renamed, as in `rename`.
#[derive(Serialize)]
pub(crate) struct Renamed<'a> {
    pub(crate) camera: &'a str,
    pub(crate) name: Option<&'a str>,
}

/// A preset that was renamed or deleted, as in `preset`.
#[derive(Serialize)]
pub(crate) struct Changed<'a> {
    pub(crate) camera: &'a str,
    pub(crate) preset: &'a str,
}

/// All cameras off or on, as in `off`.
#[derive(Serialize)]
pub(crate) struct Switched {
    pub(crate) off: bool,
}

/// What a token grants.
#[derive(Serialize)]
pub(crate) struct GrantJson<'a> {
    name: &'a str,
    scopes: Vec<&'static str>,
    cameras: Vec<&'a str>,
    expires: Option<String>,
}

impl<'a> From<&'a Grant> for GrantJson<'a> {
    fn from(grant: &'a Grant) -> Self {
        Self {
            name: &grant.name,
            scopes: grant.scopes.iter().copied().map(Scope::as_str).collect(),
            cameras: grant.cameras.iter().map(|camera| camera.0.as_str()).collect(),
            expires: grant.expires_unix_ns.map(rfc3339),
        }
    }
}
