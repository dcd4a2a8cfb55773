//! `snapshot`: one frame as a picture.

mod file;

use std::{
    ffi::OsStr,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, ValueEnum};
use protocol::{
    CameraId, ClientError, Delivery, Frame, FrameHeader, PixelFormat, Size, StreamFormat,
    StreamRequest,
};
use serde::Serialize;

use super::{
    CliError, Outcome, Session, args::CameraArg, args::seconds, jpeg, json::ModeJson, output, time,
    wait,
};

const AFTER_HELP: &str = "\
Examples:
  camera-service snapshot test:0
  camera-service snapshot test:0 -o small.png --size 320x240
  camera-service snapshot test:0 -o - | display -";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct SnapshotArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Write to this file, or to stdout with `-`. Without it the file is named after the camera
    /// and the time, in this folder.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Scale down until the picture fits into this size.
    #[arg(long, value_name = "WxH")]
    size: Option<Size>,
    /// JPEG quality where the service has to encode, 1 to 100.
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Kind of file; where not given, that of the file's name, else jpeg.
    #[arg(long, value_enum)]
    format: Option<Picture>,
    /// Seconds to wait for a frame.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = wait::PATIENCE)]
    timeout: Duration,
    /// Have the frame sent over the socket rather than in shared memory.
    #[arg(long)]
    inline: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Picture {
    #[value(alias = "jpg")]
    Jpeg,
    Png,
}

impl Picture {
    fn new(wanted: Option<Self>, output: Option<&Path>) -> Self {
        let extension = output.and_then(Path::extension).and_then(OsStr::to_str);
        let by_name = || match extension {
            Some(extension) if extension.eq_ignore_ascii_case("png") => Self::Png,
            _ => Self::Jpeg,
        };
        wanted.unwrap_or_else(by_name)
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    const fn pixels(self) -> PixelFormat {
        match self {
            Self::Jpeg => PixelFormat::Mjpg,
            Self::Png => PixelFormat::Rgb,
        }
    }
}

#[derive(Serialize)]
struct Taken<'a> {
    camera: &'a str,
    file: Option<&'a Path>,
    bytes: usize,
    mode: ModeJson,
    sequence: u64,
    time: String,
}

pub(super) async fn run(args: SnapshotArgs, session: &Session) -> Outcome {
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    if to_stdout && io::stdout().is_terminal() {
        let message = "a picture is not written to a terminal; name a file with -o, or use a pipe";
        return Err(CliError::Usage(message.to_owned()));
    }
    let picture = Picture::new(args.format, args.output.as_deref());
    let camera = args.camera.id();
    let request = StreamRequest {
        format: StreamFormat::Pixels(picture.pixels()),
        max_size: args.size,
        quality: args.quality,
        delivery: if args.inline { Delivery::Inline } else { Delivery::Shared },
        ..StreamRequest::native(camera.clone())
    };
    let mut stream = session.connector().stream(request).await?;
    let (started, frame) = wait::first_frame(session, &mut stream, &camera, args.timeout).await?;
    let bytes = encode(picture, &frame)?;
    let file = if to_stdout {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&bytes).and_then(|()| stdout.flush()).map_err(CliError::stdout)?;
        None
    } else {
        Some(save(args.output, &started.camera, frame.header(), picture, &bytes)?)
    };
    if session.json && !to_stdout {
        output::print_json(&Taken {
            camera: &started.camera.0,
            file: file.as_deref(),
            bytes: bytes.len(),
            mode: started.mode.into(),
            sequence: frame.header().sequence,
            time: time::rfc3339(frame.header().unix_ns),
        })?;
    } else if let Some(file) = file {
        let size = frame.header().size;
        output::note(&format!("{} written, {size}, {} bytes", file.display(), bytes.len()));
    }
    Ok(ExitCode::SUCCESS)
}

fn encode(picture: Picture, frame: &Frame) -> Result<Vec<u8>, CliError> {
    let header = frame.header();
    if header.format != picture.pixels() {
        return Err(ClientError::Unexpected("a frame in another format").into());
    }
    match picture {
        Picture::Jpeg => match jpeg::complete(frame) {
            Ok(file) => Ok(file.into_owned()),
            Err(error) => Err(CliError::io("complete the picture", io::Error::other(error))),
        },
        Picture::Png => png(header, frame),
    }
}

fn png(header: &FrameHeader, bytes: &[u8]) -> Result<Vec<u8>, CliError> {
    pixels::png::encode(header, bytes)
        .map_err(|error| CliError::io("encode the picture", io::Error::other(error)))
}

/// Writes the file that was named, or a new one named after the camera and the time.
fn save(
    named: Option<PathBuf>,
    camera: &CameraId,
    header: &FrameHeader,
    picture: Picture,
    bytes: &[u8],
) -> Result<PathBuf, CliError> {
    let failed = |path: &Path, error| Err(CliError::io(format!("write {}", path.display()), error));
    if let Some(path) = named {
        return match file::replace(&path, bytes) {
            Ok(()) => Ok(path),
            Err(error) => failed(&path, error),
        };
    }
    for attempt in 1.. {
        let path = PathBuf::from(file_name(camera, header.unix_ns, attempt, picture));
        match file::create(&path, bytes) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {}
            Err(error) => return failed(&path, error),
        }
    }
    Err(CliError::Usage("name a file with -o".to_owned()))
}

/// `test-0_20261121T013139Z.jpg`; further ones of the same second are numbered.
fn file_name(camera: &CameraId, unix_ns: u64, attempt: u32, picture: Picture) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let camera: String = camera.0.chars().map(keep).take(100).collect();
    let camera = camera.trim_start_matches(['.', '-']);
    let number = if attempt == 1 { String::new() } else { format!("_{attempt}") };
    format!("{camera}_{}{number}.{}", time::compact(unix_ns), picture.extension())
}

#[cfg(test)]
mod tests {
    use super::{super::rows::tests::header, *};

    #[test]
    fn names_of_files_are_plain_and_numbered() {
        let name = |camera: &str, attempt| {
            file_name(&camera.into(), 1_795_224_699_000_000_000, attempt, Picture::Png)
        };
        assert_eq!(name("test:0", 1), "test-0_20261121T013139Z.png");
        assert_eq!(name("../../a b", 2), "a-b_20261121T013139Z_2.png");
    }

    #[test]
    fn the_kind_of_picture_follows_the_name_unless_given() {
        let kind = |wanted, name: &str| Picture::new(wanted, Some(Path::new(name)));
        assert_eq!(kind(None, "a.PNG"), Picture::Png);
        assert_eq!(kind(None, "-"), Picture::Jpeg);
        assert_eq!(kind(Some(Picture::Jpeg), "a.png"), Picture::Jpeg);
        assert_eq!(Picture::new(None, None), Picture::Jpeg);
    }

    #[test]
    fn padding_does_not_get_into_a_png() {
        let bytes = [1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12];
        let file =
            png(&header(PixelFormat::Rgb, (2, 2), &[(0, 8)], bytes.len()), &bytes).expect("PNG");
        let mut reader = png::Decoder::new(io::Cursor::new(file)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a picture");
        assert_eq!((info.width, info.height), (2, 2));
        assert_eq!(pixels, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    }
}
