//! Sizes, strides, crops and formats of every kind.

use ::png::{ColorType, Decoder, OutputInfo};
use proptest::prelude::*;
use protocol::{PixelFormat, Size};
use turbojpeg::Subsamp;

use super::frames::{COLOURS, Frame, RAW, jpeg, raw};
use crate::{Converter, Layout, PixelError, png, spec::tests::specs};

fn frames() -> impl Strategy<Value = Frame> {
    let picture = |x: u32, y: u32| [(x * 7) as u8, (y * 5) as u8, (x + y) as u8];
    let sizes = (2u32..100, 2u32..100).prop_map(|(width, height)| Size::new(width, height));
    let subsamps = proptest::sample::select(vec![
        Subsamp::Sub2x2,
        Subsamp::Sub2x1,
        Subsamp::None,
        Subsamp::Sub1x2,
        Subsamp::Sub4x1,
        Subsamp::Sub1x4,
        Subsamp::Gray,
    ]);
    prop_oneof![
        7 => (
            proptest::sample::select(RAW.to_vec()),
            sizes.clone(),
            proptest::sample::select(COLOURS.to_vec()),
            0usize..40,
        )
            .prop_map(move |(format, size, colour, padding)| {
                raw(format, size, colour, padding, picture)
            }),
        2 => (sizes, subsamps).prop_map(move |(size, subsamp)| jpeg(size, subsamp, picture)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_rendition_is_what_its_spec_says(frame in frames(), spec in specs()) {
        let mut converter = Converter::new(spec);
        let mut out = vec![0; converter.most_bytes(frame.header.size)];
        let converted = converter.convert(&frame.header, &frame.bytes, &mut out).unwrap();
        let size = spec.output_size(frame.header.size);
        prop_assert_eq!(converted.size, size);
        prop_assert_eq!(converted.format, spec.format);
        prop_assert!(converted.length <= out.len());
        if spec.format == PixelFormat::Mjpg {
            let header = turbojpeg::read_header(&out[..converted.length]).unwrap();
            prop_assert_eq!((header.width as u32, header.height as u32), (size.width, size.height));
        } else {
            let layout = Layout::tight(spec.format, size).unwrap();
            prop_assert_eq!(converted.length, layout.length);
            prop_assert_eq!(&converted.planes, &layout.planes);
        }
        // A converter's memory is used again without a trace of the frame before.
        let mut again = vec![0; out.len()];
        let second = converter.convert(&frame.header, &frame.bytes, &mut again).unwrap();
        prop_assert_eq!(&second, &converted);
        prop_assert_eq!(&again[..second.length], &out[..converted.length]);
    }

    #[test]
    fn one_byte_too_few_is_an_error(frame in frames(), spec in specs()) {
        let mut converter = Converter::new(spec);
        let most = converter.most_bytes(frame.header.size);
        let mut out = vec![0; most];
        let length = converter.convert(&frame.header, &frame.bytes, &mut out).unwrap().length;
        let result = converter.convert(&frame.header, &frame.bytes, &mut out[..length - 1]);
        prop_assert!(result.is_err(), "{result:?} in {} bytes", length - 1);
        if spec.format != PixelFormat::Mjpg {
            let too_small = PixelError::NoRoom { needed: length, room: length - 1 };
            prop_assert_eq!(result, Err(too_small));
        }
        let cut = &frame.bytes[..frame.bytes.len() - 1];
        prop_assert!(converter.convert(&frame.header, cut, &mut out).is_err());
    }
}

#[test]
fn a_png_holds_the_picture() {
    let size = Size::new(33, 21);
    let picture = |x: u32, y: u32| [(x * 7) as u8, (y * 9) as u8, 50];
    let frame = raw(PixelFormat::Bgr, size, COLOURS[0], 5, picture);
    let (info, pixels) = decoded(&png::encode(&frame.header, &frame.bytes).unwrap());
    assert_eq!((info.width, info.height, info.color_type), (33, 21, ColorType::Rgb));
    for (at, pixel) in (0..).zip(pixels.chunks_exact(3)) {
        assert_eq!(pixel, picture(at % 33, at / 33), "pixel {at}");
    }
    let frame = raw(PixelFormat::Grey, size, COLOURS[1], 0, |x, _| [x as u8; 3]);
    let (info, pixels) = decoded(&png::encode(&frame.header, &frame.bytes).unwrap());
    assert_eq!((info.width, info.height, info.color_type), (33, 21, ColorType::Grayscale));
    assert_eq!(pixels[3 * 33 + 20], 20);
}

fn decoded(file: &[u8]) -> (OutputInfo, Vec<u8>) {
    let mut reader = Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info, pixels)
}
