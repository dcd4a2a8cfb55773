//! `status`: whether the service runs.

use std::{fmt::Write as _, process::ExitCode};

use protocol::{ClientError, ServiceStatus};
use serde::Serialize;

use super::{CliError, Outcome, Session, json, list, output, session::answer, text, time};

pub(super) async fn run(session: &Session) -> Outcome {
    let client = match session.control().await {
        Ok(client) => client,
        // That is an answer to this question, and a script must not need to read stderr for it.
        Err(error @ CliError::Client(ClientError::NotRunning(_))) => {
            if session.json {
                output::print_json(&NotRunning { running: false })?;
            }
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let status = answer(client.status()).await?;
    if session.json {
        output::print_json(&Status::from(&status))?;
    } else {
        output::print(&describe(&status))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct NotRunning {
    running: bool,
}

#[derive(Serialize)]
struct Status<'a> {
    running: bool,
    version: &'a str,
    pid: u32,
    since: String,
    endpoint: &'a str,
    config: &'a str,
    started_by: &'a str,
    privacy_off: bool,
    connections: u32,
    max_connections: u32,
    slot_bytes: u64,
    cameras: Vec<json::Camera<'a>>,
}

impl<'a> From<&'a ServiceStatus> for Status<'a> {
    fn from(status: &'a ServiceStatus) -> Self {
        Self {
            running: true,
            version: &status.version,
            pid: status.pid,
            since: time::rfc3339(status.since_unix_ns),
            endpoint: &status.endpoint,
            config: &status.config,
            started_by: &status.started_by,
            privacy_off: status.privacy_off,
            connections: status.connections,
            max_connections: status.max_connections,
            slot_bytes: status.slot_bytes,
            cameras: json::all(&status.cameras),
        }
    }
}

fn describe(status: &ServiceStatus) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key:<14}{}", text::clean(&value));
    };
    line("Running", format!("version {}, process {}", status.version, status.pid));
    line("Since", format!("{} ago ({})", time::ago(status.since_unix_ns), status.started_by));
    line("Listens at", status.endpoint.clone());
    line("Configuration", status.config.clone());
    line("Connections", format!("{} of {}", status.connections, status.max_connections));
    line("Shared memory", text::bytes(status.slot_bytes));
    if status.privacy_off {
        line("Privacy", "all cameras are turned off".to_owned());
    }
    format!("{text}\n{}", list::text(&status.cameras))
}
