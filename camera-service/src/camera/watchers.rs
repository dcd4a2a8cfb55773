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

/// In which way somebody watches.
#[derive(Debug, Clone)]
pub enum Watch {
    /// By a stream of its own.
    Stream(StreamRequest),
    /// By a stream that the bridge has for all remote users: they are counted, it is not.
    Shared(StreamRequest),
    /// As a remote user, whose frames come by such a stream.
    Remote,
}

impl Watch {
    /// What is asked of the camera.
    fn request(&self) -> Option<&StreamRequest> {
        match self {
            Self::Stream(request) | Self::Shared(request) => Some(request),
            Self::Remote => None,
        }
    }
}

struct Entry {
    info: WatcherInfo,
    watch: Watch,
}

impl Entry {
    /// Whether it counts as somebody who watches.
    fn counts(&self) -> bool {
        !matches!(self.watch, Watch::Shared(_))
    }
}

/// Who watches one camera, in the order of their connections.
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

    pub(super) fn add(self: &Arc<Self>, info: WatcherInfo, watch: Watch) -> Watching {
        let connection = info.connection;
        self.entries().insert(connection, Entry { info, watch });
        self.tell();
        Watching { watchers: self.clone(), connection }
    }

    fn tell(&self) {
        self.number.send_replace(self.count());
        self.changed.notify_one();
    }

    /// How many watch, the bridge's own streams not counted.
    pub(super) fn count(&self) -> u32 {
        let count = self.entries().values().filter(|entry| entry.counts()).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Whether anybody waits for frames, on whoever's behalf.
    pub(super) fn has_streams(&self) -> bool {
        self.entries().values().any(|entry| entry.watch.request().is_some())
    }

    /// Whether anybody is there at all.
    pub(super) fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// What the one asked for who has watched longest.
    pub(super) fn first_request(&self) -> Option<StreamRequest> {
        self.entries().values().find_map(|entry| entry.watch.request().cloned())
    }

    pub(super) fn list(&self) -> Vec<Watcher> {
        let entries = self.entries();
        let infos = entries.values().filter(|entry| entry.counts()).map(|entry| entry.info.clone());
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

    /// Those whose request `is_affected`; remote users where one of the bridge's is.
    pub(super) fn affected(&self, is_affected: impl Fn(&StreamRequest) -> bool) -> Vec<Affected> {
        let entries = self.entries();
        let shared = entries
            .values()
            .any(|entry| matches!(&entry.watch, Watch::Shared(request) if is_affected(request)));
        let affected = entries.values().filter(|entry| match &entry.watch {
            Watch::Stream(request) => is_affected(request),
            Watch::Shared(_) => false,
            Watch::Remote => shared,
        });
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

#[cfg(test)]
mod tests {
    use protocol::{Delivery, Rotation, StreamFormat};

    use super::*;

    fn info(connection: u64) -> WatcherInfo {
        WatcherInfo {
            connection: ConnectionId(connection),
            name: format!("client {connection}"),
            pid: 1,
            program: "test".to_owned(),
            since_unix_ns: 0,
        }
    }

    fn request() -> StreamRequest {
        StreamRequest {
            camera: "test:0".into(),
            format: StreamFormat::Native,
            max_size: None,
            max_rate: None,
            crop: None,
            rotation: Rotation::None,
            mirror: false,
            quality: None,
            delivery: Delivery::Inline,
        }
    }

    #[test]
    fn remote_users_count_and_the_stream_they_share_does_not() {
        let watchers = Arc::new(Watchers::default());
        let names = || watchers.list().into_iter().map(|watcher| watcher.name).collect::<Vec<_>>();
        let user = watchers.add(info(1), Watch::Remote);
        assert_eq!((watchers.count(), watchers.has_streams()), (1, false));
        let shared = watchers.add(info(2), Watch::Shared(request()));
        assert_eq!((watchers.count(), watchers.has_streams()), (1, true));
        assert_eq!(watchers.first_request(), Some(request()));
        let own = watchers.add(info(3), Watch::Stream(request()));
        assert_eq!(names(), ["client 1", "client 3"]);
        assert_eq!(*watchers.number.borrow(), 2);
        // Who is affected is told as who watches.
        let affected = |all: bool| watchers.affected(|_| all).len();
        assert_eq!((affected(true), affected(false)), (2, 0));
        drop(shared);
        assert_eq!(affected(true), 1);
        drop((user, own));
        assert!(watchers.is_empty() && watchers.count() == 0);
    }
}
