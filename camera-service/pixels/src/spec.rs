//! What a rendition is to be, and the geometry that follows from it.

use std::fmt;

use protocol::{Crop, PixelFormat, Rotation, Size};

/// What a rendition is to be. Requests with equal specs share one rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Pixel format, any but [`PixelFormat::Other`].
    pub format: PixelFormat,
    /// The picture, as it comes out, is made no larger than this; its aspect is kept.
    pub max_size: Option<Size>,
    /// The part of the native frame that is taken.
    pub crop: Option<Crop>,
    /// Turned clockwise, after cropping and scaling.
    pub rotation: Rotation,
    /// Left and right exchanged, after turning.
    pub mirror: bool,
    /// JPEG quality from 1 to 100; of no effect in other formats.
    pub quality: u8,
}

impl Spec {
    /// The whole native picture in `format`, a JPEG at quality 80.
    pub const fn new(format: PixelFormat) -> Self {
        Self {
            format,
            max_size: None,
            crop: None,
            rotation: Rotation::None,
            mirror: false,
            quality: 80,
        }
    }

    /// Size of the rendition of native frames of this size: never larger than the part of them
    /// that is taken, at least 2x2, and even in formats with fewer chroma than luma samples.
    pub fn output_size(&self, native: Size) -> Size {
        turned(self.plan(native).scaled, self.rotation)
    }

    /// What is to be done with native frames of this size.
    pub(super) fn plan(&self, native: Size) -> Plan {
        let mut crop = self.cropped(native);
        let whole = turned(Size::new(crop.width, crop.height), self.rotation);
        let fitted = self.max_size.map_or(whole, |most| fit(whole, most));
        let scaled = turned(self.rounded(fitted), self.rotation);
        if fitted == whole {
            // An odd row or column is left out rather than the picture resampled for it.
            crop = Rectangle { width: scaled.width, height: scaled.height, ..crop };
        }
        Plan { crop, scaled, output: turned(scaled, self.rotation) }
    }

    /// The part of the native frame that is taken, from an even row and column on: there chroma
    /// begins with luma.
    fn cropped(&self, native: Size) -> Rectangle {
        let whole = Crop { left: 0, top: 0, width: 10_000, height: 10_000 };
        let crop = self.crop.filter(|crop| crop.is_valid()).unwrap_or(whole);
        let span = |from: u16, length: u16, side: u32| {
            let share = |part: u16| (u64::from(part) * u64::from(side) / 10_000) as u32;
            let from = share(from).min(side.saturating_sub(2)) & !1;
            (from, share(length).clamp(2.min(side), (side - from).max(1)))
        };
        let (left, width) = span(crop.left, crop.width, native.width);
        let (top, height) = span(crop.top, crop.height, native.height);
        Rectangle { left, top, width, height }
    }

    fn rounded(&self, size: Size) -> Size {
        let subsampled = matches!(
            self.format,
            PixelFormat::Mjpg | PixelFormat::I420 | PixelFormat::Nv12 | PixelFormat::Yuyv
        );
        let side = |length: u32| if subsampled { (length & !1).max(2) } else { length.max(2) };
        Size::new(side(size.width), side(size.height))
    }
}

impl fmt::Display for Spec {
    /// The rendition's name: `MJPG 640x360 q80 crop 0,0+5000x5000 90° mirrored`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.format)?;
        if let Some(size) = self.max_size {
            write!(f, " {size}")?;
        }
        if self.format == PixelFormat::Mjpg {
            write!(f, " q{}", self.quality)?;
        }
        if let Some(Crop { left, top, width, height }) = self.crop {
            write!(f, " crop {left},{top}+{width}x{height}")?;
        }
        if self.rotation != Rotation::None {
            write!(f, " {}°", self.rotation.degrees())?;
        }
        if self.mirror { f.write_str(" mirrored") } else { Ok(()) }
    }
}

/// What is to be done with frames of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// What is taken of the native frame, in its pixels.
    pub(super) crop: Rectangle,
    /// What that is scaled to; its own size where it is not.
    pub(super) scaled: Size,
    /// Size after turning.
    pub(super) output: Size,
}

/// A part of a picture, in pixels. `left` and `top` are even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Plan {
    /// Whether pixels are computed anew rather than copied.
    pub(super) fn resamples(&self) -> bool {
        self.scaled != Size::new(self.crop.width, self.crop.height)
    }
}

/// `size` after turning by `rotation`.
const fn turned(size: Size, rotation: Rotation) -> Size {
    if rotation.swaps_sides() { Size::new(size.height, size.width) } else { size }
}

