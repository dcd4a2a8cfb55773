//! `publish`: being a camera, with frames from standard input or from a folder.
//!
//! Frames are read on a thread of their own. What is sent is always the newest: while the service
//! gives no credit, or nobody watches, frames that are read replace one another.

mod format;
mod source;
mod split;

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use protocol::{
    FrameRate, Mode, PixelFormat, PublishRequest, Size,
    client::{Lasting, LastingPublisher, PublishEvent},
};
use serde::Serialize;

use self::{
    format::Content,
    source::{Frames, Pace, Source, Taken},
};
use super::{
    CliError, Outcome, Session, output,
    session::{self, Interrupt},
    text,
};

const AFTER_HELP: &str = "\
Frames come from standard input: JPEG images one after the other, Y4M, or raw video without
padding, for which --format and --size have to be named. What is live sets its own pace, and
frames are passed over while the service is busy or nobody watches; a file or a folder is read
no faster than --fps. The camera is there until the input ends or this is interrupted; programs
that watch it then wait, and go on when it is published again under the same name. When the service
is started anew, it is published again by itself.

Examples:
  ffmpeg -re -i film.mkv -f mjpeg -q:v 3 - | camera-service publish film --fps 25
  ffmpeg -f x11grab -i :0 -pix_fmt yuv420p -f yuv4mpegpipe - | camera-service publish screen
  ffmpeg -re -i film.mkv -f rawvideo -pix_fmt nv12 -s 640x360 - |
      camera-service publish film --format nv12 --size 640x360 --fps 25
  camera-service publish holiday --folder ~/Pictures/holiday --fps 0.5";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct PublishArgs {
    /// The camera's id will be published:NAME. Letters, digits, `-`, `_` and `.`.
    name: String,
    /// Size of the frames. JPEG images and Y4M say it themselves.
    #[arg(long, value_name = "WxH")]
    size: Option<Size>,
    /// Frames a second; 30, or what Y4M says.
    #[arg(long, value_name = "N")]
    fps: Option<FrameRate>,
    /// What comes in; found out where it is JPEG or Y4M.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Replay the JPEG images in this folder, in the order of their names, over and over.
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    folder: Option<PathBuf>,
    /// End after the last image of the folder.
    #[arg(long, requires = "folder")]
    once: bool,
    /// Read no faster than --fps, also where the input is no file.
    #[arg(long)]
    pace: bool,
    /// End with the service, rather than wait until it is back.
    #[arg(long)]
    no_reconnect: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JPEG images, one after the other; ffmpeg's `mjpeg`.
    #[value(alias = "mjpeg")]
    Jpeg,
    /// YUV4MPEG2 in 4:2:0.
    Y4m,
    Yuyv,
    I420,
    Nv12,
    Rgb,
    Rgba,
}

impl Format {
    fn pixels(self) -> Option<PixelFormat> {
        Some(match self {
            Self::Jpeg | Self::Y4m => return None,
            Self::Yuyv => PixelFormat::Yuyv,
            Self::I420 => PixelFormat::I420,
            Self::Nv12 => PixelFormat::Nv12,
            Self::Rgb => PixelFormat::Rgb,
            Self::Rgba => PixelFormat::Rgba,
        })
    }
}

/// What a publisher did, in JSON.
#[derive(Serialize)]
struct Report<'a> {
    camera: &'a str,
    frames: u64,
    passed_over: u64,
}

