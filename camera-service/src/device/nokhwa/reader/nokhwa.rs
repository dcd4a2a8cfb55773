//! Read by nokhwa.

use ::nokhwa::{Camera, utils::CameraIndex};
use protocol::Mode;

use super::super::{library, modes};
use crate::device::Error;

/// A camera that streams.
pub(in super::super) struct Reader {
    camera: Camera,
    index: CameraIndex,
}

impl Reader {
    /// Opens the camera in one of the modes that it offers, and has it deliver. Blocks for as long
    /// as the driver pleases.
    pub(in super::super) fn open(index: &CameraIndex, mode: Mode) -> Result<Self, Error> {
        let format = modes::camera_format(mode).ok_or(Error::Unsupported("this mode"))?;
        let mut camera = library::open(index, Some(format))?;
        camera
            .open_stream()
            .map_err(|error| library::device_error("starting the stream", index, &error))?;
        Ok(Self { camera, index: index.clone() })
    }

    /// The next frame, or nothing where the system woke up without one. Blocks for as long as the
    /// camera pleases.
    pub(in super::super) fn read(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let frame = self.camera.frame_raw();
        let frame =
            frame.map_err(|error| library::device_error("reading a frame", &self.index, &error))?;
        Ok(Some(frame.into_owned()))
    }
}
