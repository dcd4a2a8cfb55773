//! From a finished picture to a frame without padding.

use protocol::{Colour, Matrix, PixelFormat, Range};
use yuv::{
    BufferStoreMut, YuvChromaSubsampling as Subsampling, YuvError, YuvGrayImage, YuvPackedImageMut,
    YuvPlanarImage, YuvRange, YuvStandardMatrix,
};

use super::{
    Layout, PixelError,
    view::{Chroma, Order, Planar, View, room},
};

type ToPacked = fn(
    &YuvPlanarImage<'_, u8>,
    &mut [u8],
    u32,
    YuvRange,
    YuvStandardMatrix,
) -> Result<(), YuvError>;
type GreyToPacked =
    fn(&YuvGrayImage<'_, u8>, &mut [u8], u32, YuvRange, YuvStandardMatrix) -> Result<(), YuvError>;
type Shuffle = fn(&[u8], u32, &mut [u8], u32, u32, u32) -> Result<(), YuvError>;

/// How the `yuv` crate calls an encoding.
pub(super) const fn standard(colour: Colour) -> (YuvRange, YuvStandardMatrix) {
    let range = match colour.range {
        Range::Limited => YuvRange::Limited,
        Range::Full => YuvRange::Full,
    };
    let matrix = match colour.matrix {
        Matrix::Bt601 => YuvStandardMatrix::Bt601,
        Matrix::Bt709 => YuvStandardMatrix::Bt709,
    };
    (range, matrix)
}

/// Writes red, green and blue of `picture` to `out`, rows of `stride` bytes. Its planes must be
/// padded and its chroma 4:2:0, 4:2:2 or 4:4:4.
pub(super) fn packed(
    picture: &Planar<'_>,
    order: Order,
    out: &mut [u8],
    stride: usize,
) -> Result<(), PixelError> {
    let (range, matrix) = standard(picture.colour);
    let stride = stride as u32;
    match picture.image() {
        None => {
            let convert: GreyToPacked = match order {
                Order::Rgb => yuv::yuv400_to_rgb,
                Order::Bgr => yuv::yuv400_to_bgr,
                Order::Rgba => yuv::yuv400_to_rgba,
            };
            convert(&picture.grey_image(), out, stride, range, matrix)
        }
        Some((image, subsampling)) => {
            let convert: ToPacked = match (subsampling, order) {
                (Subsampling::Yuv420, Order::Rgb) => yuv::yuv420_to_rgb,
                (Subsampling::Yuv420, Order::Bgr) => yuv::yuv420_to_bgr,
                (Subsampling::Yuv420, Order::Rgba) => yuv::yuv420_to_rgba,
                (Subsampling::Yuv422, Order::Rgb) => yuv::yuv422_to_rgb,
                (Subsampling::Yuv422, Order::Bgr) => yuv::yuv422_to_bgr,
                (Subsampling::Yuv422, Order::Rgba) => yuv::yuv422_to_rgba,
                (Subsampling::Yuv444, Order::Rgb) => yuv::yuv444_to_rgb,
                (Subsampling::Yuv444, Order::Bgr) => yuv::yuv444_to_bgr,
                (Subsampling::Yuv444, Order::Rgba) => yuv::yuv444_to_rgba,
            };
            convert(&image, out, stride, range, matrix)
        }
    }
    .map_err(PixelError::library("conversion to RGB"))
}

/// Writes `view`, whose pixels are in the order `from`, to `out` in the order `to`.
pub(super) fn reordered(
    view: &View<'_>,
    from: Order,
    to: Order,
    out: &mut [u8],
    stride: usize,
) -> Result<(), PixelError> {
    let shuffle: Shuffle = match (from, to) {
        (Order::Rgb, Order::Rgb) | (Order::Bgr, Order::Bgr) | (Order::Rgba, Order::Rgba) => {
            view.copy_to(out, stride);
            return Ok(());
        }
        (Order::Rgb, Order::Bgr) => yuv::rgb_to_bgr,
        (Order::Rgb, Order::Rgba) => yuv::rgb_to_rgba,
        (Order::Bgr, Order::Rgb) => yuv::bgr_to_rgb,
        (Order::Bgr, Order::Rgba) => yuv::bgr_to_rgba,
        (Order::Rgba, Order::Rgb) => yuv::rgba_to_rgb,
        (Order::Rgba, Order::Bgr) => yuv::rgba_to_bgr,
    };
    shuffle(view.bytes, view.stride as u32, out, stride as u32, view.width, view.height)
        .map_err(PixelError::library("reordering of RGB"))
}

/// Writes the planes of `picture` as a frame in `format`: I420, NV12, YUYV or GREY. For the first
/// two its chroma must be 4:2:0, for YUYV that or 4:2:2.
pub(super) fn planes(
    picture: &Planar<'_>,
    format: PixelFormat,
    layout: &Layout,
    out: &mut [u8],
) -> Result<(), PixelError> {
    let offset = |plane: usize| layout.planes[plane].offset as usize;
    let stride = |plane: usize| layout.planes[plane].stride as usize;
    let unsupported = || PixelError::Unsupported(format);
    match format {
        PixelFormat::Grey => picture.y.copy_to(out, stride(0)),
        PixelFormat::I420 => {
            let Chroma { u, v, .. } = picture.chroma.ok_or_else(unsupported)?;
            picture.y.copy_to(&mut out[..offset(1)], stride(0));
            u.copy_to(&mut out[offset(1)..offset(2)], stride(1));
            v.copy_to(&mut out[offset(2)..], stride(2));
        }
        PixelFormat::Nv12 => {
            let Chroma { u, v, .. } = picture.chroma.ok_or_else(unsupported)?;
            picture.y.copy_to(&mut out[..offset(1)], stride(0));
            let rows = out[offset(1)..].chunks_exact_mut(stride(1));
            for (to, (u, v)) in rows.zip(u.rows().zip(v.rows())) {
                let (pairs, _) = to.as_chunks_mut::<2>();
                for (pair, (&u, &v)) in pairs.iter_mut().zip(u.iter().zip(v)) {
                    *pair = [u, v];
                }
            }
        }
        PixelFormat::Yuyv => {
            let (image, subsampling) = picture.image().ok_or_else(unsupported)?;
            let mut packed = YuvPackedImageMut {
                yuy: BufferStoreMut::Borrowed(out),
                yuy_stride: layout.planes[0].stride,
                width: image.width,
                height: image.height,
            };
            match subsampling {
                Subsampling::Yuv420 => yuv::yuv420_to_yuyv422(&mut packed, &image),
                Subsampling::Yuv422 => yuv::yuv422_to_yuyv422(&mut packed, &image),
                Subsampling::Yuv444 => return Err(unsupported()),
            }
            .map_err(PixelError::library("packing YUYV"))?;
        }
        _ => return Err(unsupported()),
    }
    Ok(())
}

/// `picture` with chroma for two by two pixels that says grey, where it has none.
pub(super) fn with_chroma<'a>(picture: Planar<'a>, scratch: &'a mut Vec<u8>) -> Planar<'a> {
    if picture.chroma.is_some() {
        return picture;
    }
    let size = (picture.y.width.div_ceil(2), picture.y.height.div_ceil(2));
    let bytes = room(scratch, size.0 as usize * size.1 as usize);
    bytes.fill(128);
    let grey = View::tight(bytes, size, 1);
    Planar { chroma: Some(Chroma { u: grey, v: grey, per: (2, 2) }), ..picture }
}
