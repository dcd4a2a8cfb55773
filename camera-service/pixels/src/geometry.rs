//! Cropping, scaling, turning and mirroring of planes.

use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedCroppedImage, TypedImage, TypedImageRef},
    pixels::{U8, U8x3, U8x4},
};
use protocol::Rotation;

use super::{
    PixelError,
    view::{View, room},
};

/// A part of a plane, in its own samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Scales planes. Keeps its memory from one to the next.
#[derive(Default)]
pub(super) struct Scaler {
    resizer: Resizer,
    padded: Vec<u8>,
}

impl Scaler {
    /// `part` of `view`, brought to `size` where it has another: each new pixel is the weighted
    /// mean of all that it covers.
    pub(super) fn scale<'a>(
        &mut self,
        view: View<'a>,
        part: Part,
        (width, height): (u32, u32),
        scratch: &'a mut Vec<u8>,
    ) -> Result<View<'a>, PixelError> {
        let part = part.within(view.size());
        if part.width == f64::from(width)
            && part.height == f64::from(height)
            && part.left.fract() == 0.0
            && part.top.fract() == 0.0
        {
            return Ok(view.part((part.left as u32, part.top as u32), (width, height)));
        }
        let source = if view.stride.is_multiple_of(view.pixel) {
            view.padded(&mut self.padded)
        } else {
            let length = view.row_bytes() * view.height as usize;
            view.copy_to(room(&mut self.padded, length), view.row_bytes());
            View::tight(&self.padded, view.size(), view.pixel)
        };
        let out = room(scratch, width as usize * height as usize * view.pixel);
        let resizer = &mut self.resizer;
        match view.pixel {
            1 => resize::<U8>(resizer, source, part, out, (width, height))?,
            3 => resize::<U8x3>(resizer, source, part, out, (width, height))?,
            _ => resize::<U8x4>(resizer, source, part, out, (width, height))?,
        }
        Ok(View::tight(scratch, (width, height), view.pixel))
    }
}

/// `part` of `source`, whose pixels are of the type `P`, brought to `size`.
///
/// The types are named here: chosen at run time, the library would be compiled for all that it
/// has, which takes minutes and megabytes.
fn resize<P: PixelTrait>(
    resizer: &mut Resizer,
    source: View<'_>,
    part: Part,
    out: &mut [u8],
    (width, height): (u32, u32),
) -> Result<(), PixelError> {
    let failed = "scaling";
    let across = (source.stride / source.pixel) as u32;
    let from = TypedImageRef::<P>::from_buffer(across, source.height, source.bytes)
        .map_err(PixelError::library(failed))?;
    // Else the filter would reach beyond the last column, into the padding.
    let from = TypedCroppedImage::new(from, 0, 0, source.width, source.height)
        .map_err(PixelError::library(failed))?;
    let mut to =
        TypedImage::<P>::from_buffer(width, height, out).map_err(PixelError::library(failed))?;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false)
        .crop(part.left, part.top, part.width, part.height);
    resizer.resize_typed(&from, &mut to, &options).map_err(PixelError::library(failed))
}

impl Part {
    /// What of it lies within a plane of this size: at least one sample.
    fn within(self, (width, height): (u32, u32)) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        let (left, top) = (self.left.clamp(0.0, width - 1.0), self.top.clamp(0.0, height - 1.0));
        Self {
            left,
            top,
            width: self.width.clamp(1.0, width - left),
            height: self.height.clamp(1.0, height - top),
        }
    }
}

/// `view` turned clockwise, then with left and right exchanged if `mirror` says so.
pub(super) fn orient<'a>(
    view: View<'a>,
    rotation: Rotation,
    mirror: bool,
    scratch: &'a mut Vec<u8>,
) -> View<'a> {
    if rotation == Rotation::None && !mirror {
        return view;
    }
    let size = if rotation.swaps_sides() { (view.height, view.width) } else { view.size() };
    let out = room(scratch, size.0 as usize * size.1 as usize * view.pixel);
    match view.pixel {
        1 => oriented::<1>(view, rotation, mirror, out),
        3 => oriented::<3>(view, rotation, mirror, out),
        _ => oriented::<4>(view, rotation, mirror, out),
    }
    View::tight(out, size, view.pixel)
}

