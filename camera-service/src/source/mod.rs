//! Sources of frames: a camera's native frames and the renditions made of them.
//!
//! A [`Feed`] is where a source publishes and subscribers look: it holds the newest frame and
//! nothing else, so nobody can make it queue. [`Renditions`] are the feeds computed from a
//! camera's native one, on the [`Workers`].

mod feed;
mod pacer;
mod rendition;
mod workers;

pub use feed::{Feed, Published};
pub use pacer::Pacer;
pub use rendition::{Rendition, RenditionKey, Renditions, Routed};
pub use workers::Workers;
