//! Where the service listens and clients look.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;
#[cfg(windows)]
pub(crate) use windows::{sid_of, sid_of_token, text_of, user_sid};

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// Environment variable that overrides where the service listens and clients look.
pub const OVERRIDE: &str = "CAMERA_SERVICE_SOCKET";

/// The folder for what lasts no longer than this user's session, for this user alone; it is made
/// where it is missing. Fails where it cannot be made or is not this user's alone.
pub fn private_folder() -> io::Result<PathBuf> {
    platform::private_folder()
}

/// Whether this process has an administrator's rights that the user's other programs have not: a
/// service with such rights is out of their reach, since they cannot see whose it is. Only Windows
/// has that kind of rights.
#[must_use]
pub fn is_elevated() -> bool {
    #[cfg(windows)]
    {
        // Where the system does not say, the pipe shows it.
        platform::is_elevated().unwrap_or(false)
    }
    #[cfg(not(windows))]
    {
        false
    }
}

/// A place where a service listens: the path of a Unix socket or of a named pipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(PathBuf);

impl Endpoint {
    /// The endpoint at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn overridden() -> Option<Self> {
        std::env::var_os(OVERRIDE).filter(|path| !path.is_empty()).map(Self::at)
    }

    /// Where the service listens. Makes the folder for it, for this user alone, where it is
    /// missing. Fails where the folder cannot be made or is not this user's alone.
    pub fn to_listen() -> io::Result<Self> {
        match Self::overridden() {
            Some(endpoint) => Ok(endpoint),
            None => platform::to_listen(),
        }
    }

    /// Where clients look, in this order.
    #[must_use]
    pub fn candidates() -> Vec<Self> {
        match Self::overridden() {
            Some(endpoint) => vec![endpoint],
            None => platform::candidates(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}
