//! The test camera opened for frames. Lives on its camera's capture thread.

use std::{sync::Arc, thread, time::Duration};

use protocol::{Colour, FrameRate, Mode, PixelFormat, Plane, strip::Strip};
use turbojpeg::{Compressor, OutputBuf, Subsamp, YuvPlanesImage};

use super::{
    Shared,
    picture::{Picture, Stamp},
    settings::Settings,
};
use crate::{
    clock,
    device::{Capture, Captured, Error, Next},
    slots::Pool,
};

const JPEG_QUALITY: i32 = 85;

/// Frames on their way. Frame n is due n intervals after the start; when the one who takes them
/// is late, those that were due meanwhile are skipped and their numbers left out.
pub(super) struct TestCapture {
    shared: Arc<Shared>,
    mode: Mode,
    settings: Settings,
    picture: Picture,
    encoder: Option<Encoder>,
    start_ns: u64,
    next: u64,
}

/// Makes JPEGs of pictures that were drawn as I420.
struct Encoder {
    compressor: Compressor,
    drawn: Vec<u8>,
}

impl TestCapture {
    /// Starts capturing. The camera must have been marked as open, which this capture undoes.
    pub(super) fn new(shared: Arc<Shared>, mode: Mode) -> Result<Self, Error> {
        let settings = shared.settings();
        let (drawn_format, colour) = match mode.format {
            PixelFormat::Mjpg => (PixelFormat::I420, Colour::JPEG),
            PixelFormat::Rgb | PixelFormat::Bgr | PixelFormat::Rgba => (mode.format, Colour::JPEG),
            other => (other, Colour::VIDEO),
        };
        let picture = Picture::new(drawn_format, mode.size, colour, &settings)
            .ok_or_else(|| Error::UnsupportedMode(mode.to_string()))?;
        let encoder = match mode.format {
            PixelFormat::Mjpg => Some(Encoder::new(picture.length()).map_err(jpeg_error)?),
            _ => None,
        };
        let start_ns = clock::monotonic_ns();
        Ok(Self { shared, mode, settings, picture, encoder, start_ns, next: 0 })
    }

    fn due_ns(&self, frame: u64) -> u64 {
        self.start_ns.saturating_add(frames_to_ns(frame, self.mode.rate))
    }
}

impl Drop for TestCapture {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Capture for TestCapture {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn frame_bytes(&self) -> usize {
        match self.encoder {
            // What is drawn here has far less detail than a byte a pixel, headers apart.
            Some(_) => self.mode.size.area() as usize + 4096,
            None => self.picture.length(),
        }
    }

    fn next_frame(&mut self, pool: &Pool, timeout: Duration) -> Result<Next, Error> {
        let now = clock::monotonic_ns();
        let newest_due = ns_to_frames(now.saturating_sub(self.start_ns), self.mode.rate);
        let frame = self.next.max(newest_due);
        let wait = Duration::from_nanos(self.due_ns(frame).saturating_sub(now));
        thread::sleep(wait.min(timeout));
        if wait > timeout {
            return Ok(Next::TimedOut);
        }
        let settings = self.shared.settings();
        if settings != self.settings {
            self.picture.apply(&settings);
            self.settings = settings;
        }
        let mut slot =
            pool.acquire().map_err(|source| Error::Io { call: "memfd_create", source })?;
        let monotonic_ns = clock::monotonic_ns();
        let stamp = Stamp {
            strip: Strip { sequence: frame, monotonic_ns },
            clock_ms: self.shared.counted_ns(monotonic_ns) / 1_000_000,
        };
        self.next = frame + 1;
        let (length, planes) = match &mut self.encoder {
            None => {
                let length = self.picture.length();
                let room = slot.get_mut(..length).ok_or(SLOT_TOO_SMALL)?;
                self.picture.draw(room, &stamp);
                (length, self.picture.planes().to_vec())
            }
            Some(encoder) => {
                let length = encoder.encode(&self.picture, self.mode, &stamp, &mut slot);
                (length.map_err(jpeg_error)?, vec![Plane { offset: 0, stride: 0 }])
            }
        };
        self.shared.count_frame();
        Ok(Next::Frame(Captured {
            slot,
            sequence: frame,
            monotonic_ns,
            length: length as u32,
            planes,
            colour: self.picture.colour(),
        }))
    }
}

const SLOT_TOO_SMALL: Error = Error::Unsupported("write a frame into a slot that is too small");

fn jpeg_error(error: turbojpeg::Error) -> Error {
    Error::Io { call: "JPEG encoding", source: std::io::Error::other(error) }
}

impl Encoder {
    fn new(length: usize) -> turbojpeg::Result<Self> {
        let mut compressor = Compressor::new()?;
        compressor.set_quality(JPEG_QUALITY)?;
        Ok(Self { compressor, drawn: vec![0; length] })
    }

    /// Draws a frame and writes it into `out` as a JPEG; returns its length.
    fn encode(
        &mut self,
        picture: &Picture,
        mode: Mode,
        stamp: &Stamp,
        out: &mut [u8],
    ) -> turbojpeg::Result<usize> {
        picture.draw(&mut self.drawn, stamp);
        let [y, u, v] = [0, 1, 2].map(|plane| picture.planes()[plane]);
        let from = |plane: Plane| &self.drawn[plane.offset as usize..];
        let image = YuvPlanesImage {
            y_plane: from(y),
            u_plane: from(u),
            v_plane: from(v),
            width: mode.size.width as usize,
            height: mode.size.height as usize,
            y_stride: y.stride as usize,
            u_stride: u.stride as usize,
            v_stride: v.stride as usize,
            subsamp: Subsamp::Sub2x2,
        };
        let mut out = OutputBuf::borrowed(out);
        self.compressor.compress_yuv_planes(&image, &mut out)?;
        Ok(out.len())
    }
}

/// Time of `frames` intervals in ns, without the error of adding up rounded ones.
fn frames_to_ns(frames: u64, rate: FrameRate) -> u64 {
    let ns = u128::from(frames) * u128::from(rate.denominator) * 1_000_000_000;
    u64::try_from(ns.div_ceil(u128::from(rate.numerator))).unwrap_or(u64::MAX)
}

/// Whole intervals in `ns`.
fn ns_to_frames(ns: u64, rate: FrameRate) -> u64 {
    let frames = u128::from(ns) * u128::from(rate.numerator)
        / (u128::from(rate.denominator) * 1_000_000_000);
    u64::try_from(frames).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_due_when_its_intervals_have_passed() {
        for rate in [FrameRate::new(30, 1), FrameRate::new(30_000, 1001), FrameRate::new(7, 3)] {
            for frame in [0, 1, 2, 3, 1000, 108_000 * 365] {
                let due = frames_to_ns(frame, rate);
                assert_eq!(ns_to_frames(due, rate), frame, "{rate}");
                if frame > 0 {
                    assert_eq!(ns_to_frames(due - 1, rate), frame - 1, "{rate}");
                }
            }
        }
    }
}
