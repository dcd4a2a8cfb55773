//! Pixels: how frames lie in memory, and renditions made from them.
//!
//! A [`Converter`] makes one rendition, described by a [`Spec`], of frame after frame. Pure
//! functions and reusable scratch memory; nothing here knows of cameras, slots or clients. Runs on
//! whatever thread calls it: the worker pool, or a capture thread. Whatever bytes come in, the
//! outcome is a rendition or a [`PixelError`], and the memory taken is bounded by the size that
//! the frame's header gives.

mod colour;
mod convert;
mod error;
mod geometry;
mod jpeg;
mod layout;
mod load;
pub mod markers;
pub mod png;
mod scale;
mod spec;
mod store;
#[cfg(test)]
mod tests;
mod view;

pub use convert::{Converted, Converter};
pub use error::PixelError;
pub use layout::{Layout, rows_of};
pub use spec::Spec;
