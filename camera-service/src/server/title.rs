//! Which program a process is.

/// The program of process `pid`: its file's name, cut to 256 bytes; empty where it cannot be
/// seen.
#[cfg(target_os = "linux")]
pub(super) fn program(pid: u32) -> String {
    let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let from_exe = exe.as_deref().and_then(std::path::Path::file_name);
    let mut name = match from_exe {
        Some(name) => name.to_string_lossy().into_owned(),
        // The file of a privileged program cannot be seen, its name can.
        None => std::fs::read_to_string(format!("/proc/{pid}/comm"))
            .map(|name| name.trim_end().to_owned())
            .unwrap_or_default(),
    };
    while name.len() > 256 {
        name.pop();
    }
    name
}

/// The program of process `pid`: its file's name, cut to 256 bytes; empty where it cannot be
/// seen.
#[cfg(windows)]
#[allow(unsafe_code)]
pub(super) fn program(pid: u32) -> String {
    use std::{
        os::windows::io::{FromRawHandle as _, OwnedHandle},
        path::Path,
    };

    use windows::{
        Win32::System::Threading::{
            OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
            QueryFullProcessImageNameW,
        },
        core::PWSTR,
    };

    // The longest path there can be.
    let mut path = vec![0u16; 32 << 10];
    let mut length = path.len() as u32;
    // SAFETY: no pointer is passed to the first call, whose handle is new and owned by nobody
    // else; `path` has `length` units, and both outlive the second.
    let named = unsafe {
        OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, pid).and_then(|process| {
            let _closed = OwnedHandle::from_raw_handle(process.0);
            let text = PWSTR(path.as_mut_ptr());
            QueryFullProcessImageNameW(process, PROCESS_NAME_WIN32, text, &raw mut length)
        })
    };
    if named.is_err() {
        return String::new();
    }
    let path = String::from_utf16_lossy(&path[..length as usize]);
    let name = Path::new(&path).file_name().unwrap_or_default();
    let mut name = name.to_string_lossy().into_owned();
    while name.len() > 256 {
        name.pop();
    }
    name
}

/// The program of process `pid`; empty where it cannot be seen.
#[cfg(not(any(target_os = "linux", windows)))]
pub(super) fn program(_pid: u32) -> String {
    String::new()
}
