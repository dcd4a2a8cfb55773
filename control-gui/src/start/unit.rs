//! The unit that `camera-service install` and packages give systemd's manager of this user.

use super::{StartError, answers};
use crate::command::{self, CommandError};

const MANAGER: &str = "systemctl";
/// Both at once: a socket does not start beside a service that runs without it.
const START: &[&str] = &["--user", "restart", "camera-service.socket", "camera-service.service"];
/// The last lines of its log.
const LOG: &[&str] =
    &["--user", "--unit=camera-service", "--lines=12", "--output=cat", "--no-pager", "--quiet"];

/// Whether there is one that can be started now.
pub(super) async fn is_installed() -> bool {
    let installed = command::run(&["status"]).await;
    installed.is_ok_and(|status| status["installed"]["way"] == "systemd")
        && command::run_other(MANAGER, &["--user", "show", "--property=Version"]).await.is_ok()
}

/// Has it started, and waits until it answers.
pub(super) async fn start() -> Result<(), StartError> {
    let started = command::run_other(MANAGER, START).await;
    let result = match started {
        Ok(_) => answers(|| Ok(())).await,
        Err(error) => Err(error.to_string()),
    };
    let Err(what) = result else { return Ok(()) };
    let log = command::run_other("journalctl", LOG).await;
    // Without a journal systemd's own words have to do.
    let log = log.unwrap_or_else(|_: CommandError| String::new());
    Err(StartError { what, log: log.trim_end().to_owned() })
}
