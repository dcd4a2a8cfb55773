//! Cameras of the Linux kernel's V4L2 drivers, by the driver's calls alone.
//!
//! [`Finder`] knows which there are. A device is opened twice, independently: for its frames on
//! the capture thread, and for its controls on theirs. `docs/devices.md` tells why this is our
//! own layer over `ioctl`, and how modes are chosen.

mod abi;
mod buffers;
mod capture;
mod controls;
mod finder;
mod format;
mod frame;
mod holders;
mod hotplug;
mod identity;
mod ioctl;
mod loopback;
mod modes;
mod output;
mod readers;
pub mod survey;

pub use finder::Finder;
pub use holders::holders;
pub use output::{Output, OutputError, Written};
pub use readers::{Readers, Reading};

use std::{path::Path, sync::Arc};

use protocol::{Holder, Mode, ModeWish};

use self::{buffers::Lending, ioctl::Node};
use super::{Capture, Controls, Descriptor, Device, Error};

/// One device file that is a camera.
struct V4l2Device {
    descriptor: Descriptor,
    lending: Arc<Lending>,
}

impl V4l2Device {
    fn new(descriptor: Descriptor) -> Self {
        Self { descriptor, lending: Arc::default() }
    }

    fn path(&self) -> &Path {
        self.descriptor.path.as_deref().unwrap_or(Path::new(""))
    }

    /// Opens the device file, and makes sure that it is still this device's.
    fn open_node(&self) -> Result<Node, Error> {
        let node = Node::open(self.path())?;
        let now = node.capabilities()?;
        if now.card != self.descriptor.name || now.bus_info != self.descriptor.bus {
            // Another one was plugged in and has got its name.
            return Err(Error::Gone);
        }
        Ok(node)
    }
}

impl Device for V4l2Device {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn modes(&self) -> Result<Vec<Mode>, Error> {
        let offers = modes::all(&self.open_node()?)?;
        Ok(offers.into_iter().map(|offer| offer.mode).collect())
    }

    fn open(&self, wish: &ModeWish) -> Result<Box<dyn Capture>, Error> {
        Ok(Box::new(capture::Capture::start(self.open_node()?, wish, self.lending.clone())?))
    }

    fn controls(&self) -> Result<Box<dyn Controls>, Error> {
        Ok(Box::new(controls::Controls::open(self.open_node()?)?))
    }

    fn holders(&self) -> Vec<Holder> {
        holders(self.path())
    }
}
