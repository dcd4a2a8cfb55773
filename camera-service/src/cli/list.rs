//! `list`: the cameras.

use std::process::ExitCode;

use protocol::CameraSummary;

use super::{Outcome, Session, json, output, session::answer, table::Table};

pub(super) const NONE: &str = "No cameras. Plug one in, or run the service with a test camera: \
                               `camera-service serve --test-camera`.\n";

pub(super) async fn run(session: &Session) -> Outcome {
    let cameras = answer(session.control().await?.cameras()).await?;
    if session.json {
        output::print_json(&json::all::<_, json::Camera<'_>>(&cameras))?;
    } else {
        output::print(&text(&cameras))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A table of `cameras`.
pub(super) fn text(cameras: &[CameraSummary]) -> String {
    if cameras.is_empty() {
        return NONE.to_owned();
    }
    let mut table = Table::new(["ID", "NAME", "DRIVER", "BUS", "STATE", "MODE", "WATCHERS"]);
    for camera in cameras {
        table.row([
            camera.id.to_string(),
            camera.name.clone(),
            camera.driver.clone(),
            camera.bus.clone(),
            state(camera),
            camera.mode.map(|mode| mode.to_string()).unwrap_or_default(),
            watchers(camera),
        ]);
    }
    table.text()
}

/// How many watch it, and whether it is open without them.
fn watchers(camera: &CameraSummary) -> String {
    format!("{}{}", camera.watchers, if camera.held_open { ", held" } else { "" })
}

/// The state of a camera with the reason for it.
pub(super) fn state(camera: &CameraSummary) -> String {
    if camera.reason.is_empty() {
        return camera.state.to_string();
    }
    format!("{} ({})", camera.state, camera.reason)
}
