//! States, modes and times in words, the same on every screen.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::{CameraState, CameraSummary, PixelFormat, Size};

/// How something is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing happens.
    Quiet,
    /// Frames flow.
    Live,
    /// Wait, or look.
    Attention,
    /// It does not work.
    Wrong,
}

/// The state of a camera, and how it is to be taken.
#[must_use]
pub(crate) fn state(camera: &CameraSummary) -> (Tone, String) {
    let (tone, text) = match camera.state {
        CameraState::Closed => (Tone::Quiet, "Idle"),
        CameraState::Opening => (Tone::Attention, "Opening"),
        CameraState::Streaming => (Tone::Live, "Live"),
        CameraState::Stalled => (Tone::Attention, "Stalled"),
        CameraState::Stuck => (Tone::Wrong, "Does not answer"),
        CameraState::Blocked => (Tone::Quiet, "Off"),
        CameraState::Lost => return (Tone::Wrong, lost(camera)),
    };
    (tone, text.to_owned())
}

/// The service says who holds a camera as `held by PROGRAM (pid …); …`.
fn lost(camera: &CameraSummary) -> String {
    let Some(at) = camera.reason.find("held by ") else { return "Lost".to_owned() };
    let holder = &camera.reason[at + "held by ".len()..];
    let end = holder.find([';', ',', '(']).unwrap_or(holder.len());
    format!("Held by {}", holder[..end].trim())
}

/// `1280 × 720`.
#[must_use]
pub(crate) fn size(size: Size) -> String {
    format!("{} × {}", size.width, size.height)
}

/// A pixel format by its name, and what it is where that helps to choose.
#[must_use]
pub(crate) fn format(format: PixelFormat) -> String {
    match format {
        PixelFormat::Mjpg => "MJPG, compressed".to_owned(),
        PixelFormat::Grey => "GREY, no colour".to_owned(),
        other => other.to_string(),
    }
}

/// `nobody watches`, `1 watcher`, `3 watchers`.
#[must_use]
pub(crate) fn watchers(count: u32) -> String {
    match count {
        0 => "nobody watches".to_owned(),
        1 => "1 watcher".to_owned(),
        more => format!("{more} watchers"),
    }
}

/// What the service says, as a sentence.
#[must_use]
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

/// How long ago a time in ns since 1970 is: `12 s`, `3 min`, `2 h 5 min`, `4 days`.
#[must_use]
pub(crate) fn since(unix_ns: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_nanos(unix_ns);
    duration(SystemTime::now().duration_since(then).unwrap_or_default())
}

/// How long it is to a time in ns since 1970.
#[must_use]
pub(crate) fn until(unix_ns: u64) -> String {
    let then = UNIX_EPOCH + Duration::from_nanos(unix_ns);
    duration(then.duration_since(SystemTime::now()).unwrap_or_default())
}

/// `nobody is connected`, `1 connection`, `3 connections`.
#[must_use]
pub(crate) fn connections(count: u32) -> String {
    match count {
        0 => "nobody is connected".to_owned(),
        1 => "1 connection".to_owned(),
        more => format!("{more} connections"),
    }
}

fn duration(time: Duration) -> String {
    let (seconds, minutes, hours) = (time.as_secs(), time.as_secs() / 60, time.as_secs() / 3600);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min"),
        (1..48, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::camera;

    #[test]
    fn who_holds_a_camera_is_named() {
        let lost = |reason: &str| {
            let camera = CameraSummary {
                state: CameraState::Lost,
                reason: reason.to_owned(),
                ..camera("a")
            };
            state(&camera).1
        };
        assert_eq!(
            lost("held by ffmpeg (pid 7); close it there and frames resume"),
            "Held by ffmpeg"
        );
        let hidden = "held by another user's program, or one that cannot be seen; frames resume";
        assert_eq!(lost(hidden), "Held by another user's program");
        assert_eq!(lost("the camera was unplugged"), "Lost");
    }

    #[test]
    fn times_are_short() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (7500, "2 h 5 min"),
            (400_000, "4 days"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }
}
