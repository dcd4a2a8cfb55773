//! What comes in, and what that says of the camera.

use pixels::{Layout, markers};
use protocol::{Colour, ErrorKind, FrameRate, PixelFormat, Range, Size, wire::MAX_INLINE_FRAME};

use super::super::CliError;

/// What the input consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// JPEG images; where a size is named, they must have it.
    Jpeg { size: Option<Size> },
    /// A line that says everything, then frames.
    Y4m,
    /// Frames of `length` bytes each.
    Raw { format: PixelFormat, size: Size, length: usize },
}

/// What the camera is, as the input has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) format: PixelFormat,
    pub(super) size: Size,
    pub(super) rate: Option<FrameRate>,
    pub(super) colour: Option<Colour>,
}

impl Content {
    pub(super) fn raw(format: PixelFormat, size: Size) -> Result<Self, CliError> {
        let length = Layout::tight(format, size).map(|layout| layout.length);
        let length = length.filter(|length| (1..=MAX_INLINE_FRAME).contains(length));
        let length = length.ok_or_else(|| {
            CliError::Usage(format!("frames of {size} in {format} are too large to be sent"))
        })?;
        Ok(Self::Raw { format, size, length })
    }

    /// What input that begins like this consists of. `None` where that takes more bytes.
    pub(super) fn of(begin: &[u8], size: Option<Size>) -> Option<Result<Self, CliError>> {
        if begin.starts_with(&[0xff, 0xd8]) {
            return Some(Ok(Self::Jpeg { size }));
        }
        if begin.starts_with(Y4M) {
            return Some(Ok(Self::Y4m));
        }
        if begin.len() < Y4M.len() && Y4M.starts_with(begin) || begin == [0xff] {
            return None;
        }
        let message = "the input is neither JPEG images nor Y4M; for raw video name --format and \
                       --size";
        Some(Err(CliError::Usage(message.to_owned())))
    }
}

pub(super) const Y4M: &[u8] = b"YUV4MPEG2";

/// What a JPEG image says of the camera, where it is to have `size`.
pub(super) fn jpeg(image: &[u8], size: Option<Size>) -> Result<Begun, CliError> {
    let claimed = markers::size(image).ok_or_else(|| invalid("the first image has no size"))?;
    match size {
        Some(size) if size != claimed => {
            Err(invalid(&format!("the first image is {claimed}, and --size says {size}")))
        }
        _ => Ok(Begun { format: PixelFormat::Mjpg, size: claimed, rate: None, colour: None }),
    }
}

/// What the first line of Y4M says.
pub(super) fn y4m(line: &str) -> Result<Begun, CliError> {
    let (mut width, mut height, mut rate, mut colour) = (None, None, None, Colour::VIDEO);
    for word in line.split_ascii_whitespace().skip(1) {
        let Some(letter) = word.chars().next() else { continue };
        let value = &word[letter.len_utf8()..];
        match letter {
            'W' => width = value.parse().ok(),
            'H' => height = value.parse().ok(),
            'F' => {
                let parts = value.split_once(':');
                let parts = parts.and_then(|(n, d)| Some((n.parse().ok()?, d.parse().ok()?)));
                rate = parts.map(|(n, d)| FrameRate::new(n, d)).filter(|rate| rate.is_valid());
            }
            // 8 bits, wherever the colours lie between the pixels.
            'C' if !matches!(value, "420" | "420jpeg" | "420mpeg2" | "420paldv") => {
                return Err(invalid(&format!(
                    "Y4M in {value} is not taken; have it made in 4:2:0 (ffmpeg: -pix_fmt yuv420p)"
                )));
            }
            'X' if value == "COLORRANGE=FULL" => colour.range = Range::Full,
            _ => {}
        }
    }
    let (Some(width), Some(height)) = (width, height) else {
        return Err(invalid("the first line of the Y4M names no size"));
    };
    let size = Size::new(width, height);
    Ok(Begun { format: PixelFormat::I420, size, rate, colour: Some(colour) })
}

pub(super) fn invalid(message: &str) -> CliError {
    CliError::failed(ErrorKind::Invalid, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_is_told_by_its_beginning() {
        let of = |begin: &[u8]| Content::of(begin, None);
        assert_eq!(of(&[0xff, 0xd8]).unwrap().unwrap(), Content::Jpeg { size: None });
        assert_eq!(of(b"YUV4MPEG2 W2").unwrap().unwrap(), Content::Y4m);
        for begin in [&b""[..], b"Y", b"YUV4MPEG", &[0xff]] {
            assert!(of(begin).is_none(), "{begin:?}");
        }
        for begin in [&b"x"[..], b"YUX", &[0xff, 0]] {
            assert!(of(begin).unwrap().is_err(), "{begin:?}");
        }
    }

    #[test]
    fn the_first_line_of_y4m_says_everything() {
        let begun = y4m("YUV4MPEG2 W320 H240 F30000:1001 Ip A1:1 C420jpeg XCOLORRANGE=FULL");
        let begun = begun.expect("understood");
        assert_eq!(
            (begun.size, begun.rate),
            (Size::new(320, 240), Some(FrameRate::new(30_000, 1001)))
        );
        assert_eq!(begun.colour.map(|colour| colour.range), Some(Range::Full));
        assert!(y4m("YUV4MPEG2 W320 H240 F0:0").expect("understood").rate.is_none());
        for line in ["YUV4MPEG2", "YUV4MPEG2 W3", "YUV4MPEG2 W9 H9 C444", "YUV4MPEG2 W9 H9 C420p10"]
        {
            assert!(y4m(line).is_err(), "{line}");
        }
    }

    #[test]
    fn raw_frames_have_a_length() {
        let content = Content::raw(PixelFormat::Nv12, Size::new(4, 2)).expect("small");
        assert!(matches!(content, Content::Raw { length: 12, .. }));
        assert!(Content::raw(PixelFormat::Rgba, Size::new(65_535, 65_535)).is_err());
    }
}
