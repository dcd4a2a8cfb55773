//! Streams of the real service, read as any program reads them.

use std::time::Duration;

use protocol::{
    CameraId, Delivery, ErrorKind, Frame, FrameRate, ModeWish, PixelFormat, Rotation, Size,
    StreamFormat, StreamRequest,
    client::{ClientError, Connector, FrameStream, StreamEvent},
    endpoint::Endpoint,
    strip,
};
use tests::{Service, wait_until};

const LONG: Duration = Duration::from_secs(60);

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(LONG, test).await.expect("the test ends in time");
    });
}

fn connector(service: &Service) -> Connector {
    Connector::new("a test").endpoint(Endpoint::at(service.socket()))
}

fn native() -> StreamRequest {
    StreamRequest::native("test:0".into())
}

fn pixels(format: PixelFormat) -> StreamRequest {
    StreamRequest { format: StreamFormat::Pixels(format), ..native() }
}

async fn open(service: &Service, request: StreamRequest) -> FrameStream {
    connector(service).stream(request).await.expect("a stream")
}

async fn frame(stream: &mut FrameStream) -> Frame {
    stream.next_frame().await.expect("a frame")
}

/// The strip must say of the frame what its header says.
fn assert_strip(frame: &Frame) {
    let header = frame.header();
    let read = strip::read_frame(header, frame).expect("a strip");
    assert_eq!((read.sequence, read.monotonic_ns), (header.sequence, header.monotonic_ns));
}

#[test]
fn frames_come_whole_and_in_order_shared_and_inline() {
    let service = Service::start();
    run(async {
        for delivery in [Delivery::Shared, Delivery::Inline] {
            let mut stream = open(&service, StreamRequest { delivery, ..native() }).await;
            let StreamEvent::Started(started) = stream.next().await.expect("a start") else {
                panic!("a stream starts with what it gives");
            };
            assert_eq!((started.delivery, started.mode), (delivery, started.native));
            let mut last = None;
            for _ in 0..60 {
                let frame = frame(&mut stream).await;
                assert_strip(&frame);
                let sequence = frame.header().sequence;
                assert!(last < Some(sequence), "{sequence} after {last:?}");
                last = Some(sequence);
            }
        }
    });
}

#[test]
fn a_client_holds_two_frames_at_most_and_then_gets_the_newest() {
    let service = Service::start();
    run(async {
        let mut stream = open(&service, native()).await;
        let held = [frame(&mut stream).await, frame(&mut stream).await];
        let before = held[1].header().sequence;
        let none = tokio::time::timeout(Duration::from_millis(500), stream.next()).await;
        assert!(none.is_err(), "a third frame came while two are held");
        // What is held is not written: its strip is still that of its header.
        held.iter().for_each(assert_strip);
        drop(held);
        let newest = frame(&mut stream).await;
        let header = newest.header();
        assert!(header.dropped >= 10, "{header:?}");
        assert_eq!(header.sequence, before + 1 + u64::from(header.dropped), "all is accounted for");
    });
}

#[test]
fn renditions_have_the_format_and_the_size_asked_for() {
    let service = Service::builder().test_camera("640x480@30").start();
    run(async {
        // Holds the camera in its mode.
        let mut first = open(&service, native()).await;
        frame(&mut first).await;
        use PixelFormat::{Grey, I420, Mjpg, Nv12, Rgb, Rgba};
        for format in [Mjpg, I420, Nv12, Rgb, Rgba, Grey] {
            let request = StreamRequest { max_size: Some(Size::new(320, 320)), ..pixels(format) };
            let mut stream = open(&service, request).await;
            for _ in 0..3 {
                let frame = frame(&mut stream).await;
                let header = frame.header();
                assert_eq!((header.format, header.size), (format, Size::new(320, 240)));
                if format == Mjpg {
                    assert!(frame.starts_with(&[0xff, 0xd8]) && frame.ends_with(&[0xff, 0xd9]));
                } else {
                    assert_strip(&frame);
                }
            }
        }
        let turned = StreamRequest { rotation: Rotation::Quarter, mirror: true, ..pixels(Rgb) };
        let mut stream = open(&service, turned).await;
        assert_eq!(frame(&mut stream).await.header().size, Size::new(480, 640));
    });
}

