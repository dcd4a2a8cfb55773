//! The console that this program was started from. On Windows a program with a window gets none
//! by itself, and what it prints, such as its help, would go nowhere.

/// Shares the console of whoever started this program, if that has one.
#[cfg(windows)]
#[allow(unsafe_code)]
pub(crate) fn share() {
    use windows::Win32::System::Console::{ATTACH_PARENT_PROCESS, AttachConsole};

    // SAFETY: takes a number only. It fails where there is no console: then nobody looks at one.
    let _ = unsafe { AttachConsole(ATTACH_PARENT_PROCESS) };
}

/// Other systems pass it on.
#[cfg(not(windows))]
pub(crate) const fn share() {}
