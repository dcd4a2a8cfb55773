//! Frames to test with, and what is seen in renditions, by plain arithmetic.

use protocol::{Colour, FrameHeader, Matrix, PixelFormat, Plane, Range, Size};

use crate::{Converted, rows_of};

pub(super) const RAW: [PixelFormat; 7] = [
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::I420,
    PixelFormat::Grey,
    PixelFormat::Rgb,
    PixelFormat::Bgr,
    PixelFormat::Rgba,
];

pub(super) const COLOURS: [Colour; 4] = [
    Colour { matrix: Matrix::Bt601, range: Range::Limited },
    Colour { matrix: Matrix::Bt601, range: Range::Full },
    Colour { matrix: Matrix::Bt709, range: Range::Limited },
    Colour { matrix: Matrix::Bt709, range: Range::Full },
];

pub(super) type Rgb = [u8; 3];

#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn is_rgb(format: PixelFormat) -> bool {
    matches!(format, PixelFormat::Rgb | PixelFormat::Bgr | PixelFormat::Rgba)
}

fn header(format: PixelFormat, size: Size, colour: Colour, length: usize) -> FrameHeader {
    FrameHeader {
        sequence: 0,
        monotonic_ns: 0,
        unix_ns: 0,
        size,
        format,
        planes: vec![Plane { offset: 0, stride: 0 }],
        colour,
        length: length as u32,
        dropped: 0,
    }
}

fn weights(colour: Colour) -> (f64, f64, f64, f64, f64) {
    let (kr, kb) = match colour.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    match colour.range {
        Range::Limited => (kr, kb, 16.0, 219.0, 224.0),
        Range::Full => (kr, kb, 0.0, 255.0, 255.0),
    }
}

pub(super) fn to_yuv(rgb: Rgb, colour: Colour) -> [u8; 3] {
    let (kr, kb, black, luma, chroma) = weights(colour);
    let [r, g, b] = rgb.map(|value| f64::from(value) / 255.0);
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let u = (b - y) / (2.0 * (1.0 - kb));
    let v = (r - y) / (2.0 * (1.0 - kr));
    [black + luma * y, 128.0 + chroma * u, 128.0 + chroma * v].map(|value| value.round() as u8)
}

pub(super) fn to_rgb([y, u, v]: [u8; 3], colour: Colour) -> Rgb {
    let (kr, kb, black, luma, chroma) = weights(colour);
    let y = (f64::from(y) - black) / luma;
    let (u, v) = ((f64::from(u) - 128.0) / chroma, (f64::from(v) - 128.0) / chroma);
    let r = y + 2.0 * (1.0 - kr) * v;
    let b = y + 2.0 * (1.0 - kb) * u;
    let g = (y - kr * r - kb * b) / (1.0 - kr - kb);
    [r, g, b].map(|value| (value * 255.0).round() as u8)
}

/// A raw frame with `padding` bytes behind each row but the last, and between planes.
pub(super) fn raw(
    format: PixelFormat,
    size: Size,
    colour: Colour,
    padding: usize,
    picture: impl Fn(u32, u32) -> Rgb,
) -> Frame {
    let colour = if is_rgb(format) { Colour::JPEG } else { colour };
    let (mut bytes, mut planes) = (Vec::new(), Vec::new());
    for (plane, (row_bytes, rows)) in rows_of(format, size).unwrap().into_iter().enumerate() {
        let stride = row_bytes as usize + padding;
        planes.push(Plane { offset: bytes.len() as u32, stride: stride as u32 });
        for y in 0..rows {
            for at in 0..row_bytes {
                let rgb = |x: u32, y: u32| picture(x.min(size.width - 1), y.min(size.height - 1));
                let yuv = |x: u32, y: u32| to_yuv(rgb(x, y), colour);
                bytes.push(match (format, plane) {
                    (PixelFormat::Yuyv, _) => match at % 4 {
                        0 => yuv(at / 2, y)[0],
                        2 => yuv(at / 2, y)[0],
                        1 => yuv(at / 4 * 2, y)[1],
                        _ => yuv(at / 4 * 2, y)[2],
                    },
                    (PixelFormat::Nv12, 1) => yuv(at & !1, 2 * y)[1 + at as usize % 2],
                    (PixelFormat::I420, 1 | 2) => yuv(2 * at, 2 * y)[plane],
                    (PixelFormat::Rgb, _) => rgb(at / 3, y)[at as usize % 3],
                    (PixelFormat::Bgr, _) => rgb(at / 3, y)[2 - at as usize % 3],
                    (PixelFormat::Rgba, _) if at % 4 == 3 => 255,
                    (PixelFormat::Rgba, _) => rgb(at / 4, y)[at as usize % 4],
                    _ => yuv(at, y)[0],
                });
            }
            bytes.extend(std::iter::repeat_n(0xaa, padding));
        }
    }
    bytes.truncate(bytes.len() - padding);
    Frame { header: FrameHeader { planes, ..header(format, size, colour, bytes.len()) }, bytes }
}

/// A JPEG frame of high quality.
pub(super) fn jpeg(
    size: Size,
    subsamp: turbojpeg::Subsamp,
    picture: impl Fn(u32, u32) -> Rgb,
) -> Frame {
    let Size { width, height } = size;
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| picture(x, y))
        .collect();
    let image = turbojpeg::Image {
        pixels: &pixels[..],
        width: width as usize,
        pitch: width as usize * 3,
        height: height as usize,
        format: turbojpeg::PixelFormat::RGB,
    };
    let bytes = turbojpeg::compress(image, 95, subsamp).unwrap().to_vec();
    Frame { header: header(PixelFormat::Mjpg, size, Colour::JPEG, bytes.len()), bytes }
}

/// Colour of a pixel of a rendition.
pub(super) fn seen(converted: &Converted, bytes: &[u8], (x, y): (u32, u32)) -> Rgb {
    let at = |plane: usize, x: u32, y: u32| {
        let plane = converted.planes[plane];
        bytes[(plane.offset + y * plane.stride + x) as usize]
    };
    let yuv = |y, u, v| to_rgb([y, u, v], converted.colour);
    match converted.format {
        PixelFormat::Grey => yuv(at(0, x, y), 128, 128),
        PixelFormat::I420 => yuv(at(0, x, y), at(1, x / 2, y / 2), at(2, x / 2, y / 2)),
        PixelFormat::Nv12 => yuv(at(0, x, y), at(1, x & !1, y / 2), at(1, x | 1, y / 2)),
        PixelFormat::Yuyv => yuv(at(0, 2 * x, y), at(0, x / 2 * 4 + 1, y), at(0, x / 2 * 4 + 3, y)),
        PixelFormat::Rgb => [0, 1, 2].map(|part| at(0, x * 3 + part, y)),
        PixelFormat::Bgr => [2, 1, 0].map(|part| at(0, x * 3 + part, y)),
        PixelFormat::Rgba => {
            assert_eq!(at(0, x * 4 + 3, y), 255, "opaque");
            [0, 1, 2].map(|part| at(0, x * 4 + part, y))
        }
        PixelFormat::Mjpg | PixelFormat::Other(_) => {
            let image = turbojpeg::decompress(bytes, turbojpeg::PixelFormat::RGB).unwrap();
            [0, 1, 2].map(|part| image.pixels[y as usize * image.pitch + x as usize * 3 + part])
        }
    }
}
