//! A camera is seen as it is: frames in order, in their colours, whatever the format.

use tests::Service;

use super::{PRIMARY, STAGE, window::Gui};

/// Starts a camera by its button, and checks what is seen.
fn shows_the_camera(backend: &str) {
    let service = Service::builder().test_camera("640x480@30").start();
    let mut gui = Gui::start(&service, backend, &[]);
    gui.click("the button Start", PRIMARY, STAGE);
    gui.wait_for_picture();
    let latency = gui.see_frames(40);
    println!("{backend}: {latency:?} from capture to sight, as a median");
    gui.expect_bars();

    // In every format that a camera may have.
    for format in ["MJPG", "NV12", "I420", "RGB", "BGR", "RGBA", "YUYV"] {
        service.cli(&["start", "test:0", "--format", format, "--size", "640x480"]).ok();
        gui.wait_for_picture();
        gui.expect_bars();
    }
    service.cli(&["stop", "test:0"]).ok();
    assert!(gui.program.is_running());
}

#[test]
fn a_camera_is_seen_without_a_gpu() {
    shows_the_camera("tiny-skia");
}

#[test]
fn a_camera_is_seen_with_a_gpu() {
    shows_the_camera("wgpu");
}
