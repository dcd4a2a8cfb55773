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

use crate::{clock, events::Hub};

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
    concern: Mutex<Concern>,
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
        let Newcomer { name, pid, program, remote, role } = newcomer;
        let connected = Arc::new(Connected {
            id: ConnectionId(self.0.next.fetch_add(1, Ordering::Relaxed)),
            name,
            pid,
            program,
            remote,
            role,
            since_unix_ns: clock::unix_ns(),
            concern: Mutex::default(),
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
        *self.connected.concern.lock().unwrap_or_else(PoisonError::into_inner) = concern;
        self.clients.0.hub.send(Event::ClientChanged(self.connected.summary()));
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let connection = self.connected.id;
        self.clients.connections().remove(&connection);
        self.clients.0.hub.send(Event::ClientRemoved { connection });
    }
}
