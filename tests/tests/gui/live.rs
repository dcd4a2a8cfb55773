//! A camera is seen as it is: frames in order, in their colours, whatever the format.

use tests::{Service, wait_until};

use super::{BACKDROP, PRIMARY, SOON, STAGE, window::Gui};

/// Starts a camera by its button, and checks what is seen.
fn shows_the_camera(backend: &str) {
    let mut service = Service::builder().test_camera("640x480@30").start();
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

    // The service is killed: the last picture stays, darker.
    service.kill();
    wait_until("the picture to be dimmed", SOON, || {
        let shot = gui.display.shot();
        let picture = shot.picture(BACKDROP, STAGE).ok_or("no picture")?;
        let white = shot.at(picture.left + picture.width / 16, picture.bar_row());
        if (60..200).contains(&white[0]) { Ok(()) } else { Err(format!("{white:?}")) }
    });
    // It starts again: frames go on with no action.
    service.start_again();
    gui.wait_for_picture();
    gui.see_frames(10);
    gui.expect_bars();
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
