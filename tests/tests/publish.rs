//! Clients that are cameras, and who watches them.

use std::{sync::Arc, time::Duration};

use protocol::{
    CameraState, Delivery, Event, FrameRate, Mode, PixelFormat, Size, StreamFormat, StreamRequest,
    strip,
};
#[cfg(unix)]
use tests::Program;
use tests::{
    Service,
    live::{Events, Judge, Publishing, Seen, Told, Watcher, any, picture},
    wait_until,
};

const LONG: Duration = Duration::from_secs(60);
const SMALL: Size = Size::new(160, 120);

fn mode(format: PixelFormat, size: Size) -> Mode {
    Mode { format, size, rate: FrameRate::new(30, 1) }
}

/// A service with quick timeouts and no cameras.
fn service() -> Service {
    Service::builder().start()
}

fn publish(service: &Service, name: &str, mode: Mode) -> Publishing {
    Publishing::start(service, name, mode, move |number| picture(mode, number))
}

fn watch(service: &Service, request: StreamRequest, judge: Arc<Judge>) -> Watcher {
    Watcher::start(service, request, judge)
}

fn native(name: &str) -> StreamRequest {
    StreamRequest::native(format!("published:{name}").as_str().into())
}

/// Every frame is the one that its header says.
fn strips() -> Arc<Judge> {
    Arc::new(|header, bytes| {
        let read = strip::read_frame(header, bytes).map_err(|error| error.to_string())?;
        let expected = header.sequence;
        if read.sequence == expected { Ok(()) } else { Err(format!("{read:?} is {expected}")) }
    })
}

fn frames(watcher: &Watcher, count: usize) {
    let mut from = watcher.now();
    for _ in 0..count {
        from = watcher.wait(from, "a frame", |seen| matches!(seen, Seen::Frame(_))).0 + 1;
    }
}

fn state(service: &Service, camera: &str) -> serde_json::Value {
    let list = service.json(&["list"]);
    let found = list.as_array().and_then(|all| all.iter().find(|one| one["id"] == camera));
    found.cloned().unwrap_or_default()
}

/// A JPEG image of the test camera, 160x120.
fn image() -> Vec<u8> {
    let service = Service::builder().test_camera("160x120@30").start();
    service.cli(&["snapshot", "test:0", "-o", "-", "--format", "jpeg"]).ok().stdout
}

#[test]
fn frames_of_every_format_arrive_as_they_were_sent() {
    let service = service();
    use PixelFormat::{I420, Nv12, Rgb, Rgba, Yuyv};
    for format in [Yuyv, I420, Nv12, Rgb, Rgba] {
        // Odd for none of them, and no multiple of what processors like.
        let mode = mode(format, Size::new(162, 122));
        let publishing = publish(&service, "raw", mode);
        let watcher = watch(&service, native("raw"), strips());
        assert_eq!(watcher.started().mode, mode);
        frames(&watcher, 10);
        let grey = StreamRequest {
            format: StreamFormat::Pixels(PixelFormat::Grey),
            delivery: Delivery::Inline,
            ..native("raw")
        };
        frames(&watch(&service, grey, strips()), 5);
        watcher.assert_sound();
        drop((watcher, publishing));
        wait_until("the camera to be gone", LONG, || match state(&service, "published:raw") {
            serde_json::Value::Null => Ok(()),
            other => Err(other.to_string()),
        });
    }
}

#[test]
fn jpeg_images_are_passed_on_byte_for_byte() {
    let (service, image) = (service(), image());
    let sent = image.clone();
    let _publishing = Publishing::start(&service, "jpeg", mode(PixelFormat::Mjpg, SMALL), {
        // Zeros behind an image are not part of it.
        move |number| [&sent[..], &vec![0; number as usize % 3]].concat()
    });
    let judge: Arc<Judge> = Arc::new(move |_, bytes| match bytes == image {
        true => Ok(()),
        false => Err(format!("{} bytes and not those that were sent", bytes.len())),
    });
    frames(&watch(&service, native("jpeg"), judge), 10);
    let decoded =
        StreamRequest { format: StreamFormat::Pixels(PixelFormat::I420), ..native("jpeg") };
    frames(&watch(&service, decoded, any()), 5);
    let detail = service.json(&["info", "published:jpeg"]);
    assert_eq!(detail["driver"], "published", "{detail}");
    assert_eq!(service.json(&["controls", "published:jpeg"]), serde_json::json!([]));
}

