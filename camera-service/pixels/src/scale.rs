//! Which part of each plane is taken, and what size it is brought to.

use protocol::Size;

use super::{
    PixelError,
    geometry::{Part, Scaler},
    spec::Plan,
    view::{Chroma, Planar},
};

/// Cropping and scaling of the planes of one frame.
pub(super) struct Scale<'a> {
    pub(super) plan: &'a Plan,
    pub(super) native: Size,
    /// The frame's sides are this many times those of the picture.
    pub(super) divisor: u32,
}

impl Scale<'_> {
    /// What is taken of a plane that has a sample for `per` pixels across and down.
    pub(super) fn part(&self, per: (u32, u32)) -> Part {
        let crop = self.plan.crop;
        let side = |from: u32, length: u32, whole: u32, per: u32| {
            if from == 0 && length == whole {
                // All of it, also where the samples at the edge stand for fewer pixels.
                return (0.0, f64::INFINITY);
            }
            let divisor = f64::from(self.divisor);
            (f64::from(from) / f64::from(per) / divisor, f64::from(length.div_ceil(per)) / divisor)
        };
        let (left, width) = side(crop.left, crop.width, self.native.width, per.0);
        let (top, height) = side(crop.top, crop.height, self.native.height, per.1);
        Part { left, top, width, height }
    }

    /// All planes. With `quarter_chroma` there is one sample of chroma for two by two pixels
    /// afterwards, also where the frame had more; else as many as before.
    pub(super) fn planes<'a>(
        &self,
        picture: Planar<'a>,
        quarter_chroma: bool,
        scaler: &mut Scaler,
        scratch: &'a mut [Vec<u8>; 3],
    ) -> Result<Planar<'a>, PixelError> {
        let [y, u, v] = scratch;
        let size = (self.plan.scaled.width, self.plan.scaled.height);
        let y = scaler.scale(picture.y, self.part((1, 1)), size, y)?;
        let chroma = match picture.chroma {
            None => None,
            Some(chroma) => {
                let per = if quarter_chroma { (2, 2) } else { chroma.per };
                let part = self.part(chroma.per);
                let size = (size.0.div_ceil(per.0), size.1.div_ceil(per.1));
                let u = scaler.scale(chroma.u, part, size, u)?;
                let v = scaler.scale(chroma.v, part, size, v)?;
                Some(Chroma { u, v, per })
            }
        };
        Ok(Planar { y, chroma, colour: picture.colour })
    }
}