#[test]
fn a_rendition_is_computed_once_for_all_who_ask_for_the_same() {
    let service = Service::start();
    run(async {
        let request = StreamRequest { quality: Some(50), ..pixels(PixelFormat::Mjpg) };
        let mut first = open(&service, native()).await;
        frame(&mut first).await;
        let mut alike = Vec::new();
        for _ in 0..4 {
            let mut stream = open(&service, request.clone()).await;
            frame(&mut stream).await;
            alike.push(stream);
        }
        let client = connector(&service).control().await.expect("a connection");
        let camera = CameraId::from("test:0");
        let renditions = async || client.camera(&camera).await.expect("a camera").renditions;
        assert_eq!(renditions().await, ["MJPG quality 50"]);
        drop(alike);
        while !renditions().await.is_empty() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn beyond_eight_renditions_the_nearest_smaller_one_is_given_and_named() {
    let service = Service::builder().test_camera("640x480@30").start();
    run(async {
        let sized = |width: u32| StreamRequest {
            max_size: Some(Size::new(width, 480)),
            ..pixels(PixelFormat::Rgb)
        };
        let mut first = open(&service, native()).await;
        frame(&mut first).await;
        let mut streams = Vec::new();
        for n in 1..=8 {
            let mut stream = open(&service, sized(n * 40)).await;
            frame(&mut stream).await;
            streams.push(stream);
        }
        let mut ninth = open(&service, sized(270)).await;
        let StreamEvent::Started(started) = ninth.next().await.expect("a start") else {
            panic!("a stream starts with what it gives");
        };
        assert_eq!(started.mode.size, Size::new(240, 180));
        assert!(started.instead.expect("named").contains("240x480"));
        assert_eq!(frame(&mut ninth).await.header().size, Size::new(240, 180));
        let mut other = open(&service, pixels(PixelFormat::Grey)).await;
        let Err(ClientError::Reply(error)) = other.next().await else { panic!("refused") };
        assert_eq!(error.kind, ErrorKind::Limit);
    });
}

#[test]
fn a_rate_limit_thins_out_and_counts_nothing_as_dropped() {
    let service = Service::start();
    run(async {
        let limited = StreamRequest { max_rate: Some(FrameRate::new(10, 1)), ..native() };
        let mut full = open(&service, native()).await;
        frame(&mut full).await;
        for request in [limited.clone(), StreamRequest { mirror: true, ..limited }] {
            let mut stream = open(&service, request).await;
            let start = frame(&mut stream).await.header().monotonic_ns;
            let mut dropped = 0;
            for _ in 0..10 {
                dropped += frame(&mut stream).await.header().dropped;
            }
            let end = frame(&mut stream).await.header().monotonic_ns;
            let seconds = (end - start) as f64 / 1e9;
            // Eleven intervals of a tenth; a busy machine may miss some.
            assert!(seconds > 0.95, "eleven frames at 10 fps took {seconds} s");
            assert_eq!(dropped, 0);
        }
    });
}

#[test]
fn a_start_changes_the_mode_for_native_readers_and_says_for_whom() {
    let service = Service::start();
    run(async {
        let mut native_reader = open(&service, native()).await;
        frame(&mut native_reader).await;
        let small =
            StreamRequest { max_size: Some(Size::new(160, 120)), ..pixels(PixelFormat::Rgb) };
        let mut rendition = open(&service, small).await;
        frame(&mut rendition).await;
        let client = connector(&service).control().await.expect("a connection");
        let wish = ModeWish {
            format: Some(PixelFormat::Nv12),
            size: Some(Size::new(640, 480)),
            rate: None,
        };
        let started = client.start_camera(&"test:0".into(), wish).await.expect("a start");
        assert_eq!(started.mode.format, PixelFormat::Nv12);
        let affected: Vec<_> = started.affected.iter().map(|one| one.connection).collect();
        assert_eq!(affected, [native_reader.id()]);
        loop {
            match native_reader.next().await.expect("an event") {
                StreamEvent::ModeChanged { mode, .. } => break assert_eq!(mode, started.mode),
                StreamEvent::Frame(frame) => assert_eq!(frame.header().format, PixelFormat::Yuyv),
                _ => panic!("neither a frame nor a change of mode"),
            }
        }
        let changed = frame(&mut native_reader).await;
        assert_eq!(changed.header().format, PixelFormat::Nv12);
        assert_strip(&changed);
        for _ in 0..20 {
            assert_eq!(frame(&mut rendition).await.header().size, Size::new(160, 120));
        }
        client.stop_camera(&"test:0".into()).await.expect("stopped");
    });
}

#[test]
fn the_first_reader_decides_about_the_mode_of_a_closed_camera() {
    let service = Service::start();
    run(async {
        let request =
            StreamRequest { max_size: Some(Size::new(1280, 720)), ..pixels(PixelFormat::Mjpg) };
        // The second comes before the camera is closed, but nobody else watches by then. That it
        // is small does not make the camera small: others may come.
        let other =
            StreamRequest { max_size: Some(Size::new(160, 120)), ..pixels(PixelFormat::Nv12) };
        for (request, mode) in [(request, "MJPG 1280x720 30 fps"), (other, "NV12 320x240 30 fps")] {
            let mut stream = open(&service, request).await;
            let StreamEvent::Started(started) = stream.next().await.expect("a start") else {
                panic!("a stream starts with what it gives");
            };
            assert_eq!(started.native.to_string(), mode);
            frame(&mut stream).await;
            drop(stream);
        }
    });
}

#[test]
fn a_camera_is_closed_after_its_last_reader_and_held_open_by_a_start() {
    let service = Service::start();
    let state = |wanted: &str| {
        wait_until(&format!("the camera to be {wanted}"), LONG, || {
            let state = service.json(&["list"])[0]["state"].clone();
            if state == wanted { Ok(()) } else { Err(state.to_string()) }
        });
    };
    state("closed");
    service.cli(&["stream", "test:0", "--count", "3"]).ok();
    state("closed");
    service.cli(&["start", "test:0"]).ok();
    state("streaming");
    // Nobody watches: who holds it is seen all the same, and the log has who asked.
    for table in ["list", "status"] {
        let out = service.cli(&[table]).ok();
        assert!(out.text().contains(" 30 fps  0, held\n"), "{out:?}");
    }
    let log = service.log();
    let opened = log.lines().find(|line| line.contains(" opened: ") && line.contains("by=\"start"));
    let opened = opened.unwrap_or_else(|| panic!("{log}"));
    assert!(opened.contains("by=\"start by camera-service start (process "), "{opened}");
    service.cli(&["stream", "test:0", "--count", "3"]).ok();
    service.cli(&["stop", "test:0"]).ok();
    state("closed");
    let slots = service.json(&["status"])["slot_bytes"].clone();
    assert_eq!(slots, 0, "a closed camera keeps no slots");
}

#[test]
fn who_holds_slots_for_too_long_lags_and_comes_back() {
    let service = Service::start();
    run(async {
        let mut good = open(&service, native()).await;
        let mut holders = Vec::new();
        // The newest frame of one is the oldest of the next: 20 of them hold 21 frames.
        for _ in 0..20 {
            let mut stream = open(&service, native()).await;
            let held = vec![frame(&mut stream).await, frame(&mut stream).await];
            holders.push((stream, held));
        }
        // All 16 slots are held by somebody, and more are needed. What came while this one did
        // not read is counted in its first frames.
        for _ in 0..3 {
            frame(&mut good).await;
        }
        let mut last = frame(&mut good).await.header().sequence;
        for _ in 0..30 {
            let frame = frame(&mut good).await;
            assert_strip(&frame);
            assert_eq!(frame.header().dropped, 0, "the one that reads loses nothing");
            assert!(frame.header().sequence > last);
            last = frame.header().sequence;
        }
        let (mut first, held) = holders.swap_remove(0);
        held.iter().for_each(assert_strip);
        let event = first.next().await.expect("an event");
        assert!(matches!(event, StreamEvent::Lagged), "the longest holder is told");
        drop(held);
        let resumed = frame(&mut first).await;
        assert!(resumed.header().sequence > last - 5);
        assert!(resumed.header().dropped > 0);
    });
}

#[test]
fn the_user_can_disconnect_a_reader() {
    let service = Service::start();
    run(async {
        let mut stream = open(&service, native()).await;
        frame(&mut stream).await;
        let client = connector(&service).control().await.expect("a connection");
        let connection = stream.id();
        client.request(protocol::Request::Disconnect { connection }).await.expect("done");
        let error = loop {
            match stream.next().await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("disconnected by the user"), "{error}");
    });
}

#[test]
fn readers_are_told_when_the_service_stops() {
    let service = Service::start();
    run(async {
        let mut stream = open(&service, native()).await;
        frame(&mut stream).await;
        let client = connector(&service).control().await.expect("a connection");
        client.shutdown().await.expect("it stops");
        let error = loop {
            match stream.next().await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("stopping"), "{error}");
    });
}
