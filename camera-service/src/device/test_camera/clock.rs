//! The clock by which frames are stamped.

/// CLOCK_MONOTONIC in ns.
#[cfg(unix)]
pub(super) fn monotonic_ns() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Time since the first call, in ns: comparable within this process only.
#[cfg(not(unix))]
pub(super) fn monotonic_ns() -> u64 {
    use std::{sync::OnceLock, time::Instant};
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}
