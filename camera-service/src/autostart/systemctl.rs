//! Speaking to systemd's manager of this user, through its own program.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{AutostartError, Result};

const PROGRAM: &str = "systemctl";

/// Whether this machine has systemd, running or not.
pub(super) fn is_there() -> bool {
    Path::new("/run/systemd/system").is_dir() || on_path(PROGRAM).is_some()
}

/// A program of this name on PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Whether the manager of this user runs and answers.
pub(super) fn is_running() -> bool {
    run(&["show", "--property=Version"]).is_ok()
}

/// Runs `systemctl --user` with these arguments; gives what it printed.
pub(super) fn run(args: &[&str]) -> Result<String> {
    let mut command = Command::new(PROGRAM);
    command.arg("--user").args(args).stdin(Stdio::null());
    // Bare `su` and ssh do not say where it is.
    if env::var_os("XDG_RUNTIME_DIR").is_none() {
        let usual = format!("/run/user/{}", rustix::process::getuid().as_raw());
        command.env("XDG_RUNTIME_DIR", usual);
    }
    output(command, &format!("{PROGRAM} --user {}", args.join(" ")))
}

/// Runs `command`; gives what it printed, or why it failed in its own words.
pub(super) fn output(mut command: Command, shown: &str) -> Result<String> {
    let failed = |message: String| AutostartError::Command { command: shown.to_owned(), message };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = if said.is_empty() { output.status.to_string() } else { said.join("; ") };
    Err(failed(said))
}
