//! Where the files of this user's service lie.

use std::{
    env,
    path::{Path, PathBuf},
};

use directories::ProjectDirs;

use super::ConfigError;

const FILE: &str = "config.toml";

fn folders() -> Result<ProjectDirs, ConfigError> {
    ProjectDirs::from("", "", "camera-service").ok_or(ConfigError::NoHome)
}

/// Where the configuration is read from unless a file is named:
/// `~/.config/camera-service/config.toml` on Linux. Fails where this user has no home folder.
pub fn default_path() -> Result<PathBuf, ConfigError> {
    let folder = match named("XDG_CONFIG_HOME") {
        Some(folder) => folder,
        None => folders()?.config_dir().to_owned(),
    };
    Ok(folder.join(FILE))
}

/// The folder of the files that the service itself keeps, such as `cameras.toml`:
/// `~/.local/state/camera-service` on Linux. It need not exist. Fails where this user has no
/// home folder.
pub fn state_dir() -> Result<PathBuf, ConfigError> {
    if let Some(folder) = named("XDG_STATE_HOME") {
        return Ok(folder);
    }
    let folders = folders()?;
    // Only Linux knows a folder for state.
    Ok(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned())
}

/// Our folder in the one that an environment variable names. On Linux `directories` looks at such
/// variables by itself; on Windows nothing else would give a second service, or a test, folders of
/// its own.
fn named(variable: &str) -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        return None;
    }
    let folder = env::var_os(variable).filter(|folder| Path::new(folder).is_absolute())?;
    Some(Path::new(&folder).join("camera-service"))
}
