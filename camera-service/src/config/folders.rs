//! Where the files of this user's service lie.

use std::path::PathBuf;

use directories::ProjectDirs;

use super::ConfigError;

const FILE: &str = "config.toml";

fn folders() -> Result<ProjectDirs, ConfigError> {
    ProjectDirs::from("", "", "camera-service").ok_or(ConfigError::NoHome)
}

/// Where the configuration is read from unless a file is named:
/// `~/.config/camera-service/config.toml` on Linux. Fails where this user has no home folder.
pub fn default_path() -> Result<PathBuf, ConfigError> {
    Ok(folders()?.config_dir().join(FILE))
}

/// The folder of the files that the service itself keeps, such as `cameras.toml`:
/// `~/.local/state/camera-service` on Linux. It need not exist. Fails where this user has no
/// home folder.
pub fn state_dir() -> Result<PathBuf, ConfigError> {
    let folders = folders()?;
    // Only Linux knows a folder for state.
    Ok(folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned())
}
