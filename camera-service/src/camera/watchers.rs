//! Who watches a camera.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::{Affected, ConnectionId, StreamRequest, Watcher};
use tokio::sync::{Notify, watch};

/// What is told of somebody who watches.
#[derive(Debug, Clone)]
pub struct WatcherInfo {
    /// The connection.
    pub connection: ConnectionId,
    /// The name that the client gave itself.
    pub name: String,
    /// Its process.
    pub pid: u32,
    /// The program of that process.
    pub program: String,
    /// When the stream began, ns since 1970.
    pub since_unix_ns: u64,
}

struct Entry {
    info: WatcherInfo,
    request: StreamRequest,
}

/// The streams of one camera, in the order of their connections.
#[derive(Default)]
pub(super) struct Watchers {
    entries: Mutex<BTreeMap<ConnectionId, Entry>>,
    /// Told whenever somebody comes or goes.
    pub(super) changed: Notify,
    /// How many there are, for those who follow that.
    pub(super) number: watch::Sender<u32>,
}

/// Somebody watches for as long as this lives.
pub struct Watching {
    watchers: Arc<Watchers>,
    connection: ConnectionId,
}

impl Watchers {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(self: &Arc<Self>, info: WatcherInfo, request: StreamRequest) -> Watching {
        let connection = info.connection;
        self.entries().insert(connection, Entry { info, request });
        self.tell();
        Watching { watchers: self.clone(), connection }
    }

    fn tell(&self) {
        self.number.send_replace(self.count());
        self.changed.notify_one();
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.entries().len()).unwrap_or(u32::MAX)
    }

    /// What the one asked for who has watched longest.
    pub(super) fn first_request(&self) -> Option<StreamRequest> {
        self.entries().values().next().map(|entry| entry.request.clone())
    }

    pub(super) fn list(&self) -> Vec<Watcher> {
        let entries = self.entries();
        let infos = entries.values().map(|entry| entry.info.clone());
        infos
            .map(|WatcherInfo { connection, name, pid, program, since_unix_ns }| Watcher {
                connection,
                name,
                pid,
                program,
                since_unix_ns,
            })
            .collect()
    }

    /// Those whose request `is_affected`.
    pub(super) fn affected(&self, is_affected: impl Fn(&StreamRequest) -> bool) -> Vec<Affected> {
        let entries = self.entries();
        let affected = entries.values().filter(|entry| is_affected(&entry.request));
        affected
            .map(|entry| Affected {
                connection: entry.info.connection,
                name: entry.info.name.clone(),
                pid: entry.info.pid,
                program: entry.info.program.clone(),
            })
            .collect()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.watchers.entries().remove(&self.connection);
        self.watchers.tell();
    }
}
