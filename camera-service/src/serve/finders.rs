//! Which devices this platform has.

use std::sync::Arc;

use crate::device::Finder;

/// The finder for this platform's cameras.
#[cfg(target_os = "linux")]
pub(super) fn platform() -> Arc<dyn Finder> {
    Arc::new(crate::device::v4l2::Finder::new())
}

/// The finder for this platform's cameras.
#[cfg(not(target_os = "linux"))]
pub(super) fn platform() -> Arc<dyn Finder> {
    Arc::new(crate::device::nokhwa::Finder::new())
}
