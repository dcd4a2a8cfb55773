//! A camera: one device, its life, and what is known of it.
//!
//! [`Camera`] is what everybody else holds. Its life is driven by one task ([`lifecycle`]), which
//! starts and ends the thread that captures ([`capture`]); its controls have a thread of their
//! own ([`controls`]). Nothing here knows of connections: who watches is told by [`Watching`].

mod capture;
mod choice;
mod controls;
mod lifecycle;
mod presets;
mod route;
mod watchers;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use protocol::{
    CameraDetail, CameraId, CameraState, CameraSummary, ErrorKind, ErrorReply, FrameRate, Mode,
    ModeWish, StartedCamera,
};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use controls::ControlsHandle;
pub use watchers::{Watch, WatcherInfo, Watching};

use crate::{
    config::Config,
    device::{self, Device},
    events::Hub,
    source::{Feed, Renditions, Workers},
    state::{Settings, Starts},
};
use lifecycle::Command;
use watchers::Watchers;

/// Most starts and stops of a camera under way; who comes then waits for room.
const MOST_CHANGES: usize = 16;

/// What those who watch a camera are to know about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// It is closed or being opened for the first time.
    Waiting,
    /// It delivers.
    Live {
        /// Its mode.
        native: Mode,
        /// Counts its openings.
        epoch: u64,
    },
    /// It does not deliver, and is tried again.
    Lost(String),
    /// The user has turned all cameras off.
    Blocked,
    /// It is gone for good.
    Ended(ErrorReply),
}

/// A camera.
pub struct Camera {
    id: CameraId,
    native: Arc<Feed>,
    renditions: Renditions,
    condition: watch::Sender<Condition>,
    watchers: Arc<Watchers>,
    counters: Arc<Counters>,
    facts: Mutex<Facts>,
    commands: mpsc::Sender<Command>,
    /// Room for starts and stops under way.
    changes: Arc<Semaphore>,
    controls: ControlsHandle,
    settings: Arc<Settings>,
    starts: Arc<Starts>,
    hub: Hub,
}

/// By what a text means a camera; what comes first counts more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Called {
    /// Its id.
    Id,
    /// The name that the user gave it.
    GivenName,
    /// Its device file.
    Path,
    /// What the device calls itself.
    DeviceName,
}

/// What is known of a camera, apart from who watches.
struct Facts {
    /// The user's name for it.
    given_name: Option<String>,
    descriptor: device::Descriptor,
    device: Option<Arc<dyn Device>>,
    modes: Vec<Mode>,
    state: CameraState,
    reason: String,
    mode: Option<Mode>,
    /// The mode in which an explicit start holds it open.
    hold: Option<ModeWish>,
    /// What was last told to event readers.
    told: Option<CameraSummary>,
}

/// Counted by the capture thread since the camera was opened.
#[derive(Default)]
pub(crate) struct Counters {
    frames: AtomicU64,
    gaps: AtomicU64,
    damaged: AtomicU64,
    /// Frames in 1,000 s, as measured over the last second.
    rate: AtomicU32,
    /// When the capture thread was last seen to go on, ns on the monotonic clock.
    alive_ns: AtomicU64,
}

/// A device as it was found.
#[derive(Clone)]
pub struct Found {
    /// The device.
    pub device: Arc<dyn Device>,
    /// Its modes, first the one that it opens in where nothing is wished for; none where it
    /// could not be asked.
    modes: Vec<Mode>,
}

impl Found {
    /// `device`, which offers `modes`.
    pub fn new(device: Arc<dyn Device>, mut modes: Vec<Mode>) -> Self {
        let usual = device.usual_mode(&modes);
        let at = modes.iter().position(|mode| Some(*mode) == usual);
        if let Some(at) = at {
            modes[..=at].rotate_right(1);
        }
        Self { device, modes }
    }
}

/// What cameras have in common.
#[derive(Clone)]
pub struct Context {
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// Where events go.
    pub hub: Hub,
    /// Who computes renditions.
    pub workers: Arc<Workers>,
    /// Whether all cameras are turned off.
    pub privacy_off: watch::Receiver<bool>,
    /// Presets and pinned controls.
    pub settings: Arc<Settings>,
    /// Explicit starts.
    pub starts: Arc<Starts>,
    /// Ends everything.
    pub stop: CancellationToken,
}

