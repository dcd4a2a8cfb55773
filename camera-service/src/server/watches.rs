//! What remote users watch: the bridge may have a stream of a camera for as long as somebody with
//! a token watches it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use protocol::CameraId;
use tokio_util::sync::CancellationToken;

use crate::camera::{Camera, Watching};

/// The cameras that remote users watch. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Watches(Arc<Mutex<BTreeMap<CameraId, Watched>>>);

struct Watched {
    users: usize,
    /// Ends the streams that the bridge has for them.
    ended: CancellationToken,
}

impl Watches {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<CameraId, Watched>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A remote user watches `camera` until the returned value is dropped, and counts among
    /// those who do as `watching` says.
    pub(super) fn enter(&self, camera: &Arc<Camera>, watching: Watching) -> Viewing {
        let id = camera.id().clone();
        let mut watched = self.lock();
        let new = || Watched { users: 0, ended: CancellationToken::new() };
        watched.entry(id.clone()).or_insert_with(new).users += 1;
        let camera = Arc::downgrade(camera);
        Viewing { watches: self.clone(), id, camera, _watching: watching }
    }

    /// Cancelled when no remote user watches `camera` any more; `None` where nobody does now.
    pub(super) fn shared(&self, camera: &CameraId) -> Option<CancellationToken> {
        self.lock().get(camera).map(|watched| watched.ended.clone())
    }
}

/// A remote user watches a camera for as long as this lives.
pub(super) struct Viewing {
    watches: Watches,
    id: CameraId,
    camera: Weak<Camera>,
    _watching: Watching,
}

impl Viewing {
    /// Whether it is this camera, and not one before it that had the same id.
    pub(super) fn is_of(&self, camera: &Arc<Camera>) -> bool {
        std::ptr::eq(self.camera.as_ptr(), Arc::as_ptr(camera))
    }
}

impl Drop for Viewing {
    fn drop(&mut self) {
        let mut cameras = self.watches.lock();
        let Some(watched) = cameras.get_mut(&self.id) else { return };
        watched.users -= 1;
        if watched.users == 0 {
            watched.ended.cancel();
            cameras.remove(&self.id);
        }
    }
}
