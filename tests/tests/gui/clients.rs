//! Who watches, and a button that ends it.

use tests::{Service, display::Area, wait_until};

use super::{DANGER, SOON, window::Gui};

#[test]
fn a_client_is_disconnected_by_its_button() {
    let service = Service::builder().test_camera("320x240@30").start();
    let mut other = service.cli_start(&["stream", "test:0"]);
    let streams = || {
        let clients = service.json(&["clients"]);
        let streams = clients.as_array().expect("a list").iter();
        streams.filter(|one| one["role"] == "stream").count()
    };
    wait_until("the other program to watch", SOON, || match streams() {
        1 => Ok(()),
        count => Err(format!("{count} watch")),
    });
    let gui = Gui::start(&service, "tiny-skia", &[]);
    gui.wait_for_colour("the window", super::PRIMARY, Area::ALL);
    gui.focus();
    gui.keys(&["u"]);
    // Only its text has this colour.
    let page = Area { left: 0, top: 60, width: 1100, height: 400 };
    let button = gui.wait_for_colour("the button Disconnect", DANGER, page);
    gui.display.click(button.middle());
    let ended = other.wait(SOON).expect_code(1);
    assert!(ended.stderr.contains("disconnect"), "{ended:?}");
    assert_eq!(streams(), 0);
    wait_until("the list without it", SOON, || match gui.display.shot().find(DANGER, page) {
        None => Ok(()),
        Some(found) => Err(format!("{found:?}")),
    });
}
