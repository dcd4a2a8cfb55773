//! Folders and files of this program.

use std::path::PathBuf;

use directories::{ProjectDirs, UserDirs};

/// The folder of what is remembered and of the log of a service started here. `None` where the
/// user has no home.
#[must_use]
pub(crate) fn state() -> Option<PathBuf> {
    // Where Linux has such a variable, `directories` looks at it by itself.
    let named = std::env::var_os("XDG_STATE_HOME").filter(|_| cfg!(windows)).map(PathBuf::from);
    if let Some(folder) = named.filter(|folder| folder.is_absolute()) {
        return Some(folder.join("camera-service"));
    }
    let folders = ProjectDirs::from("", "", "camera-service")?;
    Some(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned())
}

/// Where pictures go unless the user says otherwise.
#[must_use]
pub(crate) fn pictures() -> PathBuf {
    let user = UserDirs::new();
    let pictures = user.as_ref().and_then(|user| user.picture_dir().map(PathBuf::from));
    let home = || user.as_ref().map(|user| user.home_dir().join("Pictures"));
    pictures.or_else(home).unwrap_or_else(std::env::temp_dir)
}
