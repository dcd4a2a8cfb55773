//! Cameras of Windows (Media Foundation) and macOS (AVFoundation), by nokhwa; their frames, on
//! Windows, without it ([`reader`]).
//!
//! [`Finder`] looks every two seconds whether some may have come or gone, and which there are if
//! so: neither system tells of changes through nokhwa. A device is opened twice, independently: for
//! its frames and for its controls, each on a thread of its own, since nokhwa's cameras must be
//! used where they were made and some of their calls wait for as long as the device pleases.
//!
//! What nokhwa does not give: fractional rates, other pixel formats, error flags, the driver's
//! frame numbers and times, events of controls, and who else has a camera.

mod capture;
mod controls;
mod identity;
mod interfaces;
mod library;
mod modes;
mod reader;

use std::{
    io,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use ::nokhwa::utils::{CameraIndex, CameraInfo};
use protocol::{Holder, Mode, ModeWish};

use super::{Capture, Controls, Descriptor, Device, Error, Watch, choice, wake::Waker};

/// How often to look which cameras there are.
const LOOK: Duration = Duration::from_secs(2);

/// Name of the system's part that cameras are had from.
const DRIVER: &str = if cfg!(windows) { "mediafoundation" } else { "avfoundation" };

/// Knows the cameras of the system.
#[derive(Default)]
pub struct Finder {}

impl Finder {
    /// One that has not looked yet.
    pub fn new() -> Self {
        Self {}
    }
}

impl super::Finder for Finder {
    fn enumerate(&self) -> Vec<Arc<dyn Device>> {
        let device = |info: CameraInfo| Arc::new(NokhwaDevice::new(&info)) as Arc<dyn Device>;
        library::query().into_iter().map(device).collect()
    }

    fn watch(&self, changed: Box<dyn Fn() + Send>) -> io::Result<Watch> {
        let waker = Arc::new(Waker::new()?);
        let thread = {
            let waker = waker.clone();
            thread::Builder::new().name("camera-watch".to_owned()).spawn(move || {
                let look = || library::query().iter().map(CameraInfo::misc).collect::<Vec<_>>();
                let mut interfaces = interfaces::Interfaces::default();
                let mut known = look();
                while !waker.wait_for(LOOK) {
                    if !interfaces.may_have_changed() && library::is_settled() {
                        continue;
                    }
                    let now = look();
                    if now != known {
                        known = now;
                        changed();
                    }
                }
            })?
        };
        Ok(Watch::new(waker, thread))
    }
}

/// One camera of the system.
struct NokhwaDevice {
    descriptor: Descriptor,
    index: CameraIndex,
    /// Its modes, once it has said them: on Windows to ask takes seconds, as long as to open it.
    modes: OnceLock<Vec<Mode>>,
}

impl NokhwaDevice {
    fn new(info: &CameraInfo) -> Self {
        let (name, id) = (info.human_name(), info.misc());
        let descriptor = Descriptor {
            identity: identity::identity(&name, &id),
            name,
            driver: DRIVER.to_owned(),
            bus: id.clone(),
            path: None,
            plugged: 0,
        };
        Self { descriptor, index: CameraIndex::String(id), modes: OnceLock::new() }
    }
}

impl Device for NokhwaDevice {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn modes(&self) -> Result<Vec<Mode>, Error> {
        if let Some(modes) = self.modes.get() {
            return Ok(modes.clone());
        }
        let modes = modes::offered(&mut library::open(&self.index, None)?);
        // One that offers nothing yet is asked again.
        if !modes.is_empty() {
            let _ = self.modes.set(modes.clone());
        }
        Ok(modes)
    }

    fn open(&self, wish: &ModeWish) -> Result<Box<dyn Capture>, Error> {
        let offered = self.modes()?;
        let mode = offered[choice::choose(&offered, wish)?];
        Ok(Box::new(capture::NokhwaCapture::start(&self.index, mode)?))
    }

    fn controls(&self) -> Result<Box<dyn Controls>, Error> {
        Ok(Box::new(controls::NokhwaControls::open(&self.index)?))
    }

    fn holders(&self) -> Vec<Holder> {
        Vec::new()
    }
}
