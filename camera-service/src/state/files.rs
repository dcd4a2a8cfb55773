//! State files: reading them, and writing them so that they are whole at every instant. All of
//! it blocks.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::de::DeserializeOwned;

/// Most bytes of a file that are read; all that the service writes stay far below.
const LARGEST: u64 = 16 << 20;

/// What was read.
pub(crate) struct Loaded<T> {
    /// What the file says; nothing where there is none, or none that can be understood.
    pub(crate) contents: T,
    /// Why there is a file all the same, which must not be written over.
    pub(crate) unread: Option<String>,
}

/// Reads the file at `path`. One that cannot be understood is put aside under another name, so
/// that nothing is lost.
pub(crate) fn load<T: DeserializeOwned + Default>(path: &Path) -> Loaded<T> {
    let understood = match read(path) {
        Ok(text) => toml::from_str(&text).map_err(|error| error.message().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(error.to_string()),
        Err(error) => {
            tracing::warn!("cannot read {}: {error}", path.display());
            return Loaded { contents: T::default(), unread: Some(error.to_string()) };
        }
    };
    match understood {
        Ok(contents) => Loaded { contents, unread: None },
        Err(reason) => Loaded { contents: T::default(), unread: put_aside(path, &reason) },
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        let message = format!("it has more than {LARGEST} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(text)
}

/// Gives the file another name; where that fails, why.
fn put_aside(path: &Path, reason: &str) -> Option<String> {
    let aside = beside(path, ".unreadable");
    let (shown, kept) = (path.display(), aside.display());
    match fs::rename(path, &aside) {
        Ok(()) => {
            tracing::warn!("{shown} cannot be understood and is kept as {kept}: {reason}");
            None
        }
        Err(error) => {
            tracing::warn!("{shown} cannot be understood: {reason}; nor be renamed: {error}");
            Some(format!("it cannot be understood: {reason}"))
        }
    }
}

/// Replaces the file at `path` with `text`: written under another name, synced, renamed. Only this
/// user may read it. Makes the folder where it is missing. On failure the old file is as it was.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let temporary = beside(path, ".new");
    let written = (|| {
        let mut file = create(&temporary)?;
        // Who was kept from reading it still is, and who was not is not.
        if let Ok(before) = fs::metadata(path) {
            file.set_permissions(before.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        rename(&temporary, path)?;
        sync(folder)
    })();
    if written.is_err() {
        // What matters is why it failed; a leftover is overwritten the next time.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Renames a file, over another one where there is one. Blocks: on Windows for up to half a second
/// while somebody else has one of them open, as a virus scanner has whatever was just written.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    // Access denied, a sharing violation, a lock: by Windows' numbers.
    let is_open_elsewhere =
        |error: &io::Error| cfg!(windows) && matches!(error.raw_os_error(), Some(5 | 32 | 33));
    for wait in [10, 20, 40, 80, 160, 200] {
        match fs::rename(from, to) {
            Err(error) if is_open_elsewhere(&error) => {
                std::thread::sleep(Duration::from_millis(wait));
            }
            renamed => return renamed,
        }
    }
    fs::rename(from, to)
}

/// Makes an empty file for this user alone. One that is there already may be for others too.
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        other => other,
    }
}

/// Sees to it that there is no file at `path`.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync),
        // A read-only file system says so of a file that is not there, too.
        Err(_) if matches!(path.try_exists(), Ok(false)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What became of a name is not there after a power cut unless its folder is synced too.
fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    // Elsewhere a folder cannot be opened.
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Numbers = BTreeMap<String, i64>;

    #[test]
    fn what_is_written_is_read_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep").join("numbers.toml");
        assert!(load::<Numbers>(&path).contents.is_empty());
        for text in ["one = 1\n", "two = 2\n"] {
            replace(&path, text).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
        assert_eq!(load::<Numbers>(&path).contents["two"], 2);
        assert_eq!(fs::read_dir(path.parent().expect("a folder")).expect("read").count(), 1);
        remove(&path).expect("removed");
        remove(&path).expect("not there, as wished");
    }

    #[cfg(unix)]
    #[test]
    fn what_is_written_only_this_user_can_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("numbers.toml");
        // Left over from a write that was cut short, for all to read.
        fs::write(folder.path().join("numbers.toml.new"), "old").expect("written");
        replace(&path, "one = 1\n").expect("written");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_understood_is_put_aside_and_what_cannot_be_read_is_left() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("numbers.toml");
        for bytes in [&b"one = "[..], b"one = \xff", b"one = \"text\""] {
            fs::write(&path, bytes).expect("written");
            let loaded = load::<Numbers>(&path);
            assert!(loaded.contents.is_empty() && loaded.unread.is_none());
            let aside = folder.path().join("numbers.toml.unreadable");
            assert_eq!(fs::read(aside).expect("kept"), bytes);
            assert!(!path.exists());
        }
        fs::create_dir(&path).expect("a folder in its place");
        assert!(load::<Numbers>(&path).unread.is_some());
        assert!(path.is_dir());
        assert!(replace(&path, "one = 1\n").is_err());
        assert!(!folder.path().join("numbers.toml.new").exists());
    }

    #[test]
    fn a_file_that_is_far_too_long_is_not_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("numbers.toml");
        File::create(&path).and_then(|file| file.set_len(LARGEST * 64)).expect("a sparse file");
        assert!(load::<Numbers>(&path).contents.is_empty());
        assert!(folder.path().join("numbers.toml.unreadable").exists());
    }
}
