//! `[[loopback]]`: cameras that are written into v4l2loopback devices by themselves.

use std::path::PathBuf;

use protocol::{FrameRate, PixelFormat, Size};
use serde::{Deserialize, Deserializer, de::Error};

/// A camera that is written into a v4l2loopback device for as long as the service runs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loopback {
    /// Id, name or device file of the camera.
    pub camera: String,
    /// The device file.
    pub device: PathBuf,
    /// What it delivers: YUYV, MJPG, I420 or NV12.
    #[serde(default = "usual_format", deserialize_with = "format")]
    pub format: PixelFormat,
    /// Its size; where not given, one that suits the camera.
    #[serde(default, deserialize_with = "size")]
    pub size: Option<Size>,
    /// Frames a second, at most.
    #[serde(default, deserialize_with = "rate")]
    pub fps: Option<FrameRate>,
}

/// How the module is loaded for all that reads its devices: for Chrome, which takes no device that
/// is an output too, and for slow readers, whose picture is torn when there are few buffers.
pub const LOAD_V4L2LOOPBACK: &str = "sudo modprobe v4l2loopback video_nr=10 exclusive_caps=1 \
                                     max_buffers=8 card_label=\"Shared camera\"";

/// What most programs take.
pub const USUAL_FORMAT: PixelFormat = PixelFormat::Yuyv;

fn usual_format() -> PixelFormat {
    USUAL_FORMAT
}

/// A format that a loopback device can be given, from its name.
pub fn loopback_format(text: &str) -> Result<PixelFormat, String> {
    match text.parse() {
        Ok(
            format
            @ (PixelFormat::Yuyv | PixelFormat::Mjpg | PixelFormat::I420 | PixelFormat::Nv12),
        ) => Ok(format),
        _ => Err(format!("{text:?} is not yuyv, mjpg, i420 or nv12")),
    }
}

/// A size that a loopback device can be given, from its text.
pub fn loopback_size(text: &str) -> Result<Size, String> {
    let size: Size = text.parse().map_err(|error| format!("{error}"))?;
    // What the driver takes; and halves of it are needed for the colours.
    let sides = |side: u32, least: u32| side.is_multiple_of(2) && (least..=8192).contains(&side);
    if sides(size.width, 48) && sides(size.height, 32) {
        return Ok(size);
    }
    Err(format!("{size} is not possible: even numbers from 48x32 to 8192x8192 are"))
}

fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PixelFormat, D::Error> {
    loopback_format(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Size>, D::Error> {
    loopback_size(&String::deserialize(deserializer)?).map(Some).map_err(D::Error::custom)
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FrameRate>, D::Error> {
    /// A number, or text for a fraction.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Rate {
        Number(f64),
        Text(String),
    }
    let text = match Rate::deserialize(deserializer) {
        Ok(Rate::Number(number)) => number.to_string(),
        Ok(Rate::Text(text)) => text,
        Err(_) => {
            return Err(D::Error::custom("expected frames a second, such as 30 or \"30000/1001\""));
        }
    };
    text.parse().map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_sizes_are_those_that_a_device_takes() {
        assert_eq!(loopback_format("YUY2"), Ok(PixelFormat::Yuyv));
        assert_eq!(loopback_format("jpeg"), Ok(PixelFormat::Mjpg));
        for text in ["rgb", "grey", "h264", ""] {
            assert!(loopback_format(text).is_err(), "{text}");
        }
        assert_eq!(loopback_size("48x32"), Ok(Size::new(48, 32)));
        for text in ["47x32", "641x480", "640x481", "8194x480", "640"] {
            assert!(loopback_size(text).is_err(), "{text}");
        }
    }
}
