//! What is particular to the nodes of the v4l2loopback driver: one program writes what others
//! read, and the node is an output, a camera or both, by what is done with it and by how the
//! module was loaded.
//!
//! **Our own outputs are marked** by a lock on the device file itself (`flock`), which
//! `camera-service loopback` holds for as long as it has the device open: the kernel takes it
//! away with the process, whoever runs it is seen, and nothing stale is ever left. That a node
//! has become something else is told to everybody who watches `/dev` by touching its file.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

use super::{
    abi::{self, Plain as _},
    ioctl::Node,
};

/// What the driver calls itself.
pub(super) const DRIVER: &str = "v4l2 loopback";

/// A service that looks at the device has its lock for a moment; another writer keeps it.
const LOOKS_TAKE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);

/// Marks the device as an output of ours for as long as `node` is open. False where another
/// `camera-service loopback` has it.
pub(super) fn mark(node: &Node) -> bool {
    let deadline = Instant::now() + LOOKS_TAKE;
    loop {
        match node.file().try_lock() {
            Ok(()) => return true,
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
            Err(fs::TryLockError::WouldBlock) => return false,
            // No such locks here: then they cannot be seen either, and nothing is lost.
            Err(fs::TryLockError::Error(_)) => return true,
        }
    }
}

/// Whether a `camera-service loopback` writes into the device.
pub(super) fn is_ours(node: &Node) -> bool {
    match node.file().try_lock_shared() {
        Ok(()) => {
            // Fails for a file that is closed alone.
            let _ = node.file().unlock();
            false
        }
        Err(fs::TryLockError::WouldBlock) => true,
        Err(fs::TryLockError::Error(_)) => false,
    }
}

/// Tells those who watch `/dev` that the device has become another.
pub(super) fn tell_of_change(path: &Path) {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    if let Err(error) = utimensat(CWD, path, &times, AtFlags::empty()) {
        tracing::debug!(path = %path.display(), %error, "others do not learn what it is now");
    }
}

/// Whether some program produces frames, as far as the driver tells without being disturbed:
/// `sysfs` is the node's folder there.
pub(super) fn has_producer(node: &Node, sysfs: Option<&Path>) -> bool {
    // From 0.13 on there is a word for it.
    let state = sysfs.and_then(|folder| fs::read_to_string(folder.join("state")).ok());
    if let Some(state) = state {
        return state.trim() != "output";
    }
    let mut description = abi::FormatDescription::zeroed();
    description.kind = abi::VIDEO_CAPTURE;
    node.enum_formats(&mut description).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_seen_while_its_file_is_open_and_looking_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video7");
        fs::write(&path, "").unwrap();
        let open = || Node::open(&path).unwrap();
        let output = open();
        assert!(!is_ours(&open()));
        assert!(mark(&output));
        assert!(is_ours(&open()));
        let began = Instant::now();
        assert!(!mark(&open()), "a second writer");
        assert!(began.elapsed() >= LOOKS_TAKE);
        drop(output);
        let (looks, next) = (open(), open());
        assert!(!is_ours(&looks));
        assert!(mark(&next), "although somebody has looked");
    }

    #[test]
    fn touching_it_changes_its_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("video7");
        let file = fs::File::create(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        tell_of_change(&path);
        assert!(file.metadata().unwrap().modified().unwrap() > std::time::UNIX_EPOCH);
    }
}