#[test]
fn a_start_is_in_force_while_it_is_published_until_it_is_stopped() {
    let service = service();
    let camera = "published:held";
    let held = || state(&service, camera)["held_open"].clone();
    let wait_for = |held_open: serde_json::Value| {
        wait_until("what is held open", LONG, || {
            let now = held();
            if now == held_open { Ok(()) } else { Err(now.to_string()) }
        });
    };
    let first = publish(&service, "held", mode(PixelFormat::I420, SMALL));
    wait_for(false.into());
    service.cli(&["start", camera]).ok();
    wait_for(true.into());
    // It would be there for ever, and so would any number of others.
    drop(first);
    wait_for(serde_json::Value::Null);
    let next = publish(&service, "held", mode(PixelFormat::I420, SMALL));
    wait_for(true.into());
    drop(next);
    wait_for(serde_json::Value::Null);
    service.cli(&["stop", camera]).ok();
    let _last = publish(&service, "held", mode(PixelFormat::I420, SMALL));
    wait_for(false.into());
    service.cli(&["stop", "published:nobody"]).expect_code(5);
}

#[test]
fn a_publisher_is_told_how_much_is_wanted() {
    let service = service();
    let publishing = publish(&service, "a", mode(PixelFormat::I420, SMALL));
    let demand = |from, watchers, what: &str| {
        let wanted = |told: &Told| matches!(told, Told::Demand(now, _) if *now == watchers);
        publishing.wait(from, what, wanted).0
    };
    let rests = demand(0, 0, "nobody to watch");
    assert_eq!(publishing.all(), [Told::Demand(0, 0)], "nothing to send while nobody watches");
    let first = watch(&service, native("a"), any());
    let one = demand(rests + 1, 1, "one to watch");
    publishing
        .wait(one, "two frames to be asked for", |told| matches!(told, Told::Demand(1, 1 | 2)));
    frames(&first, 5);
    let second = watch(&service, native("a"), any());
    let two = demand(one, 2, "two to watch");
    frames(&second, 5);
    drop((first, second));
    let none = demand(two, 0, "nobody to watch again");
    wait_until("the camera to be closed", LONG, || {
        let state = state(&service, "published:a")["state"].clone();
        if state == "closed" { Ok(()) } else { Err(state.to_string()) }
    });
    let again = watch(&service, native("a"), any());
    demand(none, 1, "one to watch again");
    frames(&again, 5);
    // At no time were more than two frames on their way.
    let (mut credit, mut most) = (0, 0);
    for told in publishing.all() {
        match told {
            Told::Demand(_, more) => credit += more,
            Told::Sent(_) => credit -= 1,
            Told::Withheld => {}
            Told::Ended(why) => panic!("{why}"),
        }
        most = most.max(credit);
    }
    assert!(most <= 2, "{most} frames were allowed at once");
}

#[test]
fn a_stream_outlives_its_publisher_and_goes_on_with_the_next() {
    let service = service();
    let small = mode(PixelFormat::I420, SMALL);
    let publishing = publish(&service, "a", small);
    let watcher = watch(&service, native("a"), strips());
    frames(&watcher, 5);
    let at = watcher.now();
    drop(publishing);
    let (at, reason) = watcher.lost(at);
    assert!(reason.contains("publish"), "{reason}");
    wait_until("the camera to say so", LONG, || {
        let state = state(&service, "published:a");
        let said = state["reason"].as_str().unwrap_or_default();
        if state["state"] == "lost" && said.contains("publisher") {
            Ok(())
        } else {
            Err(state.to_string())
        }
    });
    let again = publish(&service, "a", small);
    let (at, _) = watcher.wait(at, "frames again", |seen| matches!(seen, Seen::Frame(_)));
    drop(again);
    let (at, _) = watcher.lost(at);
    let large = mode(PixelFormat::Rgb, Size::new(320, 240));
    let _larger = publish(&service, "a", large);
    let (at, now) = watcher.mode_changed(at, large);
    assert_eq!(now, large);
    watcher.wait(
        at,
        "frames in the new mode",
        |seen| matches!(seen, Seen::Frame(header) if header.size == large.size),
    );
}

#[test]
fn a_name_belongs_to_one_at_a_time() {
    let service = service();
    let mode = mode(PixelFormat::I420, SMALL);
    let first = publish(&service, "a", mode);
    let refused = |name: &str| {
        let tried = Publishing::try_start(&service, name, mode, |_| Vec::new());
        tried.err().expect("it is refused").to_string()
    };
    let why = refused("a");
    assert!(why.contains("published already"), "{why}");
    for name in ["", "a b", "../a", "ä"] {
        assert!(refused(name).contains("name"), "{name}");
    }
    drop(first);
    wait_until("the name to be free", LONG, || {
        Publishing::try_start(&service, "a", mode, |_| Vec::new())
            .map(drop)
            .map_err(|error| error.to_string())
    });
}

