//! The seam between cameras and the rest of the service.
//!
//! A [`Finder`] knows which devices there are, a [`Device`] is one of them, a [`Capture`] is one
//! opened for frames and [`Controls`] one opened for its controls. Everything here may block and
//! runs on threads of its own, never on tokio's. Nothing here knows of clients or sockets.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use protocol::{Colour, Control, ControlSetting, ControlValue, Holder, Mode, ModeWish, Plane};

use crate::slots::{Pool, WriteSlot};

mod choice;
#[cfg(not(target_os = "linux"))]
pub mod nokhwa;
pub mod published;
pub mod test_camera;
#[cfg(target_os = "linux")]
pub mod v4l2;
pub mod wake;

/// A device that was found. Cheap to keep: it holds no descriptor.
pub trait Device: Send + Sync {
    /// What it is and where.
    fn descriptor(&self) -> &Descriptor;

    /// The modes it offers. May open the device for a moment, so it can fail where opening can.
    fn modes(&self) -> Result<Vec<Mode>, Error>;

    /// The one of `modes`, which it offers, that it opens in where nothing is wished for.
    fn usual_mode(&self, modes: &[Mode]) -> Option<Mode> {
        choice::choose(modes, &ModeWish::default()).ok().map(|at| modes[at])
    }

    /// Opens it for frames in the mode that suits `wish` best and has it deliver.
    fn open(&self, wish: &ModeWish) -> Result<Box<dyn Capture>, Error>;

    /// Opens it for its controls, beside and independent of [`Device::open`].
    fn controls(&self) -> Result<Box<dyn Controls>, Error>;

    /// Other programs that have the device, as far as this user may see.
    fn holders(&self) -> Vec<Holder>;
}

/// What a device is and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// What tells this device from every other, also after a replug and a restart.
    pub identity: Identity,
    /// The device's own name.
    pub name: String,
    /// The kernel's name of the driver, else `test`, `published` or `mediafoundation`.
    pub driver: String,
    /// Where it is attached, as the driver says.
    pub bus: String,
    /// The device file, where there is one.
    pub path: Option<PathBuf>,
    /// Another number after a replug, however quick that was; 0 where this is not known.
    pub plugged: u64,
}

/// What the stable id of a camera is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// Vendor and product, readable: `usb-Logitech_C270`. Further functions of one device carry
    /// their interface: `usb-Logitech_Brio-if02`.
    pub model: String,
    /// Serial number, where the device has one that is known to be its own.
    pub serial: Option<String>,
    /// The port it is plugged into: `1-1.2`, `platform-vivid-000`.
    pub port: String,
}

/// A device opened for frames. Lives on its camera's capture thread, opened and dropped there.
pub trait Capture {
    /// The mode as the device confirmed it.
    fn mode(&self) -> Mode;

    /// Most bytes that a frame can have: the least that slots need.
    fn frame_bytes(&self) -> usize;

    /// The pool to be given to [`Capture::next_frame`]. A device that writes into slots by itself
    /// needs them when it is opened, has made it then, and keeps some of them.
    fn pool(&self) -> Pool {
        Pool::new(self.frame_bytes())
    }

    /// Waits for a frame at most `timeout` and puts it into a slot of `pool`, which is that of
    /// [`Capture::pool`].
    fn next_frame(&mut self, pool: &Pool, timeout: Duration) -> Result<Next, Error>;
}

/// What came of waiting for a frame.
pub enum Next {
    /// A frame.
    Frame(Captured),
    /// None in that time.
    TimedOut,
    /// One that the driver marked as damaged, or that is shorter than its mode demands.
    Damaged {
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// A frame as it came from a device.
pub struct Captured {
    /// The slot with its bytes.
    pub slot: WriteSlot,
    /// The driver's number for it.
    pub sequence: u64,
    /// Time of capture on CLOCK_MONOTONIC in ns.
    pub monotonic_ns: u64,
    /// Number of its bytes.
    pub length: u32,
    /// Its planes.
    pub planes: Vec<Plane>,
    /// Its colour encoding.
    pub colour: Colour,
}

/// A device opened for its controls. Lives on its camera's control thread.
pub trait Controls: Send {
    /// All controls as they are now.
    fn list(&mut self) -> Result<Vec<Control>, Error>;

    /// Hands `setting`, already validated, to the device and reads back what it took. A button
    /// gives [`ControlValue::None`].
    fn set(&mut self, setting: &ControlSetting) -> Result<ControlValue, Error>;

    /// Waits until a control was changed by whomever, or `waker` was woken, and returns the
    /// names of the controls that changed: none when woken. Changes made by [`Controls::set`]
    /// through this very object need not be told. Where the device tells of no changes it only
    /// waits for `waker`. Fails with [`Error::Gone`] when the device is unplugged.
    fn wait(&mut self, waker: &wake::Waker) -> Result<Vec<String>, Error>;
}

/// Knows the devices of one kind.
pub trait Finder: Send + Sync {
    /// The devices that are there now. A device that cannot be asked is left out and logged.
    fn enumerate(&self) -> Vec<Arc<dyn Device>>;

    /// Calls `changed`, on a thread of its own, whenever devices may have come or gone, until
    /// the returned guard is dropped.
    fn watch(&self, changed: Box<dyn Fn() + Send>) -> io::Result<Watch>;
}

/// Keeps a [`Finder::watch`] going; dropping it ends and joins its thread.
pub struct Watch {
    waker: Arc<wake::Waker>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// A watch whose `thread` ends when `waker` is woken.
    pub fn new(waker: Arc<wake::Waker>, thread: std::thread::JoinHandle<()>) -> Self {
        Self { waker, thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // The thread has nothing to report that matters at this point.
            let _ = thread.join();
        }
    }
}

/// Why a device did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there (any more).
    #[error("the device is gone")]
    Gone,
    /// Another program holds it.
    #[error("another program is using the device")]
    Busy,
    /// This user may not open it.
    #[cfg_attr(
        target_os = "linux",
        error(
            "no permission to open {0}; add your user to the group `video` (sudo usermod -aG video $USER) and log in again"
        )
    )]
    #[cfg_attr(
        not(target_os = "linux"),
        error("no permission to open {0}; allow programs to use cameras in the system's settings")
    )]
    Permission(String),
    /// It has no such mode.
    #[error("the device does not offer {0}")]
    UnsupportedMode(String),
    /// It has no such control, or not of that type.
    #[error("the device refuses that value for {0}")]
    Refused(String),
    /// The control cannot be set now or ever.
    #[error("{0} cannot be set")]
    ReadOnly(String),
    /// It does not do that at all.
    #[error("the device cannot do that: {0}")]
    Unsupported(&'static str),
    /// A call into the driver failed.
    #[error("{call} failed: {source}")]
    Io {
        /// The call, as its manual names it (`VIDIOC_STREAMON`).
        call: &'static str,
        /// What the system said.
        source: io::Error,
    },
}
