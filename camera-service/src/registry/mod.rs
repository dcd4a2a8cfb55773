//! All cameras: found by the platform's finder, test cameras, and how each is called.

mod discovery;
mod ids;
mod published;
mod unknown;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use protocol::{
    CameraId, CameraSummary, ErrorKind, ErrorReply, Event, FrameRate, PublishRequest, Size,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::task::TaskTracker;

pub use discovery::{Discovery, NamedDevice};
pub use ids::Ids;
use ids::RenameError;
pub use published::{Published, Publisher};

use crate::{
    camera::{Camera, Context, Found},
    device::{Device as _, test_camera::TestCamera},
    state,
};

/// Most test cameras at once.
const MOST_TEST_CAMERAS: u32 = 16;
/// How long clients wait for the first look for cameras: a device that hangs does not hold them up
/// for longer.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// All cameras.
pub struct Registry {
    cameras: Mutex<BTreeMap<CameraId, Entry>>,
    ids: Arc<Ids>,
    /// Names that publishers have.
    published: published::Names,
    /// Whether the finder has said which cameras there are.
    looked: watch::Sender<bool>,
    since: Instant,
    context: Context,
    tasks: TaskTracker,
    this: Weak<Self>,
}

struct Entry {
    camera: Arc<Camera>,
    /// Whether the finder says when its device comes and goes.
    is_found: bool,
}

impl Registry {
    /// No cameras yet. What is remembered of them is in `ids`; their lives run in `tasks`.
    pub fn new(ids: Ids, context: Context, tasks: TaskTracker) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            cameras: Mutex::default(),
            ids: Arc::new(ids),
            published: published::Names::default(),
            looked: watch::Sender::new(false),
            since: Instant::now(),
            context,
            tasks,
            this: this.clone(),
        })
    }

    /// What is remembered of cameras.
    pub fn ids(&self) -> Arc<Ids> {
        self.ids.clone()
    }

    fn cameras(&self) -> MutexGuard<'_, BTreeMap<CameraId, Entry>> {
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All cameras, by id.
    pub fn all(&self) -> Vec<Arc<Camera>> {
        self.cameras().values().map(|entry| entry.camera.clone()).collect()
    }

    /// All cameras in short, by id.
    pub fn summaries(&self) -> Vec<CameraSummary> {
        self.all().iter().map(|camera| camera.summary()).collect()
    }

    /// The camera that `text` means: an id, a name, or a device file. The error names other
    /// cameras: it is for programs of this user alone.
    pub fn find(&self, text: &CameraId) -> Result<Arc<Camera>, ErrorReply> {
        let cameras = self.cameras();
        if let Some(entry) = cameras.get(text) {
            return Ok(entry.camera.clone());
        }
        // A name that the user gave comes before what a device calls itself.
        let called = cameras.values().map(|entry| (entry.camera.called(&text.0), &entry.camera));
        let first = called.clone().filter_map(|(how, _)| how).min();
        let mut meant =
            called.filter(|(how, _)| how.is_some() && *how == first).map(|(_, camera)| camera);
        match (meant.next(), meant.next()) {
            (Some(camera), None) => Ok(camera.clone()),
            (Some(one), Some(other)) => Err(ErrorReply::new(
                ErrorKind::NoSuchCamera,
                format!("{text} may mean {} or {}: use the id", one.id(), other.id()),
            )),
            (None, _) => {
                let cameras: Vec<&Camera> = cameras.values().map(|entry| &*entry.camera).collect();
                Err(unknown::error(&text.0, &cameras))
            }
        }
    }

    fn add(&self, id: CameraId, name: Option<String>, found: Found, is_found: bool) {
        let (camera, life) = Camera::new(id.clone(), name, found, self.context.clone());
        let registry = self.this.clone();
        let this = Arc::downgrade(&camera);
        self.cameras().insert(id.clone(), Entry { camera, is_found });
        self.tasks.spawn(async move {
            life.await;
            if let Some(registry) = registry.upgrade() {
                registry.remove(&id, &this);
            }
        });
    }

    /// Removes `camera`, unless another has taken its place.
    fn remove(&self, id: &CameraId, camera: &Weak<Camera>) {
        let mut cameras = self.cameras();
        let is_it = |entry: &Entry| std::ptr::eq(Arc::as_ptr(&entry.camera), camera.as_ptr());
        if cameras.get(id).is_some_and(is_it) {
            cameras.remove(id);
            drop(cameras);
            self.context.hub.send(Event::CameraRemoved { camera: id.clone() });
        }
    }

    /// Waits until the finder has said for the first time which cameras there are, so that no list
    /// is empty by haste; not for longer than [`FIRST_LOOK`] after the service's start.
    pub async fn first_look(&self) {
        let mut looked = self.looked.subscribe();
        let looked = looked.wait_for(|looked| *looked);
        // Late is as good as never: there is a list either way.
        let _ = tokio::time::timeout_at(self.since + FIRST_LOOK, looked).await;
    }

    /// Takes note of the devices that are there now: all of them, not only new ones.
    pub async fn found(&self, devices: Vec<NamedDevice>) {
        let mut gone: Vec<Arc<Camera>> = Vec::new();
        let mut there: Vec<(Arc<Camera>, Found)> = Vec::new();
        {
            let cameras = self.cameras();
            for (id, entry) in cameras.iter().filter(|(_, entry)| entry.is_found) {
                if !devices.iter().any(|device| device.id == *id) {
                    gone.push(entry.camera.clone());
                }
            }
        }
        for NamedDevice { id, name, found } in devices {
            let known = self.cameras().get(&id).map(|entry| entry.camera.clone());
            match known {
                Some(camera) if camera.needs(&found) => there.push((camera, found)),
                Some(_) => {}
                None => self.add(id, name, found, true),
            }
        }
        for camera in gone {
            if camera.device().is_some() {
                // One whose life has ended is gone already.
                let _ = camera.present(None).await;
            }
        }
        for (camera, found) in there {
            if camera.present(Some(found.clone())).await.is_err() {
                let (id, name) = (camera.id().clone(), camera.given_name());
                self.remove(&id, &Arc::downgrade(&camera));
                self.add(id, name, found, true);
            }
        }
        self.looked.send_replace(true);
    }

    /// Adds a test camera of this size and rate. One that was removed and is watched still takes
    /// it, and its streams go on.
    pub async fn add_test_camera(
        &self,
        size: Size,
        rate: FrameRate,
    ) -> Result<Arc<Camera>, ErrorReply> {
        let free = {
            let cameras = self.cameras();
            let id = |index| CameraId(format!("test:{index}"));
            let is_free = |entry: &Entry| entry.camera.device().is_none();
            (0..MOST_TEST_CAMERAS).find(|index| cameras.get(&id(*index)).is_none_or(is_free))
        };
        let index = free.ok_or_else(|| {
            let message = format!("there are {MOST_TEST_CAMERAS} test cameras, which is the most");
            ErrorReply::new(ErrorKind::Limit, message)
        })?;
        let device = TestCamera::new(index, size, rate)
            .map_err(|error| ErrorReply::new(ErrorKind::UnsupportedMode, error.to_string()))?;
        let modes = device
            .modes()
            .map_err(|error| ErrorReply::new(ErrorKind::Internal, error.to_string()))?;
        let id = CameraId(format!("test:{index}"));
        let found = Found::new(Arc::new(device), modes);
        if let Ok(waiting) = self.find(&id) {
            if waiting.present(Some(found.clone())).await.is_ok() {
                return Ok(waiting);
            }
            self.remove(&id, &Arc::downgrade(&waiting));
        }
        let name = self.ids.name_of(&id);
        self.add(id.clone(), name, found, false);
        self.find(&id)
    }

    /// Removes a test camera.
    pub async fn remove_test_camera(&self, camera: &CameraId) -> Result<(), ErrorReply> {
        let camera = self.find(camera)?;
        if !camera.id().0.starts_with("test:") {
            let message = format!("{} is no test camera", camera.id());
            return Err(ErrorReply::new(ErrorKind::Invalid, message));
        }
        let stopped = camera.stop().await;
        camera.present(None).await?;
        // By then it has taken note, so that its number is free.
        camera.closed().await;
        stopped
    }

    /// Ends the hold of an explicit start, also of a camera that has gone meanwhile.
    pub async fn stop(&self, camera: &CameraId) -> Result<(), ErrorReply> {
        match self.find(camera) {
            Ok(camera) => camera.stop().await,
            Err(_) if self.context.starts.of(camera).is_some() => {
                self.context.starts.keep(camera, None).await
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a camera a name of the user's, or takes it away, also from one that is not there.
    pub async fn rename(&self, camera: &CameraId, name: Option<String>) -> Result<(), ErrorReply> {
        let (id, camera) = match self.find(camera) {
            Ok(camera) => (camera.id().clone(), Some(camera)),
            Err(_) if name.is_none() => (self.id_of(camera)?, None),
            Err(error) => return Err(error),
        };
        if let Some(name) = &name {
            state::name::check(name)?;
            self.check_name(name, &id)?;
        }
        let (ids, given) = (self.ids.clone(), name.clone());
        let saved = tokio::task::spawn_blocking(move || ids.rename(&id, given));
        match saved.await {
            Ok(Ok(())) => {
                if let Some(camera) = camera {
                    camera.rename(name);
                }
                Ok(())
            }
            Ok(Err(error)) => {
                let kind = match error {
                    RenameError::Storage(_) => ErrorKind::Storage,
                    RenameError::Limit => ErrorKind::Limit,
                };
                Err(ErrorReply::new(kind, error.to_string()))
            }
            Err(_) => Err(ErrorReply::new(ErrorKind::Internal, "the name could not be kept")),
        }
    }

    /// Fails where `name`, which the camera `id` is to have, means another one: one that is there,
    /// one that is away and was called so, or one that may come.
    fn check_name(&self, name: &str, id: &CameraId) -> Result<(), ErrorReply> {
        let is_another = |camera: &Arc<Camera>| {
            camera.id() != id && (camera.called(name).is_some() || camera.summary().name == name)
        };
        let is_id = ["published:", "test:"].iter().any(|kind| name.starts_with(kind));
        let known = self.ids.called(name);
        let message = if self.all().iter().any(is_another) {
            format!("{name:?} is another camera's name")
        } else if is_id && name != id.0 {
            format!("{name:?} may become another camera's id")
        } else if known.is_some_and(|other| other != *id) {
            format!(
                "{name:?} is the name of a camera that is away; `camera-service rename {name:?} \
                 --reset` takes it away from that"
            )
        } else {
            return Ok(());
        };
        Err(ErrorReply::new(ErrorKind::NameTaken, message))
    }

    /// The id of the camera that `text` means, also of one that is not there: one that was seen
    /// before, or a published one.
    pub fn id_of(&self, text: &CameraId) -> Result<CameraId, ErrorReply> {
        let error = match self.find(text) {
            Ok(camera) => return Ok(camera.id().clone()),
            Err(error) => error,
        };
        let published = text.0.strip_prefix("published:").is_some_and(PublishRequest::is_name);
        match self.ids.called(&text.0) {
            Some(id) => Ok(id),
            None if published => Ok(text.clone()),
            None => Err(error),
        }
    }

    /// To be called when event readers come or go: controls are watched for them.
    pub fn readers_changed(&self) {
        for camera in self.all() {
            camera.controls().settle();
        }
    }
}

/// Where what is remembered of cameras is kept.
pub fn cameras_file(state_folder: &std::path::Path) -> PathBuf {
    state_folder.join("cameras.toml")
}
