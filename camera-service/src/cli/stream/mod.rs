//! `stream`: frames for other programs, or just counted.
//!
//! Frames are written on a thread of their own. Two are at hand at most, which is what a reader
//! may hold: while the one that reads our output is slow, the service passes frames over and
//! counts them as dropped.

mod container;
mod file_name;
mod progress;

use std::{
    io::{self, IsTerminal as _},
    num::NonZeroU64,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use protocol::{
    ClientError, Delivery, ErrorKind, Frame, FrameRate, Mode, Size, StreamFormat, StreamRequest,
    client::{Lasting, StreamEvent},
};

use self::{
    container::{Container, Target, Writer},
    progress::Progress,
};
use super::{
    CliError, Outcome, Session,
    args::{CameraArg, FramingArgs, stream_format},
    background::Background,
    session::{self, Interrupt},
};

/// A reader of our output that takes nothing for so long after the end loses the rest.
const LAST_WRITES: Duration = Duration::from_secs(1);

const AFTER_HELP: &str = "\
Without -o frames are read and counted, and the figures printed at the end. With -o they are
written one after the other: JPEG images for jpeg, Y4M for i420, raw video without padding for
all other formats. Names that end with .mjpeg, .mjpg, .jpg or .y4m choose the format where none is
given; .mp4, .mkv and the like are ffmpeg's to write. JPEG images carry no times: tell ffmpeg the
rate with -framerate. Ends cleanly when interrupted and when its reader goes away. When the service
is started anew, frames go on by themselves.

Examples:
  camera-service stream test:0 --count 100
  camera-service stream test:0 --format i420 -o - | ffplay -
  camera-service stream test:0 --format i420 -o - | ffmpeg -i - video.mp4
  camera-service stream test:0 --format jpeg -o - | ffplay -f mjpeg -framerate 30 -
  camera-service stream test:0 --format rgba --size 640x480 -o - |
      ffplay -f rawvideo -pixel_format rgba -video_size 640x480 -framerate 30 -";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct StreamArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// native (what the camera delivers), jpeg, i420, nv12, yuyv, rgb, bgr, rgba or grey; native
    /// where neither this nor the name of the file says otherwise.
    #[arg(short = 'm', long, value_parser = stream_format)]
    format: Option<StreamFormat>,
    /// Scale down until frames fit into this size. More than the camera has opens it in its
    /// largest size, where nobody else has it open.
    #[arg(short = 'r', long, value_name = "WxH")]
    size: Option<Size>,
    /// At most so many frames a second.
    #[arg(short, long, value_name = "N")]
    fps: Option<FrameRate>,
    #[command(flatten)]
    framing: FramingArgs,
    /// JPEG quality where the service has to encode, 1 to 100.
    #[arg(short, long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// End after so many frames.
    #[arg(long, value_name = "N", value_parser = whole)]
    count: Option<NonZeroU64>,
    /// Write frames to this file, or to stdout with `-`.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How frames are written: one JPEG after the other, pixels alone, or Y4M.
    #[arg(long, value_enum, requires = "output")]
    container: Option<Container>,
    /// Have frames sent over the socket rather than in shared memory.
    #[arg(long)]
    inline: bool,
    /// End with the service, rather than wait until it is back.
    #[arg(long)]
    no_reconnect: bool,
}

/// A number of frames.
fn whole(text: &str) -> Result<NonZeroU64, String> {
    text.parse().map_err(|_| "expected a whole number from 1".to_owned())
}

impl StreamArgs {
    fn request(&self, format: StreamFormat) -> StreamRequest {
        StreamRequest {
            camera: self.camera.id(),
            format,
            max_size: self.size,
            max_rate: self.fps,
            crop: self.framing.crop,
            rotation: self.framing.rotate,
            mirror: self.framing.mirror,
            quality: self.quality,
            delivery: if self.inline { Delivery::Inline } else { Delivery::Shared },
        }
    }
}

