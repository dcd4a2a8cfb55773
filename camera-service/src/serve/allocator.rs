//! Keeping the allocator from keeping what was freed.

/// Fixes the thresholds of glibc's allocator. Left alone it raises them with the largest block
/// that was ever freed, after which codecs' and messages' buffers stay with the process for good:
/// some megabytes, and more after every busy hour. To be called before any thread is started, that
/// of the log too: a thread that comes before has memory of its own for good.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn keep_small() {
    const SETTINGS: [(libc::c_int, libc::c_int); 3] = [
        (libc::M_ARENA_MAX, 1),
        (libc::M_MMAP_THRESHOLD, 64 << 10),
        (libc::M_TRIM_THRESHOLD, 64 << 10),
    ];
    for (parameter, value) in SETTINGS {
        // SAFETY: sets a number in the allocator; no memory is touched. Called before any thread
        // is started. Where it is refused (0), the default stays in force.
        let _ = unsafe { libc::mallopt(parameter, value) };
    }
}

/// Other allocators are left as they are.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_small() {}
