//! The named mutex that only one service can hold.
#![allow(unsafe_code)]

use std::{
    io,
    marker::PhantomData,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
};

use protocol::endpoint::Endpoint;
use windows::{
    Win32::{
        Foundation::{ERROR_ACCESS_DENIED, HANDLE, WAIT_ABANDONED, WAIT_OBJECT_0, WAIT_TIMEOUT},
        System::Threading::{CreateMutexW, ReleaseMutex, WaitForSingleObject},
    },
    core::{HRESULT, HSTRING},
};

/// Held by the thread that took it, until it is dropped or the process has ended, however that
/// came about.
pub(super) struct Mutex {
    handle: OwnedHandle,
    /// A mutex belongs to a thread.
    _stays: PhantomData<*const ()>,
}

impl Mutex {
    /// Takes the mutex of the service at `endpoint`; `None` where another one has it.
    pub(super) fn take(endpoint: &Endpoint) -> io::Result<Option<Self>> {
        // The same for all sessions of this user, as the pipe is; no backslash may be in a name.
        let name = endpoint.to_string().to_lowercase().replace('\\', "/");
        let name = HSTRING::from(format!(r"Global\{name}"));
        // SAFETY: `name` outlives the call.
        let handle = match unsafe { CreateMutexW(None, false, &name) } {
            // SAFETY: the handle is new and owned by nobody else.
            Ok(handle) => unsafe { OwnedHandle::from_raw_handle(handle.0) },
            // A service with an administrator's rights has it, and lets nobody in.
            Err(error) if error.code() == HRESULT::from_win32(ERROR_ACCESS_DENIED.0) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        // SAFETY: the handle is open.
        let taken = unsafe { WaitForSingleObject(HANDLE(handle.as_raw_handle()), 0) };
        // Abandoned: the one that had it died.
        if taken == WAIT_OBJECT_0 || taken == WAIT_ABANDONED {
            Ok(Some(Self { handle, _stays: PhantomData }))
        } else if taken == WAIT_TIMEOUT {
            Ok(None)
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl Drop for Mutex {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and this thread holds the mutex. It has nobody to tell if
        // that fails, and the end of the process does the same.
        let _ = unsafe { ReleaseMutex(HANDLE(self.handle.as_raw_handle())) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_it_also_after_one_that_died() {
        let name = format!(r"\\.\pipe\camera-service-mutex-{}", std::process::id());
        let endpoint = Endpoint::at(name);
        let first = Mutex::take(&endpoint).expect("it can be made").expect("nobody has it");
        let other = |endpoint: &Endpoint| {
            let endpoint = endpoint.clone();
            // A thread that ends with it, as a process that dies does.
            let taken = move || Mutex::take(&endpoint).expect("made").map(std::mem::forget);
            std::thread::spawn(taken).join().expect("no panic").is_some()
        };
        assert!(!other(&endpoint), "a second one got it");
        drop(first);
        assert!(other(&endpoint), "it was given back");
        assert!(Mutex::take(&endpoint).expect("made").is_some(), "the thread that had it is gone");
    }
}
