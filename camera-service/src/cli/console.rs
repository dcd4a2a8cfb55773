//! The console of a service that was not started from one.
//!
//! Windows gives a program such as this one a console with a window when it has none to share: at
//! login, or by a double click. Nobody asked for that window, and closing it would end the
//! service.

/// Gives the console back where nobody else uses it. What is logged then goes where standard error
/// was led to, if anywhere.
#[cfg(windows)]
#[allow(unsafe_code)]
pub(super) fn leave_own() {
    use windows::Win32::System::Console::{FreeConsole, GetConsoleProcessList};

    let mut processes = [0; 2];
    // SAFETY: takes the array with its length.
    let sharing = unsafe { GetConsoleProcessList(&mut processes) };
    if sharing == 1 {
        // SAFETY: takes nothing. What fails leaves the window there, and no more.
        let _ = unsafe { FreeConsole() };
    }
}

/// Other systems give nobody a console.
#[cfg(not(windows))]
pub(super) const fn leave_own() {}
