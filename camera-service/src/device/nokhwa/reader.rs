//! Frames of one camera, read one after the other on the thread that opened it.
//!
//! On Windows the camera is read without nokhwa: that leaks an object of Media Foundation with each
//! frame, never ends where the stream has ended, and opens by a number that may be another
//! camera's by then.

#[cfg_attr(windows, path = "reader/media_foundation.rs")]
#[cfg_attr(not(windows), path = "reader/nokhwa.rs")]
mod system;

pub(super) use system::Reader;
