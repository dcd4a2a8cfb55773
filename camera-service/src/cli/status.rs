//! `status`: whether the service runs, and whether it starts by itself.

use std::{fmt::Write as _, path::Path, process::ExitCode};

use protocol::{ClientError, ServiceStatus};
use serde::Serialize;

use super::{CliError, Outcome, Session, json, list, output, session::answer, text, time};
use crate::{
    autostart::{self, Installed, Way},
    config::Config,
};

pub(super) async fn run(session: &Session) -> Outcome {
    let installed = autostart::installed();
    let client = match session.control().await {
        Ok(client) => client,
        // That is an answer to this question, and a script must not need to read stderr for it.
        Err(error @ CliError::Client(ClientError::NotRunning(_))) => {
            if session.json {
                let installed = installed.first().map(Autostart::from);
                output::print_json(&NotRunning { running: false, installed })?;
            } else {
                output::print(&lines(&[("Running", "no".to_owned())], &installed))?;
            }
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let status = answer(client.status()).await?;
    let refused = refused(&status);
    if session.json {
        output::print_json(&Status::new(&status, &installed, refused))?;
    } else {
        output::print(&describe(&status, &installed, refused))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is wrong with the configuration as it is written now: then an earlier one is in force.
fn refused(status: &ServiceStatus) -> Option<String> {
    let path = Path::new(&status.config);
    if !path.exists() {
        return None;
    }
    Config::load(Some(path)).err().map(|error| error.to_string())
}

#[derive(Serialize)]
struct NotRunning {
    running: bool,
    installed: Option<Autostart>,
}

/// How the service is installed, in JSON.
#[derive(Serialize)]
pub(super) struct Autostart {
    way: String,
    file: String,
    program: String,
    since: Option<String>,
    at_boot: bool,
}

impl From<&Installed> for Autostart {
    fn from(installed: &Installed) -> Self {
        Self {
            way: installed.way.to_string(),
            file: installed.file.display().to_string(),
            program: installed.program.display().to_string(),
            since: installed.since_unix_ns.map(time::rfc3339),
            at_boot: installed.at_boot,
        }
    }
}

/// The service, and what concerns this machine rather than its state.
#[derive(Serialize)]
struct Status<'a> {
    #[serde(flatten)]
    service: json::Status<'a>,
    /// Why the configuration as it is written now is not in force.
    config_refused: Option<String>,
    installed: Option<Autostart>,
}

impl<'a> Status<'a> {
    fn new(
        status: &'a ServiceStatus,
        installed: &[Installed],
        config_refused: Option<String>,
    ) -> Self {
        let installed = installed.first().map(Autostart::from);
        Self { service: status.into(), config_refused, installed }
    }
}

fn describe(status: &ServiceStatus, installed: &[Installed], refused: Option<String>) -> String {
    let mut rows = vec![
        ("Running", format!("version {}, process {}", status.version, status.pid)),
        ("Since", format!("{} ago ({})", time::ago(status.since_unix_ns), status.started_by)),
        ("Listens at", status.endpoint.clone()),
        ("Configuration", status.config.clone()),
    ];
    if let Some(reason) = refused {
        rows.push(("", format!("refused, the one before is in force: {reason}")));
    }
    rows.extend([
        ("Connections", format!("{} of {}", status.connections, status.max_connections)),
        ("Shared memory", text::bytes(status.slot_bytes)),
    ]);
    if status.privacy_off {
        rows.push(("Privacy", "all cameras are turned off".to_owned()));
    }
    format!("{}\n{}", lines(&rows, installed), list::text(&status.cameras))
}

/// `rows`, and what starts the service.
fn lines(rows: &[(&str, String)], installed: &[Installed]) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key:<14}{}", text::clean(value));
    };
    for (key, value) in rows {
        line(key, value);
    }
    if installed.is_empty() {
        line("Starts", "by hand; `camera-service install` has it start at login");
    }
    for installed in installed {
        let when = if installed.at_boot { "with the machine" } else { "at login" };
        let by = match installed.way {
            Way::Systemd => "systemd",
            Way::Autostart => "the desktop",
            Way::Registry => "the registry",
        };
        let since = installed.since_unix_ns.map(time::rfc3339);
        let since = since.map(|since| format!(", since {since}")).unwrap_or_default();
        line("Starts", &format!("{when}, by {by}{since}: {}", installed.program.display()));
        line("", &format!("written in {}", installed.file.display()));
    }
    text
}
