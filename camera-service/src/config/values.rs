//! Values as they are written in the file: seconds, numbers with bounds, test cameras.

use std::{fmt, ops::RangeInclusive, str::FromStr, time::Duration};

use protocol::{FrameRate, ParseError, Size, strip};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use super::TestCamera;

/// Any time that can be configured, in seconds. Less than the least could never be kept; more
/// than the most is a slip of the pen.
const SECONDS: RangeInclusive<f64> = 0.001..=86_400.0;
const CONNECTIONS: RangeInclusive<i64> = 1..=65_536;
/// The largest test camera, in pixels either way.
const MAX_SIDE: u32 = 4096;
/// The fastest test camera, in frames a second.
const MAX_RATE: f64 = 240.0;

/// A time in seconds, whole or with a fraction.
pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    struct Seconds;

    impl Visitor<'_> for Seconds {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "seconds from {} to {}", SECONDS.start(), SECONDS.end())
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<Duration, E> {
            if SECONDS.contains(&value) {
                return Ok(Duration::from_secs_f64(value));
            }
            Err(E::custom(format!(
                "{value} is outside its range: seconds from {} to {} are allowed",
                SECONDS.start(),
                SECONDS.end()
            )))
        }

        fn visit_i64<E: Error>(self, value: i64) -> Result<Duration, E> {
            self.visit_f64(value as f64)
        }

        fn visit_u64<E: Error>(self, value: u64) -> Result<Duration, E> {
            self.visit_f64(value as f64)
        }
    }

    deserializer.deserialize_any(Seconds)
}

/// A number of connections.
pub(super) fn connections<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let value = i64::deserialize(deserializer)?;
    let allowed = u32::try_from(value).ok().filter(|_| CONNECTIONS.contains(&value));
    allowed.ok_or_else(|| {
        Error::custom(format!(
            "{value} is outside its range: {} to {} are allowed",
            CONNECTIONS.start(),
            CONNECTIONS.end()
        ))
    })
}

/// Text that describes no test camera; says what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestCameraError {
    /// It is not written as it must be.
    #[error("{0}; a test camera is written like 640x480@30")]
    Syntax(#[from] ParseError),
    /// It is too small or too large.
    #[error("a test camera of {0} cannot be made; {min} to {MAX_SIDE}x{MAX_SIDE} can", min = strip::MIN_SIZE)]
    Size(Size),
    /// It is too fast.
    #[error("a test camera cannot deliver {0} frames a second; at most {MAX_RATE}")]
    Rate(FrameRate),
}

impl FromStr for TestCamera {
    type Err = TestCameraError;

    /// Takes `640x480@30`, and `640x480` for 30 frames a second.
    fn from_str(text: &str) -> Result<Self, TestCameraError> {
        let (size, rate) = text.split_once('@').unwrap_or((text, "30"));
        let (size, rate): (Size, FrameRate) = (size.parse()?, rate.parse()?);
        let (min, sides) = (strip::MIN_SIZE, ..=MAX_SIDE);
        if size.width < min.width
            || size.height < min.height
            || !sides.contains(&size.width)
            || !sides.contains(&size.height)
        {
            return Err(TestCameraError::Size(size));
        }
        if rate.as_f64() > MAX_RATE {
            return Err(TestCameraError::Rate(rate));
        }
        Ok(Self { size, rate })
    }
}

impl fmt::Display for TestCamera {
    /// As it is parsed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FrameRate { numerator, denominator } = self.rate;
        write!(f, "{}@{numerator}", self.size)?;
        if denominator == 1 { Ok(()) } else { write!(f, "/{denominator}") }
    }
}

impl<'de> Deserialize<'de> for TestCamera {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_cameras_are_read_as_they_are_written() {
        for text in ["640x480@30", "80x24@1", "1280x720@30000/1001", "4096x4096@240"] {
            let camera: TestCamera = text.parse().expect(text);
            assert_eq!(camera.to_string(), text);
        }
        let camera: TestCamera = "320x240".parse().expect("without a rate");
        assert_eq!(camera.to_string(), "320x240@30");
    }

    #[test]
    fn impossible_test_cameras_say_what_is_possible() {
        for (text, expected) in [
            ("640", "like 640x480@30"),
            ("640x480@", "like 640x480@30"),
            ("640x480@0", "a frame rate"),
            ("79x480@30", "80x24 to 4096x4096"),
            ("640x4097@30", "80x24 to 4096x4096"),
            ("640x480@241", "at most 240"),
        ] {
            let error = text.parse::<TestCamera>().expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
