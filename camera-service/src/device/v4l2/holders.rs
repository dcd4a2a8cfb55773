//! Which other programs have a device file open, read from /proc.
//!
//! Of processes of other users nothing can be seen (unless this user is root); they are left
//! out here, and known only by the device being busy.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use protocol::Holder;

/// The programs that have the device file `path`, this process left out.
pub fn holders(path: &Path) -> Vec<Holder> {
    let Ok(device) = fs::metadata(path).map(|metadata| metadata.rdev()) else {
        return Vec::new();
    };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let mut holders: Vec<Holder> = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != std::process::id())
        .filter_map(|pid| holder(pid, path, device).ok().flatten())
        .collect();
    holders.sort_by_key(|holder| holder.pid);
    holders
}

/// What process `pid` does with the device; an error where it has ended or cannot be seen.
fn holder(pid: u32, path: &Path, device: u64) -> io::Result<Option<Holder>> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let open = fs::read_dir(process.join("fd"))?.flatten().any(|entry| {
        // The link's text first: following it into other files, a pipe's or a dead network
        // share's, is what is slow.
        let named = fs::read_link(entry.path()).is_ok_and(|target| target.starts_with("/dev"));
        named && fs::metadata(entry.path()).is_ok_and(|metadata| is(&metadata, device))
    });
    // A mapping outlives the descriptor that it was made with.
    let streaming = fs::read_to_string(process.join("maps")).is_ok_and(|maps| {
        maps.lines().any(|line| mapped_file(line).is_some_and(|file| Path::new(file) == path))
    });
    Ok((open || streaming).then(|| Holder { pid, program: program(&process), streaming }))
}

fn is(metadata: &fs::Metadata, device: u64) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_char_device() && metadata.rdev() == device
}

/// The file in a line of `maps`: address, permissions, offset, device, inode, file.
fn mapped_file(line: &str) -> Option<&str> {
    let at = line.find('/')?;
    Some(&line[at..])
}

/// The program's name: its file's where that can be read, else the short one of the kernel.
fn program(process: &Path) -> String {
    let file = fs::read_link(process.join("exe")).ok();
    let name = file.as_deref().and_then(|path| path.file_name()).map(|n| n.to_string_lossy());
    match name {
        Some(name) => name.trim_end_matches(" (deleted)").to_owned(),
        None => fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_program_that_has_a_device_open_is_found_and_we_are_not() {
        let device = Path::new("/dev/full");
        let ours = fs::File::open(device).unwrap();
        let mut child = Command::new("sleep")
            .arg("60")
            .stdin(fs::File::open(device).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Until `exec` the child is another copy of this program.
        let found = loop {
            let found: Vec<Holder> =
                holders(device).into_iter().filter(|holder| holder.pid == child.id()).collect();
            if found.first().is_some_and(|holder| holder.program != "sleep") {
                std::thread::yield_now();
                continue;
            }
            break found;
        };
        let own = holders(device).iter().any(|holder| holder.pid == std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        drop(ours);
        let sleep = Holder { pid: child.id(), program: "sleep".to_owned(), streaming: false };
        assert_eq!(found, [sleep]);
        assert!(!own);
        assert!(holders(Path::new("/dev/no-such-file")).is_empty());
    }

    #[test]
    fn maps_name_their_files() {
        let line = "7f27f8a00000-7f27f8a96000 rw-s 00000000 00:06 317      /dev/video0";
        assert_eq!(mapped_file(line), Some("/dev/video0"));
        assert_eq!(mapped_file("7ffd1c9e8000-7ffd1ca09000 rw-p 00000000 00:00 0 [stack]"), None);
    }
}
