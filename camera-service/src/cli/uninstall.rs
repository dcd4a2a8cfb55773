//! `uninstall`: the service no longer starts at login.

use std::{fs, io, path::PathBuf, process::ExitCode};

use clap::Args;
use protocol::ErrorKind;

use super::{CliError, Outcome, Session, install, output};
use crate::{
    autostart::{self, Step, Steps, Way},
    config,
};

const NAME: &str = "camera-service";

const AFTER_HELP: &str = "\
Takes back all that `install` did, and ends the service if that is how it was started; one that was
started by hand goes on. Configuration, names of cameras, presets, pins and tokens stay, unless
--purge is given. What a package installed is for the package manager to remove.

Examples:
  camera-service uninstall
  camera-service uninstall --purge";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct UninstallArgs {
    /// Remove configuration and state as well, for good; the folders are named first.
    #[arg(long)]
    purge: bool,
}

pub(super) async fn run(args: UninstallArgs, session: &Session) -> Outcome {
    let mut steps = Steps::new();
    let ways = autostart::installed();
    // systemd ends what it started, and so that no client has it started anew.
    let by_others = ways.iter().any(|installed| installed.way != Way::Systemd);
    if by_others
        && let Some((client, by)) = install::running(session).await?
        && ways.iter().any(|installed| by == installed.way.to_string())
    {
        install::end(session, client).await?;
        steps.push(Step::Note("the service has ended".to_owned()));
    }
    autostart::uninstall(&mut steps)?;
    #[cfg(target_os = "linux")]
    autostart::unboot(&mut steps).map_err(|error| {
        let message = format!(
            "the service no longer starts at login, but this user's services still start with \
             the machine: {error}; try `sudo loginctl disable-linger \"$USER\"`"
        );
        CliError::failed(ErrorKind::Permission, message)
    })?;
    if args.purge {
        purge(session, &mut steps).await?;
    }
    let last = match ways.is_empty() {
        false => "The service no longer starts at login.",
        true => "The service did not start at login.",
    };
    install::tell(&steps, last, session.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Removes the folders of configuration and state.
async fn purge(session: &Session, steps: &mut Steps) -> Result<(), CliError> {
    if let Some((client, by)) = install::running(session).await? {
        let pid = client.service_pid();
        let message = format!(
            "nothing was purged: a service runs (process {pid}, started {by}) and would write its \
             files anew; `camera-service shutdown` ends it"
        );
        return Err(CliError::failed(ErrorKind::Busy, message));
    }
    let file = config::default_path()?;
    let folders = file.parent().map(PathBuf::from).into_iter().chain([config::state_dir()?]);
    let folders: Vec<PathBuf> = folders.filter(|folder| folder.is_dir()).collect();
    for folder in &folders {
        output::note(&format!("removing {} and all that is in it", folder.display()));
    }
    for folder in folders {
        match fs::remove_dir_all(&folder) {
            Ok(()) => {
                // On Windows they lie in a folder of ours.
                if let Some(ours) = folder.parent().filter(|parent| parent.ends_with(NAME)) {
                    let _ = fs::remove_dir(ours);
                }
                steps.push(Step::Removed(folder));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(CliError::io(format!("remove {}", folder.display()), error));
            }
        }
    }
    Ok(())
}
