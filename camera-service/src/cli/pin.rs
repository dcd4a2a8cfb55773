//! `pin`: controls that are set again at every open, replug and start.

use std::process::ExitCode;

use clap::Args;
use protocol::{CameraId, ControlSetting, client::Client};

use super::{
    CliError, Outcome, Session, args::CameraArg, inactive, json, output, session::answer, set,
    text::clean, value,
};

const AFTER_HELP: &str = "\
Pinned controls are set now, and again whenever the camera is opened, plugged in, or found when the
service starts. Values are as in `set`; a name alone pins the present value. What the camera refuses
is named and not pinned. Without any name the pinned controls are printed.

Examples:
  camera-service pin test:0 auto_exposure=off exposure=300
  camera-service pin test:0 brightness
  camera-service pin test:0";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct PinArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Controls and the values to pin them to.
    #[arg(value_name = "NAME=VALUE")]
    settings: Vec<String>,
}

pub(super) async fn run(args: PinArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let camera = args.camera.id();
    if args.settings.is_empty() {
        let pins = answer(client.pins(&camera)).await?;
        return print(&client, &camera, &pins, session).await;
    }
    let controls = answer(client.controls(&camera)).await?;
    let settings: Vec<ControlSetting> = args
        .settings
        .iter()
        .map(|argument| value::setting_or_present(argument, &controls, &camera))
        .collect::<Result<_, _>>()?;
    let outcomes = answer(client.pin_controls(&camera, settings)).await?;
    let reported = set::report("pin", &outcomes, &controls, session.json);
    inactive::note(&client, &camera, &outcomes, session).await;
    reported
}

/// Prints what is pinned.
pub(super) async fn print(
    client: &Client,
    camera: &CameraId,
    pins: &[ControlSetting],
    session: &Session,
) -> Result<ExitCode, CliError> {
    if session.json {
        output::print_json(&json::all::<_, json::Setting<'_>>(pins))?;
    } else if pins.is_empty() {
        output::print(&(clean(&format!("{camera} has no pinned controls.")) + "\n"))?;
    } else {
        // Where they cannot be asked, entries of menus go by their numbers.
        let controls = answer(client.controls(camera)).await.unwrap_or_default();
        output::print(&value::lines(pins, &controls))?;
    }
    Ok(ExitCode::SUCCESS)
}
