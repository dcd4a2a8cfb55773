//! `preset`: controls kept under names.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use protocol::{CameraId, ErrorKind, Preset, client::Client};

use super::{
    CliError, Outcome, Session,
    args::CameraArg,
    json, output,
    session::answer,
    set,
    table::Table,
    text::{clean, count},
    value,
};

const AFTER_HELP: &str = "\
A preset keeps what can be set and is not automatic: that it is automatic is kept. When it is
applied, switches and menus go first, since they decide what else can be set; what the camera
refuses is named, and the rest is set. Presets belong to one camera and stay when it is unplugged.

Examples:
  camera-service preset save test:0 evening
  camera-service preset apply test:0 evening
  camera-service preset list test:0 evening";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct PresetArgs {
    #[command(subcommand)]
    command: PresetCommand,
}

#[derive(Debug, Subcommand)]
enum PresetCommand {
    /// Keep the controls as they are now, in place of what the name stood for.
    Save(Named),
    /// Set the controls as they were kept.
    Apply(Named),
    /// List the presets of a camera, or the controls of one of them.
    List {
        #[command(flatten)]
        camera: CameraArg,
        /// Name of a preset.
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Give a preset another name.
    Rename {
        #[command(flatten)]
        preset: Named,
        /// Its new name.
        #[arg(value_name = "NEW_NAME")]
        new: String,
    },
    /// Forget a preset.
    Delete(Named),
}

#[derive(Debug, Args)]
struct Named {
    #[command(flatten)]
    camera: CameraArg,
    /// Name of the preset.
    #[arg(value_name = "NAME")]
    name: String,
}

pub(super) async fn run(args: PresetArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    match args.command {
        PresetCommand::Save(Named { camera, name }) => {
            answer(client.save_preset(&camera.id(), &name)).await?;
            let preset = find(&client, &camera.id(), &name).await?;
            if session.json {
                output::print_json(&json::PresetJson::from(&preset))?;
                return Ok(ExitCode::SUCCESS);
            }
            let kept = count(preset.settings.len() as u64, "control");
            tell(&format!("{name} keeps {kept} of {}", camera.camera))
        }
        PresetCommand::Apply(Named { camera, name }) => {
            let outcomes = answer(client.apply_preset(&camera.id(), name)).await?;
            let controls = answer(client.controls(&camera.id())).await?;
            set::report("set", &outcomes, &controls, session.json)
        }
        PresetCommand::List { camera, name: None } => list(&client, &camera, session).await,
        PresetCommand::List { camera, name: Some(name) } => {
            let preset = find(&client, &camera.id(), &name).await?;
            if session.json {
                output::print_json(&json::PresetJson::from(&preset))?;
            } else {
                // Where they cannot be asked, entries of menus go by their numbers.
                let controls = answer(client.controls(&camera.id())).await.unwrap_or_default();
                output::print(&value::lines(&preset.settings, &controls))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        PresetCommand::Rename { preset: Named { camera, name }, new } => {
            answer(client.rename_preset(&camera.id(), &name, &new)).await?;
            changed(&client, &camera, &new, &format!("{name} is called {new}"), session).await
        }
        PresetCommand::Delete(Named { camera, name }) => {
            answer(client.delete_preset(&camera.id(), &name)).await?;
            changed(&client, &camera, &name, &format!("{name} is deleted"), session).await
        }
    }
}

/// The preset of that name.
async fn find(client: &Client, camera: &CameraId, name: &str) -> Result<Preset, CliError> {
    let presets = answer(client.presets(camera)).await?;
    let found = presets.into_iter().find(|preset| preset.name == name);
    found.ok_or_else(|| {
        let message = format!(
            "{camera} has no preset {name:?}; `camera-service preset list {camera}` names them"
        );
        CliError::failed(ErrorKind::NoSuchPreset, message)
    })
}

async fn list(client: &Client, camera: &CameraArg, session: &Session) -> Outcome {
    let presets = answer(client.presets(&camera.id())).await?;
    if session.json {
        output::print_json(&json::all::<_, json::PresetJson<'_>>(&presets))?;
    } else if presets.is_empty() {
        tell(&format!("{} has no presets", camera.camera))?;
    } else {
        let mut table = Table::new(["NAME", "CONTROLS"]);
        for preset in &presets {
            table.row([preset.name.clone(), preset.settings.len().to_string()]);
        }
        output::print(&table.text())?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn changed(
    client: &Client,
    camera: &CameraArg,
    preset: &str,
    what: &str,
    session: &Session,
) -> Outcome {
    if session.json {
        // It may have been called by its name.
        let camera = answer(client.camera(&camera.id())).await?.summary.id;
        output::print_json(&json::Changed { camera: &camera.0, preset })?;
        return Ok(ExitCode::SUCCESS);
    }
    tell(what)
}

fn tell(what: &str) -> Outcome {
    output::print(&(clean(what) + "\n"))?;
    Ok(ExitCode::SUCCESS)
}