#[test]
fn a_publisher_can_be_disconnected_and_hears_of_the_end_of_the_service() {
    let service = service();
    let events = Events::start(&service);
    let first = publish(&service, "a", mode(PixelFormat::I420, SMALL));
    let camera = |event: &Event| match event {
        Event::CameraAdded(summary) => summary.state == CameraState::Closed,
        _ => false,
    };
    events.wait(0, "the camera to be told", camera);
    let clients = service.json(&["clients"]);
    let publisher =
        clients.as_array().and_then(|all| all.iter().find(|one| one["role"] == "publish"));
    let publisher = publisher.unwrap_or_else(|| panic!("{clients}"));
    assert_eq!(publisher["camera"], "published:a", "{publisher}");
    drop(first);
    events.wait(0, "its end to be told", |event| matches!(event, Event::CameraRemoved { .. }));
    let second = publish(&service, "b", mode(PixelFormat::I420, SMALL));
    service.cli(&["shutdown"]).ok();
    assert!(second.ended().contains("stopping"));
}

/// A shell with the program as `$camera`.
#[cfg(unix)]
fn shell(service: &Service, script: &str) -> Program {
    let command = service.command();
    let binary = command.get_program().to_owned();
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(script).env("camera", binary);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Program::start(script, &mut shell)
}

#[cfg(unix)]
#[test]
fn the_command_publishes_what_it_reads() {
    let service = Service::builder().test_camera("320x240@30").start();
    let raw = "--format nv12 --size 320x240";
    for (format, args) in [("jpeg", ""), ("i420", ""), ("nv12", raw)] {
        let script = format!(
            "$camera stream test:0 --format {format} -o - | \
             $camera publish copy {args} --fps 30 --json"
        );
        let pipe = shell(&service, &script);
        wait_until("the copy to be a camera", LONG, || {
            let state = state(&service, "published:copy");
            if state.is_null() { Err(pipe.stderr()) } else { Ok(()) }
        });
        // The strip tells whether its frames are whole; it still holds the first camera's numbers.
        let as_i420 =
            StreamRequest { format: StreamFormat::Pixels(PixelFormat::I420), ..native("copy") };
        let judge: Arc<Judge> = Arc::new(|header, bytes| {
            strip::read_frame(header, bytes).map(drop).map_err(|error| error.to_string())
        });
        frames(&watch(&service, as_i420, judge), 20);
        let clients = service.json(&["clients"]);
        let all = clients.as_array().expect("a list");
        let source = all.iter().find(|one| one["camera"] == "test:0").expect("the stream");
        // Its input ends when the stream is disconnected: a pipe without a writer.
        let pid = source["pid"].as_u64().expect("a process") as u32;
        tests::Process::new(pid).signal(tests::Signal::INT);
        let mut pipe = pipe;
        let report = pipe.wait(LONG).ok().json();
        assert_eq!(report["camera"], "published:copy");
        assert!(report["frames"].as_u64() >= Some(20), "{report}");
        wait_until("the copy to be gone", LONG, || {
            let state = state(&service, "published:copy");
            if state.is_null() { Ok(()) } else { Err(state.to_string()) }
        });
    }
}

#[test]
fn the_command_replays_a_folder() {
    let (service, image) = (service(), image());
    let folder = service.folder().join("images");
    std::fs::create_dir(&folder).expect("a folder");
    for name in ["2.jpg", "1.JPEG", "notes.txt"] {
        std::fs::write(folder.join(name), &image).expect("written");
    }
    let folder_text = folder.to_str().expect("a path").to_owned();
    let mut replay = service.cli_start(&[
        "publish",
        "replay",
        "--folder",
        &folder_text,
        "--fps",
        "30",
        "--json",
    ]);
    wait_until("the camera", LONG, || {
        let state = state(&service, "published:replay");
        if state.is_null() { Err(replay.stderr()) } else { Ok(()) }
    });
    frames(&watch(&service, native("replay"), any()), 10);
    let report = replay.interrupt().ok().json();
    assert!(report["frames"].as_u64() >= Some(10), "{report}");

    let run = |args: &[&str]| service.cli(&[&["publish", "replay"], args].concat());
    let failed = |args: &[&str], code, text: &str| {
        let out = run(args).expect_code(code);
        assert!(out.stderr.contains(text), "{args:?}: {out:?}");
    };
    failed(&["--folder", &folder_text, "--size", "640x480"], 1, "160x120");
    failed(&["--folder", "/nonexistent"], 1, "/nonexistent");
    std::fs::write(folder.join("3.jpg"), b"no image").expect("written");
    std::fs::remove_file(folder.join("1.JPEG")).expect("removed");
    failed(&["--folder", &folder_text, "--once", "--fps", "1000"], 1, "3.jpg");
    // Nothing to read is said, and what cannot be told too.
    failed(&[], 1, "ended before the first frame");
    failed(&["--format", "nv12"], 2, "--size");
}
