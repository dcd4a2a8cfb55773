//! Waking a thread that waits in `poll` or on a condition.

use std::io;

/// Wakes the one thread that waits on it. A wake-up is not lost when nobody waits.
#[cfg(target_os = "linux")]
pub struct Waker(std::os::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl Waker {
    /// A waker that was not woken.
    pub fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Wakes the thread that waits, or the next one that does.
    pub fn wake(&self) {
        // Fails only when 2^64 - 2 wake-ups are pending.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// The descriptor to poll for reading; call [`Waker::clear`] when it is ready.
    pub fn fd(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }

    /// Forgets all wake-ups so far.
    pub fn clear(&self) {
        let mut count = [0; 8];
        // Nothing to read means that nobody woke it.
        let _ = rustix::io::read(&self.0, &mut count);
    }

    /// Waits until woken.
    pub fn wait(&self) {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
        }
        self.clear();
    }
}

/// Wakes the one thread that waits on it. A wake-up is not lost when nobody waits.
#[cfg(not(target_os = "linux"))]
pub struct Waker {
    woken: std::sync::Mutex<bool>,
    condition: std::sync::Condvar,
}

#[cfg(not(target_os = "linux"))]
impl Waker {
    /// A waker that was not woken.
    pub fn new() -> io::Result<Self> {
        Ok(Self { woken: false.into(), condition: std::sync::Condvar::new() })
    }

    fn woken(&self) -> std::sync::MutexGuard<'_, bool> {
        self.woken.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Wakes the thread that waits, or the next one that does.
    pub fn wake(&self) {
        *self.woken() = true;
        self.condition.notify_one();
    }

    /// Waits until woken.
    pub fn wait(&self) {
        let mut woken = self.woken();
        while !*woken {
            woken = self.condition.wait(woken).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *woken = false;
    }

    /// Waits until woken, for `timeout` at most; whether it was woken.
    pub fn wait_for(&self, timeout: std::time::Duration) -> bool {
        let waited = self.condition.wait_timeout_while(self.woken(), timeout, |woken| !*woken);
        let (mut woken, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *woken)
    }
}
