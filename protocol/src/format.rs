//! Pixel formats, sizes, frame rates and modes, and how each is written as text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Text that is no pixel format, size or frame rate; says what would be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct ParseError {
    text: String,
    expected: &'static str,
}

impl ParseError {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.to_owned(), expected }
    }
}

/// A V4L2 four-character code, for formats that this crate has no name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Bit 31 marks big-endian variants in V4L2; the rest is ASCII, padded with spaces.
        let mut code = self.0;
        let big_endian = code[3] & 0x80 != 0;
        code[3] &= 0x7f;
        for byte in code {
            match byte {
                b' ' | 0 => {}
                0x21..=0x7e => write!(f, "{}", char::from(byte))?,
                other => write!(f, "\\x{other:02x}")?,
            }
        }
        if big_endian { f.write_str("-BE") } else { Ok(()) }
    }
}

/// How the pixels of a frame lie in memory.
///
/// Planes and strides are in the frame's header. Formats that a camera offers under another
/// code are listed as [`PixelFormat::Other`]; the service opens cameras in the named ones only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PixelFormat {
    /// One JPEG image a frame, one plane; V4L2 `MJPG` and `JPEG`.
    Mjpg,
    /// Packed 4:2:2, bytes Y0 U Y1 V; V4L2 `YUYV`.
    Yuyv,
    /// A plane of Y, then a half-size plane of interleaved U and V; V4L2 `NV12`.
    Nv12,
    /// Planes of Y, U and V, the latter two of half width and height; V4L2 `YU12`.
    I420,
    /// One byte of luma a pixel; V4L2 `GREY`.
    Grey,
    /// Bytes R G B; V4L2 `RGB3`.
    Rgb,
    /// Bytes B G R; V4L2 `BGR3`.
    Bgr,
    /// Bytes R G B A; V4L2 `AB24`.
    Rgba,
    /// A format that is listed but not served, by its four-character code.
    Other(FourCc),
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Mjpg => "MJPG",
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::I420 => "I420",
            Self::Grey => "GREY",
            Self::Rgb => "RGB",
            Self::Bgr => "BGR",
            Self::Rgba => "RGBA",
            Self::Other(code) => return f.pad(&code.to_string()),
        };
        f.pad(name)
    }
}

impl FromStr for PixelFormat {
    type Err = ParseError;

    /// Takes names in any case, the V4L2 codes, and `jpeg`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "mjpg" | "mjpeg" | "jpeg" | "jpg" => Self::Mjpg,
            "yuyv" | "yuy2" => Self::Yuyv,
            "nv12" => Self::Nv12,
            "i420" | "yu12" | "yuv420p" => Self::I420,
            "grey" | "gray" => Self::Grey,
            "rgb" | "rgb3" | "rgb24" => Self::Rgb,
            "bgr" | "bgr3" | "bgr24" => Self::Bgr,
            "rgba" | "ab24" => Self::Rgba,
            _ => {
                return Err(ParseError::new(
                    text,
                    "a pixel format: MJPG, YUYV, NV12, I420, GREY, RGB, BGR or RGBA",
                ));
            }
        })
    }
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Size {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size of `width` × `height` pixels.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Number of pixels.
    #[must_use]
    pub const fn area(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}x{}", self.width, self.height))
    }
}

impl FromStr for Size {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new(text, "a size such as 1280x720");
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(error)?;
        let number = |part: &str| part.parse().ok().filter(|n| (1..=65_535).contains(n));
        Ok(Self {
            width: number(width).ok_or_else(error)?,
            height: number(height).ok_or_else(error)?,
        })
    }
}

/// Frames a second, as a fraction: 30/1, 30000/1001, 15/2.
#[derive(Debug, Clone, Copy, Eq, Serialize, Deserialize)]
pub struct FrameRate {
    /// Frames …
    pub numerator: u32,
    /// … in so many seconds; never 0 in a valid rate.
    pub denominator: u32,
}

impl FrameRate {
    /// `numerator` frames in `denominator` seconds.
    #[must_use]
    pub const fn new(numerator: u32, denominator: u32) -> Self {
        Self { numerator, denominator }
    }

    /// Frames a second; 0 where the rate is not valid.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        if self.denominator == 0 {
            return 0.0;
        }
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// Whether frames can come at this rate at all.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.numerator > 0 && self.denominator > 0
    }

    /// Time from one frame to the next, in nanoseconds; `None` where the rate is not valid.
    #[must_use]
    pub const fn interval_ns(self) -> Option<u64> {
        if !self.is_valid() {
            return None;
        }
        Some(self.denominator as u64 * 1_000_000_000 / self.numerator as u64)
    }
}

// 30/1 and 60/2 are one rate. Rates that are not valid are one as well, below all others: by
// fractions alone 0/0 would equal every rate, and there would be no order to sort by.
impl PartialEq for FrameRate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Ord for FrameRate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let cross = |a: &Self, b: &Self| u64::from(a.numerator) * u64::from(b.denominator);
        if self.is_valid() && other.is_valid() {
            return cross(self, other).cmp(&cross(other, self));
        }
        self.is_valid().cmp(&other.is_valid())
    }
}

impl PartialOrd for FrameRate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator != 0 && self.numerator.is_multiple_of(self.denominator) {
            return f.pad(&(self.numerator / self.denominator).to_string());
        }
        let text = format!("{:.2}", self.as_f64());
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl FromStr for FrameRate {
    type Err = ParseError;

    /// Takes `30`, `29.97` and `30000/1001`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new(text, "a frame rate such as 30, 7.5 or 30000/1001");
        let rate = if let Some((numerator, denominator)) = text.split_once('/') {
            Self::new(
                numerator.parse().map_err(|_| error())?,
                denominator.parse().map_err(|_| error())?,
            )
        } else if let Ok(whole) = text.parse() {
            Self::new(whole, 1)
        } else {
            let value: f64 = text.parse().map_err(|_| error())?;
            if !(0.001..=100_000.0).contains(&value) {
                return Err(error());
            }
            Self::new((value * 1000.0).round() as u32, 1000)
        };
        if rate.is_valid() && rate.as_f64() <= 100_000.0 { Ok(rate) } else { Err(error()) }
    }
}

/// What a camera delivers: pixel format, size and frame rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mode {
    /// Pixel format.
    pub format: PixelFormat,
    /// Size in pixels.
    pub size: Size,
    /// Frame rate.
    pub rate: FrameRate,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {} {} fps", self.format, self.size, self.rate))
    }
}

/// A mode of which any part may be left to the service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeWish {
    /// Pixel format, or any.
    pub format: Option<PixelFormat>,
    /// Size in pixels, or any.
    pub size: Option<Size>,
    /// Frame rate, or any.
    pub rate: Option<FrameRate>,
}

impl From<Mode> for ModeWish {
    fn from(mode: Mode) -> Self {
        Self { format: Some(mode.format), size: Some(mode.size), rate: Some(mode.rate) }
    }
}

impl fmt::Display for ModeWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [
            self.format.map(|format| format.to_string()),
            self.size.map(|size| size.to_string()),
            self.rate.map(|rate| format!("{rate} fps")),
        ]
        .into_iter()
        .flatten()
        .collect();
        f.pad(&if parts.is_empty() { "any mode".to_owned() } else { parts.join(" ") })
    }
}
