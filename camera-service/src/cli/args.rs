//! Arguments that several commands share, and how they are read.

use std::time::Duration;

use clap::Args;
use protocol::{CameraId, Crop, ParseError, PixelFormat, Rotation, StreamFormat};

/// The camera that a command is about.
#[derive(Debug, Args)]
pub(super) struct CameraArg {
    /// Id, name or device file of the camera; `camera-service info` shows all three. A published
    /// camera goes by its id, published:NAME, or by a name of yours.
    #[arg(value_name = "CAM")]
    pub(super) camera: String,
}

impl CameraArg {
    pub(super) fn id(&self) -> CameraId {
        CameraId(self.camera.clone())
    }
}

/// What is made of a camera's picture: a part of it, turned, mirrored.
#[derive(Debug, Args)]
pub(super) struct FramingArgs {
    /// Use this part of the picture only: left edge, upper edge, width and height in per cent.
    #[arg(long, value_name = "L,T,W,H", value_parser = crop)]
    pub(super) crop: Option<Crop>,
    /// Turn clockwise, after cropping: 0, 90, 180 or 270 degrees.
    #[arg(long, value_name = "DEGREES", default_value = "0")]
    pub(super) rotate: Rotation,
    /// Exchange left and right, after turning.
    #[arg(long)]
    pub(super) mirror: bool,
}

/// `native` or a pixel format.
pub(super) fn stream_format(text: &str) -> Result<StreamFormat, String> {
    if text.eq_ignore_ascii_case("native") {
        return Ok(StreamFormat::Native);
    }
    let format: PixelFormat = text.parse().map_err(|error| format!("{error}; or native"))?;
    Ok(StreamFormat::Pixels(format))
}

/// Left edge, upper edge, width and height in per cent.
pub(super) fn crop(text: &str) -> Result<Crop, ParseError> {
    text.parse()
}

/// Seconds, with or without a fraction, more than none and at most a day.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected seconds, such as 5 or 0.5".to_owned())?;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err("expected seconds from 0.001 to 86400".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// How long something is to last, in seconds: a number and `s`, `m`, `h`, `d` or `w`.
pub(super) fn life(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a time such as 30m, 12h, 7d or 4w");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_are_ten_thousandths() {
        let expected = Crop { left: 1250, top: 0, width: 5000, height: 10_000 };
        assert_eq!(crop("12.5, 0,50,100"), Ok(expected));
        for text in ["", "1,2,3", "1,2,3,4,5", "a,0,1,1", "-1,0,1,1", "60,0,50,1", "0,0,0,1"] {
            assert!(crop(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lives_have_a_unit() {
        for (text, seconds) in [("1s", 1), ("90m", 5400), ("12h", 43_200), ("7d", 604_800)] {
            assert_eq!(life(text), Ok(seconds), "{text}");
        }
        assert_eq!(life("4w"), Ok(2_419_200));
        for text in ["", "7", "d", "0d", "-1d", "1.5h", "7y", "7é", "99999999999999999999w"] {
            assert!(life(text).is_err(), "{text}");
        }
        assert!(life("9999999999999999999w").is_err());
    }

    #[test]
    fn formats_are_read_in_any_case() {
        assert_eq!(stream_format("Native"), Ok(StreamFormat::Native));
        assert_eq!(stream_format("jpeg"), Ok(StreamFormat::Pixels(PixelFormat::Mjpg)));
        let error = stream_format("h264").expect_err("not served");
        assert!(error.contains("native") && error.contains("I420"), "{error}");
    }
}
