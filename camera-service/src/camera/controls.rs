//! A camera's controls: one authority, on a thread and a descriptor of its own.
//!
//! The thread is there while somebody may want to know: while the camera is open, while somebody
//! reads events, and for a moment after a request. Then the device is closed again, so that an
//! idle camera can sleep. What the device is told was validated here; every change, made here or
//! elsewhere, goes to the event readers. What is pinned is set again ([`pins`]).

mod order;
mod pins;
mod thread;
mod validate;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use protocol::{CameraId, Control, ControlOutcome, ControlSetting, ErrorKind, ErrorReply};
use tokio::sync::{Mutex as AsyncMutex, oneshot, watch};

use super::Context;
use crate::{
    config::Config,
    device::{Device, wake::Waker},
    events::Hub,
    state::Settings,
};
pub(super) use order::set_up;
use pins::Pinning;
use thread::{Busy, Job, Started, Work};

/// Most requests that wait for a camera's control thread; beyond, they are refused.
const QUEUE: usize = 64;
/// Most controls that one request may set; no device has as many.
const MOST_AT_ONCE: usize = 256;
/// Most control threads of a camera: one at work, and one that has been told to end.
const MOST_THREADS: usize = 2;
/// The thread stays so long after the last request.
const LINGER: Duration = Duration::from_secs(3);

/// The controls of one camera. Clones are the same.
#[derive(Clone)]
pub struct ControlsHandle(Arc<Shared>);

struct Shared {
    camera: CameraId,
    hub: Hub,
    settings: Arc<Settings>,
    privacy_off: watch::Receiver<bool>,
    config: watch::Receiver<Arc<Config>>,
    /// Held while pins are set, or changed and set: the device ends with what was pinned last.
    pinning_turn: AsyncMutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    device: Option<Arc<dyn Device>>,
    camera_open: bool,
    /// Requests so far; a lingering thread ends when none came meanwhile.
    requests: u64,
    /// There is a task that ends the thread when no more come.
    lingers: bool,
    running: Option<Running>,
    /// Held by each control thread until it has ended, to count those that hang.
    threads: Arc<()>,
    pinning: Pinning,
}

/// A running control thread, which ends when this is dropped.
struct Running {
    jobs: SyncSender<Job>,
    waker: Arc<Waker>,
    thread: JoinHandle<()>,
    busy: Busy,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The channel is closed a moment later, so hand it a closed one first.
        self.jobs = sync_channel(0).0;
        self.waker.wake();
    }
}

/// A request is over, answered or given up.
struct Linger<'a>(&'a ControlsHandle);

impl Drop for Linger<'_> {
    fn drop(&mut self) {
        // Without a runtime the service is ending, and the thread with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            self.0.linger(&runtime);
        }
    }
}

