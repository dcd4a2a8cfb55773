//! What `snapshot` and `stream` write into files: of which size, framed in which way, and in the
//! format that the name of the file says.

use std::{fs, time::Duration};

use tests::{Service, wait_until};

const CAMERA: &str = "test:0";
const LONG: Duration = Duration::from_secs(60);
/// The largest mode of every test camera.
const LARGEST: (usize, usize) = (1920, 1080);

fn service() -> Service {
    Service::builder().test_camera("640x480@30").start()
}

/// A snapshot with these options as a picture in grey.
fn snapshot(service: &Service, options: &[&str]) -> turbojpeg::Image<Vec<u8>> {
    service.cli(&[&["snapshot", CAMERA, "-o", "now.jpg"], options].concat()).ok();
    let file = fs::read(service.folder().join("now.jpg")).expect("it was written");
    turbojpeg::decompress(&file, turbojpeg::PixelFormat::GRAY).expect("a picture")
}

fn size(service: &Service, options: &[&str]) -> (usize, usize) {
    let picture = snapshot(service, options);
    (picture.width, picture.height)
}

fn wait_until_closed(service: &Service) {
    wait_until("the camera to be closed", LONG, || {
        let state = service.json(&["list"])[0]["state"].clone();
        if state == "closed" { Ok(()) } else { Err(state.to_string()) }
    });
}

#[test]
fn who_asks_for_more_than_the_camera_has_gets_all_that_it_has() {
    let service = service();
    for more in [&["--size", "4000x3000"][..], &["--size", "full"], &["-r", "1920x5000"]] {
        wait_until_closed(&service);
        assert_eq!(size(&service, more), LARGEST, "{more:?}");
    }
    // Who asks for less has it as it was.
    wait_until_closed(&service);
    assert_eq!(size(&service, &["--size", "320x9000"]), (320, 240));
    wait_until_closed(&service);
    assert_eq!(size(&service, &[]), (640, 480));
    // Somebody who watches keeps the mode, and it is said what changes that.
    let mut reader = service.cli_start(&["stream", CAMERA, "--size", "320x180"]);
    wait_until("the reader to read", LONG, || {
        let camera = service.json(&["list"])[0].clone();
        let streams = camera["state"] == "streaming" && camera["watchers"] == 1;
        if streams { Ok(()) } else { Err(camera.to_string()) }
    });
    let full = ["snapshot", CAMERA, "-o", "now.jpg", "--size", "full"];
    let out = service.cli(&full).ok().expect_error("was open in 640x480");
    assert!(out.stderr.contains("camera-service start test:0 --size 1920x1080"), "{out:?}");
    service.cli(&["start", CAMERA, "-r", "1920x1080"]).ok();
    assert_eq!(size(&service, &["--size", "full"]), LARGEST);
    reader.kill();
}

#[test]
fn snapshots_are_cropped_turned_and_mirrored() {
    let service = service();
    assert_eq!(size(&service, &["--size", "full", "--rotate", "90"]), (1080, 1920));
    wait_until_closed(&service);
    assert_eq!(size(&service, &["--rotate", "270"]), (480, 640));
    assert_eq!(size(&service, &["--crop", "50,0,25,100", "--rotate", "0"]), (160, 480));
    // Colour bars, from white to black.
    let sides = |options: &[&str]| {
        let picture = snapshot(&service, options);
        let row = &picture.pixels[picture.pitch * (picture.height * 3 / 4)..][..picture.width];
        (row[picture.width / 16], row[picture.width * 15 / 16])
    };
    let ((left, right), (mirrored_left, mirrored_right)) = (sides(&[]), sides(&["--mirror"]));
    assert!(left > 200 && right < 50, "{left} and {right}");
    assert!(mirrored_left < 50 && mirrored_right > 200, "{mirrored_left} and {mirrored_right}");
}

#[test]
fn a_name_chooses_how_frames_are_written() {
    let service = service();
    for (name, start) in [
        ("a.mjpeg", &b"\xff\xd8\xff"[..]),
        ("a.MJPG", b"\xff\xd8\xff"),
        ("a.y4m", b"YUV4MPEG2 W640 H480 F30:1 "),
        ("a.jpg", b"\xff\xd8\xff"),
    ] {
        service.cli(&["stream", CAMERA, "--count", "2", "-o", name]).ok();
        let file = fs::read(service.folder().join(name)).expect("it was written");
        assert!(file.starts_with(start), "{name}: {:?}", &file[..file.len().min(40)]);
    }
    let raw = ["stream", CAMERA, "--count", "2", "--format", "i420", "-o", "a.yuv"];
    service.cli(&raw).ok();
    let file = fs::metadata(service.folder().join("a.yuv")).expect("it was written");
    assert_eq!(file.len(), 2 * 640 * 480 * 3 / 2);
    for format in ["bgr", "yuyv"] {
        let out = service.cli(&["stream", CAMERA, "--count", "1", "-m", format, "-o", "-"]).ok();
        assert_eq!(out.stdout.len() % (640 * 480), 0, "{format}: {} bytes", out.stdout.len());
        assert!(!out.stdout.is_empty());
    }
}

#[test]
fn names_that_say_something_else_are_refused_and_nothing_is_opened() {
    let service = service();
    let refused = |args: &[&str], advice: &str| {
        let out = service.cli(&[args, &["--json"]].concat()).expect_code(2).expect_error(advice);
        assert!(out.stderr.contains("\"kind\":\"usage\""), "{out:?}");
    };
    let video = |name: &str| format!("stream test:0 --format i420 -o - | ffmpeg -i - {name}`");
    for name in ["video.mp4", "a.mkv", "a.AVI", "a.mov", "a.webm"] {
        refused(&["stream", CAMERA, "--count", "1", "-o", name], &video(name));
    }
    for (args, advice) in [
        (&["stream", CAMERA, "-o", "a.y4m", "--format", "jpeg"][..], "use --format i420"),
        (&["stream", CAMERA, "-o", "a.mjpeg", "-m", "i420"], "use --format jpeg"),
        (&["stream", CAMERA, "-o", "a.mjpg", "--container", "raw"], "use --container mjpeg"),
        (&["stream", CAMERA, "-o", "a.png"], "camera-service snapshot test:0 -o a.png"),
        (&["snapshot", CAMERA, "-o", "a.bmp"], ".jpg or .png"),
        (&["snapshot", CAMERA, "-o", "a.webp", "--format", "png"], ".jpg or .png"),
        (&["snapshot", CAMERA, "-o", "a.png", "--format", "jpeg"], "end with .jpg"),
        (&["snapshot", CAMERA, "-o", "a.jpg", "-m", "png"], "end with .png"),
    ] {
        refused(args, advice);
    }
    assert_eq!(service.json(&["list"])[0]["state"], "closed");
    let left = fs::read_dir(service.folder()).expect("a folder").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("a.")), "{left:?}");
}
