//! How a stream is served: by the camera's native frames, or by a rendition of them.

use pixels::Spec;
use protocol::{
    ErrorKind, ErrorReply, FrameRate, Mode, PixelFormat, Size, StreamFormat, StreamRequest,
};

use super::Camera;
use crate::source::{RenditionKey, Routed};

impl Camera {
    /// Whether a stream can be asked for like this at all, whatever the camera's mode.
    pub fn check(&self, request: &StreamRequest) -> Result<(), ErrorReply> {
        let modes = self.facts().modes.clone();
        let native = modes.first().copied().unwrap_or(Mode {
            format: PixelFormat::Yuyv,
            size: Size::new(640, 480),
            rate: FrameRate::new(30, 1),
        });
        match request.format {
            // The camera may yet be opened in it.
            StreamFormat::Pixels(format) if modes.iter().any(|mode| mode.format == format) => {
                let request = StreamRequest { format: StreamFormat::Native, ..request.clone() };
                rendition_for(&request, native).map(drop)
            }
            _ => rendition_for(request, native).map(drop),
        }
    }

    /// How a stream is served while the camera delivers `native`: by its native frames
    /// (`None`), or by a rendition.
    pub fn route(
        &self,
        request: &StreamRequest,
        native: Mode,
    ) -> Result<Option<Routed>, ErrorReply> {
        match rendition_for(request, native)? {
            None => Ok(None),
            Some(key) => self.renditions.route(&key, native.size).map(Some),
        }
    }
}

/// What a stream's frames are while the camera is in mode `native`; `None` where there can be
/// none.
pub(super) fn delivered(request: &StreamRequest, native: Mode) -> Option<Mode> {
    let rendition = rendition_for(request, native).ok()?;
    let rate = request.max_rate.map_or(native.rate, |limit| limit.min(native.rate));
    let spec = rendition.map(|key| key.spec);
    let (format, size) = spec
        .map_or((native.format, native.size), |spec| (spec.format, spec.output_size(native.size)));
    Some(Mode { format, size, rate })
}

/// The rendition that `request` needs of a camera in mode `native`; `None` where native frames
/// are what it asks for.
fn rendition_for(
    request: &StreamRequest,
    native: Mode,
) -> Result<Option<RenditionKey>, ErrorReply> {
    let invalid = |message: &str| ErrorReply::new(ErrorKind::Invalid, message);
    if request.crop.is_some_and(|crop| !crop.is_valid()) {
        return Err(invalid("the crop does not lie within the frame"));
    }
    if request.quality.is_some_and(|quality| !(1..=100).contains(&quality)) {
        return Err(invalid("the quality must be from 1 to 100"));
    }
    if request.max_size.is_some_and(|size| size.width == 0 || size.height == 0) {
        return Err(invalid("the size limit must not be 0"));
    }
    if request.max_rate.is_some_and(|rate| !rate.is_valid()) {
        return Err(invalid("the rate limit must not be 0"));
    }
    let format = match request.format {
        StreamFormat::Native => native.format,
        StreamFormat::Pixels(format) => format,
    };
    let fits = request
        .max_size
        .is_none_or(|max| native.size.width <= max.width && native.size.height <= max.height);
    let as_captured = request.crop.is_none() && request.rotation.degrees() == 0 && !request.mirror;
    let recoded = format == PixelFormat::Mjpg && request.quality.is_some();
    if format == native.format && fits && as_captured && !recoded {
        return Ok(None);
    }
    let spec = Spec {
        format,
        max_size: request.max_size,
        crop: request.crop,
        rotation: request.rotation,
        mirror: request.mirror,
        // Only JPEG has a quality: two that differ in it alone are one rendition.
        quality: if format == PixelFormat::Mjpg { request.quality.unwrap_or(80) } else { 0 },
    };
    if matches!(format, PixelFormat::Other(_)) {
        return Err(ErrorReply::new(
            ErrorKind::UnsupportedMode,
            format!(
                "{format} frames cannot be made; ask for MJPG, I420, NV12, YUYV, RGB, BGR, RGBA or \
                 GREY"
            ),
        ));
    }
    // A limit above the camera's rate limits nothing.
    let interval_ns = request
        .max_rate
        .filter(|rate| *rate < native.rate)
        .and_then(FrameRate::interval_ns)
        .unwrap_or(0);
    Ok(Some(RenditionKey { spec, interval_ns }))
}
