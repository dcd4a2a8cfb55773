//! A service that ends, and that comes back.

use std::time::{Duration, Instant};

use tests::{Service, wait_until};

use super::{SOON, window::Gui};

/// The cameras that somebody watches.
fn watched(service: &Service) -> Vec<serde_json::Value> {
    let clients = service.json(&["clients"]);
    let streams = clients.as_array().expect("a list").iter();
    streams.filter(|one| one["role"] == "stream").map(|one| one["camera"].clone()).collect()
}

#[test]
fn the_camera_that_was_selected_is_live_again_after_a_crash() {
    let serve = ["serve", "--test-camera", "640x480@30", "--test-camera", "320x240@30"];
    let mut service = Service::builder().args(&serve[1..]).start();
    let gui = Gui::start(&service, "tiny-skia", &["--camera", "test:1"]);
    gui.wait_for_picture();
    assert_eq!(watched(&service), ["test:1"]);

    service.kill();
    let again = service.cli_start(&serve);
    wait_until("the new service", SOON, || {
        let status = service.cli(&["status"]);
        if status.code() == Some(0) { Ok(()) } else { Err(format!("{status:?}")) }
    });
    let began = Instant::now();
    wait_until("a stream of the same camera", SOON, || {
        let cameras = watched(&service);
        if cameras == ["test:1"] { Ok(()) } else { Err(format!("{cameras:?}")) }
    });
    // Half a second between two attempts; the rest is for a busy machine.
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    gui.wait_for_picture();
    gui.see_frames(10);
    drop(again);
}
