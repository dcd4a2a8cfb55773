//! `off` and `on`: the switch for all cameras.

use std::process::ExitCode;

use clap::Args;

use super::{Outcome, Session, json, output, session::answer};

const AFTER_HELP: &str = "\
Every camera is closed at once and its light goes off; no program gets a frame. Programs that watch
are told, and get frames again when the cameras are turned back on, without doing anything. Cameras
stay off when the service is started anew. Controls can still be read and set.

Examples:
  camera-service off
  camera-service on";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct OffArgs {}

pub(super) async fn run(off: bool, session: &Session) -> Outcome {
    answer(session.control().await?.set_privacy(off)).await?;
    if session.json {
        output::print_json(&json::Switched { off })?;
    } else if off {
        output::print("All cameras are turned off, until `camera-service on`.\n")?;
    } else {
        output::print("Cameras may be used again.\n")?;
    }
    Ok(ExitCode::SUCCESS)
}
