//! The thread that looks for devices: at the start, and whenever some may have come or gone.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel},
    },
    thread,
    time::Duration,
};

use protocol::{CameraId, Mode};
use tokio::sync::mpsc;

use super::Ids;
use crate::{
    camera::Found,
    device::{self, Descriptor, Device, Finder, Watch, wake::Waker},
};

/// How long a device may take to tell its modes.
const PATIENCE: Duration = Duration::from_secs(1);

/// A device and how its camera is called.
pub struct NamedDevice {
    /// Its camera's id.
    pub id: CameraId,
    /// The user's name for it.
    pub name: Option<String>,
    /// The device.
    pub found: Found,
}

/// Keeps the looking going; dropping it ends it. The thread is not joined: a device that hangs
/// when it is asked must not hold up the end of the service.
pub struct Discovery {
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
    _watch: Option<Watch>,
}

impl Discovery {
    /// Starts to look. Each time, all the devices that are there are sent to `sink`.
    pub fn start(
        finder: Arc<dyn Finder>,
        ids: Arc<Ids>,
        sink: mpsc::Sender<Vec<NamedDevice>>,
    ) -> io::Result<Self> {
        let waker = Arc::new(Waker::new()?);
        let wake = waker.clone();
        // Watched before the first look, so that nothing is missed in between.
        let watch = finder.watch(Box::new(move || wake.wake()));
        let watch = watch
            .inspect_err(|error| {
                tracing::warn!("cameras that are plugged in later are not noticed: {error}");
            })
            .ok();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, woken) = (stop.clone(), waker.clone());
        thread::Builder::new().name("discovery".to_owned()).spawn(move || {
            let mut known = Known::new(woken.clone());
            while !stopped.load(Ordering::Relaxed) {
                // Room for one: the next look waits until this one was taken note of.
                if sink.blocking_send(look(&*finder, &ids, &mut known)).is_err() {
                    break;
                }
                woken.wait();
            }
        })?;
        Ok(Self { stop, waker, _watch: watch })
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.waker.wake();
    }
}

/// What was learnt of devices at earlier looks, so that each is asked once.
struct Known {
    modes: Vec<(Descriptor, Vec<Mode>)>,
    /// Devices that have not answered yet, each with a thread that waits for that. None of these
    /// is asked once more, also when it was plugged in anew: that would take another thread each
    /// time.
    asked: Vec<Asked>,
    /// Has discovery look again.
    waker: Arc<Waker>,
}

/// A question that was not answered in time.
struct Asked {
    descriptor: Descriptor,
    answer: Receiver<Answer>,
}

type Answer = Result<Vec<Mode>, device::Error>;

impl Known {
    fn new(waker: Arc<Waker>) -> Self {
        Self { modes: Vec::new(), asked: Vec::new(), waker }
    }

    /// Forgets devices that are not there any more, and takes the answers that came late.
    fn update(&mut self, devices: &[Arc<dyn Device>]) {
        let modes = &mut self.modes;
        self.asked.retain(|asked| match asked.answer.try_recv() {
            Ok(Ok(answer)) => {
                modes.push((asked.descriptor.clone(), answer));
                false
            }
            Ok(Err(_)) | Err(TryRecvError::Disconnected) => false,
            Err(TryRecvError::Empty) => true,
        });
        modes.retain(|(known, _)| devices.iter().any(|device| device.descriptor() == known));
    }

    /// The modes of a device, which is asked where that was not done yet; or why they are not
    /// known.
    fn modes_of(&mut self, device: &Arc<dyn Device>) -> Result<Vec<Mode>, String> {
        let descriptor = device.descriptor();
        if let Some((_, modes)) = self.modes.iter().find(|(known, _)| known == descriptor) {
            return Ok(modes.clone());
        }
        let is_it = |asked: &Asked| asked.descriptor.identity == descriptor.identity;
        if self.asked.iter().any(is_it) {
            return Err("it still does not answer".to_owned());
        }
        let modes = self.ask(device)?;
        self.modes.push((descriptor.clone(), modes.clone()));
        Ok(modes)
    }

    /// Asks on a thread of its own: a device that hangs must not keep others from being found.
    fn ask(&mut self, device: &Arc<dyn Device>) -> Result<Vec<Mode>, String> {
        let (sender, answer) = sync_channel(1);
        let (asked, waker) = (device.clone(), self.waker.clone());
        let late = Arc::new(AtomicBool::new(false));
        let is_late = late.clone();
        thread::Builder::new()
            .name("modes".to_owned())
            .spawn(move || {
                // There is room for it; nobody listens any more when the service stops.
                let _ = sender.send(asked.modes());
                if is_late.load(Ordering::SeqCst) {
                    waker.wake();
                }
            })
            .map_err(|error| error.to_string())?;
        match answer.recv_timeout(PATIENCE) {
            Ok(modes) => modes.map_err(|error| error.to_string()),
            Err(RecvTimeoutError::Disconnected) => Err("the thread that asked panicked".to_owned()),
            Err(RecvTimeoutError::Timeout) => {
                late.store(true, Ordering::SeqCst);
                if let Ok(modes) = answer.try_recv() {
                    return modes.map_err(|error| error.to_string());
                }
                self.asked.push(Asked { descriptor: device.descriptor().clone(), answer });
                Err(format!("it did not answer within {PATIENCE:?}"))
            }
        }
    }
}

fn look(finder: &dyn Finder, ids: &Ids, known: &mut Known) -> Vec<NamedDevice> {
    let devices = finder.enumerate();
    tracing::debug!(found = devices.len(), "looked for cameras");
    known.update(&devices);
    let identities: Vec<_> =
        devices.iter().map(|device| device.descriptor().identity.clone()).collect();
    let assigned = ids.assign(&identities);
    let named = devices.into_iter().zip(assigned).map(|(device, (id, name))| {
        let modes = known.modes_of(&device).unwrap_or_else(|reason| {
            // Asked again at the next look: a permission may have been given by then.
            tracing::warn!(camera = %id, "its modes could not be asked: {reason}");
            Vec::new()
        });
        NamedDevice { id, name, found: Found::new(device, modes) }
    });
    named.collect()
}
