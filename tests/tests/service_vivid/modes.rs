//! A mode that is changed while clients watch.

use protocol::{Mode, PixelFormat, Size, StreamFormat, StreamRequest};
use serde_json::{Value, json};
use tests::live::{Seen, Watcher, any};

use super::{FIRST, service, wait_for_state};

fn mode(format: &str, size: &str) -> Mode {
    Mode {
        format: format.parse().expect("a format"),
        size: size.parse().expect("a size"),
        rate: "15".parse().expect("a rate"),
    }
}

#[test]
fn a_start_changes_the_mode_for_native_readers_and_renditions_keep_their_size() {
    let service = service();
    let start = |mode: Mode| {
        let (format, size) = (mode.format.to_string(), mode.size.to_string());
        let args = ["start", FIRST, "--format", &format, "--size", &size, "--fps", "15"];
        let started = service.json(&args);
        let size = mode.size;
        let expected =
            json!({"format": format, "width": size.width, "height": size.height, "fps": 15});
        assert_eq!(started["mode"], expected, "{started}");
        started["affected"].clone()
    };
    let first = mode("YUYV", "640x360");
    assert_eq!(start(first), json!([]));
    assert_eq!(service.json(&["list"])[0]["held_open"], true);

    let native = Watcher::start(&service, StreamRequest::native(FIRST.into()), any());
    let request = StreamRequest {
        format: StreamFormat::Pixels(PixelFormat::I420),
        max_size: Some(Size::new(160, 90)),
        ..StreamRequest::native(FIRST.into())
    };
    let rendition = Watcher::start(&service, request, any());
    assert_eq!(native.started().mode, first);
    let rendered = rendition.started().mode;
    assert_eq!((rendered.format, rendered.size), (PixelFormat::I420, Size::new(160, 90)));
    native.frames(0, 2);
    rendition.frames(0, 2);

    // Every raw format that is served, once.
    for (format, size) in [
        ("NV12", "320x180"),
        ("GREY", "320x180"),
        ("RGB", "640x360"),
        ("BGR", "320x180"),
        ("I420", "640x360"),
        ("YUYV", "640x360"),
    ] {
        let now = mode(format, size);
        let (native_from, rendition_from) = (native.now(), rendition.now());
        let affected = start(now);
        let ids: Vec<&Value> =
            affected.as_array().expect("clients").iter().map(|client| &client["id"]).collect();
        assert_eq!(ids, [&json!(native.id().0)], "whom the change to {now} affected");
        let (at, frames) = native.mode_changed(native_from, now);
        assert_eq!(frames, now);
        for header in native.frames(at, 2) {
            assert_eq!((header.format, header.size), (now.format, now.size));
        }
        let (at, frames) = rendition.mode_changed(rendition_from, now);
        assert_eq!((frames.format, frames.size), (rendered.format, rendered.size));
        for header in rendition.frames(at, 2) {
            assert_eq!((header.format, header.size), (rendered.format, rendered.size));
        }
    }
    for watcher in [&native, &rendition] {
        let bad = |seen: &Seen| !matches!(seen, Seen::Started(_) | Seen::ModeChanged(..));
        assert!(!watcher.other_than_frames().iter().any(bad), "{:?}", watcher.other_than_frames());
    }

    let from = native.now();
    let refused = service.cli(&["start", FIRST, "--size", "333x222", "--json"]).expect_code(1);
    assert!(refused.stderr.contains("unsupported_mode"), "{refused:?}");
    assert!(refused.stderr.contains("320x180"), "it names what is near: {refused:?}");
    native.frames(from, 2);

    let mapped = service.has_mapped(std::path::Path::new("/dev/video0"));
    assert!(!mapped, "the kernel writes into slots in every mode");

    service.cli(&["stop", FIRST]).ok();
    native.frames(native.now(), 2);
    drop((native, rendition));
    wait_for_state(&service, FIRST, "closed");
}
