//! `rename`: a name of the user's for a camera.

use std::process::ExitCode;

use clap::Args;

use super::{Outcome, Session, args::CameraArg, json, output, session::answer, text::clean};

const AFTER_HELP: &str = "\
The name is kept, and every command takes it in place of the id, which stays as it is.

Examples:
  camera-service rename test:0 \"Desk camera\"
  camera-service rename \"Desk camera\" --reset";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct RenameArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// The new name: 1 to 64 characters.
    #[arg(value_name = "NAME", required_unless_present = "reset", conflicts_with = "reset")]
    name: Option<String>,
    /// Go back to the device's own name.
    #[arg(long)]
    reset: bool,
}

pub(super) async fn run(args: RenameArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    // By its id: the name that it was called by may not be its name any more.
    let camera = match answer(client.camera(&args.camera.id())).await {
        Ok(camera) => camera,
        // One that is away has nothing to show, and may lose its name all the same.
        Err(_) if args.reset => {
            let camera = args.camera.id();
            answer(client.rename_camera(&camera, None)).await?;
            if session.json {
                output::print_json(&json::Renamed { camera: &camera.0, name: None })?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(error),
    };
    let id = camera.summary.id;
    answer(client.rename_camera(&id, args.name)).await?;
    let camera = answer(client.camera(&id)).await?.summary;
    if session.json {
        output::print_json(&json::Renamed { camera: &camera.id.0, name: Some(&camera.name) })?;
    } else {
        output::print(&(clean(&format!("{id} is called {}", camera.name)) + "\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