impl ControlsHandle {
    pub(super) fn new(camera: CameraId, context: &Context) -> Self {
        Self(Arc::new(Shared {
            camera,
            hub: context.hub.clone(),
            settings: context.settings.clone(),
            privacy_off: context.privacy_off.clone(),
            config: context.config.clone(),
            pinning_turn: AsyncMutex::default(),
            state: Mutex::default(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_device(&self, device: Option<Arc<dyn Device>>) {
        let mut state = self.state();
        // A thread that has the device that was there before has nothing to do any more.
        state.running = None;
        state.device = device;
        drop(state);
        self.settle();
        self.set_pins();
    }

    pub(super) fn set_camera_open(&self, open: bool) {
        let before = std::mem::replace(&mut self.state().camera_open, open);
        if before != open {
            self.settle();
            // Some devices forget their controls when they are opened.
            if open {
                self.set_pins();
            }
        }
    }

    /// Starts the thread, or ends it, as somebody wants to know or nobody does. To be called
    /// when event readers come or go.
    pub fn settle(&self) {
        let mut state = self.state();
        let wanted = state.camera_open || self.0.hub.readers() > 0;
        if !wanted {
            state.running = None;
        } else if state.device.is_some() {
            // Where it cannot be started, the next request says why.
            let _ = self.running(&mut state);
        }
    }

    fn running<'a>(&self, state: &'a mut State) -> Result<&'a Running, ErrorReply> {
        // It ends by itself when the device fails, which may come back without a replug.
        if state.running.as_ref().is_none_or(|running| running.thread.is_finished()) {
            let camera = &self.0.camera;
            let device = state.device.clone().ok_or_else(|| {
                ErrorReply::new(ErrorKind::Lost, format!("{camera} is unplugged"))
            })?;
            if Arc::strong_count(&state.threads) > MOST_THREADS {
                return Err(hangs(camera));
            }
            let alive = state.threads.clone();
            let started = thread::start(camera.clone(), device, self.0.hub.clone(), QUEUE, alive);
            let Started { jobs, waker, thread, busy } = started.map_err(|error| {
                let message = format!("{camera}: its controls cannot be reached: {error}");
                ErrorReply::new(ErrorKind::Internal, message)
            })?;
            state.running = Some(Running { jobs, waker, thread, busy });
        }
        state.running.as_ref().ok_or_else(|| ErrorReply::new(ErrorKind::Internal, "no thread"))
    }

    async fn submit<T>(
        &self,
        work: impl FnOnce(thread::Reply<T>) -> Work,
    ) -> Result<T, ErrorReply> {
        let (reply, answer) = oneshot::channel();
        let mut job = Job(work(reply));
        // A device that takes longer to open is stuck; so is one that takes longer for a control.
        let patience = self.0.config.borrow().timeouts.open_within;
        {
            let mut state = self.state();
            state.requests += 1;
            // Twice: a thread that ended, because its device was gone, is started anew.
            for attempt in 0..2 {
                let running = self.running(&mut state)?;
                if running.busy.time() > patience {
                    return Err(hangs(&self.0.camera));
                }
                match running.jobs.try_send(job) {
                    Ok(()) => {
                        running.waker.wake();
                        break;
                    }
                    Err(TrySendError::Full(_)) => {
                        return Err(ErrorReply::new(
                            ErrorKind::Limit,
                            format!(
                                "{}: {QUEUE} control requests wait already; try again later",
                                self.0.camera
                            ),
                        ));
                    }
                    Err(TrySendError::Disconnected(back)) if attempt == 0 => {
                        job = back;
                        state.running = None;
                    }
                    Err(TrySendError::Disconnected(_)) => break,
                }
            }
        }
        // Also where the caller gives up while it waits.
        let _linger = Linger(self);
        answer.await.unwrap_or_else(|_| {
            let message = format!("{}: its controls are gone with the device", self.0.camera);
            Err(ErrorReply::new(ErrorKind::Lost, message))
        })
    }

    /// Ends the thread after a while without requests, where nobody else wants it.
    fn linger(&self, runtime: &tokio::runtime::Handle) {
        // One such task, however many requests come.
        if std::mem::replace(&mut self.state().lingers, true) {
            return;
        }
        let handle = self.clone();
        runtime.spawn(async move {
            loop {
                let requests = handle.state().requests;
                tokio::time::sleep(LINGER).await;
                let mut state = handle.state();
                if state.requests == requests {
                    state.lingers = false;
                    drop(state);
                    return handle.settle();
                }
            }
        });
    }

    /// All controls as they are now.
    pub async fn list(&self) -> Result<Vec<Control>, ErrorReply> {
        self.submit(Work::List).await
    }

    /// Some of them as they are now. Fails where there is none of a name.
    pub async fn get(&self, names: Vec<String>) -> Result<Vec<Control>, ErrorReply> {
        let all = self.list().await?;
        let find = |name: &String| {
            all.iter()
                .find(|control| control.name == *name)
                .cloned()
                .ok_or_else(|| validate::no_such(&self.0.camera, name, &all))
        };
        names.iter().map(find).collect()
    }

    /// Sets some, in this order.
    pub async fn set(
        &self,
        settings: Vec<ControlSetting>,
    ) -> Result<Vec<ControlOutcome>, ErrorReply> {
        self.check_number(settings.len())?;
        self.submit(|reply| Work::Set(settings, reply)).await
    }

    /// Sets some, in the order in which they depend on each other; the outcomes are in the order
    /// of `settings`.
    pub(super) async fn apply(
        &self,
        settings: Vec<ControlSetting>,
    ) -> Result<Vec<ControlOutcome>, ErrorReply> {
        self.submit(|reply| Work::Apply(settings, reply)).await
    }

    /// Sets some to their defaults; with no names, all that can be.
    pub async fn reset(&self, names: Vec<String>) -> Result<Vec<ControlOutcome>, ErrorReply> {
        self.check_number(names.len())?;
        self.submit(|reply| Work::Reset(names, reply)).await
    }

    fn check_number(&self, number: usize) -> Result<(), ErrorReply> {
        if number <= MOST_AT_ONCE {
            return Ok(());
        }
        let camera = &self.0.camera;
        let message = format!("{camera}: a request may set {MOST_AT_ONCE} controls at most");
        Err(ErrorReply::new(ErrorKind::Limit, message))
    }
}

/// The answer while a call does not return.
fn hangs(camera: &CameraId) -> ErrorReply {
    let message =
        format!("{camera}: calls for its controls do not return; unplug it and plug it in again");
    ErrorReply::new(ErrorKind::Device, message)
}
