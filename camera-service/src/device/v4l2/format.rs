//! What a driver's pixel format means: its code, where its planes lie, its colours.

use protocol::{Colour, FourCc, Matrix, PixelFormat, Plane, Range};

use super::abi;

/// Codes of the formats that are served. JPEG is the same as MJPG to everybody but the driver.
const SERVED: [([u8; 4], PixelFormat); 9] = [
    (*b"MJPG", PixelFormat::Mjpg),
    (*b"JPEG", PixelFormat::Mjpg),
    (*b"YUYV", PixelFormat::Yuyv),
    (*b"NV12", PixelFormat::Nv12),
    (*b"YU12", PixelFormat::I420),
    (*b"GREY", PixelFormat::Grey),
    (*b"RGB3", PixelFormat::Rgb),
    (*b"BGR3", PixelFormat::Bgr),
    (*b"AB24", PixelFormat::Rgba),
];

/// The pixel format of a driver's code.
pub(super) fn from_code(code: u32) -> PixelFormat {
    let bytes = code.to_le_bytes();
    SERVED
        .iter()
        .find(|(served, _)| *served == bytes)
        .map_or(PixelFormat::Other(FourCc(bytes)), |(_, format)| *format)
}

/// A driver's code for a pixel format that is served; 0, which is none, for others.
pub(super) fn to_code(format: PixelFormat) -> u32 {
    let code = SERVED.iter().find(|(_, served)| *served == format);
    code.map_or(0, |(code, _)| u32::from_le_bytes(*code))
}

/// Where the bytes of a frame lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) planes: Vec<Plane>,
    /// Bytes from the start of the frame to the end of its last row with padding. For MJPG the
    /// most that an image can have.
    pub(super) length: u32,
    /// Bytes without which the frame is not whole: the last row may come without its padding.
    /// For MJPG 0.
    pub(super) least: u32,
}

impl Layout {
    /// The layout of frames in `format` as the driver described them; `None` where its numbers
    /// make no sense.
    pub(super) fn new(format: PixelFormat, pix: &abi::PixFormat) -> Option<Self> {
        let (width, height) = (u64::from(pix.width), u64::from(pix.height));
        if width == 0 || height == 0 || width > 65_535 || height > 65_535 {
            return None;
        }
        let half_width = width.div_ceil(2);
        let half_height = height.div_ceil(2);
        // Bytes in a row of the first plane, then the planes after it: bytes in a row, stride
        // in terms of the first one's, and rows.
        let row = match format {
            PixelFormat::Mjpg => {
                let planes = vec![Plane { offset: 0, stride: 0 }];
                return (pix.size_image > 0).then_some(Self {
                    planes,
                    length: pix.size_image,
                    least: 0,
                });
            }
            PixelFormat::Yuyv => half_width * 4,
            PixelFormat::Nv12 | PixelFormat::I420 | PixelFormat::Grey => width,
            PixelFormat::Rgb | PixelFormat::Bgr => width * 3,
            PixelFormat::Rgba => width * 4,
            PixelFormat::Other(_) => return None,
        };
        // Drivers that know of no padding leave it 0.
        let stride = u64::from(pix.bytes_per_line).max(row);
        let further = match format {
            PixelFormat::Nv12 => vec![(half_width * 2, stride, half_height)],
            PixelFormat::I420 => vec![(half_width, stride.div_ceil(2), half_height); 2],
            _ => Vec::new(),
        };
        let mut planes = vec![(0, stride)];
        let mut end = stride * height;
        let mut padding = stride - row;
        for (row, stride, rows) in further {
            planes.push((end, stride));
            end += stride * rows;
            padding = stride.saturating_sub(row);
        }
        let number = |value: u64| u32::try_from(value).ok();
        let planes = planes
            .into_iter()
            .map(|(offset, stride)| {
                Some(Plane { offset: number(offset)?, stride: number(stride)? })
            })
            .collect::<Option<_>>()?;
        Some(Self { planes, length: number(end)?, least: number(end - padding)? })
    }
}