pub(super) async fn run(args: PublishArgs, session: &Session) -> Outcome {
    // Before anything of the input is read, which may be long in coming.
    if !PublishRequest::is_name(&args.name) {
        let message = format!(
            "{:?} cannot be a camera's name: it takes 1 to 64 letters, digits, `-`, `_` or `.`, \
             and nothing else",
            args.name
        );
        return Err(CliError::Usage(message));
    }
    let mut interrupt = Interrupt::new();
    let source = source(&args)?;
    let mut frames = Frames::start(source).map_err(|error| CliError::io("start", error))?;
    // The first frame says what the camera is to be.
    let begun = tokio::select! {
        () = interrupt.wait() => return Ok(ExitCode::SUCCESS),
        begun = frames.begin() => begun?,
    };
    let rate = args.fps.or(begun.rate).unwrap_or(DEFAULT_RATE);
    let request = PublishRequest {
        name: args.name,
        mode: Mode { format: begun.format, size: begun.size, rate },
        colour: begun.colour,
    };
    let mode = request.mode;
    let mut publisher = session.connector().lasting_publish(request).await?;
    let camera = publisher.camera().map(ToString::to_string).unwrap_or_default();
    if !session.json && std::io::stderr().is_terminal() {
        output::note(&format!("{camera}: {mode}; Ctrl-C ends it"));
    }
    let lasts = !args.no_reconnect;
    let sent = send(&mut publisher, &mut frames, &mut interrupt, lasts).await;
    let report =
        Report { camera: &camera, frames: frames.sent(), passed_over: frames.passed_over() };
    match sent {
        Ok(()) if session.json => output::print_json(&report)?,
        Ok(()) => output::print(&format!(
            "{} sent as {camera}, {} passed over\n",
            text::count(report.frames, "frame"),
            report.passed_over
        ))?,
        Err(error) => return Err(error),
    }
    Ok(ExitCode::SUCCESS)
}

const DEFAULT_RATE: FrameRate = FrameRate::new(30, 1);

fn source(args: &PublishArgs) -> Result<Source, CliError> {
    let rate = args.fps.unwrap_or(DEFAULT_RATE);
    if let Some(folder) = &args.folder {
        return Source::folder(folder, args.size, rate, args.once);
    }
    if std::io::stdin().is_terminal() {
        let message = "frames are read from standard input, which is a terminal; use a pipe, a \
                       file or --folder (see camera-service publish --help)";
        return Err(CliError::Usage(message.to_owned()));
    }
    let content = match args.format {
        None => None,
        Some(Format::Jpeg) => Some(Content::Jpeg { size: args.size }),
        Some(Format::Y4m) => Some(Content::Y4m),
        Some(format) => {
            let pixels = format.pixels().ok_or_else(|| CliError::Usage("no raw format".into()))?;
            let size = args.size.ok_or_else(|| {
                CliError::Usage("raw video does not say its size; name it with --size".to_owned())
            })?;
            Some(Content::raw(pixels, size)?)
        }
    };
    let pace = if args.pace || source::stdin_is_file() { Pace::At(args.fps) } else { Pace::Live };
    Ok(Source::stdin(content, args.size, pace))
}

/// Sends frames as they are wanted until there are no more, or the user has had enough.
async fn send(
    publisher: &mut LastingPublisher,
    frames: &mut Frames,
    interrupt: &mut Interrupt,
    lasts: bool,
) -> Result<(), CliError> {
    let (mut wanted, mut credit) = (false, 0u32);
    loop {
        let event = tokio::select! {
            biased;
            () = interrupt.wait() => return Ok(()),
            event = publisher.next() => event?,
            taken = frames.take(wanted, credit > 0) => match taken? {
                Taken::Frame(bytes) => {
                    let sent = tokio::select! {
                        biased;
                        () = interrupt.wait() => return Ok(()),
                        sent = publisher.send(&bytes, None) => sent?,
                    };
                    match sent {
                        None => {
                            credit -= 1;
                            frames.was_sent();
                            continue;
                        }
                        Some(gone) => gone,
                    }
                }
                Taken::End => return Ok(()),
            },
        };
        match event {
            Lasting::Came(PublishEvent::Demand { watchers, credit: more }) => {
                wanted = watchers > 0;
                credit = credit.saturating_add(more);
            }
            Lasting::Gone(error) if !lasts => return Err(error.into()),
            Lasting::Gone(error) => {
                (wanted, credit) = (false, 0);
                output::note(&session::waiting(&error));
            }
            Lasting::Reconnected { gap } => output::note(&session::back(gap)),
        }
    }
}
