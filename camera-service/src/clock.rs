//! The two clocks that frames and events are stamped with.

use std::time::{SystemTime, UNIX_EPOCH};

/// ns since 1970 (UTC).
pub fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// ns on the machine's monotonic clock, the same in every process.
#[cfg(unix)]
pub fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// ns on the machine's monotonic clock, the same in every process. As on Linux, it stands still
/// while the machine is suspended: nothing grows old in its sleep.
#[cfg(windows)]
#[allow(unsafe_code)]
pub fn monotonic_ns() -> u64 {
    use windows::Win32::System::WindowsProgramming::QueryUnbiasedInterruptTimePrecise;
    // SAFETY: takes nothing. In units of 100 ns.
    unsafe { QueryUnbiasedInterruptTimePrecise() }.saturating_mul(100)
}
