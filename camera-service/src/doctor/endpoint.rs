//! Where the service listens: the runtime folder, the socket's folder, and what lies there.

use protocol::endpoint::Endpoint;

use super::{Finding, Service};

pub(super) fn check(service: &Service, endpoint: Option<&Endpoint>) -> Vec<Finding> {
    #[cfg(unix)]
    return unix::check(service, endpoint);
    #[cfg(not(unix))]
    {
        // A pipe has no folder and goes with its process.
        let _ = (service, endpoint);
        Vec::new()
    }
}

#[cfg(unix)]
mod unix {
    use std::{
        fs, io,
        os::unix::{
            fs::{FileTypeExt as _, MetadataExt as _},
            net::UnixStream,
        },
        path::{Path, PathBuf},
    };

    use protocol::endpoint::{Endpoint, OVERRIDE};

    use super::super::{Area, Finding, Service};

    pub(super) fn check(service: &Service, endpoint: Option<&Endpoint>) -> Vec<Finding> {
        let uid = rustix::process::geteuid().as_raw();
        let overridden = std::env::var_os(OVERRIDE).is_some_and(|path| !path.is_empty());
        let mut findings = Vec::new();
        if endpoint.is_none() && !overridden {
            let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
            findings.push(runtime_folder(named.as_deref(), uid));
        }
        if let Some(seen) = service.seen() {
            let message = format!("The service listens at {}.", seen.status.endpoint);
            findings.push(Finding::ok(Area::Files, "endpoint", message));
            return findings;
        }
        let places = endpoint.map_or_else(Endpoint::candidates, |endpoint| vec![endpoint.clone()]);
        findings.extend(places.iter().filter_map(|place| left_over(place.path())));
        // Named by hand, its folder is not made by the service.
        if (endpoint.is_some() || overridden)
            && let Some(folder) = places.first().and_then(|place| place.path().parent())
        {
            findings.extend(socket_folder(folder));
        }
        findings
    }

    pub(super) fn runtime_folder(named: Option<&Path>, uid: u32) -> Finding {
        const UNSET: &str = "XDG_RUNTIME_DIR is not set";
        let usual = PathBuf::from(format!("/run/user/{uid}"));
        let (path, unset) = match named.filter(|path| path.is_absolute()) {
            Some(path) => (path, false),
            None => (usual.as_path(), true),
        };
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) => {
                let what = if unset {
                    format!("{UNSET} and {} is not there", path.display())
                } else {
                    format!("XDG_RUNTIME_DIR is {}: {error}", path.display())
                };
                let message = format!(
                    "{what}. The service listens in a folder among temporary files instead, \
                     where commands of yours find it too."
                );
                return Finding::note(Area::Files, "no_runtime_folder", message);
            }
        };
        if !metadata.is_dir() || metadata.uid() != uid {
            let message = format!(
                "{} is not yours, so it is not used: commands that run as another user look \
                 elsewhere.",
                path.display()
            );
            return Finding::note(Area::Files, "foreign_runtime_folder", message)
                .advice("After su or sudo, use a log-in of that user's own.")
                .command("sudo machinectl shell USER@");
        }
        if metadata.mode() & 0o077 != 0 {
            let message = format!("Others can enter the runtime folder {}.", path.display());
            return Finding::note(Area::Files, "open_runtime_folder", message)
                .advice("It should be yours alone.")
                .command(format!("chmod 700 {}", path.display()));
        }
        let note = if unset { format!(" ({UNSET})") } else { String::new() };
        let message = format!("The runtime folder is {}{note}.", path.display());
        Finding::ok(Area::Files, "runtime_folder", message)
    }

    /// What lies where a service would listen, although none does.
    pub(super) fn left_over(socket: &Path) -> Option<Finding> {
        let metadata = fs::symlink_metadata(socket).ok()?;
        let path = socket.display();
        if !metadata.file_type().is_socket() {
            let message = "A file that is no socket is where the service should listen.";
            return Some(
                Finding::problem(Area::Files, "file_in_the_way", message)
                    .about(&path)
                    .advice("Remove it, if it is of no use to you.")
                    .command(format!("rm {path}")),
            );
        }
        match UnixStream::connect(socket) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Some(
                Finding::note(Area::Files, "stale_socket", "A service that was killed left it.")
                    .about(path)
                    .advice("Nothing to clean up: the next service replaces it.")
                    .command("camera-service serve"),
            ),
            Err(error) => {
                let message = format!("It cannot be connected to: {error}.");
                Some(
                    Finding::problem(Area::Files, "socket_fails", message)
                        .about(&path)
                        .advice("It should be yours, in a folder of yours.")
                        .command(format!("ls -l {path}")),
                )
            }
            // Somebody listens: what came of asking is told with the service.
            Ok(_) => None,
        }
    }

    pub(super) fn socket_folder(folder: &Path) -> Option<Finding> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
        let error = rustix::fs::access(folder, access).err()?;
        let message = format!("No socket can be made in {}: {error}.", folder.display());
        Some(
            Finding::problem(Area::Files, "socket_folder", message).advice(
                "Make that folder, or listen elsewhere (`--socket`, CAMERA_SERVICE_SOCKET).",
            ),
        )
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{
        fs,
        os::unix::{fs::PermissionsExt as _, net::UnixListener},
        path::Path,
    };

    use super::{super::Severity, unix::*};

    #[test]
    fn the_runtime_folder_should_be_there_and_ones_own_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let uid = rustix::process::geteuid().as_raw();
        let mode = |bits| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(bits)).expect("changed");
        };
        mode(0o700);
        assert_eq!(runtime_folder(Some(folder.path()), uid).code, "runtime_folder");
        assert_eq!(runtime_folder(Some(folder.path()), uid + 1).code, "foreign_runtime_folder");
        mode(0o755);
        assert_eq!(runtime_folder(Some(folder.path()), uid).code, "open_runtime_folder");
        let missing = runtime_folder(Some(&folder.path().join("missing")), uid);
        assert_eq!((missing.severity, missing.code), (Severity::Note, "no_runtime_folder"));
        // A user that nobody has.
        assert_eq!(runtime_folder(None, u32::MAX - 7).code, "no_runtime_folder");
    }

    #[test]
    fn a_stale_socket_is_noted_and_a_file_in_the_way_is_a_problem() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("v1.sock");
        assert_eq!(left_over(&socket), None);
        let listener = UnixListener::bind(&socket).expect("bound");
        assert_eq!(left_over(&socket), None);
        drop(listener);
        let stale = left_over(&socket).expect("it is left");
        assert_eq!((stale.severity, stale.code), (Severity::Note, "stale_socket"));
        fs::remove_file(&socket).expect("removed");
        fs::write(&socket, "a file").expect("written");
        let file = left_over(&socket).expect("it is there");
        assert_eq!((file.severity, file.code), (Severity::Problem, "file_in_the_way"));
    }

    #[test]
    fn a_socket_needs_a_folder() {
        assert!(socket_folder(Path::new("/no/such/folder")).is_some());
        assert_eq!(socket_folder(Path::new("")), None);
    }
}
