//! `get`: the values of controls.

use std::process::ExitCode;

use clap::Args;
use protocol::Control;

use super::{Outcome, Session, args::CameraArg, json, output, session::answer, value};

#[derive(Debug, Args)]
pub(super) struct GetArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Names of controls. Of one the value alone is printed, of several name=value each.
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

pub(super) async fn run(args: GetArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let controls = answer(client.get_controls(&args.camera.id(), args.names)).await?;
    if session.json {
        output::print_json(&json::all::<_, json::ControlJson<'_>>(&controls))?;
    } else {
        output::print(&text(&controls))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(controls: &[Control]) -> String {
    if let [control] = controls {
        return value::show(control, &control.value) + "\n";
    }
    let line = |c: &Control| format!("{}={}\n", c.name, value::show(c, &c.value));
    controls.iter().map(line).collect()
}