impl Camera {
    /// A camera for the device that was found, and the task that lives its life. The task ends
    /// with `context.stop`, and when the device is gone and nobody watches.
    pub fn new(
        id: CameraId,
        given_name: Option<String>,
        found: Found,
        context: Context,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + use<>) {
        let native = Arc::new(Feed::default());
        let descriptor = found.device.descriptor().clone();
        // More than 64 callers at once wait for room.
        let (commands, inbox) = mpsc::channel(64);
        let changes = Arc::new(Semaphore::new(MOST_CHANGES));
        let camera = Arc::new(Self {
            renditions: Renditions::new(native.clone(), context.workers.clone()),
            native,
            condition: watch::Sender::new(Condition::Waiting),
            watchers: Arc::new(Watchers::default()),
            counters: Arc::new(Counters::default()),
            controls: ControlsHandle::new(id.clone(), &context),
            settings: context.settings.clone(),
            starts: context.starts.clone(),
            facts: Mutex::new(Facts {
                given_name,
                descriptor,
                modes: found.modes.clone(),
                device: Some(found.device.clone()),
                state: CameraState::Closed,
                reason: String::new(),
                mode: None,
                hold: None,
                told: None,
            }),
            commands,
            changes,
            hub: context.hub.clone(),
            id,
        });
        let life = lifecycle::live(camera.clone(), inbox, context);
        (camera, life)
    }

    /// Its id.
    pub fn id(&self) -> &CameraId {
        &self.id
    }

    /// Its controls.
    pub fn controls(&self) -> &ControlsHandle {
        &self.controls
    }

