//! Starting the service: where it is installed as a unit of systemd that one, by systemd; else
//! `camera-service serve` from beside this program, or from PATH, on its own from then on. What that
//! one logs goes to `service.log` in the state folder.

mod unit;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use protocol::{ClientError, client::Connector, endpoint};
use tokio::time::sleep;

use crate::{
    command::{self, CommandError},
    folders,
};

/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Lines of its log that are shown when it fails.
const LINES: usize = 12;
/// No more than so much of the log is read, from its end.
const LOG_READ: usize = 16 * 1024;

/// Why it did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct StartError {
    /// What went wrong and what to do.
    pub what: String,
    /// The last lines of its log; empty where there is none.
    pub log: String,
}

/// Starts it and waits until it answers.
pub(crate) async fn start() -> Result<(), StartError> {
    if unit::is_installed().await {
        // Started by hand it would be in the way of the one that systemd starts.
        return unit::start().await;
    }
    let spawned = tokio::task::spawn_blocking(spawn).await;
    let (mut child, log) = spawned.unwrap_or_else(|error| Err(plain(error.to_string())))?;
    let result = answers(|| match child.try_wait() {
        Ok(Some(status)) => Err(format!("The service ended at once ({status}).")),
        _ => Ok(()),
    })
    .await;
    let read = tokio::task::spawn_blocking(move || {
        // Somebody has to hear of its end, or it stays in the list of processes.
        let reaper = thread::Builder::new().name("service".to_owned());
        let _ = reaper.spawn(move || child.wait());
        tail(&log)
    });
    match result {
        Ok(()) => Ok(()),
        Err(what) => Err(StartError { what, log: read.await.unwrap_or_default() }),
    }
}

/// Waits until it answers; not for one of which `runs` says that it has ended, and how.
async fn answers(mut runs: impl FnMut() -> Result<(), String>) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Connector::new(crate::NAME).control().await {
            Ok(_) => return Ok(()),
            Err(ClientError::NotRunning(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
        runs()?;
        if Instant::now() > deadline {
            return Err(format!("The service did not answer within {} s.", PATIENCE.as_secs()));
        }
        sleep(PAUSE).await;
    }
}

fn plain(what: String) -> StartError {
    StartError { what, log: String::new() }
}

fn spawn() -> Result<(Child, PathBuf), StartError> {
    if endpoint::is_elevated() {
        return Err(plain(
            "This window has an administrator's rights, and so would the service: your other \
             programs could not reach it. Open the window without them."
                .to_owned(),
        ));
    }
    let program = command::program().ok_or_else(|| plain(CommandError::NotFound.to_string()))?;
    let folder = folders::state().unwrap_or_else(env::temp_dir);
    let path = folder.join("service.log");
    let log = fs::create_dir_all(&folder).and_then(|()| fs::File::create(&path));
    let log = log.map_err(|error| plain(format!("Cannot write {}: {error}", path.display())))?;
    let mut command = Command::new(&program);
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    detach(&mut command);
    match command.spawn() {
        Ok(child) => Ok((child, path)),
        Err(error) => Err(plain(format!("Cannot start {}: {error}", program.display()))),
    }
}

/// A Ctrl-C that ends this program is not meant for the service.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

fn tail(log: &Path) -> String {
    let bytes = match fs::read(log) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return String::new(),
        Err(error) => return format!("(its log cannot be read: {error})"),
    };
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_READ)..]);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
