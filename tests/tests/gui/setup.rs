//! How the service is set up on this computer: by keys, as Tab goes through the screens.

use std::ops::Range;

use serde_json::Value;
use tests::{Service, display::Area, wait_until};

use super::{PAGE, PRIMARY, SOON, STAGE, window::Gui};

/// How wide a field for a number is.
const NUMBER: Range<u32> = 60..100;

#[test]
fn the_service_starts_at_login_after_one_click() {
    // Folders of its own, and no user manager: it is only written down.
    let mut service = Service::builder().default_endpoint().default_config().start();
    service.kill();
    let installed = || {
        let status = service.cli(&["status", "--json"]).expect_code(4);
        let status: Value = serde_json::from_str(status.text()).expect("JSON");
        status["installed"]["way"].as_str().map(str::to_owned)
    };
    assert_eq!(installed(), None);
    let gui = Gui::start(&service, "tiny-skia", &[]);
    gui.wait_for_colour("the button that starts the service", PRIMARY, Area::ALL);
    gui.focus();
    // The last thing that Tab reaches.
    gui.keys(&["shift+Tab", "Return"]);
    let way = wait_until("it to be installed", SOON, || installed().ok_or("it is not".to_owned()));
    let unit = service.folder().join("config/systemd/user/camera-service.service");
    assert_eq!(unit.is_file(), way == "systemd", "installed by {way}");

    // Settings have it as well, and take it back.
    gui.keys(&["ctrl+comma"]);
    settings(&gui);
    gui.wait_for_colour("the switch, which is on", PRIMARY, PAGE);
    gui.focus_field("the grace period", PAGE, NUMBER);
    gui.keys(&["shift+Tab", "space"]);
    wait_until("it to be installed no more", SOON, || match installed() {
        None => Ok(()),
        Some(way) => Err(way),
    });
    assert!(!unit.exists());
}

#[test]
fn the_grace_period_is_set() {
    let service = Service::builder().test_camera("320x240@30").start();
    let file = service.config_file().display().to_string();
    let grace = || service.json(&["config", "get", "timeouts.close_after", "--config", &file]);
    let before = grace();
    let gui = Gui::start(&service, "tiny-skia", &[]);
    gui.wait_for_colour("the button Start", PRIMARY, STAGE);
    gui.focus();
    gui.keys(&["ctrl+comma"]);
    settings(&gui);
    gui.focus_field("the grace period", PAGE, NUMBER);
    gui.keys(&["ctrl+a"]);
    gui.write("7.5");
    gui.keys(&["Return"]);
    wait_until("another grace period", SOON, || {
        let now = grace();
        let seconds = now.as_f64().or_else(|| now["value"].as_f64());
        if seconds == Some(7.5) { Ok(()) } else { Err(format!("{now}, {before} at first")) }
    });
}

/// Waits until Settings have taken the place of a page with a large button.
#[track_caller]
fn settings(gui: &Gui) {
    wait_until("Settings", SOON, || match gui.display.shot().block(PRIMARY, PAGE, 60) {
        None => Ok(()),
        Some(found) => Err(format!("{found:?}")),
    });
}
