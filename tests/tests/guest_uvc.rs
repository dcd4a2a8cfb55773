//! Whether the guest with the USB webcam is what the other `*_uvc` tests rely on.

use tests::guest::{self, Webcam};

#[test]
fn the_service_binary_runs_here() {
    guest::assert_binary_runs();
}

#[test]
fn uvcvideo_found_the_webcam_and_its_metadata_node() {
    let nodes = guest::video_nodes();
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    let info = guest::output("v4l2-ctl", &["-d", &guest::path_of(&nodes[0]), "--info"]);
    assert!(info.contains("uvcvideo"), "{info}");
    assert!(info.contains("UVC Test Camera"), "{info}");
}

#[test]
fn frames_are_the_jpegs_that_the_webcam_was_given() {
    let node = guest::path_of(&guest::video_nodes()[0]);
    let file = tempfile::NamedTempFile::new().unwrap();
    guest::output(
        "v4l2-ctl",
        &[
            "-d",
            &node,
            "--set-fmt-video=width=320,height=240,pixelformat=MJPG",
            "--stream-mmap",
            "--stream-count=1",
            &format!("--stream-to={}", file.path().display()),
        ],
    );
    let frame = std::fs::read(file.path()).unwrap();
    let given = Webcam.frames("320x240");
    assert_eq!(given.len(), 3);
    assert!(given.contains(&frame), "{} bytes that are none of the frames given", frame.len());
}

#[test]
fn the_webcam_can_be_unplugged_and_plugged_in() {
    Webcam.command("unplug");
    guest::wait_for_nodes(0);
    Webcam.command("plug");
    guest::wait_for_nodes(2);
}
