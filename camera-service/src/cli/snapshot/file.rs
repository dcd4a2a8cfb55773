//! Writing a picture so that whoever reads the file finds the old one or the new one, whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::state::files;

/// Puts `bytes` in place of what is at `path`. On failure that stays as it was. What is no plain
/// file (a pipe, a device) is written to, and so is a file in a folder that takes no other.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays one.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(&target).ok();
    // `/dev/stdout` may be a file that somebody else has open.
    let is_device = path.starts_with("/dev") || path.starts_with("/proc");
    if is_device || before.as_ref().is_some_and(|before| !before.is_file()) {
        return fs::write(path, bytes);
    }
    let beside = beside(&target)?;
    match create(&beside, bytes) {
        Err(error) if before.is_some() && error.kind() == io::ErrorKind::PermissionDenied => {
            return fs::write(path, bytes);
        }
        created => created?,
    }
    let replaced = before
        .map_or(Ok(()), |before| fs::set_permissions(&beside, before.permissions()))
        .and_then(|()| files::rename(&beside, &target));
    if replaced.is_err() {
        // What matters is why it failed.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

/// Makes a new file with `bytes`. On failure there is none; `AlreadyExists` where there was one.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(bytes).and_then(|()| File::sync_all(&file));
    if written.is_err() {
        drop(file);
        // What matters is why it failed.
        let _ = fs::remove_file(path);
    }
    written
}

/// A name in the same folder that no other process uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.{}.new", std::process::id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_picture_takes_the_place_of_another_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("now.jpg");
        for bytes in [&b"first"[..], b"second"] {
            replace(&path, bytes).expect("written");
            assert_eq!(fs::read(&path).expect("read"), bytes);
        }
        assert_eq!(names(folder.path()), ["now.jpg"]);
        assert_eq!(
            create(&path, b"third").expect_err("it is there").kind(),
            io::ErrorKind::AlreadyExists
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_permissions_stay_as_they_were() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [path, link] = ["real.jpg", "link.jpg"].map(|name| folder.path().join(name));
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).expect("ours");
        symlink(&path, &link).expect("made");
        replace(&link, b"new").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o604);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(names(folder.path()), ["link.jpg", "real.jpg"]);
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        replace(&folder.path().join("none/now.jpg"), b"new").expect_err("no such folder");
        replace(folder.path(), b"new").expect_err("a folder");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
