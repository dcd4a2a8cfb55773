//! nokhwa's formats in our words.

#[cfg(any(not(windows), test))]
use ::nokhwa::utils::Resolution;
use ::nokhwa::{
    Camera,
    utils::{CameraFormat, FrameFormat, frame_formats},
};
use protocol::{FrameRate, Mode, PixelFormat, Size};

/// The pixel format of frames in nokhwa's format; `None` where it cannot be served.
fn pixel_format(format: FrameFormat) -> Option<PixelFormat> {
    Some(match format {
        FrameFormat::MJPEG => PixelFormat::Mjpg,
        FrameFormat::YUYV => PixelFormat::Yuyv,
        FrameFormat::NV12 => PixelFormat::Nv12,
        FrameFormat::GRAY => PixelFormat::Grey,
        // On Windows their rows come from the bottom up, and nokhwa does not say when.
        FrameFormat::RAWRGB | FrameFormat::RAWBGR if cfg!(windows) => return None,
        FrameFormat::RAWRGB => PixelFormat::Rgb,
        FrameFormat::RAWBGR => PixelFormat::Bgr,
    })
}

/// What a camera offers and can be served, in its order, without repetitions.
pub(super) fn offered(camera: &mut Camera) -> Vec<Mode> {
    let mut modes = Vec::new();
    for &format in frame_formats() {
        // A format that it does not have.
        let Ok(sizes) = camera.compatible_list_by_resolution(format) else { continue };
        let mut sizes: Vec<_> = sizes.into_iter().collect();
        sizes.sort_by_key(|(size, _)| (size.width(), size.height()));
        for (size, mut rates) in sizes {
            rates.sort_unstable();
            rates.dedup();
            let formats = rates.into_iter().rev();
            modes.extend(formats.filter_map(|rate| mode(CameraFormat::new(size, format, rate))));
        }
    }
    if modes.is_empty() {
        // At least the one that it has now.
        modes.extend(mode(camera.camera_format()));
    }
    modes
}

/// Our word for a format; `None` where it cannot be served.
pub(super) fn mode(format: CameraFormat) -> Option<Mode> {
    let size = Size::new(format.width(), format.height());
    let rate = FrameRate::new(format.frame_rate(), 1);
    let format = pixel_format(format.format())?;
    (size.area() > 0 && rate.is_valid()).then_some(Mode { format, size, rate })
}

/// nokhwa's word for a mode; `None` for one that [`offered`] never gave.
#[cfg(any(not(windows), test))]
pub(super) fn camera_format(mode: Mode) -> Option<CameraFormat> {
    let format =
        frame_formats().iter().copied().find(|each| pixel_format(*each) == Some(mode.format))?;
    let size = Resolution::new(mode.size.width, mode.size.height);
    (mode.rate.denominator == 1).then(|| CameraFormat::new(size, format, mode.rate.numerator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_come_back_as_they_were() {
        for &format in frame_formats() {
            let theirs = CameraFormat::new(Resolution::new(640, 480), format, 30);
            if let Some(ours) = mode(theirs) {
                assert_eq!(camera_format(ours), Some(theirs));
            }
        }
        let none = CameraFormat::new(Resolution::new(0, 480), FrameFormat::YUYV, 30);
        assert_eq!(mode(none), None);
    }
}
