//! Cameras seen live: streams, pictures, and the widget that draws them.
//!
//! Bytes of a frame lie in the service's slot (or, decoded, in a buffer) and go from there to the
//! GPU or to an image in the thread that draws. They are held no longer than that.

mod colour;
mod decode;
mod geometry;
mod gpu;
mod newest;
mod picture;
mod software;
pub(crate) mod stream;
mod textures;
mod widget;

pub(crate) use geometry::{Fit, Placement};
pub(crate) use newest::Newest;
pub(crate) use widget::{Gesture, Look, Video};
