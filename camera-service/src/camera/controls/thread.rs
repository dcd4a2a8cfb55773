//! The control thread of one camera.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TryRecvError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use protocol::{
    CameraId, Control, ControlOutcome, ControlSetting, ControlValue, ErrorKind, ErrorReply, Event,
};
use tokio::sync::oneshot;

use super::{
    order::{Turn, is_settable},
    validate,
};
use crate::{
    clock,
    device::{self, Controls, Device, wake::Waker},
    events::Hub,
};

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, ErrorReply>>;

/// Something for the thread to do. Work whose caller has gone is not begun.
pub(super) struct Job(pub(super) Work);

/// What there is to do.
pub(super) enum Work {
    /// List all controls.
    List(Reply<Vec<Control>>),
    /// Set some, in this order.
    Set(Vec<ControlSetting>, Reply<Vec<ControlOutcome>>),
    /// Set some, in the order in which they depend on each other.
    Apply(Vec<ControlSetting>, Reply<Vec<ControlOutcome>>),
    /// Set some, or all, to their defaults.
    Reset(Vec<String>, Reply<Vec<ControlOutcome>>),
}

/// A control thread that was started.
pub(super) struct Started {
    /// Where its work goes.
    pub(super) jobs: SyncSender<Job>,
    /// Wakes it for that.
    pub(super) waker: Arc<Waker>,
    /// The thread itself.
    pub(super) thread: JoinHandle<()>,
    /// Whether it is in a call into the device.
    pub(super) busy: Busy,
}

/// Since when a control thread has been in one call into its device, on the monotonic clock in ns;
/// 0 while it waits for something to do. Clones are the same.
#[derive(Clone)]
pub(super) struct Busy(Arc<AtomicU64>);

impl Busy {
    /// One that has just begun with something.
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(clock::monotonic_ns())))
    }

    /// It begins with the next thing.
    fn begins(&self) {
        self.0.store(clock::monotonic_ns(), Ordering::Relaxed);
    }

    /// It has nothing to do.
    fn rests(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// How long it has been in one call.
    pub(super) fn time(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => Duration::from_nanos(clock::monotonic_ns().saturating_sub(since)),
        }
    }
}

/// Starts the thread, which ends when the sender is dropped and the waker woken, and when the
/// device is gone.
pub(super) fn start(
    camera: CameraId,
    device: Arc<dyn Device>,
    hub: Hub,
    queue: usize,
    alive: Arc<()>,
) -> io::Result<Started> {
    let (sender, jobs) = sync_channel(queue);
    let waker = Arc::new(Waker::new()?);
    let wake = waker.clone();
    let busy = Busy::new();
    let noted = busy.clone();
    let thread = thread::Builder::new().name("controls".to_owned()).spawn(move || {
        let _alive = alive;
        match device.controls() {
            Ok(controls) => {
                let mut authority =
                    Authority { camera, controls, hub, known: Vec::new(), busy: noted };
                if let Err(error) = authority.run(&jobs, &wake) {
                    tracing::debug!(camera = %authority.camera, "controls ended: {error}");
                }
            }
            // Whoever waits is told; there may be nobody.
            Err(error) => refuse_all(&jobs, &reply_for(&camera, "its controls", &error)),
        }
    })?;
    Ok(Started { jobs: sender, waker, thread, busy })
}

fn refuse_all(jobs: &Receiver<Job>, error: &ErrorReply) {
    while let Ok(Job(work)) = jobs.try_recv() {
        match work {
            Work::List(reply) => drop(reply.send(Err(error.clone()))),
            Work::Set(_, reply) | Work::Apply(_, reply) | Work::Reset(_, reply) => {
                drop(reply.send(Err(error.clone())));
            }
        }
    }
}

fn reply_for(camera: &CameraId, what: &str, error: &device::Error) -> ErrorReply {
    let kind = match error {
        device::Error::Gone => ErrorKind::Lost,
        device::Error::Busy => ErrorKind::Busy,
        device::Error::Permission(_) => ErrorKind::Permission,
        device::Error::UnsupportedMode(_) => ErrorKind::UnsupportedMode,
        device::Error::Refused(_) => ErrorKind::OutOfRange,
        device::Error::ReadOnly(_) => ErrorKind::ReadOnly,
        device::Error::Unsupported(_) => ErrorKind::Unsupported,
        device::Error::Io { .. } => ErrorKind::Device,
    };
    ErrorReply::new(kind, format!("{camera}, {what}: {error}"))
}

struct Authority {
    camera: CameraId,
    controls: Box<dyn Controls>,
    hub: Hub,
    /// The controls as they were told last.
    known: Vec<Control>,
    busy: Busy,
}

