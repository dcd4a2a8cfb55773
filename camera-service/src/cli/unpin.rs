//! `unpin`: controls that are left as they are from now on.

use clap::Args;

use super::{Outcome, Session, args::CameraArg, pin, session::answer};

const AFTER_HELP: &str = "\
The controls keep their values until something else changes them. Prints what is still pinned.

Examples:
  camera-service unpin test:0 brightness exposure
  camera-service unpin test:0";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct UnpinArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Names of controls; without any, none is pinned any more.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub(super) async fn run(args: UnpinArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let camera = args.camera.id();
    answer(client.unpin_controls(&camera, args.names)).await?;
    let pins = answer(client.pins(&camera)).await?;
    pin::print(&client, &camera, &pins, session).await
}
