//! Pixel formats, sizes, rates and modes as text.

use std::{collections::BTreeSet, str::FromStr};

use proptest::prelude::*;
use protocol::{FourCc, FrameRate, Mode, ModeWish, PixelFormat, Rotation, Size};

fn refused<T: FromStr<Err = protocol::ParseError> + std::fmt::Debug>(texts: &[&str], hint: &str) {
    for text in texts {
        let error = text.parse::<T>().expect_err(text).to_string();
        assert_eq!(error, format!("{text:?} is not {hint}"));
    }
}

#[test]
fn sizes() {
    for (text, size) in [
        ("1280x720", Size::new(1280, 720)),
        ("640X480", Size::new(640, 480)),
        ("1x1", Size::new(1, 1)),
        ("65535x65535", Size::new(65_535, 65_535)),
    ] {
        assert_eq!(text.parse(), Ok(size));
        assert_eq!(size.to_string(), text.to_lowercase());
    }
    refused::<Size>(
        &[
            "",
            "x",
            "640",
            "640x",
            "x480",
            "640x480x3",
            "0x480",
            "640x0",
            "65536x1",
            "1x65536",
            "-640x480",
            "640 x 480",
            "640x480 ",
            "6e2x480",
            "99999999999x1",
            "640×480",
        ],
        "a size such as 1280x720",
    );
    assert_eq!(format!("[{:>9}]", Size::new(640, 480)), "[  640x480]");
    assert_eq!(Size::new(u32::MAX, u32::MAX).area(), 18_446_744_065_119_617_025);
}

#[test]
fn rates_are_read() {
    for (text, numerator, denominator) in [
        ("30", 30, 1),
        ("29.97", 29_970, 1_000),
        ("7.5", 7_500, 1_000),
        ("30000/1001", 30_000, 1_001),
        ("15/2", 15, 2),
        ("1/60", 1, 60),
        ("0.001", 1, 1_000),
        ("100000", 100_000, 1),
    ] {
        let rate: FrameRate = text.parse().expect(text);
        assert_eq!((rate.numerator, rate.denominator), (numerator, denominator), "{text}");
    }
    refused::<FrameRate>(
        &[
            "",
            "0",
            "0/1",
            "30/0",
            "0/0",
            "/",
            "30/",
            "/1",
            "-30",
            "-1/1",
            "nan",
            "inf",
            "0.0001",
            "100001",
            "100000.5",
            "4294967295/1",
            "99999999999",
            "1/99999999999",
            "30 fps",
            "30/1/1",
            "1e99",
        ],
        "a frame rate such as 30, 7.5 or 30000/1001",
    );
}

#[test]
fn rates_are_written() {
    for (numerator, denominator, text) in [
        (30, 1, "30"),
        (60, 2, "30"),
        (30_000, 1_001, "29.97"),
        (15, 2, "7.5"),
        (1, 60, "0.02"),
        (0, 1, "0"),
        (30, 0, "0"),
        (0, 0, "0"),
    ] {
        assert_eq!(FrameRate::new(numerator, denominator).to_string(), text);
    }
    assert_eq!(format!("[{:>6}]", FrameRate::new(15, 2)), "[   7.5]");
}

#[test]
fn rates_as_numbers() {
    assert_eq!(FrameRate::new(30, 1).interval_ns(), Some(33_333_333));
    assert_eq!(FrameRate::new(1, u32::MAX).interval_ns(), Some(4_294_967_295_000_000_000));
    assert_eq!(FrameRate::new(u32::MAX, 1).interval_ns(), Some(0));
    for invalid in [FrameRate::new(0, 1), FrameRate::new(1, 0), FrameRate::new(0, 0)] {
        assert!(!invalid.is_valid());
        assert_eq!(invalid.interval_ns(), None);
        assert!(invalid.as_f64() == 0.0);
    }
    assert!((FrameRate::new(30_000, 1_001).as_f64() - 29.97).abs() < 0.001);
    assert_eq!(FrameRate::new(30, 1), FrameRate::new(60, 2));
    assert!(FrameRate::new(30_000, 1_001) < FrameRate::new(30, 1));
}

