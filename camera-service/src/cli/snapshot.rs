//! `snapshot`: one frame as a picture.

mod file;

use std::{
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
    CliError, Outcome, Session,
    args::{CameraArg, FramingArgs, seconds},
    jpeg,
    json::ModeJson,
    output,
    session::answer,
    text::word,
    time, wait,
};

const AFTER_HELP: &str = "\
Examples:
  camera-service snapshot test:0
  camera-service snapshot test:0 -o small.png --size 320x240
  camera-service snapshot test:0 -o all.jpg --size full --rotate 90
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
    /// Scale down until the picture fits into this size; `full` is the largest that the camera has.
    /// More than it has opens it in that, too; where others have it open, their mode stays.
    #[arg(short = 'r', long, value_name = "WxH|full", value_parser = most)]
    size: Option<Most>,
    #[command(flatten)]
    framing: FramingArgs,
    /// JPEG quality where the service has to encode, 1 to 100.
    #[arg(short, long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: Option<u8>,
    /// Kind of file; where not given, that of the file's name, else jpeg.
    #[arg(short = 'm', long, value_enum)]
    format: Option<Picture>,
    /// Seconds to wait for a frame.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = wait::PATIENCE)]
    timeout: Duration,
    /// Have the frame sent over the socket rather than in shared memory.
    #[arg(long)]
    inline: bool,
}

/// How large the picture may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Most {
    /// As large as the camera's largest mode.
    Full,
    /// So large.
    Within(Size),
}

/// `full` or a size.
fn most(text: &str) -> Result<Most, String> {
    if text.eq_ignore_ascii_case("full") {
        return Ok(Most::Full);
    }
    text.parse().map(Most::Within).map_err(|error| format!("{error}; or full"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Picture {
    #[value(alias = "jpg")]
    Jpeg,
    Png,
}

impl Picture {
    /// The kind that is wanted, else that of the file's name. Fails where the name is that of
    /// another kind.
    fn new(wanted: Option<Self>, output: Option<&Path>) -> Result<Self, CliError> {
        let extension = output.and_then(Path::extension).unwrap_or_default().to_string_lossy();
        let named = match extension.to_ascii_lowercase().as_str() {
            "" => return Ok(wanted.unwrap_or(Self::Jpeg)),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            _ => None,
        };
        let advice = match (named, wanted) {
            (Some(named), None) => return Ok(named),
            (Some(named), Some(wanted)) if named == wanted => return Ok(named),
            (Some(_), Some(wanted)) => {
                format!("--format asks for another; let the name end with .{}", wanted.extension())
            }
            (None, _) => {
                "pictures are written as JPEG or PNG; let the name end with .jpg or .png, \
                          or with neither and give --format"
                    .to_owned()
            }
        };
        let file = output.unwrap_or(Path::new("-")).display();
        Err(CliError::Usage(format!(
            "{file}: by its name this is a picture of the kind {extension}, but {advice}"
        )))
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
    let picture = Picture::new(args.format, args.output.as_deref())?;
    let camera = args.camera.id();
    let FramingArgs { crop, rotate, mirror } = args.framing;
    let largest = match args.size {
        Some(Most::Full) => largest(session, &camera).await?,
        Some(Most::Within(_)) | None => None,
    };
    let request = StreamRequest {
        format: StreamFormat::Pixels(picture.pixels()),
        max_size: match args.size {
            Some(Most::Within(size)) => Some(size),
            // As it comes out: turned.
            Some(Most::Full) => largest.map(|size| {
                if rotate.swaps_sides() { Size::new(size.height, size.width) } else { size }
            }),
            None => None,
        },
        crop,
        rotation: rotate,
        mirror,
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
    let native = started.native.size;
    if let Some(largest) = largest.filter(|largest| native.area() < largest.area())
        && !session.json
    {
        output::note(&format!(
            "the camera has {largest}, but was open in {native}; `camera-service start {} --size \
             {largest}` changes that for all who watch",
            word(&camera.0)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The largest size that the camera has; `None` where it could not be asked.
async fn largest(session: &Session, camera: &CameraId) -> Result<Option<Size>, CliError> {
    let client = session.control().await?;
    let modes = answer(client.camera(camera)).await?.modes;
    let served = modes.iter().filter(|mode| !matches!(mode.format, PixelFormat::Other(_)));
    Ok(served.map(|mode| mode.size).max_by_key(|size| size.area()))
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
    fn the_kind_of_picture_follows_the_name_and_does_not_contradict_it() {
        let kind = |wanted, name: &str| {
            let kind = Picture::new(wanted, Some(Path::new(name)));
            kind.map_err(|error| {
                assert_eq!(error.exit_code(), 2, "{error}");
                error.to_string()
            })
        };
        assert_eq!(kind(None, "a.PNG"), Ok(Picture::Png));
        assert_eq!(kind(Some(Picture::Jpeg), "a.jpeg"), Ok(Picture::Jpeg));
        for name in ["-", "a", ".hidden", "a.", "b.png/a"] {
            assert_eq!(kind(None, name), Ok(Picture::Jpeg), "{name}");
            assert_eq!(kind(Some(Picture::Png), name), Ok(Picture::Png), "{name}");
        }
        assert_eq!(Picture::new(None, None).ok(), Some(Picture::Jpeg));
        for (wanted, name, advice) in [
            (None, "a.bmp", "end with .jpg or .png"),
            (Some(Picture::Png), "a.webp", "end with .jpg or .png"),
            (Some(Picture::Jpeg), "a.png", "end with .jpg"),
            (Some(Picture::Png), "a.jpeg", "end with .png"),
        ] {
            let error = kind(wanted, name).expect_err(name);
            assert!(error.contains(advice) && error.contains(name), "{error}");
        }
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