    /// What those who watch it are to know, as it changes.
    pub fn condition(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    /// How many watch it, as that changes.
    pub fn watcher_count(&self) -> watch::Receiver<u32> {
        self.watchers.number.subscribe()
    }

    /// Its native frames.
    pub fn native(&self) -> &Arc<Feed> {
        &self.native
    }

    /// The device, while it is there.
    pub fn device(&self) -> Option<Arc<dyn Device>> {
        self.facts().device.clone()
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `text` means this camera, and by what.
    pub fn called(&self, text: &str) -> Option<Called> {
        let facts = self.facts();
        let is_path = |path: &Path| path.as_os_str() == text;
        // What a publisher calls itself is for people to read: it could be any camera's name.
        let has_own_name = !self.id.0.starts_with("published:");
        if self.id.0 == text {
            Some(Called::Id)
        } else if facts.given_name.as_deref() == Some(text) {
            Some(Called::GivenName)
        } else if facts.descriptor.path.as_deref().is_some_and(is_path) {
            Some(Called::Path)
        } else if has_own_name && facts.descriptor.name == text {
            Some(Called::DeviceName)
        } else {
            None
        }
    }

    /// Whether who says `text` may mean this camera, though [`Camera::called`] does not take it: in
    /// other capitals, or by the name that its publisher gave it.
    pub fn may_be_called(&self, text: &str) -> bool {
        let facts = self.facts();
        let names = [Some(&self.id.0), facts.given_name.as_ref(), Some(&facts.descriptor.name)];
        let text = text.to_lowercase();
        names.into_iter().flatten().any(|name| name.to_lowercase() == text)
    }

    /// The camera in short.
    pub fn summary(&self) -> CameraSummary {
        self.summary_of(&self.facts())
    }

    fn summary_of(&self, facts: &Facts) -> CameraSummary {
        CameraSummary {
            id: self.id.clone(),
            name: facts.given_name.clone().unwrap_or_else(|| facts.descriptor.name.clone()),
            driver: facts.descriptor.driver.clone(),
            bus: facts.descriptor.bus.clone(),
            present: facts.device.is_some(),
            state: facts.state.clone(),
            reason: facts.reason.clone(),
            mode: facts.mode,
            watchers: self.watchers.count(),
            held_open: facts.hold.is_some(),
        }
    }

    /// The camera in full, but for the programs that have its device: looking for them blocks.
    pub fn detail(&self) -> CameraDetail {
        let facts = self.facts();
        let open = facts.mode.is_some();
        let count = |counter: &AtomicU64| if open { counter.load(Ordering::Relaxed) } else { 0 };
        let rate = self.counters.rate.load(Ordering::Relaxed);
        CameraDetail {
            summary: self.summary_of(&facts),
            path: facts.descriptor.path.as_ref().map(|path| path.display().to_string()),
            device_name: facts.descriptor.name.clone(),
            modes: facts.modes.clone(),
            measured_rate: (open && rate > 0).then(|| FrameRate::new(rate, 1000)),
            frames: count(&self.counters.frames),
            gaps: count(&self.counters.gaps),
            damaged: count(&self.counters.damaged),
            watchers: self.watchers.list(),
            holders: Vec::new(),
            renditions: self.renditions.names(),
        }
    }

    /// Changes what is known, and tells event readers if that shows.
    fn update(&self, change: impl FnOnce(&mut Facts)) {
        let mut facts = self.facts();
        change(&mut facts);
        let summary = self.summary_of(&facts);
        if facts.told.as_ref() != Some(&summary) {
            let event = match facts.told {
                None => protocol::Event::CameraAdded(summary.clone()),
                Some(_) => protocol::Event::CameraChanged(summary.clone()),
            };
            facts.told = Some(summary);
            self.hub.send(event);
        }
    }

    /// The user's name for it.
    pub fn given_name(&self) -> Option<String> {
        self.facts().given_name.clone()
    }

    /// Gives it a name of the user's, or takes it away.
    pub fn rename(&self, name: Option<String>) {
        self.update(|facts| facts.given_name = name);
    }

    /// Notes that somebody watches, until the returned value is dropped.
    pub fn watch(self: &Arc<Self>, info: WatcherInfo, watch: Watch) -> Watching {
        self.watchers.add(info, watch)
    }

    /// Whether anybody watches it.
    pub fn is_watched(&self) -> bool {
        !self.watchers.is_empty()
    }

    /// Opens it in a mode and holds it open, or changes its mode for all; kept over a restart.
    /// The log says that it was started `by` them.
    pub async fn start(
        self: &Arc<Self>,
        wish: ModeWish,
        by: String,
    ) -> Result<StartedCamera, ErrorReply> {
        let this = self.clone();
        self.finish(async move { this.start_and_keep(wish, by).await }).await
    }

    /// Ends that hold.
    pub async fn stop(self: &Arc<Self>) -> Result<(), ErrorReply> {
        let this = self.clone();
        self.finish(async move { this.stop_and_keep().await }).await
    }

    /// Does it in a task of its own, once there is room: begun, it is finished, also when who
    /// asked has gone, so that what is kept is what is in force.
    async fn finish<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, ErrorReply>> + Send + 'static,
    ) -> Result<T, ErrorReply> {
        let room = self.changes.clone().acquire_owned().await.map_err(|_| self.stopping())?;
        let change = tokio::spawn(async move {
            let _room = room;
            change.await
        });
        change.await.map_err(|_| self.stopping())?
    }

    async fn start_and_keep(
        &self,
        wish: ModeWish,
        by: String,
    ) -> Result<StartedCamera, ErrorReply> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Start { wish, by, reply }).await?;
        let started = answer.await.map_err(|_| self.stopping())?;
        if started.as_ref().is_err_and(|error| error.kind == ErrorKind::Stopping) {
            return started;
        }
        // Also after a failure, which may have ended an earlier start.
        let kept = self.keep_start().await;
        started.and_then(|started| kept.map(|()| started))
    }

    async fn stop_and_keep(&self) -> Result<(), ErrorReply> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Stop { reply }).await?;
        answer.await.map_err(|_| self.stopping())?;
        self.keep_start().await
    }

    /// Has the next service hold the camera open as this one does.
    async fn keep_start(&self) -> Result<(), ErrorReply> {
        let hold = self.facts().hold;
        self.starts.keep(&self.id, hold).await
    }

    /// Waits until its device is closed, or is found not to close.
    pub async fn closed(&self) {
        let (reply, answer) = oneshot::channel();
        if self.command(Command::WhenClosed(reply)).await.is_ok() {
            // A camera whose life ends closes its device too.
            let _ = answer.await;
        }
    }

    /// Tells it that its device is there, or not any more. Fails where its life has ended: then
    /// it takes another camera.
    pub async fn present(&self, found: Option<Found>) -> Result<(), ErrorReply> {
        self.command(Command::Present(found)).await
    }

    /// Whether what was found is news to it: something changed, or it waits for its device.
    pub fn needs(&self, found: &Found) -> bool {
        let facts = self.facts();
        facts.device.is_none()
            || facts.state == CameraState::Lost
            || facts.descriptor != *found.device.descriptor()
            || facts.modes != found.modes
    }

    async fn command(&self, command: Command) -> Result<(), ErrorReply> {
        self.commands.send(command).await.map_err(|_| self.stopping())
    }

    fn stopping(&self) -> ErrorReply {
        ErrorReply::new(ErrorKind::Lost, format!("{} is gone, or the service is stopping", self.id))
    }
}
