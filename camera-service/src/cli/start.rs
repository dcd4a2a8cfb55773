//! `start`: opens a camera and holds it open, or changes its mode.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use protocol::{
    CameraId, ClientError, FrameRate, ModeWish, PixelFormat, Reply, Request, Size, StartedCamera,
};

use super::{Outcome, Session, args::CameraArg, json, output, session::answer, text::clean};

/// Opening a device takes its time.
const DEADLINE: Duration = Duration::from_secs(15);

const AFTER_HELP: &str = "\
What is not given stays as it is, or is chosen by the service.

Example:
  camera-service start test:0 --format MJPG --size 1280x720 --fps 30";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct StartArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Pixel format, such as MJPG or YUYV.
    #[arg(short = 'm', long)]
    format: Option<PixelFormat>,
    /// Size in pixels.
    #[arg(short = 'r', long, value_name = "WxH")]
    size: Option<Size>,
    /// Frames a second: 30, 7.5 or 30000/1001.
    #[arg(short, long, value_name = "N")]
    fps: Option<FrameRate>,
}

pub(super) async fn run(args: StartArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let wish = ModeWish { format: args.format, size: args.size, rate: args.fps };
    let request = Request::StartCamera { camera: args.camera.id(), wish };
    let started = answer(async {
        match client.request_within(request, Some(DEADLINE)).await? {
            Reply::Started(started) => Ok(started),
            _ => Err(ClientError::Unexpected("another kind of reply")),
        }
    })
    .await?;
    // The camera may have been called by its name.
    let camera = answer(client.camera(&args.camera.id())).await?.summary.id;
    if session.json {
        output::print_json(&json::Started {
            camera: &camera.0,
            mode: started.mode.into(),
            affected: json::all(&started.affected),
        })?;
    } else {
        output::print(&text(&camera, &started))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(camera: &CameraId, started: &StartedCamera) -> String {
    let mut text = format!("{camera} is open: {}\n", started.mode);
    for client in &started.affected {
        text += &clean(&format!(
            "The frames of {} (client {}, process {}) changed with the mode.",
            client.name, client.connection, client.pid
        ));
        text.push('\n');
    }
    text
}
