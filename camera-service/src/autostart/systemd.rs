//! systemd's user manager: a service that starts at login, and a socket whose first client has it
//! started before that.
//!
//! The files are those of the packages (`packaging/`), with the path of this program in them.
//! Where a package brought them for this very program they are only switched on. Switching on is
//! making links, so it works without a manager that runs.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::{
    AutostartError, Installed, Result, Step, Steps, Way, config_folder, linger, systemctl,
};

const SERVICE: &str = "camera-service.service";
const SOCKET: &str = "camera-service.socket";
/// Each unit, its text, and what wants it.
const UNITS: [(&str, &str, &str); 2] = [
    (SERVICE, include_str!("../../packaging/camera-service.service"), "default.target.wants"),
    (SOCKET, include_str!("../../packaging/camera-service.socket"), "sockets.target.wants"),
];
/// The program in the package's text.
const PACKAGED: &str = "/usr/bin/camera-service";
/// The first line of what is written here, by which it is known again.
const MARK: &str =
    "# Written by `camera-service install`; `camera-service uninstall` removes it.\n";

/// This user's own units.
fn folder() -> Result<PathBuf> {
    Ok(config_folder()?.join("systemd/user"))
}

/// Where packages and administrators put units for all users, in the order in which they count.
fn shared_folders() -> Vec<PathBuf> {
    let own = directories::BaseDirs::new().map(|dirs| dirs.data_dir().join("systemd/user"));
    let shared = [
        "/etc/systemd/user",
        "/usr/local/lib/systemd/user",
        "/usr/local/share/systemd/user",
        "/usr/lib/systemd/user",
        "/usr/share/systemd/user",
    ];
    own.into_iter().chain(shared.map(PathBuf::from)).collect()
}

/// The service's file that a package brought and that starts `program`.
fn packaged(program: &Path) -> Option<PathBuf> {
    let file = shared_folders().into_iter().map(|folder| folder.join(SERVICE));
    let first = file.into_iter().find(|file| file.is_file())?;
    let starts = program_of(&first).and_then(|path| fs::canonicalize(path).ok());
    (starts.as_deref() == Some(program) && first.with_file_name(SOCKET).is_file()).then_some(first)
}

pub(super) fn installed() -> Option<Installed> {
    let own = folder().ok()?;
    // Switched on for this user, or by the administrator for all.
    let wants = [own.clone(), PathBuf::from("/etc/systemd/user")];
    let links = wants
        .iter()
        .flat_map(|folder| UNITS.iter().map(move |(unit, _, wants)| folder.join(wants).join(unit)));
    let link = links.into_iter().find(|link| fs::symlink_metadata(link).is_ok())?;
    let mut files = std::iter::once(own).chain(shared_folders());
    let file = files.find_map(|folder| Some(folder.join(SERVICE)).filter(|file| file.is_file()))?;
    Some(Installed {
        way: Way::Systemd,
        program: program_of(&file)?,
        since_unix_ns: super::written(&link),
        at_boot: linger::is_on(),
        file,
    })
}

pub(super) fn install(program: &Path, steps: &mut Steps) -> Result<bool> {
    let own = folder()?;
    let mut changed = false;
    let files = match packaged(program) {
        Some(file) => {
            steps.push(Step::Note(format!("{} came with a package", file.display())));
            // What was written before the package came would hide its files.
            for (unit, ..) in UNITS {
                changed |= remove_own(&own.join(unit), steps)?;
            }
            file.parent().map_or_else(|| own.clone(), Path::to_owned)
        }
        None => {
            let quoted = quoted(program)?;
            for (unit, text, _) in UNITS {
                let text = text.replace(PACKAGED, &quoted);
                changed |= super::write(&own.join(unit), &format!("{MARK}{text}"), steps)?;
            }
            own.clone()
        }
    };
    for (unit, _, wants) in UNITS {
        changed |= link(&files.join(unit), &own.join(wants).join(unit), steps)?;
    }
    if changed && systemctl::is_running() {
        systemctl::run(&["daemon-reload"])?;
    }
    Ok(changed)
}