/// The largest size with the aspect of `size` that fits into both `size` and `most`.
fn fit(size: Size, most: Size) -> Size {
    if size.width <= most.width && size.height <= most.height {
        return size;
    }
    let scaled = |side: u32, by: u32, of: u32| {
        let (side, by, of) = (u64::from(side), u64::from(by), u64::from(of));
        ((side * by + of / 2) / of) as u32
    };
    let (width, height) = (size.width.max(1), size.height.max(1));
    let height_at_full_width = scaled(height, most.width, width);
    if most.width <= width && height_at_full_width <= most.height {
        Size::new(most.width, height_at_full_width)
    } else {
        Size::new(scaled(width, most.height, height).min(most.width), most.height)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spec(format: PixelFormat, max_size: Option<Size>) -> Spec {
        Spec { max_size, ..Spec::new(format) }
    }

    #[test]
    fn keeps_the_aspect_and_never_grows() {
        let native = Size::new(1280, 720);
        let size = |width, height| {
            spec(PixelFormat::Mjpg, Some(Size::new(width, height))).output_size(native)
        };
        assert_eq!(size(640, 640), Size::new(640, 360));
        assert_eq!(size(10_000, 180), Size::new(320, 180));
        assert_eq!(size(1280, 720), native);
        assert_eq!(size(4000, 4000), native);
        assert_eq!(size(1280, 719), Size::new(1278, 718));
        assert_eq!(size(1, 1), Size::new(2, 2));
        assert_eq!(size(0, 0), Size::new(2, 2));
        assert_eq!(spec(PixelFormat::I420, None).output_size(native), native);
    }

    #[test]
    fn the_limit_holds_after_turning() {
        let mut spec = spec(PixelFormat::Rgb, Some(Size::new(360, 640)));
        spec.rotation = Rotation::Quarter;
        assert_eq!(spec.output_size(Size::new(1280, 720)), Size::new(360, 640));
        assert_eq!(spec.plan(Size::new(1280, 720)).scaled, Size::new(640, 360));
    }

    #[test]
    fn odd_sizes_stay_where_the_format_has_them() {
        let native = Size::new(321, 241);
        assert_eq!(spec(PixelFormat::Rgb, None).output_size(native), native);
        assert_eq!(spec(PixelFormat::I420, None).output_size(native), Size::new(320, 240));
        assert!(!spec(PixelFormat::I420, None).plan(native).resamples());
    }

    #[test]
    fn crops_in_shares_of_the_frame() {
        let mut spec = spec(PixelFormat::Rgb, None);
        spec.crop = Some(Crop { left: 2500, top: 5000, width: 5000, height: 5000 });
        let plan = spec.plan(Size::new(640, 480));
        assert_eq!(plan.crop, Rectangle { left: 160, top: 240, width: 320, height: 240 });
        assert_eq!(plan.output, Size::new(320, 240));
    }

    #[test]
    fn a_name_says_what_differs() {
        assert_eq!(Spec::new(PixelFormat::I420).to_string(), "I420");
        let spec = Spec {
            format: PixelFormat::Mjpg,
            max_size: Some(Size::new(640, 360)),
            crop: Some(Crop { left: 0, top: 0, width: 5000, height: 5000 }),
            rotation: Rotation::Quarter,
            mirror: true,
            quality: 60,
        };
        assert_eq!(spec.to_string(), "MJPG 640x360 q60 crop 0,0+5000x5000 90° mirrored");
    }

    pub(crate) fn specs() -> impl Strategy<Value = Spec> {
        let formats = prop_oneof![
            Just(PixelFormat::Mjpg),
            Just(PixelFormat::Yuyv),
            Just(PixelFormat::Nv12),
            Just(PixelFormat::I420),
            Just(PixelFormat::Grey),
            Just(PixelFormat::Rgb),
            Just(PixelFormat::Bgr),
            Just(PixelFormat::Rgba),
        ];
        let max_size = proptest::option::of((0u32..200, 0u32..200))
            .prop_map(|size| size.map(|(width, height)| Size::new(width, height)));
        let crop = proptest::option::of((0u16..11_000, 0u16..11_000, 0u16..10_001, 0u16..10_001))
            .prop_map(|crop| {
                crop.map(|(left, top, width, height)| Crop { left, top, width, height })
            });
        let rotation = prop_oneof![
            Just(Rotation::None),
            Just(Rotation::Quarter),
            Just(Rotation::Half),
            Just(Rotation::ThreeQuarters),
        ];
        (formats, max_size, crop, rotation, any::<bool>(), any::<u8>()).prop_map(
            |(format, max_size, crop, rotation, mirror, quality)| Spec {
                format,
                max_size,
                crop,
                rotation,
                mirror,
                quality,
            },
        )
    }

    proptest! {
        #[test]
        fn plans_stay_within_the_frame(
            spec in specs(),
            width in 2u32..4000,
            height in 2u32..4000,
        ) {
            let native = Size::new(width, height);
            let plan = spec.plan(native);
            prop_assert!(plan.crop.left + plan.crop.width <= width, "{plan:?}");
            prop_assert!(plan.crop.top + plan.crop.height <= height, "{plan:?}");
            prop_assert!(plan.crop.left.is_multiple_of(2) && plan.crop.top.is_multiple_of(2));
            prop_assert!(plan.scaled.width <= plan.crop.width, "{plan:?}");
            prop_assert!(plan.scaled.height <= plan.crop.height, "{plan:?}");
            prop_assert!(plan.output.width >= 2 && plan.output.height >= 2, "{plan:?}");
            if let Some(most) = spec.max_size {
                prop_assert!(plan.output.width <= most.width.max(2), "{plan:?}");
                prop_assert!(plan.output.height <= most.height.max(2), "{plan:?}");
            }
            prop_assert_eq!(plan.output, spec.output_size(native));
        }
    }
}
