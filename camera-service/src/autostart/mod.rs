//! Starting the service at login, for this user alone: what is written where, and what is there.
//!
//! One seam, [`Way`], with a file for each: systemd's user manager ([`systemd`]), the desktop's
//! autostart folder ([`xdg`]), the registry of Windows ([`windows`]). All of it blocks, on the
//! thread of a command; nothing here speaks to the service.

#[cfg(target_os = "linux")]
mod linger;
#[cfg(target_os = "linux")]
mod systemctl;
#[cfg(target_os = "linux")]
mod systemd;
#[cfg(windows)]
mod windows;
#[cfg(target_os = "linux")]
mod xdg;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use clap::ValueEnum;

#[cfg(target_os = "linux")]
pub use linger::{boot, is_in_video_group, unboot};

/// What starts the service at login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// systemd's user manager: a service and the socket that starts it.
    Systemd,
    /// The desktop, which runs what lies in its autostart folder.
    Autostart,
    /// Windows, which runs what the registry names.
    Registry,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Systemd => "systemd",
            Self::Autostart => "autostart",
            Self::Registry => "registry",
        })
    }
}

/// How the service is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What starts it.
    pub way: Way,
    /// Where that is written; on Windows the key.
    pub file: PathBuf,
    /// The program that is started.
    pub program: PathBuf,
    /// Since when, ns since 1970, where that can be told.
    pub since_unix_ns: Option<u64>,
    /// Whether it starts with the machine, before anybody has logged in.
    pub at_boot: bool,
}

/// Something that was done, or that there is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A file was written, or a link made.
    Written(PathBuf),
    /// A file was removed, or a link.
    Removed(PathBuf),
    /// Something to know.
    Note(String),
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AutostartError {
    /// This system has no such way.
    #[error("{0} does not start programs on this system")]
    NoSuchWay(Way),
    /// There is no place for files.
    #[error("this user has no home folder, so nothing can be installed for them")]
    NoHome,
    /// The program cannot be named in a file.
    #[error("{0}: a program at this path cannot be started at login; move it to another folder")]
    Program(PathBuf),
    /// A file.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program of the system.
    #[error("{command}: {message}")]
    Command {
        /// What was run.
        command: String,
        /// What it said.
        message: String,
    },
}

type Result<T> = std::result::Result<T, AutostartError>;

/// Gathers what is done.
pub type Steps = Vec<Step>;

/// The way that suits this system.
#[must_use]
pub fn usual() -> Way {
    #[cfg(target_os = "linux")]
    {
        if systemctl::is_there() { Way::Systemd } else { Way::Autostart }
    }
    #[cfg(windows)]
    {
        Way::Registry
    }
    #[cfg(not(any(target_os = "linux", windows)))]
    {
        Way::Autostart
    }
}

/// Every way in which the service is started at login now.
pub fn installed() -> Vec<Installed> {
    #[cfg(target_os = "linux")]
    {
        systemd::installed().into_iter().chain(xdg::installed()).collect()
    }
    #[cfg(windows)]
    {
        windows::installed().into_iter().collect()
    }
    #[cfg(not(any(target_os = "linux", windows)))]
    {
        Vec::new()
    }
}

/// Has `program` started at every login from now on, in this way and no other. Done twice it
/// changes nothing. Whether anything changed is told.
#[cfg_attr(not(any(target_os = "linux", windows)), expect(unused_variables))]
pub fn install(way: Way, program: &Path, steps: &mut Steps) -> Result<bool> {
    match way {
        #[cfg(target_os = "linux")]
        Way::Systemd => {
            xdg::uninstall(steps)?;
            systemd::install(program, steps)
        }
        #[cfg(target_os = "linux")]
        Way::Autostart => {
            systemd::uninstall(steps)?;
            xdg::install(program, steps)
        }
        #[cfg(windows)]
        Way::Registry => windows::install(program, steps),
        way => Err(AutostartError::NoSuchWay(way)),
    }
}

/// Whether what was installed can be started now, and not only at the next login.
#[must_use]
pub fn can_start(way: Way) -> bool {
    #[cfg(target_os = "linux")]
    if way == Way::Systemd {
        return systemctl::is_running();
    }
    let _ = way;
    true
}

/// Starts what was installed, where that is for this way's system to do: `true`. Otherwise
/// whoever installs has to: `false`. `anew` ends what runs already.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables))]
pub fn start(way: Way, anew: bool, steps: &mut Steps) -> Result<bool> {
    match way {
        #[cfg(target_os = "linux")]
        Way::Systemd => systemd::start(anew, steps),
        _ => Ok(false),
    }
}

/// Ends every way of starting it, and what systemd runs of it.
#[cfg_attr(not(any(target_os = "linux", windows)), expect(unused_variables))]
pub fn uninstall(steps: &mut Steps) -> Result<()> {
    #[cfg(target_os = "linux")]
    {
        systemd::uninstall(steps)?;
        xdg::uninstall(steps)?;
    }
    #[cfg(windows)]
    windows::uninstall(steps)?;
    Ok(())
}

/// The folder of this user's configuration files.
#[cfg(target_os = "linux")]
fn config_folder() -> Result<PathBuf> {
    let folders = directories::BaseDirs::new().ok_or(AutostartError::NoHome)?;
    Ok(folders.config_dir().to_owned())
}

/// Writes `text` unless the file holds it already; whether it did not.
#[cfg(target_os = "linux")]
fn write(path: &Path, text: &str, steps: &mut Steps) -> Result<bool> {
    if std::fs::read_to_string(path).is_ok_and(|now| now == text) {
        return Ok(false);
    }
    crate::state::files::replace(path, text).map_err(|source| AutostartError::File {
        doing: "write",
        path: path.to_owned(),
        source,
    })?;
    steps.push(Step::Written(path.to_owned()));
    Ok(true)
}

/// Removes a file or a link if it is there; whether it was.
#[cfg(target_os = "linux")]
fn remove(path: &Path, steps: &mut Steps) -> Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => {
            steps.push(Step::Removed(path.to_owned()));
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(AutostartError::File { doing: "remove", path: path.to_owned(), source }),
    }
}

/// When `path` was last written, ns since 1970.
#[cfg(target_os = "linux")]
fn written(path: &Path) -> Option<u64> {
    let modified = std::fs::symlink_metadata(path).and_then(|data| data.modified()).ok()?;
    u64::try_from(modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos()).ok()
}
