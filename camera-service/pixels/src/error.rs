//! Why a rendition could not be made.

use protocol::{PixelFormat, Size};

/// Why a rendition could not be made of a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PixelError {
    /// The frame's header and bytes do not fit together.
    #[error("the frame is not as its header says: {0}")]
    BadFrame(&'static str),
    /// Nothing can be made of, or into, this format.
    #[error("frames in {0} cannot be converted")]
    Unsupported(PixelFormat),
    /// The frame is smaller than 2x2.
    #[error("a frame of {0} is too small for renditions")]
    TooSmall(Size),
    /// A JPEG is damaged, or of a kind that cameras do not make.
    #[error("the JPEG cannot be decoded: {0}")]
    BadJpeg(String),
    /// A JPEG is of another size than the camera's mode.
    #[error("the JPEG is {found}, the camera's mode {expected}")]
    JpegSize {
        /// Size in the JPEG's header.
        found: Size,
        /// Size in the frame's header.
        expected: Size,
    },
    /// There is no room for the rendition.
    #[error("a rendition of {needed} bytes does not fit into {room}")]
    NoRoom {
        /// Bytes needed.
        needed: usize,
        /// Bytes there are.
        room: usize,
    },
    /// A library failed on what it should be able to do.
    #[error("{what} failed: {reason}")]
    Library {
        /// What was to be done.
        what: &'static str,
        /// What the library said.
        reason: String,
    },
}

impl PixelError {
    /// To be given to `map_err` of a call that does `what`.
    pub(super) fn library<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Library { what, reason: error.to_string() }
    }
}
