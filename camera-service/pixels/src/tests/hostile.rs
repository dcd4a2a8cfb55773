//! Frames that are not what they say.

use proptest::prelude::*;
use protocol::{FourCc, PixelFormat, Plane, Size};
use turbojpeg::Subsamp;

use super::frames::{COLOURS, Frame, RAW, jpeg, raw};
use crate::{Converted, Converter, PixelError, Spec, spec::tests::specs};

const SIZE: Size = Size::new(64, 48);

fn picture(x: u32, y: u32) -> [u8; 3] {
    [(x * 4) as u8, (y * 5) as u8, (x * y) as u8]
}

fn convert(frame: &Frame, spec: Spec) -> Result<Converted, PixelError> {
    let mut converter = Converter::new(spec);
    let mut out = vec![0; converter.most_bytes(frame.header.size)];
    converter.convert(&frame.header, &frame.bytes, &mut out)
}

fn to_rgb(mut frame: Frame) -> Result<Converted, PixelError> {
    frame.header.length = frame.bytes.len() as u32;
    convert(&frame, Spec::new(PixelFormat::Rgb))
}

/// Where a JPEG's frame header begins, which has height and width at 5 and 7.
fn frame_header(jpeg: &[u8]) -> usize {
    jpeg.windows(2).position(|marker| matches!(marker, [0xff, 0xc0 | 0xc2])).unwrap()
}

/// A JPEG whose header has been given another size.
fn claiming(width: u16, height: u16) -> Frame {
    let mut frame = jpeg(SIZE, Subsamp::Sub2x2, picture);
    let at = frame_header(&frame.bytes);
    frame.bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
    frame.bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    frame
}

#[test]
fn a_cut_jpeg_is_an_error() {
    let whole = jpeg(SIZE, Subsamp::Sub2x1, picture);
    for length in 0..whole.bytes.len() - 2 {
        let mut cut = whole.clone();
        cut.bytes.truncate(length);
        let result = to_rgb(cut);
        assert!(matches!(result, Err(PixelError::BadJpeg(_))), "{length}: {result:?}");
    }
}

#[test]
fn a_jpeg_of_another_size_is_an_error() {
    for (width, height) in [(65_500u16, 65_500u16), (63, 48), (64, 49), (1, 1)] {
        let found = Size::new(width.into(), height.into());
        assert_eq!(
            to_rgb(claiming(width, height)),
            Err(PixelError::JpegSize { found, expected: SIZE })
        );
    }
    for side in [0, 65_535] {
        let result = to_rgb(claiming(side, side));
        assert!(matches!(result, Err(PixelError::BadJpeg(_))), "{side}: {result:?}");
    }
}

#[test]
fn surplus_bytes_before_a_marker_do_no_harm() {
    let mut frame = jpeg(SIZE, Subsamp::Sub2x2, picture);
    let end = frame.bytes.len() - 2;
    frame.bytes.splice(end..end, [0x12; 7]);
    assert_eq!(to_rgb(frame.clone()).map(|converted| converted.size), Ok(SIZE));
    frame.bytes.truncate(end / 2);
    frame.bytes.extend([0x12; 7]);
    assert!(to_rgb(frame).is_err(), "but what is missing does");
}

#[test]
fn bytes_behind_a_jpeg_do_no_harm() {
    let mut frame = jpeg(SIZE, Subsamp::Sub2x2, picture);
    frame.bytes.extend([0; 1000]);
    assert!(to_rgb(frame).is_ok());
}

#[test]
fn thousands_of_scans_are_not_decoded() {
    let pixels = [77; 64 * 48];
    let image = turbojpeg::Image {
        pixels: &pixels[..],
        width: 64,
        pitch: 64,
        height: 48,
        format: turbojpeg::PixelFormat::GRAY,
    };
    let mut compressor = turbojpeg::Compressor::new().unwrap();
    compressor.set_progressive(true).unwrap();
    compressor.set_subsamp(Subsamp::Gray).unwrap();
    let progressive = compressor.compress_to_vec(image).unwrap();
    let mut frame = jpeg(SIZE, Subsamp::Gray, picture);
    frame.bytes.clone_from(&progressive);
    assert!(to_rgb(frame.clone()).is_ok(), "a usual number of scans is decoded");
    // The second scan again and again.
    let scans: Vec<usize> = (0..progressive.len() - 1)
        .filter(|&at| progressive[at..].starts_with(&[0xff, 0xda]))
        .collect();
    let scan = progressive[scans[1]..scans[2]].to_vec();
    frame.bytes = progressive[..scans[1]].to_vec();
    for _ in 0..5000 {
        frame.bytes.extend(&scan);
    }
    frame.bytes.extend([0xff, 0xd9]);
    match to_rgb(frame) {
        Err(PixelError::BadJpeg(reason)) => assert!(reason.contains("scans"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_has_no_rows_is_refused() {
    let other = PixelFormat::Other(FourCc(*b"H264"));
    let mut frame = raw(PixelFormat::Grey, SIZE, COLOURS[0], 0, picture);
    assert_eq!(convert(&frame, Spec::new(other)), Err(PixelError::Unsupported(other)));
    frame.header.format = other;
    let rgb = Spec::new(PixelFormat::Rgb);
    assert_eq!(convert(&frame, rgb), Err(PixelError::Unsupported(other)));
    frame.header.size = Size::new(1, 48);
    assert_eq!(convert(&frame, rgb), Err(PixelError::TooSmall(Size::new(1, 48))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_damaged_jpeg_panics_nowhere(
        subsamp in proptest::sample::select(vec![Subsamp::Sub2x2, Subsamp::Sub2x1, Subsamp::None]),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        spec in specs(),
    ) {
        let mut frame = jpeg(SIZE, subsamp, picture);
        for (at, value) in damage {
            let at = at.index(frame.bytes.len());
            frame.bytes[at] = value;
        }
        let _ = convert(&frame, spec);
    }

    #[test]
    fn a_header_that_lies_panics_nowhere(
        format in proptest::sample::select(RAW.to_vec()),
        width in prop_oneof![0u32..70, any::<u32>()],
        height in prop_oneof![0u32..50, any::<u32>()],
        planes in proptest::collection::vec(
            (prop_oneof![0u32..5000, any::<u32>()], prop_oneof![0u32..300, any::<u32>()]),
            0..5,
        ),
        length in prop_oneof![0u32..10_000, any::<u32>()],
        spec in specs(),
    ) {
        let mut frame = raw(format, SIZE, COLOURS[0], 0, picture);
        frame.header.size = Size::new(width, height);
        frame.header.planes =
            planes.into_iter().map(|(offset, stride)| Plane { offset, stride }).collect();
        frame.header.length = length;
        let mut out = vec![0; 100_000];
        let _ = Converter::new(spec).convert(&frame.header, &frame.bytes, &mut out);
    }
}
