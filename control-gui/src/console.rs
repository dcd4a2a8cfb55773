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

/// Lets go of it again: the end of that console, or a Ctrl-C in it, would end this program, for
/// which nobody waits there.
#[cfg(windows)]
#[allow(unsafe_code)]
pub(crate) fn leave() {
    use windows::Win32::{
        Foundation::HANDLE,
        System::Console::{
            CONSOLE_MODE, FreeConsole, GetConsoleMode, GetStdHandle, STD_ERROR_HANDLE,
            STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
        },
    };

    let mut streams = vec![STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE];
    // Those that lead elsewhere stay.
    streams.retain(|stream| {
        let mut mode = CONSOLE_MODE::default();
        // SAFETY: takes a number, and what is filled in, which outlives it.
        unsafe {
            GetStdHandle(*stream).is_ok_and(|stream| GetConsoleMode(stream, &raw mut mode).is_ok())
        }
    });
    // SAFETY: takes nothing. It fails where there is none.
    let _ = unsafe { FreeConsole() };
    for stream in streams {
        // Its number may be another file's from now on.
        // SAFETY: takes numbers only.
        let _ = unsafe { SetStdHandle(stream, HANDLE::default()) };
    }
}

/// Whether standard error leads to somebody who sees colours. Windows' console has to be told to
/// show them.
#[cfg(windows)]
#[allow(unsafe_code)]
pub(crate) fn shows_colours() -> bool {
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

/// Other systems pass it on.
#[cfg(not(windows))]
pub(crate) const fn share() {}

/// Other systems end a program with its terminal by its own rules.
#[cfg(not(windows))]
pub(crate) const fn leave() {}

/// Other terminals have them.
#[cfg(not(windows))]
pub(crate) fn shows_colours() -> bool {
    use std::io::IsTerminal as _;
    std::io::stderr().is_terminal()
}
