//! All connections, and what is counted of each.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use protocol::{
    CameraId, ClientSummary, ConnectionId, Delivery, ErrorKind, ErrorReply, Event, Role,
};
use tokio_util::sync::CancellationToken;

use super::{caller::Caller, watches::Viewing};
use crate::{camera::Camera, clock, events::Hub, state::InUse};

/// Most cameras that a remote user watches on one connection.
const MOST_WATCHED: usize = 64;

/// All connections that are past their handshake. Clones are the same.
#[derive(Clone)]
pub struct Clients(Arc<Shared>);

struct Shared {
    connections: Mutex<BTreeMap<ConnectionId, Arc<Connected>>>,
    next: AtomicU64,
    hub: Hub,
}

/// One connection.
pub(super) struct Connected {
    pub(super) id: ConnectionId,
    pub(super) name: String,
    pub(super) pid: u32,
    pub(super) program: String,
    pub(super) remote: Option<String>,
    pub(super) role: Role,
    pub(super) since_unix_ns: u64,
    /// On whose behalf it speaks.
    pub(super) caller: Caller,
    _token: Option<InUse>,
    concern: Mutex<Concern>,
    /// What a remote user watches; `None` once the connection has ended.
    viewings: Mutex<Option<BTreeMap<CameraId, Viewing>>>,
    pub(super) frames: AtomicU64,
    pub(super) dropped: AtomicU64,
    /// Ends the connection.
    pub(super) kick: CancellationToken,
}

/// The camera that a connection watches, and how, or the one that it is.
#[derive(Debug, Clone, Default)]
struct Concern {
    camera: Option<CameraId>,
    delivery: Option<Delivery>,
}

/// Takes a connection off the list when dropped.
pub(super) struct Listed {
    clients: Clients,
    pub(super) connected: Arc<Connected>,
}

/// Who connects, as the handshake found out.
pub(super) struct Newcomer {
    pub(super) name: String,
    pub(super) pid: u32,
    pub(super) program: String,
    pub(super) remote: Option<String>,
    pub(super) role: Role,
    pub(super) caller: Caller,
}

