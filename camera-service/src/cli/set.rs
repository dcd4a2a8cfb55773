//! `set`: sets controls.

use std::process::ExitCode;

use clap::Args;
use protocol::{Control, ControlKind, ControlOutcome, ControlSetting, ControlValue};

use super::{
    CliError, Outcome, Session, args::CameraArg, inactive, json, output, session::answer, value,
};

const AFTER_HELP: &str = "\
Numbers may be decimal or hexadecimal (0x1f); switches are on or off; entries of menus go by
label, or by number where no label is the same: #2 is the number 2 in any case, as `get --json`
prints it; bytes are hexadecimal digits; a button is pressed by its name alone. Nothing is set
unless every value can be understood. Exits with 1 if any control could not be set.

Examples:
  camera-service set test:0 brightness=20 contrast=0x5f
  camera-service set test:0 \"pattern=Grey ramp\"
  camera-service set test:0 \"speed=#2\"";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct SetArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Controls and their values, set in this order.
    #[arg(value_name = "NAME=VALUE", required = true)]
    settings: Vec<String>,
}

pub(super) async fn run(args: SetArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let camera = args.camera.id();
    let controls = answer(client.controls(&camera)).await?;
    let settings: Vec<ControlSetting> = args
        .settings
        .iter()
        .map(|argument| value::setting(argument, &controls, &camera))
        .collect::<Result<_, _>>()?;
    let outcomes = answer(client.set_controls(&camera, settings)).await?;
    let reported = report("set", &outcomes, &controls, session.json);
    inactive::note(&client, &camera, &outcomes, session).await;
    reported
}

/// Prints what became of each control; fails if `doing` that to one of them was not possible.
pub(super) fn report(
    doing: &str,
    outcomes: &[ControlOutcome],
    controls: &[Control],
    json: bool,
) -> Outcome {
    if json {
        output::print_json(&json::all::<_, json::Outcome<'_>>(outcomes))?;
    } else {
        let done = outcomes.iter().filter_map(|outcome| {
            let value = outcome.result.as_ref().ok()?;
            let control = controls.iter().find(|control| control.name == outcome.name);
            Some(taken(&outcome.name, control, value))
        });
        output::print(&done.collect::<String>())?;
    }
    let failed = outcomes.iter().filter_map(|outcome| {
        let error = outcome.result.as_ref().err()?;
        Some((error.kind, format!("cannot {doing} {}: {error}", outcome.name)))
    });
    let (kinds, messages): (Vec<_>, Vec<_>) = failed.unzip();
    match kinds.first() {
        Some(kind) => Err(CliError::failed(*kind, messages.join("; "))),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn taken(name: &str, control: Option<&Control>, value: &ControlValue) -> String {
    let text = match (control, value) {
        (Some(control), ControlValue::None) if control.kind == ControlKind::Button => {
            return format!("{name} pressed\n");
        }
        (Some(control), value) => value::show(control, value),
        (None, value) => value.to_string(),
    };
    if text.is_empty() { format!("{name} = \"\"\n") } else { format!("{name} = {text}\n") }
}

#[cfg(test)]
mod tests {
    use protocol::{ErrorKind, ErrorReply};

    use super::*;

    #[test]
    fn every_failure_is_named_and_the_first_gives_its_kind() {
        let outcome = |name: &str, result| ControlOutcome { name: name.to_owned(), result };
        let failed = |kind, message| Err(ErrorReply::new(kind, message));
        let outcomes = [
            outcome("gain", failed(ErrorKind::OutOfRange, "too much")),
            outcome("name", failed(ErrorKind::ReadOnly, "fixed")),
        ];
        let error = report("set", &outcomes, &[], false).expect_err("failed");
        assert_eq!(error.to_string(), "cannot set gain: too much; cannot set name: fixed");
        assert!(matches!(error, CliError::Failed(reply) if reply.kind == ErrorKind::OutOfRange));
        assert!(report("set", &[], &[], false).is_ok());
    }
}