impl Authority {
    fn run(&mut self, jobs: &Receiver<Job>, waker: &Waker) -> Result<(), device::Error> {
        self.known = self.controls.list()?;
        loop {
            loop {
                match jobs.try_recv() {
                    Ok(Job(work)) => self.work(work)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.busy.rests();
            let changed = self.controls.wait(waker)?;
            self.busy.begins();
            if !changed.is_empty() {
                self.refresh()?;
            }
        }
    }

    /// Lists the controls anew and tells event readers which have changed.
    fn refresh(&mut self) -> Result<(), device::Error> {
        self.busy.begins();
        let now = self.controls.list()?;
        for control in &now {
            let before = self.known.iter().find(|known| known.name == control.name);
            if before != Some(control) {
                let event =
                    Event::ControlChanged { camera: self.camera.clone(), control: control.clone() };
                self.hub.send(event);
            }
        }
        self.known = now;
        Ok(())
    }

    fn work(&mut self, work: Work) -> Result<(), device::Error> {
        // Who gave up, or whose deadline has passed, has closed the reply.
        match work {
            Work::List(reply) if !reply.is_closed() => {
                self.refresh()?;
                drop(reply.send(Ok(self.known.clone())));
            }
            Work::Set(settings, reply) if !reply.is_closed() => {
                self.refresh()?;
                let wanted = |_: &&ControlSetting| !reply.is_closed();
                let settings = settings.iter().take_while(wanted);
                let outcomes = settings.map(|setting| self.outcome(setting)).collect();
                self.refresh()?;
                drop(reply.send(Ok(outcomes)));
            }
            Work::Apply(settings, reply) if !reply.is_closed() => {
                self.refresh()?;
                let outcomes = self.apply(&settings)?;
                drop(reply.send(Ok(outcomes)));
            }
            Work::Reset(names, reply) if !reply.is_closed() => {
                self.refresh()?;
                let outcomes = self.reset(&names)?;
                self.refresh()?;
                drop(reply.send(Ok(outcomes)));
            }
            Work::List(_) | Work::Set(..) | Work::Apply(..) | Work::Reset(..) => {}
        }
        Ok(())
    }

    fn outcome(&mut self, setting: &ControlSetting) -> ControlOutcome {
        ControlOutcome { name: setting.name.clone(), result: self.set(setting) }
    }

    fn set(&mut self, setting: &ControlSetting) -> Result<ControlValue, ErrorReply> {
        let name = &setting.name;
        let control = self.known.iter().find(|control| control.name == *name);
        let control = control.ok_or_else(|| validate::no_such(&self.camera, name, &self.known))?;
        let value = validate::value(control, &setting.value)?;
        let setting = ControlSetting { name: name.clone(), value };
        self.busy.begins();
        self.controls.set(&setting).map_err(|error| reply_for(&self.camera, name, &error))
    }

    fn reset(&mut self, names: &[String]) -> Result<Vec<ControlOutcome>, device::Error> {
        if !names.is_empty() {
            return Ok(names.iter().map(|name| self.reset_one(name)).collect());
        }
        // What is automatic after the first turn has no value of its own to go back to.
        let mut outcomes = Vec::new();
        for turn in Turn::ALL {
            let resettable = |control: &&Control| {
                is_settable(control)
                    && control.default != ControlValue::None
                    && Turn::of(control) == turn
            };
            let controls = self.known.iter().filter(resettable);
            let names: Vec<String> = controls.map(|control| control.name.clone()).collect();
            outcomes.extend(names.iter().map(|name| self.reset_one(name)));
            self.refresh()?;
        }
        Ok(outcomes)
    }

    fn apply(&mut self, settings: &[ControlSetting]) -> Result<Vec<ControlOutcome>, device::Error> {
        let mut outcomes = vec![None; settings.len()];
        for turn in Turn::ALL {
            for (setting, outcome) in settings.iter().zip(&mut outcomes) {
                let control = self.known.iter().find(|control| control.name == setting.name);
                // One that is not there, or not any more, is refused in the last turn.
                if outcome.is_none() && control.map_or(Turn::Rest, Turn::of) == turn {
                    *outcome = Some(self.outcome(setting));
                }
            }
            self.refresh()?;
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    fn reset_one(&mut self, name: &str) -> ControlOutcome {
        let default = self.known.iter().find(|control| control.name == name);
        let default = default.map(|control| (control.kind, control.default.clone()));
        let result = match default {
            Some((_, ControlValue::None)) => Err(ErrorReply::new(
                ErrorKind::Unsupported,
                format!("{name} has no default to go back to"),
            )),
            Some((_, value)) => self.set(&ControlSetting { name: name.to_owned(), value }),
            None => Err(validate::no_such(&self.camera, name, &self.known)),
        };
        ControlOutcome { name: name.to_owned(), result }
    }
}
