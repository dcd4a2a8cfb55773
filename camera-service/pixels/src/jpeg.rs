//! JPEG to planes and back, by libjpeg-turbo.

use protocol::{Colour, Size};
use turbojpeg::{
    Colorspace, Compressor, Decompressor, Image, OutputBuf, PixelFormat, ScalingFactor, Subsamp,
    YuvImage, YuvPlanesImage, yuv_pixels_len,
};

use super::{
    PixelError,
    view::{Chroma, Planar, View, room},
};

/// Most scans of a progressive JPEG. Encoders make about ten; each costs as much as decoding a
/// whole picture, however few bytes it has.
const MAX_SCANS: u32 = 32;

/// Decodes JPEGs to planes. Made when first used, kept from then on.
#[derive(Default)]
pub(super) struct Decoder(Option<Decompressor>);

impl Decoder {
    /// The picture in `jpeg`, which must have the size `expected`, at one `divisor`th of it (1, 2,
    /// 4 or 8; rounded up). Allocates for that size only, whatever the JPEG claims.
    pub(super) fn decode<'a>(
        &mut self,
        jpeg: &[u8],
        expected: Size,
        divisor: u32,
        scratch: &'a mut Vec<u8>,
    ) -> Result<Planar<'a>, PixelError> {
        let decompressor = match &mut self.0 {
            Some(decompressor) => decompressor,
            none => none.insert(new_decompressor().map_err(PixelError::library("JPEG decoding"))?),
        };
        let header = decompressor.read_header(jpeg).map_err(bad)?;
        let refuse = |reason: &str| Err(PixelError::BadJpeg(reason.to_owned()));
        let found = Size::new(header.width as u32, header.height as u32);
        if found != expected {
            return Err(PixelError::JpegSize { found, expected });
        }
        if header.is_lossless {
            return refuse("it is lossless");
        }
        if !matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray) {
            return refuse("it is neither YCbCr nor grey");
        }
        if header.subsamp == Subsamp::Unknown {
            return refuse("its chroma has an unknown layout");
        }
        let scale = ScalingFactor::new(1, divisor as usize);
        decompressor.set_scaling_factor(scale).map_err(bad)?;
        let scaled = header.scaled(scale);
        let (width, height, subsamp) = (scaled.width, scaled.height, header.subsamp);
        let length = yuv_pixels_len(width, 1, height, subsamp).map_err(bad)?;
        let pixels = room(scratch, length);
        let mut image = YuvImage { pixels, width, align: 1, height, subsamp };
        match decompressor.decompress_to_yuv(jpeg, image.as_deref_mut()) {
            Ok(()) => {}
            Err(error) if is_harmless(&error) => {}
            Err(error) => return Err(bad(error)),
        }
        let (y_stride, y_rows) = image.y_size();
        let (y, chroma) = scratch.split_at(y_stride * y_rows);
        let y = View::new(y, y_stride, (width as u32, height as u32), 1)?;
        if subsamp == Subsamp::Gray {
            return Ok(Planar { y, chroma: None, colour: Colour::JPEG });
        }
        let per = (subsamp.width() as u32, subsamp.height() as u32);
        let size = ((width as u32).div_ceil(per.0), (height as u32).div_ceil(per.1));
        let (u, v) = chroma.split_at(size.0 as usize * size.1 as usize);
        let (u, v) = (View::tight(u, size, 1), View::tight(v, size, 1));
        Ok(Planar { y, chroma: Some(Chroma { u, v, per }), colour: Colour::JPEG })
    }
}

fn new_decompressor() -> turbojpeg::Result<Decompressor> {
    let mut decompressor = Decompressor::new()?;
    decompressor.set_scan_limit(MAX_SCANS)?;
    Ok(decompressor)
}

fn bad(error: turbojpeg::Error) -> PixelError {
    PixelError::BadJpeg(error.to_string())
}

/// Whether the library merely warns of surplus bytes between the parts of a JPEG, as many cameras
/// send them. It reports warnings as errors, after decoding all there is, and a cut-off JPEG
/// under another text.
fn is_harmless(error: &turbojpeg::Error) -> bool {
    matches!(error, turbojpeg::Error::TurboJpegError(text)
        if text.contains("extraneous bytes before marker"))
}

/// Makes JPEGs of planes. Made when first used, kept from then on.
#[derive(Default)]
pub(super) struct Encoder(Option<Compressor>);

impl Encoder {
    /// Writes `picture`, in JPEG's colour encoding and either grey or with chroma for two by two
    /// pixels and even sides, into `out`; returns the number of bytes.
    pub(super) fn encode(
        &mut self,
        picture: &Planar<'_>,
        quality: u8,
        out: &mut [u8],
    ) -> Result<usize, PixelError> {
        let failed = "JPEG encoding";
        let compressor = match &mut self.0 {
            Some(compressor) => compressor,
            none => none.insert(Compressor::new().map_err(PixelError::library(failed))?),
        };
        compressor
            .set_quality(i32::from(quality.clamp(1, 100)))
            .map_err(PixelError::library(failed))?;
        let Planar { y, chroma, .. } = picture;
        let (width, height) = (y.width as usize, y.height as usize);
        let mut out = OutputBuf::borrowed(out);
        match chroma {
            None => {
                let format = PixelFormat::GRAY;
                let image = Image { pixels: y.bytes, width, pitch: y.stride, height, format };
                compressor
                    .set_subsamp(Subsamp::Gray)
                    .and_then(|()| compressor.compress(image, &mut out))
            }
            Some(Chroma { u, v, .. }) => {
                let image = YuvPlanesImage {
                    y_plane: y.bytes,
                    u_plane: u.bytes,
                    v_plane: v.bytes,
                    width,
                    height,
                    y_stride: y.stride,
                    u_stride: u.stride,
                    v_stride: v.stride,
                    subsamp: Subsamp::Sub2x2,
                };
                compressor.compress_yuv_planes(&image, &mut out)
            }
        }
        .map_err(PixelError::library(failed))?;
        Ok(out.len())
    }
}

/// Bytes that a JPEG of `size` cannot exceed.
pub(super) fn most_bytes(size: Size) -> usize {
    size.area() as usize * 3 + 4096
}