pub(super) fn start(anew: bool, steps: &mut Steps) -> Result<bool> {
    let are_active = systemctl::run(&["is-active", "--quiet", SOCKET, SERVICE]).is_ok();
    if anew || !are_active {
        // Both at once: a socket does not start beside a service that runs without it.
        systemctl::run(&["restart", SOCKET, SERVICE])?;
        steps.push(Step::Note("systemd has started the service".to_owned()));
    }
    Ok(true)
}

pub(super) fn uninstall(steps: &mut Steps) -> Result<()> {
    let own = folder()?;
    let links = UNITS.map(|(unit, _, wants)| own.join(wants).join(unit));
    let files = UNITS.map(|(unit, ..)| own.join(unit));
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    if !links.iter().chain(&files).any(is_there) {
        return Ok(());
    }
    let runs = systemctl::is_running();
    if runs {
        // The socket first, so that no client has the service started anew.
        for unit in [SOCKET, SERVICE] {
            // One that is not loaded cannot be stopped, and need not be.
            let _ = systemctl::run(&["stop", unit]);
        }
    }
    for path in &links {
        super::remove(path, steps)?;
    }
    for path in &files {
        remove_own(path, steps)?;
    }
    // Folders that were made for them, as far as nothing else lies there.
    let emptied = UNITS.iter().map(|(_, _, wants)| own.join(wants)).chain([own.clone()]);
    for folder in emptied.chain(own.parent().map(Path::to_owned)) {
        let _ = fs::remove_dir(folder);
    }
    if runs {
        systemctl::run(&["daemon-reload"])?;
        let _ = systemctl::run(&["reset-failed", SERVICE, SOCKET]);
    }
    Ok(())
}

/// Removes a unit that was written here; one of the user's own stays, and is named.
fn remove_own(path: &Path, steps: &mut Steps) -> Result<bool> {
    match fs::read_to_string(path) {
        Ok(text) if text.starts_with(MARK) => super::remove(path, steps),
        Ok(_) => {
            let message = format!("{} was not written by `install` and stays", path.display());
            steps.push(Step::Note(message));
            Ok(false)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(AutostartError::File { doing: "read", path: path.to_owned(), source }),
    }
}

/// Has `link` lead to `file`; whether it did not.
fn link(file: &Path, link: &Path, steps: &mut Steps) -> Result<bool> {
    if fs::read_link(link).is_ok_and(|now| now == file) {
        return Ok(false);
    }
    let failed =
        |source| AutostartError::File { doing: "make the link", path: link.to_owned(), source };
    fs::create_dir_all(link.parent().unwrap_or(link)).map_err(failed)?;
    if fs::symlink_metadata(link).is_ok() {
        fs::remove_file(link).map_err(failed)?;
    }
    symlink(file, link).map_err(failed)?;
    steps.push(Step::Written(link.to_owned()));
    Ok(true)
}

/// A path as a unit has it.
fn quoted(program: &Path) -> Result<String> {
    let text = program.to_str().filter(|text| !text.chars().any(char::is_control));
    // Variables are put in where a dollar sign is, and there is no way to write one in the path
    // of a program that all versions understand.
    let text = text.filter(|text| !text.contains('$'));
    let text = text.ok_or_else(|| AutostartError::Program(program.to_owned()))?;
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    Ok(if text.contains([' ', '\'', '"', ';']) { format!("\"{text}\"") } else { text })
}

/// The program that a unit starts.
fn program_of(file: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    let path = match line.strip_prefix('"') {
        Some(rest) => rest.rsplit_once('"').map(|(path, _)| path)?,
        None => line.split(' ').next()?,
    };
    Some(path.replace("%%", "%").replace("\\\"", "\"").replace("\\\\", "\\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_written_so_that_they_are_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("unit");
        for path in ["/usr/bin/camera-service", "/a b/c", "/100%/c", "/say \"hi\"/c", "/a\\b/c"] {
            let quoted = quoted(Path::new(path)).expect(path);
            let text = UNITS[0].1.replace(PACKAGED, &quoted);
            assert!(text.contains(&format!("ExecStart={quoted} serve\n")), "{text}");
            fs::write(&file, text).expect("written");
            assert_eq!(program_of(&file), Some(PathBuf::from(path)));
        }
        for path in ["/a\nb", "/a$b"] {
            assert!(quoted(Path::new(path)).is_err(), "{path:?}");
        }
    }
}
