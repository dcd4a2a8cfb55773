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

/// The program of process `pid`; empty where it cannot be seen.
#[cfg(not(target_os = "linux"))]
pub(super) fn program(_pid: u32) -> String {
    String::new()
}
