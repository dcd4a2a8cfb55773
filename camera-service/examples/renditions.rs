//! Prints what renditions of the test camera's frames cost, in ms a frame: the best of many, so
//! that it hardly matters what else the machine does.
//!
//! `cargo run --release -p camera-service --example renditions`

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use camera_service::device::{Device as _, Next, test_camera::TestCamera};
use pixels::{Converter, Spec};
use protocol::{FrameHeader, FrameRate, ModeWish, PixelFormat, Rotation, Size};

const ROUNDS: u32 = 200;
const SIZES: [Size; 3] = [Size::new(640, 480), Size::new(1280, 720), Size::new(1920, 1080)];

fn main() -> anyhow::Result<()> {
    let half = |spec: Spec, size: Size| Spec {
        max_size: Some(Size::new(size.width / 2, size.height / 2)),
        ..spec
    };
    println!("{:44} {}", "", SIZES.map(|size| format!("{:>10}", size.to_string())).join(""));
    for format in [PixelFormat::Yuyv, PixelFormat::Mjpg] {
        let times = SIZES.map(|size| capture(format, size));
        print_row(&format!("test camera, {format}"), times)?;
    }
    let jpeg = Spec::new(PixelFormat::Mjpg);
    let turned = Spec { rotation: Rotation::Quarter, ..jpeg };
    for (native, spec, smaller) in [
        (PixelFormat::Yuyv, Spec::new(PixelFormat::I420), false),
        (PixelFormat::Yuyv, Spec::new(PixelFormat::Nv12), false),
        (PixelFormat::Yuyv, Spec::new(PixelFormat::Rgba), false),
        (PixelFormat::Yuyv, jpeg, false),
        (PixelFormat::Yuyv, jpeg, true),
        (PixelFormat::Yuyv, turned, false),
        (PixelFormat::Nv12, jpeg, false),
        (PixelFormat::Rgb, jpeg, false),
        (PixelFormat::Mjpg, Spec::new(PixelFormat::I420), false),
        (PixelFormat::Mjpg, Spec::new(PixelFormat::Rgba), false),
        (PixelFormat::Mjpg, jpeg, true),
        (PixelFormat::Mjpg, Spec::new(PixelFormat::Grey), true),
    ] {
        let times =
            SIZES.map(|size| convert(native, size, if smaller { half(spec, size) } else { spec }));
        let scaled = if smaller { ", half size" } else { "" };
        print_row(&format!("{native} to {spec}{scaled}"), times)?;
    }
    Ok(())
}

fn print_row(name: &str, times: [anyhow::Result<Duration>; 3]) -> anyhow::Result<()> {
    print!("{name:44} ");
    for time in times {
        print!("{:10.2}", time?.as_secs_f64() * 1e3);
    }
    println!();
    Ok(())
}

fn convert(native: PixelFormat, size: Size, spec: Spec) -> anyhow::Result<Duration> {
    let (header, bytes) = frame(native, size)?;
    let mut converter = Converter::new(spec);
    let mut out = vec![0; converter.most_bytes(size)];
    converter.convert(&header, &bytes, &mut out)?;
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        converter.convert(&header, &bytes, &mut out)?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// Time to draw a frame: at this rate one is always due.
fn capture(format: PixelFormat, size: Size) -> anyhow::Result<Duration> {
    let camera = TestCamera::new(0, size, FrameRate::new(1000, 1))?;
    let wish = ModeWish { format: Some(format), ..ModeWish::default() };
    let mut capture = camera.open(&wish)?;
    let pool = capture.pool();
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        std::thread::sleep(Duration::from_millis(3));
        let start = Instant::now();
        capture.next_frame(&pool, Duration::from_secs(1))?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

fn frame(format: PixelFormat, size: Size) -> anyhow::Result<(FrameHeader, Vec<u8>)> {
    let camera = TestCamera::new(0, size, FrameRate::new(30, 1))?;
    let wish = ModeWish { format: Some(format), ..ModeWish::default() };
    let mut capture = camera.open(&wish)?;
    let pool = capture.pool();
    let Next::Frame(frame) = capture.next_frame(&pool, Duration::from_secs(1))? else {
        bail!("the test camera gave no frame");
    };
    let bytes = frame.slot.get(..frame.length as usize).context("the slot is too small")?;
    let header = FrameHeader {
        sequence: frame.sequence,
        monotonic_ns: frame.monotonic_ns,
        unix_ns: 0,
        size,
        format,
        planes: frame.planes.clone(),
        colour: frame.colour,
        length: frame.length,
        dropped: 0,
    };
    Ok((header, bytes.to_vec()))
}
