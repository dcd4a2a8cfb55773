//! The thread that looks for devices: at the start, and whenever some may have come or gone.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use protocol::{CameraId, Mode};
use tokio::sync::mpsc;

use super::Ids;
use crate::{
    camera::Found,
    device::{Descriptor, Device, Finder, Watch, wake::Waker},
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
        ids: Arc<Mutex<Ids>>,
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
            let mut known = Known::new();
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
type Known = Vec<(Descriptor, Vec<Mode>)>;

fn look(finder: &dyn Finder, ids: &Mutex<Ids>, known: &mut Known) -> Vec<NamedDevice> {
    let devices = finder.enumerate();
    tracing::debug!(found = devices.len(), "looked for cameras");
    known.retain(|(descriptor, _)| devices.iter().any(|device| device.descriptor() == descriptor));
    let identities: Vec<_> =
        devices.iter().map(|device| device.descriptor().identity.clone()).collect();
    let assigned = ids.lock().unwrap_or_else(PoisonError::into_inner).assign(&identities);
    let named = devices.into_iter().zip(assigned).map(|(device, (id, name))| {
        let descriptor = device.descriptor();
        let before = known.iter().find(|(known, _)| known == descriptor);
        let modes = match before {
            Some((_, modes)) => modes.clone(),
            None => match ask_modes(&device) {
                Ok(modes) => {
                    known.push((descriptor.clone(), modes.clone()));
                    modes
                }
                Err(reason) => {
                    // Asked again at the next look: a permission may have been given by then.
                    tracing::warn!(camera = %id, "its modes could not be asked: {reason}");
                    Vec::new()
                }
            },
        };
        NamedDevice { id, name, found: Found { device, modes } }
    });
    named.collect()
}

/// Asks on a thread of its own: a device that hangs must not keep others from being found. The
/// thread is left behind with it.
fn ask_modes(device: &Arc<dyn Device>) -> Result<Vec<Mode>, String> {
    let (answer, answered) = std::sync::mpsc::sync_channel(1);
    let asked = device.clone();
    thread::Builder::new()
        .name("modes".to_owned())
        .spawn(move || answer.send(asked.modes()))
        .map_err(|error| error.to_string())?;
    match answered.recv_timeout(PATIENCE) {
        Ok(modes) => modes.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it did not answer within {PATIENCE:?}")),
    }
}
