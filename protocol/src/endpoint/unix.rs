//! Unix sockets: in the user's runtime folder, else in a private one among temporary files,
//! since cron, `su` and bare ssh have no `XDG_RUNTIME_DIR`.

use std::{
    ffi::OsStr,
    fs::{DirBuilder, symlink_metadata},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use super::Endpoint;

const FOLDER: &str = "camera-service";
const SOCKET: &str = "v1.sock";

fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The user's runtime folders, in order of preference; they need not exist.
fn runtime_folders() -> Vec<PathBuf> {
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let named = named.filter(|path| path.is_absolute());
    let usual = PathBuf::from(format!("/run/user/{}", uid()));
    let mut folders: Vec<PathBuf> = named.into_iter().collect();
    if !folders.contains(&usual) {
        folders.push(usual);
    }
    folders
}

fn temporary_folder() -> PathBuf {
    std::env::temp_dir().join(format!("{FOLDER}-{}", uid()))
}

pub(super) fn candidates() -> Vec<Endpoint> {
    let runtime = runtime_folders().into_iter().map(|folder| folder.join(FOLDER));
    let temporary = temporary_folder();
    // Another user could have made it, to be taken for the service.
    let temporary = is_private(&temporary).unwrap_or(false).then_some(temporary);
    runtime.chain(temporary).map(|folder| Endpoint::at(folder.join(SOCKET))).collect()
}

pub(super) fn to_listen() -> io::Result<Endpoint> {
    Ok(Endpoint::at(private_folder()?.join(SOCKET)))
}

pub(super) fn private_folder() -> io::Result<PathBuf> {
    let runtime = runtime_folders().into_iter().find(|folder| {
        symlink_metadata(folder).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid())
    });
    let folder = match runtime {
        Some(runtime) => runtime.join(FOLDER),
        None => temporary_folder(),
    };
    make_private(&folder)?;
    Ok(folder)
}

fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error);
        }
        _ => {}
    }
    if is_private(folder)? {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "{} must be a folder of this user with mode 0700; remove it or set {}",
            folder.display(),
            OsStr::new(super::OVERRIDE).display()
        ),
    ))
}

/// Whether it is a real folder that only this user can enter.
fn is_private(folder: &Path) -> io::Result<bool> {
    let meta = symlink_metadata(folder)?;
    Ok(meta.is_dir() && meta.uid() == uid() && meta.mode() & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn a_folder_others_can_enter_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("open");
        make_private(&path).expect("made");
        assert!(is_private(&path).expect("there"));
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("changed");
        let error = make_private(&path).expect_err("refused");
        assert!(error.to_string().contains("0700"), "{error}");
    }

    #[test]
    fn a_link_is_no_private_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        make_private(&real).expect("made");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        assert!(make_private(&link).is_err());
    }
}
