//! `bridge on`, `off` and `status`: the bridge that the service runs.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use clap::Subcommand;
use protocol::{BridgeStatus, BridgeWish, ErrorKind, Event};

use super::{
    super::{
        CliError, Outcome, Session, json, output,
        session::answer,
        text::{clean, count},
    },
    missing::{TURN_ON, why_not},
};
use crate::config::bridge_listen;

/// How long the bridge may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(10);

const ON_HELP: &str = "\
Also after a restart of the service, until `bridge off`. What is said here comes before the section
[bridge] of the configuration. Any address but loopback needs tls there. One that is on and fails is
tried again at once.

Examples:
  camera-service bridge on
  camera-service config set bridge.tls self && camera-service bridge on --listen 0.0.0.0:8443";

#[derive(Debug, Subcommand)]
pub(super) enum ControlCommand {
    /// Have the service run the bridge from now on.
    #[command(after_help = ON_HELP)]
    On {
        /// Listen at this address and port from now on.
        #[arg(long, value_name = "ADDR:PORT", value_parser = bridge_listen)]
        listen: Option<SocketAddr>,
    },
    /// Have the service end its bridge, and run none until `bridge on`.
    #[command(after_help = "Example:\n  camera-service bridge off")]
    Off,
    /// Show whether the bridge runs, and where it can be reached.
    #[command(after_help = "Example:\n  camera-service bridge status --json")]
    Status,
}

pub(super) async fn run(command: ControlCommand, session: &Session) -> Outcome {
    let status = match command {
        ControlCommand::Status => answer(session.control().await?.bridge()).await?,
        ControlCommand::On { listen } => {
            let listen = listen.map(|listen| listen.to_string());
            let wish = BridgeWish { enabled: Some(true), listen };
            let has_begun =
                |status: &BridgeStatus| !status.urls.is_empty() || !status.reason.is_empty();
            let status = set(wish, has_begun, session).await?;
            if status.urls.is_empty() {
                return Err(CliError::failed(ErrorKind::Internal, why_not(&status, TURN_ON)));
            }
            status
        }
        ControlCommand::Off => {
            let wish = BridgeWish { enabled: Some(false), listen: None };
            set(wish, |status| !status.enabled && status.pid.is_none(), session).await?
        }
    };
    if session.json {
        output::print_json(&json::BridgeJson::from(&status))?;
    } else {
        output::print(&text(&status))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Sets how the bridge is to run and waits until `is_done`, or for as long as that may take.
async fn set(
    wish: BridgeWish,
    is_done: impl Fn(&BridgeStatus) -> bool,
    session: &Session,
) -> Result<BridgeStatus, CliError> {
    // Before anything is changed, so that no change is missed.
    let mut events = session.connector().events().await?;
    let client = session.control().await?;
    let mut status = answer(client.set_bridge(wish)).await?;
    let change = async {
        while !is_done(&status) {
            match events.next().await? {
                Some(message) => {
                    // Asked anew: what is told may be from before the wish.
                    if let Event::BridgeChanged(_) = message.event {
                        status = answer(client.bridge()).await?;
                    }
                }
                None => return Err(CliError::from(protocol::ClientError::Closed)),
            }
        }
        Ok(())
    };
    // As it is by then, which the user is told.
    tokio::time::timeout(PATIENCE, change).await.unwrap_or(Ok(()))?;
    Ok(status)
}

fn text(status: &BridgeStatus) -> String {
    let BridgeStatus { enabled, listen, pid, urls, fingerprint, connections, reason } = status;
    let mut lines = Vec::new();
    match (pid, urls.is_empty()) {
        (Some(pid), false) => {
            lines.push(format!("The bridge runs (pid {pid}), for {}.", {
                count(u64::from(*connections), "connection")
            }));
            lines.extend(urls.iter().map(|url| format!("  {url}")));
            if let Some(fingerprint) = fingerprint {
                lines.push(format!("SHA-256 of its certificate: {fingerprint}"));
            }
            lines.push(
                "`camera-service open` opens its page here; `camera-service pair` shows it to a \
                 phone."
                    .to_owned(),
            );
        }
        _ if *enabled => {
            lines.push(format!("The bridge is on, but does not listen at {listen} yet."));
            if !reason.is_empty() {
                lines.push(format!("The reason: {reason}"));
            }
        }
        _ => lines.push(format!("The bridge is off; {TURN_ON}.")),
    }
    if !*enabled && pid.is_some() {
        lines.push("It was started by hand; the service does not keep it running.".to_owned());
    }
    lines.iter().map(|line| clean(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_says_what_can_be_done() {
        let off = BridgeStatus { listen: "127.0.0.1:8088".to_owned(), ..BridgeStatus::default() };
        assert_eq!(text(&off), "The bridge is off; `camera-service bridge on` turns it on.\n");
        let failing = BridgeStatus { enabled: true, reason: "taken\x1b".to_owned(), ..off.clone() };
        assert_eq!(
            text(&failing),
            "The bridge is on, but does not listen at 127.0.0.1:8088 yet.\nThe reason: taken\u{fffd}\n"
        );
        let running = BridgeStatus {
            enabled: true,
            pid: Some(7),
            urls: vec!["http://127.0.0.1:8088/".to_owned()],
            connections: 1,
            ..off
        };
        let text = text(&running);
        assert!(text.starts_with("The bridge runs (pid 7), for 1 connection.\n"), "{text}");
        assert!(text.contains("  http://127.0.0.1:8088/\n"), "{text}");
    }
}
