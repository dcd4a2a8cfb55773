//! The console of a service that was not started from one, and the streams of a program that
//! starts a service.
//!
//! Windows gives a program such as this one a console with a window when it has none to share: at
//! login, or by a double click. Nobody asked for that window, and closing it would end the
//! service.
#![cfg_attr(windows, allow(unsafe_code))]

use std::{fs::File, io::IsTerminal as _};

/// Gives the console back where nobody else uses it. Whether what is logged would go nowhere from
/// then on: standard error led there.
#[cfg(windows)]
pub(super) fn leave_own() -> bool {
    use windows::Win32::{
        Foundation::HANDLE,
        System::Console::{
            CONSOLE_MODE, FreeConsole, GetConsoleMode, GetConsoleProcessList, GetStdHandle,
            STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
        },
    };

    let mut processes = [0; 2];
    // SAFETY: takes the array with its length.
    let sharing = unsafe { GetConsoleProcessList(&mut processes) };
    if sharing != 1 {
        return false;
    }
    let streams = [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE];
    let shown_there = streams.map(|stream| {
        let mut mode = CONSOLE_MODE::default();
        // SAFETY: takes a number, and what is filled in, which outlives it.
        unsafe {
            GetStdHandle(stream).is_ok_and(|stream| GetConsoleMode(stream, &raw mut mode).is_ok())
        }
    });
    // SAFETY: takes nothing. What fails leaves the window there, and no more.
    if unsafe { FreeConsole() }.is_err() {
        return false;
    }
    for (stream, _) in streams.into_iter().zip(shown_there).filter(|(_, shown)| *shown) {
        // Its number may be another file's from now on.
        // SAFETY: takes numbers only.
        let _ = unsafe { SetStdHandle(stream, HANDLE::default()) };
    }
    shown_there[2]
}

/// Other systems give nobody a console.
#[cfg(not(windows))]
pub(super) const fn leave_own() -> bool {
    false
}

/// Whether standard error leads to somebody who sees colours. Windows' console has to be told to
/// show them.
pub(super) fn shows_colours() -> bool {
    std::io::stderr().is_terminal() && has_colours()
}

#[cfg(windows)]
fn has_colours() -> bool {
    use windows::Win32::System::Console::{
        CONSOLE_MODE, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, GetStdHandle,
        STD_ERROR_HANDLE, SetConsoleMode,
    };

    let mut mode = CONSOLE_MODE::default();
    // SAFETY: takes a number, a handle that stays open, and what is filled in, which outlives it.
    unsafe {
        GetStdHandle(STD_ERROR_HANDLE).is_ok_and(|stderr| {
            GetConsoleMode(stderr, &raw mut mode).is_ok()
                && SetConsoleMode(stderr, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING).is_ok()
        })
    }
}

/// Other terminals have them.
#[cfg(not(windows))]
const fn has_colours() -> bool {
    true
}

/// Leads standard error into `file` from now on.
#[cfg(windows)]
pub(super) fn lead_errors_into(file: File) {
    use std::os::windows::io::IntoRawHandle as _;

    use windows::Win32::{
        Foundation::HANDLE,
        System::Console::{STD_ERROR_HANDLE, SetStdHandle},
    };

    // SAFETY: from here on the handle is standard error's, and is never closed.
    let _ = unsafe { SetStdHandle(STD_ERROR_HANDLE, HANDLE(file.into_raw_handle())) };
}

/// Other systems never take it away.
#[cfg(not(windows))]
pub(super) fn lead_errors_into(_: File) {}

/// Keeps the streams that this program was given from programs that it starts, which may outlive
/// it: on Windows they get all that can be inherited, and whoever reads what this program writes
/// would wait for their end.
#[cfg(windows)]
pub(super) fn keep_streams() {
    use windows::Win32::{
        Foundation::{HANDLE_FLAG_INHERIT, HANDLE_FLAGS, SetHandleInformation},
        System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE},
    };

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

/// Other systems give them what they are told to.
#[cfg(not(windows))]
pub(super) const fn keep_streams() {}