/// Numbers of which many are 0, so that rates are often invalid.
fn rate() -> impl Strategy<Value = FrameRate> {
    let number = prop_oneof![Just(0), 1..5_u32, any::<u32>()];
    (number.clone(), number).prop_map(|(n, d)| FrameRate::new(n, d))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// What comes from other programs may be sorted, whatever it is.
    #[test]
    fn rates_have_an_order(a in rate(), b in rate(), c in rate()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
        if a == b {
            prop_assert_eq!(a.cmp(&c), b.cmp(&c));
        }
        if a.is_valid() && !b.is_valid() {
            prop_assert!(b < a);
        }
    }

    #[test]
    fn sizes_survive(width in 1..=65_535_u32, height in 1..=65_535_u32) {
        let size = Size::new(width, height);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }

    #[test]
    fn fractions_survive(numerator in 1..100_000_u32, denominator in 1..100_000_u32) {
        let rate: FrameRate = format!("{numerator}/{denominator}").parse()?;
        prop_assert_eq!((rate.numerator, rate.denominator), (numerator, denominator));
    }

    #[test]
    fn no_text_panics(text in any::<String>(), width in any::<u32>(), height in any::<u32>()) {
        for text in [text, format!("{width}x{height}"), format!("{width}/{height}")] {
            let _ = text.parse::<Size>();
            let _ = text.parse::<FrameRate>();
            let _ = text.parse::<PixelFormat>();
            let _ = text.parse::<Rotation>();
        }
        let _ = FrameRate::new(width, height).to_string();
    }
}

const SERVED: [(PixelFormat, &str, &[&str]); 8] = [
    (PixelFormat::Mjpg, "MJPG", &["mjpg", "MJPEG", "jpeg", "jpg", "MJpg"]),
    (PixelFormat::Yuyv, "YUYV", &["yuyv", "YUY2"]),
    (PixelFormat::Nv12, "NV12", &["nv12"]),
    (PixelFormat::I420, "I420", &["i420", "YU12", "yuv420p"]),
    (PixelFormat::Grey, "GREY", &["grey", "gray"]),
    (PixelFormat::Rgb, "RGB", &["rgb", "RGB3", "rgb24"]),
    (PixelFormat::Bgr, "BGR", &["bgr", "BGR3", "bgr24"]),
    (PixelFormat::Rgba, "RGBA", &["rgba", "AB24"]),
];

#[test]
fn pixel_formats() {
    for (format, name, others) in SERVED {
        assert_eq!(format.to_string(), name);
        assert_eq!(name.parse(), Ok(format));
        for other in others {
            assert_eq!(other.parse(), Ok(format), "{other}");
        }
    }
    let names: BTreeSet<_> = SERVED.iter().map(|(_, name, _)| name).collect();
    assert_eq!(names.len(), SERVED.len());
    refused::<PixelFormat>(
        &["", " ", "h264", "MJPG ", "native", "nv21"],
        "a pixel format: MJPG, YUYV, NV12, I420, GREY, RGB, BGR or RGBA",
    );
}

#[test]
fn four_character_codes() {
    for (code, text) in [
        (*b"H264", "H264"),
        (*b"Y16 ", "Y16"),
        (*b"Y16\xa0", "Y16-BE"),
        (*b"RGB\0", "RGB"),
        ([b'A', 0x07, 0xff, b'B'], "A\\x07\\xffB"),
        ([0; 4], ""),
    ] {
        assert_eq!(FourCc(code).to_string(), text);
        assert_eq!(PixelFormat::Other(FourCc(code)).to_string(), text);
    }
    assert_eq!(format!("[{:>6}]", PixelFormat::Other(FourCc(*b"H264"))), "[  H264]");
    assert_eq!(format!("[{:>6}]", PixelFormat::Grey), "[  GREY]");
}

#[test]
fn modes_and_wishes() {
    let mode = Mode {
        format: PixelFormat::Mjpg,
        size: Size::new(1280, 720),
        rate: FrameRate::new(30_000, 1_001),
    };
    assert_eq!(mode.to_string(), "MJPG 1280x720 29.97 fps");
    assert_eq!(format!("[{mode:>25}]"), "[  MJPG 1280x720 29.97 fps]");

    let whole = ModeWish::from(mode);
    assert_eq!(whole.to_string(), mode.to_string());
    assert_eq!(ModeWish::default().to_string(), "any mode");
    assert_eq!(ModeWish { format: None, rate: None, ..whole }.to_string(), "1280x720");
    assert_eq!(ModeWish { size: None, ..whole }.to_string(), "MJPG 29.97 fps");
}

#[test]
fn rotations() {
    for (text, rotation) in [
        ("0", Rotation::None),
        ("90", Rotation::Quarter),
        ("180", Rotation::Half),
        ("270", Rotation::ThreeQuarters),
    ] {
        assert_eq!(text.parse(), Ok(rotation));
        assert_eq!(rotation.degrees().to_string(), text);
        assert_eq!(rotation.swaps_sides(), text == "90" || text == "270");
    }
    refused::<Rotation>(&["", "45", "360", "-90", "90°"], "a rotation: 0, 90, 180 or 270");
}
