//! A camera whose frames a client sends.
//!
//! The connection of that client and the camera's capture thread meet at an [`Inlet`]: the capture
//! thread offers empty slots there, the connection fills them, and the capture thread judges what
//! came before anybody sees it. As many slots are offered as the client may have frames on their
//! way, so there is nothing else for them to queue up in.

mod capture;
mod inlet;

use std::sync::Arc;

use pixels::Layout;
use protocol::{
    Colour, Control, ControlSetting, ControlValue, Holder, Mode, ModeWish, PixelFormat,
    PublishRequest, Size, wire::MAX_INLINE_FRAME,
};

pub use inlet::{Arrival, Inlet, MOST_UNACKNOWLEDGED, Room};

use super::{Capture, Controls, Descriptor, Device, Error, Identity, wake};
use capture::PublishedCapture;

/// Pixels of the largest frame: more than any camera has, and what a decoder can be asked for.
const MOST_PIXELS: u64 = 1 << 26;
/// Bytes that a JPEG image may have besides those for its pixels.
const JPEG_HEADERS: u64 = 64 << 10;

/// A camera that a client is.
pub struct PublishedCamera {
    descriptor: Descriptor,
    mode: Mode,
    inlet: Arc<Inlet>,
}

impl PublishedCamera {
    /// A camera as `request` has it, published by `publisher` (for people to read). Frames come
    /// in through the inlet. The error says what of the request cannot be.
    pub fn new(request: &PublishRequest, publisher: String) -> Result<Self, String> {
        let PublishRequest { name, mode, colour } = request;
        if !PublishRequest::is_name(name) {
            return Err("a published camera's name has 1 to 64 letters, digits, `-`, `_` or `.`, \
                        and nothing else"
                .to_owned());
        }
        let most_bytes = most_bytes(*mode)?;
        if !mode.rate.is_valid() {
            return Err("a camera's rate must not be 0".to_owned());
        }
        let colour = colour.unwrap_or(match mode.format {
            PixelFormat::Mjpg => Colour::JPEG,
            _ => Colour::VIDEO,
        });
        let identity = Identity { model: "published".to_owned(), serial: None, port: name.clone() };
        Ok(Self {
            descriptor: Descriptor {
                identity,
                name: name.clone(),
                driver: "published".to_owned(),
                bus: publisher,
                path: None,
                plugged: 0,
            },
            mode: *mode,
            inlet: Arc::new(Inlet::new(*mode, colour, most_bytes)),
        })
    }

    /// Where its frames come in.
    pub fn inlet(&self) -> Arc<Inlet> {
        self.inlet.clone()
    }
}

/// Bytes that a frame in `mode` has, or, for JPEG images, may have.
fn most_bytes(mode: Mode) -> Result<usize, String> {
    let Mode { format, size: Size { width, height }, .. } = mode;
    let pixels = mode.size.area();
    if width == 0 || height == 0 || pixels > MOST_PIXELS {
        return Err(format!("a camera's frames cannot be {} large", mode.size));
    }
    use PixelFormat::{I420, Mjpg, Nv12, Rgb, Rgba, Yuyv};
    let bytes = match format {
        // The best qualities take somewhat over a byte for a pixel.
        Mjpg => Some((pixels * 2 + JPEG_HEADERS).min(MAX_INLINE_FRAME as u64) as usize),
        I420 | Nv12 | Rgb | Rgba | Yuyv => {
            Layout::tight(format, mode.size).map(|layout| layout.length)
        }
        _ => {
            return Err(format!(
                "{format} frames cannot be published; MJPG, YUYV, I420, NV12, RGB and RGBA can"
            ));
        }
    };
    bytes.filter(|bytes| *bytes <= MAX_INLINE_FRAME).ok_or_else(|| {
        let most = MAX_INLINE_FRAME >> 20;
        format!("a frame of {} in {format} has more than {most} MiB; publish JPEG", mode.size)
    })
}

impl Device for PublishedCamera {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn modes(&self) -> Result<Vec<Mode>, Error> {
        Ok(vec![self.mode])
    }

    fn open(&self, _wish: &ModeWish) -> Result<Box<dyn Capture>, Error> {
        Ok(Box::new(PublishedCapture::open(self.inlet.clone())?))
    }

    fn controls(&self) -> Result<Box<dyn Controls>, Error> {
        Ok(Box::new(NoControls))
    }

    fn holders(&self) -> Vec<Holder> {
        Vec::new()
    }
}

/// The controls of what has none.
struct NoControls;

impl Controls for NoControls {
    fn list(&mut self) -> Result<Vec<Control>, Error> {
        Ok(Vec::new())
    }

    fn set(&mut self, setting: &ControlSetting) -> Result<ControlValue, Error> {
        Err(Error::ReadOnly(setting.name.clone()))
    }

    fn wait(&mut self, waker: &wake::Waker) -> Result<Vec<String>, Error> {
        waker.wait();
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use protocol::FrameRate;

    use super::*;

    fn mode(format: PixelFormat, width: u32, height: u32) -> Mode {
        Mode { format, size: Size::new(width, height), rate: FrameRate::new(30, 1) }
    }

    fn request(name: &str, mode: Mode) -> PublishRequest {
        PublishRequest { name: name.to_owned(), mode, colour: None }
    }

    #[test]
    fn raw_frames_have_exactly_their_pixels() {
        assert_eq!(most_bytes(mode(PixelFormat::Yuyv, 640, 480)), Ok(614_400));
        assert_eq!(most_bytes(mode(PixelFormat::I420, 5, 3)), Ok(27));
        assert_eq!(most_bytes(mode(PixelFormat::Rgba, 4096, 4096)), Ok(64 << 20));
    }

    #[test]
    fn what_cannot_be_a_camera_is_refused() {
        let refused = |name: &str, mode| {
            PublishedCamera::new(&request(name, mode), String::new()).err().expect("refused")
        };
        let good = mode(PixelFormat::Mjpg, 640, 480);
        assert!(PublishedCamera::new(&request("a-1_b.c", good), String::new()).is_ok());
        for name in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(refused(name, good).contains("name"), "{name}");
        }
        for (width, height) in [(0, 480), (640, 0), (65_535, 65_535), (u32::MAX, u32::MAX)] {
            let mode = mode(PixelFormat::Mjpg, width, height);
            assert!(refused("a", mode).contains("large"), "{width}x{height}");
        }
        assert!(refused("a", mode(PixelFormat::Rgba, 4097, 4096)).contains("64 MiB"));
        assert!(refused("a", mode(PixelFormat::Grey, 64, 64)).contains("GREY"));
        let never = Mode { rate: FrameRate::new(0, 1), ..good };
        assert!(refused("a", never).contains("rate"));
    }
}
