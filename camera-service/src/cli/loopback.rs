//! `loopback`: writes a camera into a v4l2loopback device.

use std::path::PathBuf;

use clap::Args;
use protocol::{FrameRate, PixelFormat, Size};

use super::{CliError, Outcome, Session, args::CameraArg};
use crate::config::{LOAD_V4L2LOOPBACK, loopback_format, loopback_size};

fn after_help() -> String {
    format!(
        "\
For browsers and other programs that know only /dev/video*. The device is one of the v4l2loopback
module (Debian: apt install v4l2loopback-dkms), loaded for example with
  {LOAD_V4L2LOOPBACK}

The camera opens when somebody reads the device. While it is lost, or all cameras are turned off,
readers see black; stopped and started again, the service is found again. Frames of another shape
lie in the middle of black. Ends when interrupted, or when the device is removed.

Examples:
  camera-service loopback test:0 /dev/video10
  camera-service loopback test:0 /dev/video10 --format mjpg --size 1280x720 --fps 15"
    )
}

#[derive(Debug, Args)]
#[command(after_help = after_help())]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has the devices"))]
pub(super) struct LoopbackArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// The device file of the loopback device.
    #[arg(value_name = "DEVICE")]
    device: PathBuf,
    /// What it delivers: yuyv, which most programs take, mjpg, i420 or nv12.
    #[arg(long, default_value = "yuyv", value_parser = loopback_format)]
    format: PixelFormat,
    /// Its size; unless given, what the camera has up to 1280x720.
    #[arg(long, value_name = "WxH", value_parser = loopback_size)]
    size: Option<Size>,
    /// At most so many frames a second.
    #[arg(long, value_name = "N", default_value = "30")]
    fps: FrameRate,
    /// End with the service, rather than wait until it is back.
    #[arg(long)]
    no_reconnect: bool,
    /// End when standard input does: the service is at the other end.
    #[arg(long, hide = true)]
    supervised: bool,
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn run(_: LoopbackArgs, _: &Session) -> Outcome {
    let message = "loopback devices are a thing of Linux; this system has none";
    Err(CliError::failed(protocol::ErrorKind::Unsupported, message))
}

#[cfg(target_os = "linux")]
pub(super) use linux::run;

#[cfg(target_os = "linux")]
mod linux {
    use std::{io::Read as _, process::ExitCode};

    use protocol::{CameraId, Mode};
    use serde::Serialize;
    use tokio::sync::oneshot;

    use super::{CliError, LoopbackArgs, Outcome, Session};
    use crate::{
        cli::{
            output,
            session::{Interrupt, answer},
            text::clean,
        },
        device::v4l2::Output,
        loopback::{self, Canvas, LoopbackError, News},
    };

    pub(in crate::cli) async fn run(args: LoopbackArgs, session: &Session) -> Outcome {
        let mut interrupt = Interrupt::new();
        let service = args.supervised.then(other_end).transpose()?;
        let camera = args.camera.id();
        // Asked although a size may be given: a camera that is not there is a slip to be told.
        let modes = answer(session.control().await?.camera(&camera)).await?.modes;
        let size = args.size.unwrap_or_else(|| loopback::usual_size(&modes));
        let mode = Mode { format: args.format, size, rate: args.fps };
        let canvas = Canvas::new(mode).ok_or_else(|| {
            CliError::Usage(format!("no {} frames of {size} can be made", args.format))
        })?;
        let output = Output::open(&args.device, mode).map_err(LoopbackError::from)?;
        let tell = Tell { args: &args, json: session.json };
        let tells_readers = output.tells_readers();
        let stop = async {
            tokio::select! {
                () = interrupt.wait() => {}
                () = ended(service) => {}
            }
        };
        let news = |news| match news {
            News::Ready => tell.ready(mode, tells_readers),
            news => tell.news(&news),
        };
        let (connector, out) = (session.connector(), (output, canvas));
        let source = loopback::Wish { camera: camera.clone(), lasts: !args.no_reconnect };
        loopback::run(connector, source, out, news, stop).await?;
        Ok(ExitCode::SUCCESS)
    }

