//! The test camera's strip in renditions of its frames.

use std::time::Duration;

use protocol::{
    FrameHeader, FrameRate, ModeWish, PixelFormat, Size,
    strip::{self, Strip, StripError},
};

use camera_service::device::{Device as _, Next, test_camera::TestCamera};
use pixels::{Converter, Spec};

const RAW: [PixelFormat; 7] = [
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::I420,
    PixelFormat::Grey,
    PixelFormat::Rgb,
    PixelFormat::Bgr,
    PixelFormat::Rgba,
];

/// A frame of the test camera.
fn frame(format: PixelFormat, size: Size) -> (FrameHeader, Vec<u8>) {
    let camera = TestCamera::new(0, size, FrameRate::new(1000, 1)).unwrap();
    let wish = ModeWish { format: Some(format), ..ModeWish::default() };
    let mut capture = camera.open(&wish).unwrap();
    let pool = capture.pool();
    let Next::Frame(frame) = capture.next_frame(&pool, Duration::from_secs(5)).unwrap() else {
        panic!("no frame");
    };
    let header = FrameHeader {
        sequence: frame.sequence,
        monotonic_ns: frame.monotonic_ns,
        unix_ns: 0,
        size,
        format,
        planes: frame.planes,
        colour: frame.colour,
        length: frame.length,
        dropped: 0,
    };
    (header, frame.slot.to_vec())
}

/// The strip in the rendition `spec` of a frame.
fn read(header: &FrameHeader, bytes: &[u8], spec: Spec) -> Result<Strip, StripError> {
    let mut converter = Converter::new(spec);
    let mut out = vec![0; converter.most_bytes(header.size)];
    let converted = converter.convert(header, bytes, &mut out).unwrap();
    if spec.format == PixelFormat::Mjpg {
        let jpeg = &out[..converted.length];
        let image = turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::RGB).unwrap();
        return strip::read_bytes(&image.pixels[1..], image.pitch, 3, converted.size);
    }
    let Size { width, .. } = converted.size;
    let header = FrameHeader {
        size: converted.size,
        format: converted.format,
        planes: converted.planes,
        colour: converted.colour,
        length: converted.length as u32,
        ..header.clone()
    };
    if spec.mirror {
        let plane = header.planes[0];
        return strip::read(header.size, |x, y| {
            out[(plane.offset + y * plane.stride + width - 1 - x) as usize]
        });
    }
    strip::read_frame(&header, &out)
}

#[test]
fn is_read_from_every_rendition() {
    for size in [Size::new(640, 480), Size::new(640, 360), Size::new(321, 241)] {
        for native in RAW.into_iter().chain([PixelFormat::Mjpg]) {
            let (header, bytes) = frame(native, size);
            let wanted = Ok(Strip { sequence: header.sequence, monotonic_ns: header.monotonic_ns });
            for format in RAW.into_iter().chain([PixelFormat::Mjpg]) {
                for width in [640, 500, 320, 160] {
                    let max_size = Some(Size::new(width, 1000));
                    let spec = Spec { max_size, quality: 30, ..Spec::new(format) };
                    assert_eq!(read(&header, &bytes, spec), wanted, "{native} {size} to {spec}");
                }
            }
        }
    }
}

#[test]
fn is_read_at_the_lowest_qualities_of_a_full_picture() {
    let (header, bytes) = frame(PixelFormat::Yuyv, Size::new(640, 480));
    for quality in [1, 5, 10, 20] {
        let spec = Spec { quality, ..Spec::new(PixelFormat::Mjpg) };
        let strip = read(&header, &bytes, spec);
        assert_eq!(strip.map(|strip| strip.sequence), Ok(header.sequence), "quality {quality}");
    }
}

#[test]
fn is_read_from_a_mirrored_picture_by_mirroring_back() {
    let (header, bytes) = frame(PixelFormat::Yuyv, Size::new(640, 480));
    let spec = Spec { mirror: true, ..Spec::new(PixelFormat::Grey) };
    assert_eq!(read(&header, &bytes, spec).map(|strip| strip.sequence), Ok(header.sequence));
}
