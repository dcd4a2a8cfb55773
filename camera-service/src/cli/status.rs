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
        output::print_json(&json::Status::from(&status))?;
    } else {
        output::print(&describe(&status))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct NotRunning {
    running: bool,
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