    /// Told when standard input ends, as it does with the process that wrote to it.
    fn other_end() -> Result<oneshot::Receiver<()>, CliError> {
        let (sender, receiver) = oneshot::channel();
        let read = move || {
            let mut byte = [0];
            while std::io::stdin().read(&mut byte).is_ok_and(|count| count > 0) {}
            // It may have ended for another reason.
            let _ = sender.send(());
        };
        let thread = std::thread::Builder::new().name("supervised".to_owned());
        thread.spawn(read).map_err(|error| CliError::io("start", error))?;
        Ok(receiver)
    }

    async fn ended(other_end: Option<oneshot::Receiver<()>>) {
        match other_end {
            Some(other_end) => drop(other_end.await),
            None => std::future::pending().await,
        }
    }

    /// Tells what happens, a line each.
    struct Tell<'a> {
        args: &'a LoopbackArgs,
        json: bool,
    }

    #[derive(Serialize)]
    #[serde(tag = "event", rename_all = "snake_case")]
    enum Line<'a> {
        Ready {
            camera: &'a CameraId,
            device: &'a str,
            format: String,
            width: u32,
            height: u32,
            fps: f64,
            /// Whether the driver tells when somebody reads.
            driver_tells_readers: bool,
        },
        Read {
            programs: Vec<Program<'a>>,
        },
        Unread,
        Streaming {
            mode: String,
        },
        Lost {
            reason: &'a str,
        },
        Blocked,
        ServiceGone,
    }

    #[derive(Serialize)]
    struct Program<'a> {
        pid: u32,
        program: &'a str,
    }

    impl Tell<'_> {
        fn ready(&self, mode: Mode, driver_tells_readers: bool) {
            let camera = self.args.camera.id();
            let device = self.args.device.to_string_lossy();
            let text = format!("{camera} is written into {device} as {mode}");
            let line = Line::Ready {
                camera: &camera,
                device: &device,
                format: mode.format.to_string(),
                width: mode.size.width,
                height: mode.size.height,
                fps: mode.rate.as_f64(),
                driver_tells_readers,
            };
            self.print(&text, &line);
        }

        fn news(&self, news: &News) {
            let camera = &self.args.camera.camera;
            let text = match news {
                News::Ready => return,
                News::Read(programs) if programs.is_empty() => "somebody reads it".to_owned(),
                News::Read(programs) => {
                    let name = |p: &protocol::Holder| format!("{} (pid {})", p.program, p.pid);
                    let names: Vec<String> = programs.iter().map(name).collect();
                    format!("read by {}", names.join(", "))
                }
                News::Unread => "nobody reads it any more; the camera may close".to_owned(),
                News::Streaming(mode) => format!("frames come; the camera delivers {mode}"),
                News::Lost(reason) => format!("{camera} is lost: {reason}; black until it is back"),
                News::Blocked => {
                    "all cameras are turned off; black until they are turned on".into()
                }
                News::ServiceGone => "the service has gone; black until it is back".to_owned(),
            };
            let line = match news {
                News::Ready => return,
                News::Read(programs) => Line::Read {
                    programs: programs
                        .iter()
                        .map(|p| Program { pid: p.pid, program: &p.program })
                        .collect(),
                },
                News::Unread => Line::Unread,
                News::Streaming(mode) => Line::Streaming { mode: mode.to_string() },
                News::Lost(reason) => Line::Lost { reason },
                News::Blocked => Line::Blocked,
                News::ServiceGone => Line::ServiceGone,
            };
            self.print(&text, &line);
        }

        fn print(&self, text: &str, line: &Line<'_>) {
            let text =
                if self.json { output::json_line(line) } else { Ok(format!("{}\n", clean(text))) };
            // Whoever read this has gone: those who read the device have not.
            let _ = text.and_then(|text| output::print(&text));
        }
    }
}