impl Clients {
    /// No connections yet; who comes and goes is told to `hub`.
    pub fn new(hub: Hub) -> Self {
        Self(Arc::new(Shared { connections: Mutex::default(), next: AtomicU64::new(1), hub }))
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, Arc<Connected>>> {
        self.0.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, newcomer: Newcomer, kick: CancellationToken) -> Listed {
        let Newcomer { name, pid, program, remote, role, caller } = newcomer;
        let token = match &caller {
            Caller::Remote(token) => Some(token.enter()),
            Caller::Program | Caller::Bridge => None,
        };
        let connected = Arc::new(Connected {
            id: ConnectionId(self.0.next.fetch_add(1, Ordering::Relaxed)),
            name,
            pid,
            program,
            remote,
            role,
            since_unix_ns: clock::unix_ns(),
            caller,
            _token: token,
            concern: Mutex::default(),
            viewings: Mutex::new(Some(BTreeMap::new())),
            frames: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            kick,
        });
        self.connections().insert(connected.id, connected.clone());
        self.0.hub.send(Event::ClientChanged(connected.summary()));
        Listed { clients: self.clone(), connected }
    }

    /// All connections, by age.
    pub fn summaries(&self) -> Vec<ClientSummary> {
        self.connections().values().map(|connected| connected.summary()).collect()
    }

    /// Number of connections.
    pub fn count(&self) -> u32 {
        u32::try_from(self.connections().len()).unwrap_or(u32::MAX)
    }

    /// Number of connections of remote users.
    pub fn remote_count(&self) -> u32 {
        let connections = self.connections();
        let is_remote = |one: &&Arc<Connected>| matches!(one.caller, Caller::Remote(_));
        u32::try_from(connections.values().filter(is_remote).count()).unwrap_or(u32::MAX)
    }

    /// Whether a remote user watches `camera`. One that took the place of a camera with the same
    /// id is another: what was watched before it is not any more.
    pub(super) fn is_viewing(&self, connected: &Connected, camera: &Arc<Camera>) -> bool {
        let mut viewings = connected.viewings();
        let Some(viewings) = viewings.as_mut() else { return false };
        let is_it = viewings.get(camera.id()).is_some_and(|viewing| viewing.is_of(camera));
        if !is_it {
            viewings.remove(camera.id());
        }
        is_it
    }

    /// A remote user watches one more camera.
    pub(super) fn view(
        &self,
        connected: &Connected,
        camera: &CameraId,
        viewing: Viewing,
    ) -> Result<(), ErrorReply> {
        let mut viewings = connected.viewings();
        // A connection that has just ended watches nothing.
        let Some(viewings) = viewings.as_mut() else { return Ok(()) };
        if viewings.len() >= MOST_WATCHED && !viewings.contains_key(camera) {
            let message = format!("{MOST_WATCHED} cameras are watched here, which is the most");
            return Err(ErrorReply::new(ErrorKind::Limit, message));
        }
        viewings.insert(camera.clone(), viewing);
        self.concerns(connected, Concern { camera: Some(camera.clone()), delivery: None });
        Ok(())
    }

    /// A remote user watches a camera no more; whether it did.
    pub(super) fn unview(&self, connected: &Connected, camera: &CameraId) -> bool {
        let mut viewings = connected.viewings();
        let Some(viewings) = viewings.as_mut() else { return false };
        let did = viewings.remove(camera).is_some();
        if did {
            let camera = viewings.keys().next().cloned();
            self.concerns(connected, Concern { camera, delivery: None });
        }
        did
    }

    fn concerns(&self, connected: &Connected, concern: Concern) {
        *connected.concern.lock().unwrap_or_else(PoisonError::into_inner) = concern;
        self.0.hub.send(Event::ClientChanged(connected.summary()));
    }

    /// Ends a connection.
    pub fn disconnect(&self, id: ConnectionId) -> Result<(), ErrorReply> {
        let connected = self.connections().get(&id).cloned();
        let connected = connected.ok_or_else(|| {
            let message = format!("there is no connection {id}; `camera-service clients` has them");
            ErrorReply::new(ErrorKind::NoSuchClient, message)
        })?;
        connected.kick.cancel();
        Ok(())
    }
}

impl Connected {
    fn viewings(&self) -> MutexGuard<'_, Option<BTreeMap<CameraId, Viewing>>> {
        self.viewings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the user is called in lists of who watches: with the address of a remote one.
    pub(super) fn watcher_name(&self) -> String {
        match &self.remote {
            Some(address) => format!("{} ({address})", self.name),
            None => self.name.clone(),
        }
    }

    /// Notes what a remote user got, as the bridge says.
    pub(super) fn count_frames(&self, frames: u64, dropped: u64) {
        self.frames.store(frames, Ordering::Relaxed);
        self.dropped.store(dropped, Ordering::Relaxed);
    }

    pub(super) fn summary(&self) -> ClientSummary {
        let Concern { camera, delivery } =
            self.concern.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ClientSummary {
            id: self.id,
            name: self.name.clone(),
            pid: self.pid,
            program: self.program.clone(),
            remote: self.remote.clone(),
            role: self.role,
            camera,
            delivery,
            since_unix_ns: self.since_unix_ns,
            frames: self.frames.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}

impl Listed {
    /// Notes what the connection watches, and tells event readers.
    pub(super) fn watches(&self, camera: CameraId, delivery: Delivery) {
        self.concerns(Concern { camera: Some(camera), delivery: Some(delivery) });
    }

    /// Notes which camera the connection is, and tells event readers.
    pub(super) fn is_camera(&self, camera: CameraId) {
        self.concerns(Concern { camera: Some(camera), delivery: None });
    }

    /// Counts a frame that came or went.
    pub(super) fn count_frame(&self) {
        self.connected.frames.fetch_add(1, Ordering::Relaxed);
    }

    fn concerns(&self, concern: Concern) {
        self.clients.concerns(&self.connected, concern);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let connection = self.connected.id;
        // Others may still look at it for a moment; nothing is watched for it any more.
        drop(self.connected.viewings().take());
        self.clients.connections().remove(&connection);
        let camera = self.connected.summary().camera;
        self.clients.0.hub.send_removed(connection, camera);
    }
}
