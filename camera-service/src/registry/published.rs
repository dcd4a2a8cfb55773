//! Cameras that clients are.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::{CameraId, ErrorKind, ErrorReply, PublishRequest};

use super::Registry;
use crate::{
    camera::{Camera, Found},
    device::{
        Device as _,
        published::{Inlet, PublishedCamera},
    },
};

/// Most published cameras at once.
const MOST: usize = 64;

/// The names that publishers have. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<BTreeSet<String>>>);

impl Names {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, name: &str) -> Result<Name, ErrorReply> {
        let mut names = self.lock();
        if names.len() >= MOST {
            let message = format!("there are {MOST} published cameras, which is the most");
            return Err(ErrorReply::new(ErrorKind::Limit, message));
        }
        if !names.insert(name.to_owned()) {
            let message = format!(
                "published:{name} is being published already; `camera-service clients` shows by \
                 whom"
            );
            return Err(ErrorReply::new(ErrorKind::NameTaken, message));
        }
        Ok(Name { names: self.clone(), name: name.to_owned() })
    }
}

/// A name that a publisher has for as long as this lives.
struct Name {
    names: Names,
    name: String,
}

impl Drop for Name {
    fn drop(&mut self) {
        self.names.lock().remove(&self.name);
    }
}

/// A camera that a client is.
pub struct Published {
    /// The camera.
    pub camera: Arc<Camera>,
    /// Where its frames come in.
    pub inlet: Arc<Inlet>,
    _name: Name,
}

impl Registry {
    /// Makes a client a camera, until [`Published::end`]. Streams that waited for one of this
    /// name go on.
    pub async fn publish(
        &self,
        request: &PublishRequest,
        publisher: String,
    ) -> Result<Published, ErrorReply> {
        let device = PublishedCamera::new(request, publisher)
            .map_err(|message| ErrorReply::new(ErrorKind::Invalid, message))?;
        let name = self.published.take(&request.name)?;
        let id = CameraId(format!("published:{}", request.name));
        let inlet = device.inlet();
        let modes = device
            .modes()
            .map_err(|error| ErrorReply::new(ErrorKind::Internal, error.to_string()))?;
        let found = Found { device: Arc::new(device), modes };
        let known = self.cameras().get(&id).map(|entry| entry.camera.clone());
        let resumes = match known {
            Some(camera) => camera.present(Some(found.clone())).await.is_ok(),
            None => false,
        };
        if !resumes {
            let given = self.ids.lock().unwrap_or_else(PoisonError::into_inner).name_of(&id);
            self.add(id.clone(), given, found, false);
        }
        let camera = self.find(&id)?;
        Ok(Published { camera, inlet, _name: name })
    }
}

impl Published {
    /// No more frames come; the camera is lost to those who watch it.
    pub async fn end(self) {
        self.inlet.end();
        // Where its life has ended, as when the service stops, it is gone already.
        let _ = self.camera.present(None).await;
    }
}
