//! How the stream of this window is cut out, turned and mirrored by the service: other programs
//! see the camera as before. Pure arithmetic.

use protocol::{CameraId, Crop, PixelFormat, Rotation, StreamFormat, StreamRequest};
use serde::{Deserialize, Serialize};

/// The whole of a side, in the parts that a crop is counted in.
pub(crate) const WHOLE: u16 = 10_000;
/// The least side of a crop: less is a slip of the hand.
pub(crate) const LEAST: u16 = 200;

/// Crop, rotation and mirror of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Framing {
    /// Clockwise, after cropping.
    pub rotation: Rotation,
    /// Left and right exchanged, after turning.
    pub mirror: bool,
    /// The part of the camera's picture; all of it where there is none.
    pub crop: Option<Crop>,
}

/// A side of a crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// What is cut off at the left.
    Left,
    /// What is cut off above.
    Top,
    /// What is left of the width.
    Width,
    /// What is left of the height.
    Height,
}

impl Side {
    /// All of them, in the order of the screen.
    pub(crate) const ALL: [Self; 4] = [Self::Left, Self::Top, Self::Width, Self::Height];
}

impl Framing {
    /// What to ask the service for.
    #[must_use]
    pub(crate) fn request(self, camera: CameraId) -> StreamRequest {
        let mut request = StreamRequest::native(camera);
        if self != Self::default() {
            // Frames that are made for this window need not be encoded for it.
            request.format = StreamFormat::Pixels(PixelFormat::I420);
        }
        self.apply(&mut request);
        request
    }

    /// Has `request` cropped, turned and mirrored.
    pub(crate) fn apply(self, request: &mut StreamRequest) {
        (request.crop, request.rotation, request.mirror) = (self.crop, self.rotation, self.mirror);
    }

    /// As it is, if it makes sense.
    #[must_use]
    pub(crate) fn valid(self) -> Self {
        Self { crop: self.crop.filter(|crop| crop.is_valid()), ..self }
    }

    /// A quarter turn further, clockwise or the other way as it is seen.
    #[must_use]
    pub(crate) fn turned(self, clockwise: bool) -> Self {
        // What is mirrored after it was turned seems to turn the other way.
        let quarters = if clockwise != self.mirror { 1 } else { 3 };
        let rotation = match (self.rotation.degrees() / 90 + quarters) % 4 {
            1 => Rotation::Quarter,
            2 => Rotation::Half,
            3 => Rotation::ThreeQuarters,
            _ => Rotation::None,
        };
        Self { rotation, ..self }
    }

    /// The part of the camera's picture that is seen.
    #[must_use]
    pub(crate) fn seen(self) -> Crop {
        self.crop.unwrap_or(Crop { left: 0, top: 0, width: WHOLE, height: WHOLE })
    }

    /// With a rectangle between two points of what is seen now, given as fractions of it, as all
    /// that is seen. The same where there is not enough left.
    #[must_use]
    pub(crate) fn cropped(self, from: (f32, f32), to: (f32, f32)) -> Self {
        let (from, to) = (self.captured(from), self.captured(to));
        let seen = self.seen();
        let part = |a: f32, b: f32, start: u16, length: u16| {
            let at = |fraction: f32| {
                let parts = fraction.clamp(0.0, 1.0) * f32::from(length);
                start + (parts.round() as u16).min(length)
            };
            let (first, last) = (at(a.min(b)), at(a.max(b)));
            (first, last - first)
        };
        let (left, width) = part(from.0, to.0, seen.left, seen.width);
        let (top, height) = part(from.1, to.1, seen.top, seen.height);
        if width < LEAST || height < LEAST {
            return self;
        }
        self.with_crop(Crop { left, top, width, height })
    }

