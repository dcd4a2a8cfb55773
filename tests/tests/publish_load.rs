//! Eight cameras published at once, each with two readers. PUBLISH_SECONDS (5) is how long; a run
//! for which that is set is a measured one, in which nothing may be missing.

use std::{env, thread, time::Duration};

use protocol::{FrameRate, Mode, PixelFormat, Size, StreamRequest};
use tests::{
    Service,
    live::{Publishing, Seen, Told, Watcher, any},
};

const CAMERAS: usize = 8;
const READERS: usize = 2;
/// What a webcam's image of this size has.
const IMAGE_BYTES: usize = 157_000;
const MODE: Mode =
    Mode { format: PixelFormat::Mjpg, size: Size::new(1280, 720), rate: FrameRate::new(30, 1) };

/// A JPEG image with as many bytes as a webcam's: the test camera's compresses better.
fn image() -> Vec<u8> {
    let service = Service::builder().test_camera("1280x720@30").start();
    let image = service.cli(&["snapshot", "test:0", "-o", "-", "--format", "jpeg"]).ok().stdout;
    let mut padded = image[..2].to_vec();
    let mut missing = IMAGE_BYTES.saturating_sub(image.len());
    while missing > 4 {
        let length = missing.min(60_000);
        padded.extend([0xff, 0xfe]);
        padded.extend((length as u16 - 2).to_be_bytes());
        padded.extend(std::iter::repeat_n(b'.', length - 4));
        missing -= length;
    }
    padded.extend(&image[2..]);
    padded
}

#[test]
fn eight_cameras_with_two_readers_each_lose_nothing_on_the_way() {
    let measured = env::var("PUBLISH_SECONDS").ok();
    let seconds = measured.as_deref().unwrap_or("5").parse().expect("PUBLISH_SECONDS in seconds");
    let (service, image) = (Service::builder().start(), image());
    let cameras: Vec<_> = (0..CAMERAS)
        .map(|at| {
            let image = image.clone();
            Publishing::start(&service, &format!("camera{at}"), MODE, move |_| image.clone())
        })
        .collect();
    let readers: Vec<Vec<Watcher>> = (0..CAMERAS)
        .map(|at| {
            let camera = format!("published:camera{at}");
            let request = || StreamRequest::native(camera.as_str().into());
            (0..READERS).map(|_| Watcher::start(&service, request(), any())).collect()
        })
        .collect();
    for reader in readers.iter().flatten() {
        reader.wait(0, "a first frame", |seen| matches!(seen, Seen::Frame(_)));
    }
    let before = service.cpu();
    thread::sleep(Duration::from_secs(seconds));
    let cpu = service.cpu() - before;
    let (mut sent, mut withheld, mut read, mut missed, mut dropped) =
        (0u64, 0u64, 0u64, 0u64, 0u64);
    for (camera, readers) in cameras.iter().zip(&readers) {
        for told in camera.all() {
            match told {
                Told::Sent(_) => sent += 1,
                Told::Withheld => withheld += 1,
                Told::Demand(..) => {}
                Told::Ended(why) => panic!("{why}"),
            }
        }
        for reader in readers {
            reader.assert_sound();
            let mut last = None;
            for seen in reader.all() {
                let Seen::Frame(header) = seen else { continue };
                let gap = last.map_or(0, |last| header.sequence - last - 1);
                // What is missing was passed over for a reader that was late, and it is told so.
                assert_eq!(
                    gap,
                    u64::from(header.dropped) * u64::from(last.is_some()),
                    "{header:?}"
                );
                (last, read, missed) = (Some(header.sequence), read + 1, missed + gap);
                dropped += u64::from(header.dropped);
            }
        }
    }
    println!(
        "{CAMERAS} cameras, {READERS} readers each, {seconds} s: {sent} frames sent, {withheld} \
         withheld for want of credit, {read} read, {missed} missed, {:.0} µs of the service's \
         time a frame sent",
        cpu.as_secs_f64() * 1e6 / sent as f64
    );
    assert!(read > sent, "{read} of {sent} were read");
    if measured.is_some() {
        assert_eq!((withheld, missed, dropped), (0, 0, 0));
    }
}
