//! Frames as bytes that other programs read.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use protocol::{FrameHeader, FrameRate, Mode, PixelFormat, Range, Size};

use super::super::{CliError, rows};

/// How frames are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Container {
    /// One JPEG image after the other; ffmpeg's `mjpeg`.
    #[value(alias = "jpeg")]
    Mjpeg,
    /// Pixels alone, without padding; ffmpeg's `rawvideo`.
    #[value(alias = "rawvideo")]
    Raw,
    /// YUV4MPEG2, for I420 and grey.
    Y4m,
}

impl Container {
    /// The one that is wanted, if it can hold `format`, else the usual one for it.
    pub(super) fn choose(wanted: Option<Self>, format: PixelFormat) -> Result<Self, CliError> {
        let usual = match format {
            PixelFormat::Mjpg => Self::Mjpeg,
            PixelFormat::I420 => Self::Y4m,
            _ => Self::Raw,
        };
        let wanted = wanted.unwrap_or(usual);
        let (fits, hint) = match wanted {
            Self::Mjpeg => (format == PixelFormat::Mjpg, "--format jpeg"),
            Self::Raw => (format != PixelFormat::Mjpg, "--container mjpeg, or another --format"),
            Self::Y4m => (matches!(format, PixelFormat::I420 | PixelFormat::Grey), "--format i420"),
        };
        if fits {
            return Ok(wanted);
        }
        let name = wanted.to_possible_value().map(|value| value.get_name().to_owned());
        Err(CliError::Usage(format!(
            "frames in {format} cannot be written as {}; use {hint}",
            name.unwrap_or_default()
        )))
    }
}

/// Where frames are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Standard output.
    Stdout,
    /// A file, or whatever has that name.
    File(PathBuf),
}

impl Target {
    pub(super) fn new(path: &Path) -> Self {
        if path == Path::new("-") { Self::Stdout } else { Self::File(path.to_owned()) }
    }

    /// May block, on a pipe that has a name.
    fn open(&self) -> io::Result<Box<dyn Write + Send>> {
        Ok(match self {
            Self::Stdout => Box::new(io::stdout()),
            Self::File(path) => Box::new(File::create(path)?),
        })
    }
}

/// Writes frames; used on one thread.
pub(super) struct Writer {
    target: Target,
    container: Container,
    mode: Mode,
    /// Opened with the first frame.
    open: Option<Box<dyn Write + Send>>,
}

impl Writer {
    pub(super) fn new(target: Target, container: Container, mode: Mode) -> Self {
        Self { target, container, mode, open: None }
    }

    pub(super) fn frame(&mut self, header: &FrameHeader, bytes: &[u8]) -> io::Result<()> {
        let to = match &mut self.open {
            Some(open) => open,
            closed => {
                let mut to = self.target.open()?;
                if self.container == Container::Y4m {
                    to.write_all(y4m_header(header, self.mode.rate).as_bytes())?;
                }
                closed.insert(to)
            }
        };
        write_frame(to, self.container, &self.mode, header, bytes)?;
        to.flush()
    }
}

fn write_frame(
    to: &mut impl Write,
    container: Container,
    mode: &Mode,
    header: &FrameHeader,
    bytes: &[u8],
) -> io::Result<()> {
    if container == Container::Mjpeg {
        return to.write_all(bytes);
    }
    if (header.format, header.size) != (mode.format, mode.size) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame is {} {} and not {mode}", header.format, header.size),
        ));
    }
    let pixels = rows::tight(header, bytes)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a frame is not whole"))?;
    if container == Container::Y4m {
        to.write_all(b"FRAME\n")?;
    }
    to.write_all(&pixels)
}

