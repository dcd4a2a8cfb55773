//! Pictures on their way through a conversion: borrowed planes, not yet or no longer in the form
//! of a frame.

use protocol::Colour;
use yuv::{YuvChromaSubsampling, YuvGrayImage, YuvPlanarImage};

use super::PixelError;

/// Rows of pixels of 1 to 4 bytes. The bytes hold `height` rows, the last one perhaps without
/// padding; no side is 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) stride: usize,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixel: usize,
}

/// Luma with or without chroma.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planar<'a> {
    pub(super) y: View<'a>,
    pub(super) chroma: Option<Chroma<'a>>,
    pub(super) colour: Colour,
}

/// Planes of U and V of one size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chroma<'a> {
    pub(super) u: View<'a>,
    pub(super) v: View<'a>,
    /// Luma pixels to a sample, across and down.
    pub(super) per: (u32, u32),
}

/// Order of bytes in a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Rgb,
    Bgr,
    Rgba,
}

/// A picture in whatever form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Picture<'a> {
    Planar(Planar<'a>),
    Packed(View<'a>, Order),
}

impl<'a> View<'a> {
    /// Fails where `bytes` do not hold as many rows.
    pub(super) fn new(
        bytes: &'a [u8],
        stride: usize,
        (width, height): (u32, u32),
        pixel: usize,
    ) -> Result<Self, PixelError> {
        let row = width as usize * pixel;
        if width == 0 || height == 0 {
            return Err(PixelError::BadFrame("it is empty"));
        }
        if stride < row {
            return Err(PixelError::BadFrame("its rows overlap"));
        }
        let needed = stride.checked_mul(height as usize - 1).and_then(|n| n.checked_add(row));
        if needed.is_none_or(|needed| needed > bytes.len()) {
            return Err(PixelError::BadFrame("it is too short"));
        }
        Ok(Self { bytes, stride, width, height, pixel })
    }

    /// A view of a buffer made by [`room`] for this size.
    pub(super) fn tight(bytes: &'a [u8], (width, height): (u32, u32), pixel: usize) -> Self {
        Self { bytes, stride: width as usize * pixel, width, height, pixel }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Bytes in a row, padding not counted.
    pub(super) fn row_bytes(&self) -> usize {
        self.width as usize * self.pixel
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let length = self.row_bytes();
        // The last row may lack its padding, so that it is no whole chunk.
        self.bytes.chunks(self.stride).take(self.height as usize).map(move |row| &row[..length])
    }

    /// The part that begins at (`left`, `top`); it must lie within.
    pub(super) fn part(&self, (left, top): (u32, u32), (width, height): (u32, u32)) -> Self {
        let first = top as usize * self.stride + left as usize * self.pixel;
        Self { bytes: &self.bytes[first..], width, height, ..*self }
    }

    /// Copies the pixels to `out`, whose rows are `stride` bytes apart.
    pub(super) fn copy_to(&self, out: &mut [u8], stride: usize) {
        for (to, row) in out.chunks_mut(stride).zip(self.rows()) {
            to[..row.len()].copy_from_slice(row);
        }
    }

    /// The same pixels, in exactly as many bytes as whole rows with their padding have; copied
    /// where the last row has none. The `yuv` crate counts rows by the bytes there are: it leaves
    /// out a row that is shorter than the stride, and takes what lies behind the last row for it.
    pub(super) fn padded<'b>(&self, scratch: &'b mut Vec<u8>) -> View<'b>
    where
        'a: 'b,
    {
        if let Some(bytes) = self.bytes.get(..self.stride * self.height as usize) {
            return View { bytes, ..*self };
        }
        let bytes = room(scratch, self.row_bytes() * self.height as usize);
        self.copy_to(bytes, self.row_bytes());
        View::tight(bytes, self.size(), self.pixel)
    }
}

/// `scratch`, made `length` bytes long. What it held is of no meaning.
pub(super) fn room(scratch: &mut Vec<u8>, length: usize) -> &mut [u8] {
    scratch.resize(length, 0);
    scratch
}

impl<'a> Planar<'a> {
    /// Does the same to every plane.
    pub(super) fn map<'b>(
        &self,
        scratch: &'b mut [Vec<u8>; 3],
        mut change: impl FnMut(View<'a>, &'b mut Vec<u8>) -> View<'b>,
    ) -> Planar<'b> {
        let [y, u, v] = scratch;
        Planar {
            y: change(self.y, y),
            chroma: self.chroma.map(|chroma| Chroma {
                u: change(chroma.u, u),
                v: change(chroma.v, v),
                per: chroma.per,
            }),
            colour: self.colour,
        }
    }

    /// As [`View::padded`].
    pub(super) fn padded<'b>(&self, scratch: &'b mut [Vec<u8>; 3]) -> Planar<'b>
    where
        'a: 'b,
    {
        self.map(scratch, |view, room| view.padded(room))
    }

    /// The luma as the `yuv` crate wants it.
    pub(super) fn grey_image(&self) -> YuvGrayImage<'a, u8> {
        YuvGrayImage {
            y_plane: self.y.bytes,
            y_stride: self.y.stride as u32,
            width: self.y.width,
            height: self.y.height,
        }
    }

    /// All planes as the `yuv` crate wants them; `None` without chroma, or with one that it does
    /// not know.
    pub(super) fn image(&self) -> Option<(YuvPlanarImage<'a, u8>, YuvChromaSubsampling)> {
        let Chroma { u, v, per } = self.chroma?;
        let subsampling = subsampling(per)?;
        let image = YuvPlanarImage {
            y_plane: self.y.bytes,
            y_stride: self.y.stride as u32,
            u_plane: u.bytes,
            u_stride: u.stride as u32,
            v_plane: v.bytes,
            v_stride: v.stride as u32,
            width: self.y.width,
            height: self.y.height,
        };
        Some((image, subsampling))
    }
}

/// How the `yuv` crate calls so many luma pixels to a chroma sample.
pub(super) const fn subsampling(per: (u32, u32)) -> Option<YuvChromaSubsampling> {
    match per {
        (2, 2) => Some(YuvChromaSubsampling::Yuv420),
        (2, 1) => Some(YuvChromaSubsampling::Yuv422),
        (1, 1) => Some(YuvChromaSubsampling::Yuv444),
        _ => None,
    }
}
