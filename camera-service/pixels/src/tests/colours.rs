//! Colours come out right, and where they belong.

use protocol::{Colour, Crop, PixelFormat, Rotation, Size};
use turbojpeg::Subsamp;

use super::frames::{COLOURS, Frame, RAW, Rgb, is_rgb, jpeg, raw, seen, to_rgb, to_yuv};
use crate::{Converter, Spec};

const BARS: [Rgb; 8] = [
    [255, 255, 255],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

fn targets() -> impl Iterator<Item = PixelFormat> {
    RAW.into_iter().chain([PixelFormat::Mjpg])
}

fn bars(size: Size) -> impl Fn(u32, u32) -> Rgb {
    move |x, _| BARS[(x * 8 / size.width) as usize]
}

/// Every format in every encoding that it has.
fn frames(size: Size, padding: usize, picture: impl Fn(u32, u32) -> Rgb + Copy) -> Vec<Frame> {
    let mut frames = Vec::new();
    for format in RAW {
        for colour in COLOURS {
            if !is_rgb(format) || colour == Colour::JPEG {
                frames.push(raw(format, size, colour, padding, picture));
            }
        }
    }
    for subsamp in [
        Subsamp::Sub2x2,
        Subsamp::Sub2x1,
        Subsamp::None,
        Subsamp::Sub1x2,
        Subsamp::Sub4x1,
        Subsamp::Sub1x4,
        Subsamp::Gray,
    ] {
        frames.push(jpeg(size, subsamp, picture));
    }
    frames
}

/// The rendition's colour at each of `places`, compared to what is `wanted` there.
fn check(frame: &Frame, spec: Spec, places: &[((u32, u32), Rgb)]) {
    let mut converter = Converter::new(spec);
    let mut out = vec![0; converter.most_bytes(frame.header.size)];
    let converted = converter.convert(&frame.header, &frame.bytes, &mut out).unwrap();
    assert_eq!(converted.size, spec.output_size(frame.header.size));
    out.truncate(converted.length);
    let is_grey = frame.header.format == PixelFormat::Grey
        || spec.format == PixelFormat::Grey
        || frame.header.format == PixelFormat::Mjpg
            && turbojpeg::read_header(&frame.bytes).unwrap().subsamp == Subsamp::Gray;
    for &(place, mut wanted) in places {
        if is_grey {
            // Only luma comes through, by the coefficients of where it was made.
            let made_by =
                if is_rgb(frame.header.format) { Colour::JPEG } else { frame.header.colour };
            let [y, ..] = to_yuv(wanted, made_by);
            wanted = to_rgb([y, 128, 128], made_by);
        }
        let found = seen(&converted, &out, place);
        let far = found.iter().zip(wanted).any(|(found, wanted)| found.abs_diff(wanted) > 3);
        assert!(
            !far,
            "{} {:?} to {spec} ({:?}): {found:?} at {place:?}, {wanted:?} wanted",
            frame.header.format, frame.header.colour, converted.colour,
        );
    }
}

/// Places in the middle of each bar, in the first, a middle and the last row, and at the right edge.
fn centres_of_bars(size: Size) -> Vec<((u32, u32), Rgb)> {
    let columns = (0..8).map(|bar| (size.width * (2 * bar + 1) / 16, BARS[bar as usize]));
    let columns = columns.chain([(size.width - 1, BARS[7])]);
    let rows = [0, size.height / 2, size.height - 1];
    columns.flat_map(|(x, colour)| rows.map(|y| ((x, y), colour))).collect()
}

#[test]
fn bars_keep_their_colours_in_every_conversion() {
    for (size, padding) in [(Size::new(640, 32), 0), (Size::new(641, 33), 13)] {
        for frame in frames(size, padding, &bars(size)) {
            for format in targets() {
                for max_size in [None, Some(Size::new(320, 1000)), Some(Size::new(231, 1000))] {
                    let spec = Spec { max_size, quality: 95, ..Spec::new(format) };
                    check(&frame, spec, &centres_of_bars(spec.output_size(size)));
                }
            }
        }
    }
}

#[test]
fn every_grey_level_is_kept() {
    let size = Size::new(512, 16);
    for frame in frames(size, 0, |x, _| [(x / 2) as u8; 3]) {
        for format in targets() {
            let spec = Spec { quality: 100, ..Spec::new(format) };
            let places: Vec<_> = (0..256).map(|level| ((2 * level, 8), [level as u8; 3])).collect();
            check(&frame, spec, &places);
        }
    }
}

/// Red, green, blue and white quarters.
fn quarters(size: Size) -> impl Fn(u32, u32) -> Rgb {
    move |x, y| match (2 * x < size.width, 2 * y < size.height) {
        (true, true) => [200, 0, 0],
        (false, true) => [0, 200, 0],
        (true, false) => [0, 0, 200],
        (false, false) => [255, 255, 255],
    }
}

#[test]
fn turning_mirroring_and_cropping_put_pixels_where_they_belong() {
    let size = Size::new(128, 96);
    let picture = quarters(size);
    let crops = [
        None,
        // Three quarters of each side from the left and the top: quarters at two thirds.
        Some(Crop { left: 0, top: 0, width: 7500, height: 7500 }),
        // The white quarter with some of the others.
        Some(Crop { left: 3000, top: 2000, width: 7000, height: 8000 }),
    ];
    for frame in frames(size, 6, &picture) {
        for format in targets() {
            for crop in crops {
                for max_size in [None, Some(Size::new(48, 48)), Some(Size::new(31, 31))] {
                    for rotation in
                        [Rotation::None, Rotation::Quarter, Rotation::Half, Rotation::ThreeQuarters]
                    {
                        for mirror in [false, true] {
                            let spec =
                                Spec { format, max_size, crop, rotation, mirror, quality: 100 };
                            check(&frame, spec, &corners(&spec, size, &picture));
                        }
                    }
                }
            }
        }
    }
}

/// A place near each corner of the rendition, and the colour of where it came from.
fn corners(
    spec: &Spec,
    native: Size,
    picture: &impl Fn(u32, u32) -> Rgb,
) -> Vec<((u32, u32), Rgb)> {
    let out = spec.output_size(native);
    let crop = spec.crop.unwrap_or(Crop { left: 0, top: 0, width: 10_000, height: 10_000 });
    let near = [0.1, 0.9];
    let places = near.into_iter().flat_map(|x| near.map(|y| (x, y)));
    places
        .map(|(x, y)| {
            let place = ((x * f64::from(out.width)) as u32, (y * f64::from(out.height)) as u32);
            let x = if spec.mirror { 1.0 - x } else { x };
            let (x, y) = match spec.rotation {
                Rotation::None => (x, y),
                Rotation::Quarter => (y, 1.0 - x),
                Rotation::Half => (1.0 - x, 1.0 - y),
                Rotation::ThreeQuarters => (1.0 - y, x),
            };
            let from = |share: f64, from: u16, length: u16, side: u32| {
                ((f64::from(from) + share * f64::from(length)) / 10_000.0 * f64::from(side)) as u32
            };
            let x = from(x, crop.left, crop.width, native.width);
            let y = from(y, crop.top, crop.height, native.height);
            (place, picture(x, y))
        })
        .collect()
}
