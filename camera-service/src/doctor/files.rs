//! The configuration, and the folder where the service keeps what it must remember.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Area, Finding, Service};
use crate::config::{Config, ConfigError, state_dir};

/// Bytes that the state files and a new one beside each need.
const ROOM: u64 = 1024 * 1024;

/// What shows how full the disk of a folder is, whose it is, and what removes a file.
const DISK: &str = if cfg!(windows) { "dir" } else { "df -h" };
const OWNER: &str = if cfg!(windows) { "icacls" } else { "ls -ld" };
const REMOVE: &str = if cfg!(windows) { "del" } else { "rm" };

pub(super) fn check(service: &Service) -> Vec<Finding> {
    // The file that the running service reads counts, else the usual one.
    let named = service.seen().map(|seen| PathBuf::from(&seen.status.config));
    let mut findings = vec![configuration(named.as_deref().filter(|path| path.exists()))];
    match state_dir() {
        Ok(folder) => {
            findings.push(state_folder(&folder));
            findings.extend(unreadable(&folder));
        }
        Err(error) => findings.push(
            Finding::problem(
                Area::Files,
                "no_home",
                format!("There is no place for files: {error}."),
            )
            .advice("Set HOME to a folder that is yours."),
        ),
    }
    findings
}

fn configuration(named: Option<&Path>) -> Finding {
    match Config::load(named) {
        Ok((_, path)) if path.exists() => {
            let message = format!("The configuration {} is valid.", path.display());
            Finding::ok(Area::Files, "configuration", message)
        }
        Ok((_, path)) => {
            let message =
                format!("There is no configuration at {}: defaults are in force.", path.display());
            Finding::ok(Area::Files, "configuration", message)
        }
        Err(error @ ConfigError::Invalid { .. }) => Finding::problem(
            Area::Files,
            "configuration_invalid",
            format!("The configuration is not valid: {error}."),
        )
        .advice("Correct that line, or write a default one to compare with.")
        .command("camera-service config init --config new.toml"),
        Err(error) => Finding::problem(
            Area::Files,
            "configuration_unreadable",
            format!("{}.", capital(&error)),
        )
        .advice("The file must be text that you may read."),
    }
}

fn capital(error: &ConfigError) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// Whether the state folder can be written, or made where it is missing.
fn state_folder(folder: &Path) -> Finding {
    let there = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    match writable(there) {
        Ok(()) => {
            let message = format!("State is kept in {}.", folder.display());
            Finding::ok(Area::Files, "state_folder", message)
        }
        Err(error) => Finding::problem(
            Area::Files,
            "state_folder_not_writable",
            format!(
                "State cannot be written to {}: {error}. Ids and names of cameras, presets and \
                 pins are forgotten at the next start.",
                folder.display()
            ),
        )
        .advice("Make room on the disk, or make the folder yours.")
        .command(format!("{DISK} {}", there.display()))
        .command(format!("{OWNER} {}", there.display())),
    }
}

fn writable(folder: &Path) -> io::Result<()> {
    if !folder.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            format!("{} is no folder", folder.display()),
        ));
    }
    let room = room_for_this_user(folder)?;
    if room < ROOM {
        return Err(io::Error::new(
            io::ErrorKind::StorageFull,
            format!("only {} kB are free on that disk", room / 1024),
        ));
    }
    Ok(())
}

/// Free bytes where this user may make files; fails where they may not.
#[cfg(unix)]
fn room_for_this_user(folder: &Path) -> io::Result<u64> {
    use rustix::fs::{Access, access, statvfs};
    access(folder, Access::WRITE_OK | Access::EXEC_OK)?;
    let disk = statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Free bytes where this user may make files; fails where they may not.
#[cfg(windows)]
#[allow(unsafe_code)]
fn room_for_this_user(folder: &Path) -> io::Result<u64> {
    use std::os::windows::fs::OpenOptionsExt as _;

    use windows::{
        Win32::Storage::FileSystem::{
            FILE_ADD_FILE, FILE_FLAG_BACKUP_SEMANTICS, GetDiskFreeSpaceExW,
        },
        core::HSTRING,
    };

    let mut options = fs::File::options();
    // A folder can be opened so only.
    options.access_mode(FILE_ADD_FILE.0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS.0);
    options.open(folder)?;
    let mut room = 0;
    // SAFETY: the name and the number outlive the call.
    unsafe { GetDiskFreeSpaceExW(&HSTRING::from(folder), Some(&raw mut room), None, None)? };
    Ok(room)
}

/// State that a service put aside since it could not be understood.
fn unreadable(folder: &Path) -> Vec<Finding> {
    // No folder, no files.
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let aside = paths.filter(|path| path.extension().is_some_and(|end| end == "unreadable"));
    aside
        .map(|path| {
            let message = "A file of the service's could not be understood and was put aside; it \
                           began a new one.";
            Finding::note(Area::Files, "state_put_aside", message)
                .about(path.display())
                .advice("Take from it what you want to keep, then remove it.")
                .command(format!("{REMOVE} {}", path.display()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    #[test]
    fn a_configuration_is_valid_or_says_what_is_wrong() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.toml");
        fs::write(&file, "[limits]\nconnections = 7\n").expect("written");
        assert_eq!(configuration(Some(&file)).severity, Severity::Ok);
        fs::write(&file, "[limits]\n\nconections = 7\n").expect("written");
        let finding = configuration(Some(&file));
        assert_eq!((finding.severity, finding.code), (Severity::Problem, "configuration_invalid"));
        assert!(finding.message.contains("line 3"), "{finding:?}");
        fs::write(&file, [0xff, 0xfe]).expect("written");
        assert_eq!(configuration(Some(&file)).code, "configuration_unreadable");
    }

    #[test]
    fn a_state_folder_can_be_made_or_is_a_problem() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("deep/state");
        assert_eq!(state_folder(&state).severity, Severity::Ok);
        assert!(!state.exists(), "looking makes nothing");
        fs::write(folder.path().join("deep"), "a file in the way").expect("written");
        let finding = state_folder(&state);
        assert_eq!(finding.code, "state_folder_not_writable");
        assert_eq!(finding.severity, Severity::Problem);
    }

    #[test]
    fn state_that_was_put_aside_is_noted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(unreadable(&folder.path().join("missing")), []);
        for name in ["cameras.toml", "presets.toml.unreadable"] {
            fs::write(folder.path().join(name), "?").expect("written");
        }
        let found = unreadable(folder.path());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].code, "state_put_aside");
    }
}
