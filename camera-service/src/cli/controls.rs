//! `controls`: the controls of a camera.

use std::process::ExitCode;

use protocol::Control;

use super::{
    Outcome, Session, args::CameraArg, json, output, session::answer, table::Table, value,
};

pub(super) async fn run(args: CameraArg, session: &Session) -> Outcome {
    let controls = answer(session.control().await?.controls(&args.id())).await?;
    if session.json {
        output::print_json(&json::all::<_, json::ControlJson<'_>>(&controls))?;
    } else if controls.is_empty() {
        output::print(&format!("{} has no controls.\n", args.camera))?;
    } else {
        output::print(&text(&controls))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(controls: &[Control]) -> String {
    let mut table = Table::new(["NAME", "KIND", "VALUE", "DEFAULT", "RANGE", "FLAGS"]);
    for control in controls {
        table.row([
            control.name.clone(),
            control.kind.to_string(),
            value::show_short(control, &control.value),
            value::show_short(control, &control.default),
            value::range(control),
            json::flags(&control.flags).join(", "),
        ]);
    }
    table.text()
}
