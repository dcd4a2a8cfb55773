//! From a frame as it came to a picture: planes found, checked and, where they are interleaved or
//! compressed, taken apart.

use protocol::{Colour, FrameHeader, PixelFormat, Size};
use yuv::{
    BufferStoreMut, YuvConversionMode, YuvError, YuvPackedImage, YuvPlanarImageMut, YuvRange,
    YuvStandardMatrix,
};

use super::{
    PixelError,
    jpeg::Decoder,
    layout::rows_of,
    spec::Plan,
    store::standard,
    view::{Chroma, Order, Picture, Planar, View, room},
};

/// A picture of the whole frame, or of all of it at a smaller size.
pub(super) struct Loaded<'a> {
    pub(super) picture: Picture<'a>,
    /// The frame's sides are this many times those of the picture.
    pub(super) divisor: u32,
}

/// What is needed to take frames apart, kept from one to the next.
#[derive(Default)]
pub(super) struct Loader {
    decoder: Decoder,
    scratch: [Vec<u8>; 3],
    padded: Vec<u8>,
}

impl Loader {
    /// The picture in `bytes`. With `quarter_chroma` chroma for two by two pixels is preferred.
    pub(super) fn load<'a>(
        &'a mut self,
        header: &FrameHeader,
        bytes: &'a [u8],
        plan: &Plan,
        quarter_chroma: bool,
    ) -> Result<Loaded<'a>, PixelError> {
        let bytes = bytes
            .get(..header.length as usize)
            .ok_or(PixelError::BadFrame("it has fewer bytes than its header says"))?;
        if header.format == PixelFormat::Mjpg {
            let divisor = decode_divisor(plan);
            let [scratch, ..] = &mut self.scratch;
            let picture = self.decoder.decode(bytes, header.size, divisor, scratch)?;
            return Ok(Loaded { picture: Picture::Planar(picture), divisor });
        }
        let planes = Planes::of(header, bytes)?;
        let (size, colour) = ((header.size.width, header.size.height), header.colour);
        let half = (size.0.div_ceil(2), size.1.div_ceil(2));
        let planar = |y, chroma| Picture::Planar(Planar { y, chroma, colour });
        let picture = match header.format {
            PixelFormat::Grey => planar(planes.view(0, size, 1)?, None),
            PixelFormat::I420 => {
                let (u, v) = (planes.view(1, half, 1)?, planes.view(2, half, 1)?);
                planar(planes.view(0, size, 1)?, Some(Chroma { u, v, per: (2, 2) }))
            }
            PixelFormat::Nv12 => {
                let both = planes.view(1, half, 2)?;
                let [u, v, _] = &mut self.scratch;
                let (u, v) = split(both, u, v);
                planar(planes.view(0, size, 1)?, Some(Chroma { u, v, per: (2, 2) }))
            }
            PixelFormat::Yuyv => {
                let pairs = planes.view(0, (half.0, size.1), 4)?.padded(&mut self.padded);
                // The `yuv` crate leaves out the last row of an odd number.
                let quarter_chroma = quarter_chroma && size.1.is_multiple_of(2);
                let picture = unpack(pairs, header.size, quarter_chroma, &mut self.scratch)?;
                Picture::Planar(Planar { colour, ..picture })
            }
            PixelFormat::Rgb => Picture::Packed(planes.view(0, size, 3)?, Order::Rgb),
            PixelFormat::Bgr => Picture::Packed(planes.view(0, size, 3)?, Order::Bgr),
            PixelFormat::Rgba => Picture::Packed(planes.view(0, size, 4)?, Order::Rgba),
            PixelFormat::Mjpg | PixelFormat::Other(_) => {
                return Err(PixelError::Unsupported(header.format));
            }
        };
        Ok(Loaded { picture, divisor: 1 })
    }
}

/// By how much a JPEG may be scaled down while it is decoded: as far as the rest of the way still
/// leads down. Only powers of two are fast.
fn decode_divisor(plan: &Plan) -> u32 {
    let suits = |divisor: &u32| {
        plan.crop.width / divisor >= plan.scaled.width
            && plan.crop.height / divisor >= plan.scaled.height
    };
    [8, 4, 2].into_iter().find(suits).unwrap_or(1)
}

/// The planes of a frame whose header says where they lie.
struct Planes<'a, 'h> {
    header: &'h FrameHeader,
    bytes: &'a [u8],
}

impl<'a, 'h> Planes<'a, 'h> {
    fn of(header: &'h FrameHeader, bytes: &'a [u8]) -> Result<Self, PixelError> {
        let rows =
            rows_of(header.format, header.size).ok_or(PixelError::Unsupported(header.format))?;
        if rows.len() != header.planes.len() {
            return Err(PixelError::BadFrame("it has another number of planes than its format"));
        }
        Ok(Self { header, bytes })
    }

