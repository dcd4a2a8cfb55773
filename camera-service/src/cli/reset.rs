//! `reset`: sets controls to their defaults.

use std::process::ExitCode;

use clap::Args;

use super::{Outcome, Session, args::CameraArg, output, session::answer, set};

#[derive(Debug, Args)]
pub(super) struct ResetArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Names of controls; without any, all that can be set are.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) async fn run(args: ResetArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let camera = args.camera.id();
    let outcomes = answer(client.reset_controls(&camera, args.names)).await?;
    if outcomes.is_empty() && !session.json {
        output::print(&format!("{camera} has no control that can be set.\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let controls = answer(client.controls(&camera)).await?;
    set::report("reset", &outcomes, &controls, session.json)
}
