//! A service that is started from the window, that ends, and that comes back.

use std::time::{Duration, Instant};

use tests::{Display, Manager, Service, binary::control_gui, display::Area, gui, wait_until};

use super::{PRIMARY, SOON, STAGE, window::Gui};

#[test]
fn the_service_is_started_by_its_button() {
    // Its folders and its endpoint, but no service: that is what a user has at first.
    let mut service = Service::builder().start();
    service.kill();
    let mut gui = Gui::start(&service, "tiny-skia", &[]);
    gui.click("the button that starts the service", PRIMARY, Area::ALL);
    wait_until("the service that was started", SOON, || {
        let status = service.cli(&["status"]);
        if status.code() == Some(0) { Ok(()) } else { Err(format!("{status:?}")) }
    });
    // No camera: a test camera is offered.
    gui.click_until("the button that adds a test camera", PRIMARY, STAGE, |_| {
        service.json(&["list"]).as_array().is_some_and(|cameras| !cameras.is_empty())
    });
    gui.click("the button Start", PRIMARY, STAGE);
    gui.wait_for_picture();
    gui.see_frames(5);
    service.cli(&["shutdown"]).ok();
}

#[test]
fn a_service_that_systemd_sees_to_is_started_by_systemd() {
    let Some(manager) = Manager::start(None) else { return };
    manager.cli(&["install", "--no-start"]).ok();
    let mut gui = Gui::start_on(Display::start, |display| {
        let command = manager.command(control_gui());
        gui::start_command(command, display, &[("ICED_BACKEND", "tiny-skia")])
    });
    gui.click("the button that starts the service", PRIMARY, Area::ALL);
    let status = wait_until("the service that was started", SOON, || {
        // Its socket would have it started by whoever asks.
        let active = manager.property("camera-service.service", "ActiveState");
        if active == "active" { Ok(manager.cli(&["status", "--json"]).json()) } else { Err(active) }
    });
    let by = status["started_by"].as_str().unwrap_or_default();
    assert!(by.starts_with("systemd"), "{status}");
    let pid = manager.property("camera-service.service", "MainPID");
    assert_eq!(status["pid"].to_string(), pid);
    // It has no camera, which the window says.
    gui.wait_for_colour("the button that adds a test camera", PRIMARY, STAGE);
}

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