    fn view(&self, plane: usize, size: (u32, u32), pixel: usize) -> Result<View<'a>, PixelError> {
        let plane = self.header.planes[plane];
        let bytes = self
            .bytes
            .get(plane.offset as usize..)
            .ok_or(PixelError::BadFrame("a plane begins behind its end"))?;
        View::new(bytes, plane.stride as usize, size, pixel)
    }
}

/// Interleaved chroma as two planes.
fn split<'a>(both: View<'_>, u: &'a mut Vec<u8>, v: &'a mut Vec<u8>) -> (View<'a>, View<'a>) {
    let (width, height) = both.size();
    let length = width as usize * height as usize;
    let (u, v) = (room(u, length), room(v, length));
    let outs = u.chunks_exact_mut(width as usize).zip(v.chunks_exact_mut(width as usize));
    for ((u, v), row) in outs.zip(both.rows()) {
        let (pairs, _) = row.as_chunks::<2>();
        for ((u, v), pair) in u.iter_mut().zip(v).zip(pairs) {
            [*u, *v] = *pair;
        }
    }
    (View::tight(u, both.size(), 1), View::tight(v, both.size(), 1))
}

/// YUYV as planes. The colour of the result is of no meaning.
fn unpack<'a>(
    pairs: View<'_>,
    size: Size,
    quarter_chroma: bool,
    scratch: &'a mut [Vec<u8>; 3],
) -> Result<Planar<'a>, PixelError> {
    let packed = YuvPackedImage {
        yuy: pairs.bytes,
        yuy_stride: pairs.stride as u32,
        width: size.width,
        height: size.height,
    };
    let per = if quarter_chroma { (2, 2) } else { (2, 1) };
    let chroma_size = (size.width.div_ceil(2), size.height.div_ceil(per.1));
    let convert = if quarter_chroma { yuv::yuyv422_to_yuv420 } else { yuv::yuyv422_to_yuv422 };
    let picture = planar_room(scratch, size, chroma_size, |image| convert(image, &packed))
        .map_err(PixelError::library("unpacking YUYV"))?;
    let chroma = picture.chroma.map(|chroma| Chroma { per, ..chroma });
    Ok(Planar { chroma, ..picture })
}

type FromPacked = fn(
    &mut YuvPlanarImageMut<'_, u8>,
    &[u8],
    u32,
    YuvRange,
    YuvStandardMatrix,
    YuvConversionMode,
) -> Result<(), YuvError>;

/// Luma and chroma, for two by two pixels, of red, green and blue. `view` must be padded.
pub(super) fn separate<'a>(
    view: View<'_>,
    order: Order,
    colour: Colour,
    scratch: &'a mut [Vec<u8>; 3],
) -> Result<Planar<'a>, PixelError> {
    let convert: FromPacked = match order {
        Order::Rgb => yuv::rgb_to_yuv420,
        Order::Bgr => yuv::bgr_to_yuv420,
        Order::Rgba => yuv::rgba_to_yuv420,
    };
    let (range, matrix) = standard(colour);
    let size = Size::new(view.width, view.height);
    let chroma_size = (view.width.div_ceil(2), view.height.div_ceil(2));
    let picture = planar_room(scratch, size, chroma_size, |image| {
        let mode = YuvConversionMode::Balanced;
        convert(image, view.bytes, view.stride as u32, range, matrix, mode)
    })
    .map_err(PixelError::library("conversion from RGB"))?;
    let chroma = picture.chroma.map(|chroma| Chroma { per: (2, 2), ..chroma });
    Ok(Planar { chroma, colour, ..picture })
}

/// Planes that `fill` writes through the `yuv` crate. Colour and chroma's `per` are of no meaning.
fn planar_room<'a>(
    scratch: &'a mut [Vec<u8>; 3],
    size: Size,
    chroma_size: (u32, u32),
    fill: impl FnOnce(&mut YuvPlanarImageMut<'_, u8>) -> Result<(), YuvError>,
) -> Result<Planar<'a>, YuvError> {
    let [y, u, v] = scratch;
    let y = room(y, size.area() as usize);
    let chroma_length = chroma_size.0 as usize * chroma_size.1 as usize;
    let (u, v) = (room(u, chroma_length), room(v, chroma_length));
    let mut image = YuvPlanarImageMut {
        y_plane: BufferStoreMut::Borrowed(y),
        y_stride: size.width,
        u_plane: BufferStoreMut::Borrowed(u),
        u_stride: chroma_size.0,
        v_plane: BufferStoreMut::Borrowed(v),
        v_stride: chroma_size.0,
        width: size.width,
        height: size.height,
    };
    fill(&mut image)?;
    let [y, u, v] = scratch;
    Ok(Planar {
        y: View::tight(y, (size.width, size.height), 1),
        chroma: Some(Chroma {
            u: View::tight(u, chroma_size, 1),
            v: View::tight(v, chroma_size, 1),
            per: (1, 1),
        }),
        colour: Colour::JPEG,
    })
}
