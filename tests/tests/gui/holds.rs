//! A mode is chosen for a closed camera, and the window is closed while the camera opens.

use tests::{Desktop, QUICK, Service, Shim, display::Area, wait_until};

use super::{PRIMARY, SOON, window::turn};

#[test]
fn a_window_that_is_closed_while_a_camera_opens_lets_it_go() {
    let shim = Shim::new();
    let config = format!("{QUICK}\nopen_within = 60\n");
    let service = Service::builder().config(&config).shim(&shim).start();
    let camera = || service.json(&["list"])[0].clone();
    let turn = turn();
    let desktop = Desktop::start();
    let backend = [("ICED_BACKEND", "tiny-skia")];
    let mut gui = tests::gui::start(&service, &desktop.display, &backend, &[]);
    desktop.window(&gui);
    let stands_still = || {
        let mut before = None;
        wait_until("a window that stands still", SOON, || {
            let now = Some(desktop.display.shot());
            let stands = now == before;
            before = now;
            if stands { Ok(()) } else { Err("it does not".to_owned()) }
        });
    };
    wait_until("the button Start", SOON, || {
        let button = desktop.display.shot().block(PRIMARY, Area::ALL, 40);
        button.ok_or("none".to_owned())
    });
    // Without the controls, backwards from the end: format, rate, size, Start.
    for key in ["c", "shift+Tab", "shift+Tab", "shift+Tab", "Right", "shift+Tab"] {
        stands_still();
        let before = desktop.display.shot();
        desktop.display.act(&["key", key]);
        wait_until(&format!("what {key} does"), SOON, || {
            if desktop.display.shot() == before { Err("nothing".to_owned()) } else { Ok(()) }
        });
    }
    shim.hang("open");
    desktop.display.act(&["key", "Return"]);
    wait_until("the camera to be held open", SOON, || match camera() {
        camera if camera["held_open"] == true => Ok(()),
        camera => Err(camera.to_string()),
    });
    assert_eq!(camera()["state"], "opening");

    // The window manager asks the window to close, as its button does.
    desktop.display.act(&["key", "alt+F4"]);
    wait_until("the window to be closed", SOON, || {
        if gui.is_running() { Err("it is there".to_owned()) } else { Ok(()) }
    });
    assert_eq!(camera()["held_open"], false);
    shim.run();
    wait_until("the camera to be closed", SOON, || match camera() {
        camera if camera["state"] == "closed" => Ok(()),
        camera => Err(camera.to_string()),
    });
    drop(turn);
}
