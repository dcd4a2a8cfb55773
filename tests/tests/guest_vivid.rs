//! Whether the guest with the vivid driver is what the other `*_vivid` tests rely on.

use tests::guest;

#[test]
fn the_service_binary_runs_here() {
    guest::assert_binary_runs();
}

#[test]
fn there_are_two_vivid_cameras() {
    let nodes = guest::video_nodes();
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    let listed = guest::output("v4l2-ctl", &["--list-devices"]);
    assert!(listed.contains("platform:vivid-000"), "{listed}");
    assert!(listed.contains("platform:vivid-001"), "{listed}");
}

#[test]
fn a_camera_delivers_frames() {
    let stream =
        ["-d", "/dev/video0", "--stream-mmap", "--stream-count=3", "--stream-to=/dev/null"];
    guest::output("v4l2-ctl", &stream);
}

#[test]
fn the_cameras_can_be_unplugged_and_plugged_in() {
    guest::unplug_vivid();
    guest::plug_vivid();
    assert_eq!(guest::video_nodes().len(), 2);
}