/// As [`orient`], of pixels of `N` bytes. The crates that offer this get some sizes wrong, or take
/// a pixel at a time.
fn oriented<const N: usize>(view: View<'_>, rotation: Rotation, mirror: bool, out: &mut [u8]) {
    let rows = || view.rows().map(|row| row.as_chunks::<N>().0);
    let (out, _) = out.as_chunks_mut::<N>();
    let (width, height) = (view.width as usize, view.height as usize);
    if !rotation.swaps_sides() {
        let upside_down = rotation == Rotation::Half;
        for (y, row) in rows().enumerate() {
            let y = if upside_down { height - 1 - y } else { y };
            let to = &mut out[y * width..][..width];
            if mirror == upside_down {
                to.copy_from_slice(row);
            } else {
                for (to, pixel) in to.iter_mut().zip(row.iter().rev()) {
                    *to = *pixel;
                }
            }
        }
        return;
    }
    // Columns become rows. A few rows at a time, so that both what is read and what is written
    // stays in the cache.
    let from_right = rotation == Rotation::ThreeQuarters;
    let from_below = mirror == from_right;
    let mut band: [&[[u8; N]]; BAND] = [&[]; BAND];
    let mut rows = rows();
    for top in (0..height).step_by(BAND) {
        let count = BAND.min(height - top);
        for (slot, row) in band.iter_mut().zip(rows.by_ref().take(count)) {
            *slot = row;
        }
        let band = &mut band[..count];
        let left = if from_below { height - top - count } else { top };
        if from_below {
            band.reverse();
        }
        for x in 0..width {
            let y = if from_right { width - 1 - x } else { x };
            for (to, row) in out[y * height + left..][..count].iter_mut().zip(&*band) {
                *to = row[x];
            }
        }
    }
}

/// Rows that are turned together.
const BAND: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pixel of a turned picture of `size` that was at (`x`, `y`) before.
    fn where_to(rotation: Rotation, (width, height): (u32, u32), (x, y): (u32, u32)) -> (u32, u32) {
        match rotation {
            Rotation::None => (x, y),
            Rotation::Quarter => (height - 1 - y, x),
            Rotation::Half => (width - 1 - x, height - 1 - y),
            Rotation::ThreeQuarters => (y, width - 1 - x),
        }
    }

    fn pixel<'a>(view: &View<'a>, (x, y): (u32, u32)) -> &'a [u8] {
        &view.bytes[y as usize * view.stride + x as usize * view.pixel..][..view.pixel]
    }

    proptest! {
        #[test]
        fn pixels_go_where_they_should(
            width in 1u32..70,
            height in 1u32..70,
            pixel_bytes in prop_oneof![Just(1usize), Just(3), Just(4)],
            padding in 0usize..9,
            seed in any::<u8>(),
        ) {
            let stride = width as usize * pixel_bytes + padding;
            let length = stride * height as usize - padding;
            let bytes: Vec<u8> =
                (0..length).map(|at| (at.wrapping_mul(37) >> 2) as u8 ^ seed).collect();
            let view = View::new(&bytes, stride, (width, height), pixel_bytes).unwrap();
            let mut scratch = Vec::new();
            for rotation in
                [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters]
            {
                for mirror in [false, true] {
                    let turned = orient(view, rotation, mirror, &mut scratch);
                    let swap = rotation.swaps_sides();
                    let size = if swap { (height, width) } else { (width, height) };
                    prop_assert_eq!(turned.size(), size);
                    for place in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                        let (x, y) = where_to(rotation, (width, height), place);
                        let to = if mirror { (size.0 - 1 - x, y) } else { (x, y) };
                        prop_assert_eq!(
                            pixel(&turned, to),
                            pixel(&view, place),
                            "{:?} {} {:?}", rotation, mirror, place
                        );
                    }
                }
            }
        }

        #[test]
        fn an_even_plane_stays_even(
            (width, height) in (1u32..90, 1u32..90),
            (to_width, to_height) in (1u32..90, 1u32..90),
            pixel_bytes in prop_oneof![Just(1usize), Just(3), Just(4)],
            padding in 0usize..9,
            behind in 0usize..99,
            left in 0.0..40.0,
        ) {
            let stride = width as usize * pixel_bytes + padding;
            let mut bytes = vec![0; stride * height as usize - padding + behind];
            for row in bytes.chunks_mut(stride).take(height as usize) {
                row[..width as usize * pixel_bytes].fill(99);
            }
            let view = View::new(&bytes, stride, (width, height), pixel_bytes).unwrap();
            let part = Part { left, top: 0.0, width: 500.0, height: f64::from(height) };
            let mut scratch = Vec::new();
            let scaled =
                Scaler::default().scale(view, part, (to_width, to_height), &mut scratch).unwrap();
            prop_assert_eq!(scaled.size(), (to_width, to_height));
            prop_assert!(scaled.rows().flatten().all(|&value| value == 99), "padding seeped in");
        }
    }
}