    /// With one side of the crop at so many parts, and the others as near as can be.
    #[must_use]
    pub(crate) fn with_side(self, side: Side, parts: u16) -> Self {
        let mut crop = self.seen();
        let start = |parts: u16| parts.min(WHOLE - LEAST);
        match side {
            Side::Left => {
                crop.left = start(parts);
                crop.width = crop.width.min(WHOLE - crop.left);
            }
            Side::Top => {
                crop.top = start(parts);
                crop.height = crop.height.min(WHOLE - crop.top);
            }
            Side::Width => {
                crop.width = parts.clamp(LEAST, WHOLE);
                crop.left = crop.left.min(WHOLE - crop.width);
            }
            Side::Height => {
                crop.height = parts.clamp(LEAST, WHOLE);
                crop.top = crop.top.min(WHOLE - crop.height);
            }
        }
        self.with_crop(crop)
    }

    /// A side of what is seen.
    #[must_use]
    pub(crate) fn side(self, side: Side) -> u16 {
        let Crop { left, top, width, height } = self.seen();
        match side {
            Side::Left => left,
            Side::Top => top,
            Side::Width => width,
            Side::Height => height,
        }
    }

    fn with_crop(self, crop: Crop) -> Self {
        let whole = crop == Crop { left: 0, top: 0, width: WHOLE, height: WHOLE };
        Self { crop: (!whole).then_some(crop), ..self }
    }

    /// Where a point of what is seen lies in the crop before it was turned and mirrored; both are
    /// fractions.
    fn captured(self, (x, y): (f32, f32)) -> (f32, f32) {
        let x = if self.mirror { 1.0 - x } else { x };
        match self.rotation {
            Rotation::None => (x, y),
            Rotation::Quarter => (y, 1.0 - x),
            Rotation::Half => (1.0 - x, 1.0 - y),
            Rotation::ThreeQuarters => (1.0 - y, x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crop(left: u16, top: u16, width: u16, height: u16) -> Crop {
        Crop { left, top, width, height }
    }

    fn turned(rotation: Rotation, mirror: bool) -> Framing {
        Framing { rotation, mirror, crop: None }
    }

    #[test]
    fn a_rectangle_means_what_lies_under_it_however_the_picture_is_turned() {
        // The left upper quarter of what is seen, which is that corner of the camera's picture.
        for (framing, expected) in [
            (turned(Rotation::None, false), crop(0, 0, 5000, 5000)),
            (turned(Rotation::None, true), crop(5000, 0, 5000, 5000)),
            (turned(Rotation::Quarter, false), crop(0, 5000, 5000, 5000)),
            (turned(Rotation::Half, false), crop(5000, 5000, 5000, 5000)),
            (turned(Rotation::ThreeQuarters, false), crop(5000, 0, 5000, 5000)),
            (turned(Rotation::Quarter, true), crop(0, 0, 5000, 5000)),
        ] {
            let got = framing.cropped((0.0, 0.0), (0.5, 0.5));
            assert_eq!(got.crop, Some(expected), "{framing:?}");
            assert_eq!(got, framing.cropped((0.5, 0.5), (0.0, 0.0)), "from either corner");
        }
    }

    #[test]
    fn a_crop_of_a_crop_is_a_part_of_it() {
        let half = Framing { crop: Some(crop(5000, 0, 5000, 10_000)), ..Framing::default() };
        let part = half.cropped((0.5, 0.25), (2.0, 0.75));
        assert_eq!(part.crop, Some(crop(7500, 2500, 2500, 5000)));
        assert_eq!(half.cropped((0.1, 0.1), (0.11, 0.9)), half, "too little");
        assert_eq!(half.with_side(Side::Left, 0).with_side(Side::Width, WHOLE).crop, None);
    }

    #[test]
    fn sides_always_make_a_part_of_the_picture() {
        let mut framing = Framing::default();
        for parts in [0, 1, 4999, 9999, 10_000, u16::MAX] {
            for side in Side::ALL {
                framing = framing.with_side(side, parts);
                assert!(framing.seen().is_valid(), "{side:?} {parts}: {framing:?}");
            }
        }
    }

    #[test]
    fn a_turn_goes_the_way_that_it_is_seen() {
        let framing = Framing::default();
        assert_eq!(framing.turned(true).rotation, Rotation::Quarter);
        assert_eq!(framing.turned(false).turned(true), framing);
        let mirrored = turned(Rotation::None, true);
        assert_eq!(mirrored.turned(true).rotation, Rotation::ThreeQuarters);
    }
}
