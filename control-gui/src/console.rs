//! The console that this program was started from. On Windows a program with a window gets none
//! by itself, and what it prints, such as its help, would go nowhere.

/// Shares the console of whoever started this program, if that has one; and keeps what this
/// program writes to from the service that it may start: who reads it would wait for that one's
/// end.
#[cfg(windows)]
#[allow(unsafe_code)]
pub(crate) fn share() {
    use windows::Win32::{
        Foundation::{HANDLE_FLAG_INHERIT, HANDLE_FLAGS, SetHandleInformation},
        System::Console::{
            ATTACH_PARENT_PROCESS, AttachConsole, GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE,
            STD_OUTPUT_HANDLE,
        },
    };

    // SAFETY: takes a number only. It fails where there is no console: then nobody looks at one.
    let _ = unsafe { AttachConsole(ATTACH_PARENT_PROCESS) };
    for stream in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: takes numbers only. There may be no such stream, or one that cannot be
        // inherited anyway.
        let _ = unsafe {
            GetStdHandle(stream).and_then(|handle| {
                SetHandleInformation(handle, HANDLE_FLAG_INHERIT.0, HANDLE_FLAGS(0))
            })
        };
    }
}

/// Other systems pass it on.
#[cfg(not(windows))]
pub(crate) const fn share() {}