pub(super) async fn run(args: StreamArgs, session: &Session) -> Outcome {
    let (container, format) = file_name::choose(
        &args.camera.camera,
        args.output.as_deref(),
        args.container,
        args.format,
    )?;
    let target = args.output.as_deref().map(Target::new);
    if target == Some(Target::Stdout) && io::stdout().is_terminal() {
        let message = "frames are not written to a terminal; name a file with -o, or use a pipe";
        return Err(CliError::Usage(message.to_owned()));
    }
    let mut stream = session.connector().lasting_stream(args.request(format)).await?;
    let mut progress = Progress::start();
    let mut sink = Sink { target, container, open: None };
    let mut interrupt = Interrupt::new();
    let ended = loop {
        // Nothing but what ends this command may be waited for beside the stream: a frame that
        // comes inline must not be left half read.
        let event = tokio::select! {
            () = interrupt.wait() => break Ok(()),
            error = sink.failed() => break Err(error),
            event = stream.next() => event,
        };
        let event = match event {
            Ok(Lasting::Came(event)) => Ok(event),
            Ok(Lasting::Gone(error)) if args.no_reconnect => Err(error),
            Ok(Lasting::Gone(error)) => {
                progress.note(&session::waiting(&error));
                continue;
            }
            Ok(Lasting::Reconnected { gap }) => {
                progress.note(&session::back(gap));
                continue;
            }
            Err(error) => Err(error),
        };
        let handled = match event {
            Ok(StreamEvent::Frame(frame)) => {
                progress.frame(frame.header());
                sink.frame(frame, &mut interrupt).await
            }
            // A second one: of a service that was started anew.
            Ok(StreamEvent::Started(started)) if sink.is_open() => sink.mode_changed(started.mode),
            Ok(StreamEvent::Started(started)) => sink.begin(started.mode).inspect(|()| {
                progress.started(&started, sink.container());
            }),
            Ok(StreamEvent::ModeChanged { mode, .. }) => {
                progress.mode_changed(mode);
                sink.mode_changed(mode)
            }
            Ok(StreamEvent::Lost { reason }) => {
                progress.note(&format!("{} is lost: {reason}; waiting for it", args.camera.camera));
                Ok(())
            }
            Ok(StreamEvent::Blocked) => {
                progress.note("all cameras are turned off; waiting until they are turned on");
                Ok(())
            }
            Ok(StreamEvent::Lagged) => {
                progress.lagged();
                Ok(())
            }
            Err(error) => Err(error.into()),
        };
        if handled.is_err() || args.count.is_some_and(|count| progress.frames() >= count.get()) {
            break handled;
        }
    };
    // What came before an error is worth having too.
    let written = sink.finish(&mut interrupt).await;
    progress.finish(args.output.as_deref().filter(|path| *path != Path::new("-")));
    ended.and(written)?;
    progress.report(args.output.is_some(), session.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Where frames go.
struct Sink {
    /// Nowhere, where not given.
    target: Option<Target>,
    /// As the user wants it, or the name of the file has it.
    container: Option<Container>,
    open: Option<Open>,
}

struct Open {
    container: Container,
    /// What frames are in as long as nothing changes.
    mode: Mode,
    /// Whether a frame was handed over.
    has_frames: bool,
    writer: Background<Frame>,
}

impl Sink {
    fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn container(&self) -> Option<Container> {
        self.open.as_ref().map(|open| open.container)
    }

    /// Frames in `mode` are going to come.
    fn begin(&mut self, mode: Mode) -> Result<(), CliError> {
        let Some(target) = self.target.clone() else { return Ok(()) };
        let container = Container::choose(self.container, mode.format)?;
        let mut writer = Writer::new(target, container, mode);
        let writer = Background::start(move |frame: Frame| writer.frame(frame.header(), &frame))
            .map_err(|error| CliError::io("start", error))?;
        self.open = Some(Open { container, mode, has_frames: false, writer });
        Ok(())
    }

    /// Whether what is written can go on in `mode`.
    fn mode_changed(&mut self, mode: Mode) -> Result<(), CliError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if !open.has_frames {
            return self.begin(mode);
        }
        let same = open.mode.format == mode.format
            && (open.mode.size == mode.size || open.container == Container::Mjpeg);
        if same {
            return Ok(());
        }
        let before = open.mode;
        Err(CliError::failed(
            ErrorKind::UnsupportedMode,
            format!(
                "the frames changed from {before} to {mode}, which what was written so far cannot \
                 hold; start again"
            ),
        ))
    }

    async fn frame(&mut self, frame: Frame, interrupt: &mut Interrupt) -> Result<(), CliError> {
        if self.target.is_none() {
            return Ok(());
        }
        let Some(open) = &mut self.open else {
            return Err(ClientError::Unexpected("a frame before the stream was set up").into());
        };
        open.has_frames = true;
        tokio::select! {
            // Seen again by the caller, who asks before anything else.
            () = interrupt.wait() => Ok(()),
            sent = open.writer.send(frame) => {
                sent.map_err(|error| writing(self.target.as_ref(), error))
            }
        }
    }

    /// Why nothing more can be written; waits for that.
    async fn failed(&mut self) -> CliError {
        match &mut self.open {
            Some(open) => writing(self.target.as_ref(), open.writer.failed().await),
            None => std::future::pending().await,
        }
    }

    /// Waits until all is written.
    async fn finish(self, interrupt: &mut Interrupt) -> Result<(), CliError> {
        let Some(open) = self.open else { return Ok(()) };
        tokio::select! {
            written = open.writer.finish() => {
                written.map_err(|error| writing(self.target.as_ref(), error))
            }
            () = async { interrupt.wait().await; tokio::time::sleep(LAST_WRITES).await } => Ok(()),
        }
    }
}

fn writing(target: Option<&Target>, error: io::Error) -> CliError {
    match target {
        Some(Target::File(path)) => CliError::io(format!("write {}", path.display()), error),
        Some(Target::Stdout) | None => CliError::stdout(error),
    }
}
