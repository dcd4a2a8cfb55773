//! `stop`: ends the hold of `start`.

use std::process::ExitCode;

use protocol::{CameraState, ClientError, ErrorKind};

use super::{
    CliError, Outcome, Session, args::CameraArg, json, output, session::answer, text::clean,
};

pub(super) async fn run(args: CameraArg, session: &Session) -> Outcome {
    let client = session.control().await?;
    answer(client.stop_camera(&args.id())).await?;
    let camera = match answer(client.camera(&args.id())).await {
        Ok(camera) => camera.summary,
        // Its publisher has gone, and the next one will not find the start in force.
        Err(CliError::Client(ClientError::Reply(error)))
            if error.kind == ErrorKind::NoSuchCamera =>
        {
            if session.json {
                output::print_json(&json::Stopped { camera: None })?;
            } else {
                let line = format!("{} is held open no more; it is not there now", args.id());
                output::print(&(clean(&line) + "\n"))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        Err(error) => return Err(error),
    };
    if session.json {
        output::print_json(&json::Stopped { camera: Some((&camera).into()) })?;
    } else {
        let line = match (&camera.state, camera.watchers) {
            (CameraState::Closed, _) => format!("{} is closed", camera.id),
            (_, 0) => format!("{} is held open no more and closes soon", camera.id),
            (_, 1) => format!("{} is held open no more; 1 watcher keeps it open", camera.id),
            (_, more) => {
                format!("{} is held open no more; {more} watchers keep it open", camera.id)
            }
        };
        output::print(&(clean(&line) + "\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