/// The colour encoding of frames as the driver described them, by the kernel's rules for what
/// it leaves open.
pub(super) fn colour(format: PixelFormat, pix: &abi::PixFormat) -> Colour {
    let matrix = match pix.ycbcr_enc {
        abi::YCBCR_ENC_DEFAULT => match pix.colorspace {
            // BT.2020 and SMPTE 240M are nearer to BT.709 than to BT.601.
            abi::COLORSPACE_REC709
            | abi::COLORSPACE_DCI_P3
            | abi::COLORSPACE_BT2020
            | abi::COLORSPACE_SMPTE240M => Matrix::Bt709,
            _ => Matrix::Bt601,
        },
        abi::YCBCR_ENC_709
        | abi::YCBCR_ENC_XV709
        | abi::YCBCR_ENC_BT2020
        | abi::YCBCR_ENC_BT2020_CONST_LUM
        | abi::YCBCR_ENC_SMPTE240M => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    let full_by_default = match format {
        PixelFormat::Rgb | PixelFormat::Bgr | PixelFormat::Rgba => true,
        // JPEG images are full range, whatever colour space a driver names with them.
        PixelFormat::Mjpg => true,
        _ => pix.colorspace == abi::COLORSPACE_JPEG,
    };
    let range = match pix.quantization {
        abi::QUANTIZATION_FULL_RANGE => Range::Full,
        abi::QUANTIZATION_LIM_RANGE => Range::Limited,
        _ if full_by_default => Range::Full,
        _ => Range::Limited,
    };
    // Decoders of JPEG know BT.601 alone.
    let matrix = if format == PixelFormat::Mjpg { Matrix::Bt601 } else { matrix };
    Colour { matrix, range }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::v4l2::abi::Plain as _;

    fn pix(width: u32, height: u32, bytes_per_line: u32) -> abi::PixFormat {
        let mut format = abi::Format::zeroed();
        format.pix.width = width;
        format.pix.height = height;
        format.pix.bytes_per_line = bytes_per_line;
        format.pix
    }

    fn layout(format: PixelFormat, pix: &abi::PixFormat) -> (Vec<(u32, u32)>, u32, u32) {
        let layout = Layout::new(format, pix).expect("a layout");
        let planes = layout.planes.iter().map(|plane| (plane.offset, plane.stride)).collect();
        (planes, layout.length, layout.least)
    }

    #[test]
    fn planes_follow_the_driver_s_stride() {
        let tight = pix(640, 480, 0);
        assert_eq!(layout(PixelFormat::Yuyv, &tight), (vec![(0, 1280)], 614_400, 614_400));
        assert_eq!(layout(PixelFormat::Grey, &tight), (vec![(0, 640)], 307_200, 307_200));
        let i420 = vec![(0, 640), (307_200, 320), (384_000, 320)];
        assert_eq!(layout(PixelFormat::I420, &tight), (i420, 460_800, 460_800));
        let padded = pix(30, 4, 64);
        assert_eq!(layout(PixelFormat::Yuyv, &padded), (vec![(0, 64)], 256, 252));
        assert_eq!(layout(PixelFormat::Nv12, &padded), (vec![(0, 64), (256, 64)], 384, 350));
        let i420 = vec![(0, 64), (256, 32), (320, 32)];
        assert_eq!(layout(PixelFormat::I420, &padded), (i420, 384, 367));
    }

    #[test]
    fn odd_sizes_have_whole_chroma() {
        let odd = pix(5, 3, 0);
        assert_eq!(layout(PixelFormat::Yuyv, &odd), (vec![(0, 12)], 36, 36));
        assert_eq!(layout(PixelFormat::I420, &odd), (vec![(0, 5), (15, 3), (21, 3)], 27, 27));
    }

    #[test]
    fn senseless_numbers_are_refused() {
        assert_eq!(Layout::new(PixelFormat::Yuyv, &pix(0, 480, 0)), None);
        assert_eq!(Layout::new(PixelFormat::Rgba, &pix(60_000, 60_000, u32::MAX)), None);
        assert_eq!(Layout::new(PixelFormat::Mjpg, &pix(640, 480, 0)), None);
    }

    #[test]
    fn colours_follow_the_kernel_s_defaults() {
        let mut pix = pix(640, 480, 0);
        pix.colorspace = 8; // sRGB, what uvcvideo says
        assert_eq!(colour(PixelFormat::Yuyv, &pix), Colour::VIDEO);
        assert_eq!(colour(PixelFormat::Mjpg, &pix), Colour::JPEG);
        assert_eq!(colour(PixelFormat::Rgb, &pix).range, Range::Full);
        pix.colorspace = abi::COLORSPACE_REC709;
        assert_eq!(colour(PixelFormat::Yuyv, &pix).matrix, Matrix::Bt709);
        pix.ycbcr_enc = 1;
        pix.quantization = abi::QUANTIZATION_FULL_RANGE;
        assert_eq!(colour(PixelFormat::Yuyv, &pix), Colour::JPEG);
    }

    #[test]
    fn both_codes_of_jpeg_are_one_format() {
        assert_eq!(from_code(u32::from_le_bytes(*b"JPEG")), PixelFormat::Mjpg);
        assert_eq!(from_code(u32::from_le_bytes(*b"YU12")), PixelFormat::I420);
        let other = from_code(u32::from_le_bytes(*b"H264"));
        assert_eq!(other.to_string(), "H264");
    }
}