/// The first line of a Y4M file whose first frame is `header`.
fn y4m_header(header: &FrameHeader, rate: FrameRate) -> String {
    let Size { width, height } = header.size;
    let FrameRate { numerator, denominator } = rate;
    let colours = if header.format == PixelFormat::Grey { "mono" } else { "420jpeg" };
    let range = match header.colour.range {
        Range::Limited => "LIMITED",
        Range::Full => "FULL",
    };
    format!(
        "YUV4MPEG2 W{width} H{height} F{numerator}:{denominator} Ip A1:1 C{colours} \
         XCOLORRANGE={range}\n"
    )
}

/// What ffmpeg needs to be told of raw video in `mode`, where it has a name for the format.
pub(super) fn ffmpeg_arguments(mode: &Mode) -> Option<String> {
    let name = match mode.format {
        PixelFormat::Yuyv => "yuyv422",
        PixelFormat::Nv12 => "nv12",
        PixelFormat::I420 => "yuv420p",
        PixelFormat::Grey => "gray",
        PixelFormat::Rgb => "rgb24",
        PixelFormat::Bgr => "bgr24",
        PixelFormat::Rgba => "rgba",
        PixelFormat::Mjpg | PixelFormat::Other(_) => return None,
    };
    let FrameRate { numerator, denominator } = mode.rate;
    Some(format!(
        "-f rawvideo -pixel_format {name} -video_size {} -framerate {numerator}/{denominator}",
        mode.size
    ))
}

#[cfg(test)]
mod tests {
    use super::{super::super::rows::tests::header, *};

    fn mode(format: PixelFormat) -> Mode {
        Mode { format, size: Size::new(2, 2), rate: FrameRate::new(30_000, 1001) }
    }

    #[test]
    fn formats_have_their_containers() {
        let choose = |wanted, format| Container::choose(wanted, format).ok();
        assert_eq!(choose(None, PixelFormat::Mjpg), Some(Container::Mjpeg));
        assert_eq!(choose(None, PixelFormat::I420), Some(Container::Y4m));
        assert_eq!(choose(None, PixelFormat::Yuyv), Some(Container::Raw));
        assert_eq!(choose(Some(Container::Raw), PixelFormat::I420), Some(Container::Raw));
        assert_eq!(choose(Some(Container::Y4m), PixelFormat::Grey), Some(Container::Y4m));
        for (wanted, format) in [
            (Container::Y4m, PixelFormat::Yuyv),
            (Container::Mjpeg, PixelFormat::I420),
            (Container::Raw, PixelFormat::Mjpg),
        ] {
            let error = Container::choose(Some(wanted), format).expect_err("does not fit");
            assert!(matches!(error, CliError::Usage(_)), "{error}");
        }
    }

    #[test]
    fn y4m_is_a_line_and_then_frames() {
        let bytes = [1, 2, 0, 3, 4, 0, 5, 6];
        let header = header(PixelFormat::I420, (2, 2), &[(0, 3), (6, 1), (7, 1)], bytes.len());
        let mode = mode(PixelFormat::I420);
        assert_eq!(
            y4m_header(&header, mode.rate),
            "YUV4MPEG2 W2 H2 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n"
        );
        let mut file = Vec::new();
        write_frame(&mut file, Container::Y4m, &mode, &header, &bytes).expect("written");
        assert_eq!(file, b"FRAME\n\x01\x02\x03\x04\x05\x06");
    }

    #[test]
    fn a_frame_of_another_size_does_not_get_into_raw_video() {
        let mut file = Vec::new();
        let other = header(PixelFormat::Grey, (4, 2), &[(0, 4)], 8);
        let mode = mode(PixelFormat::Grey);
        let error = write_frame(&mut file, Container::Raw, &mode, &other, &[0; 8]);
        assert!(error.is_err() && file.is_empty());
    }

    #[test]
    fn ffmpeg_is_told_what_raw_video_is() {
        assert_eq!(
            ffmpeg_arguments(&mode(PixelFormat::Yuyv)).expect("known"),
            "-f rawvideo -pixel_format yuyv422 -video_size 2x2 -framerate 30000/1001"
        );
        assert_eq!(ffmpeg_arguments(&mode(PixelFormat::Mjpg)), None);
    }
}
