//! Remote users: the bridge is switched on, where it listens is shown, and a token is made.

use std::{net::TcpListener, ops::Range};

use tests::{
    Service,
    display::{Rgb, Shot},
    wait_until,
};

use super::{PAGE, PRIMARY, SOON, STAGE, is_near, window::Gui};

/// How wide the fields are: where the bridge listens, and the name of a new token.
const ADDRESS: Range<u32> = 200..260;
const NAME: Range<u32> = 400..900;
/// What an address of the page stands on.
const BANNER: Rgb = [0xec, 0xed, 0xee];

/// Whether a line as wide as the page stands on that: some rows, where a frame has one.
fn shows_an_address(shot: &Shot) -> bool {
    let wide = |y: &u32| {
        let row = (PAGE.left..PAGE.left + PAGE.width).filter(|x| is_near(shot.at(*x, *y), BANNER));
        row.count() > 500
    };
    (PAGE.top..PAGE.top + PAGE.height).filter(wide).count() > 8
}

#[test]
fn the_bridge_is_switched_on_and_a_token_made() {
    let service = Service::builder().test_camera("320x240@30").start();
    let gui = Gui::start(&service, "tiny-skia", &[]);
    gui.wait_for_colour("the button Start", PRIMARY, STAGE);
    gui.focus();
    gui.keys(&["w"]);
    wait_until("the page in place of the button", SOON, || {
        match gui.display.shot().block(PRIMARY, STAGE, 40) {
            None => Ok(()),
            Some(found) => Err(format!("{found:?}")),
        }
    });
    // A port that nobody has, as a user chooses one.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let address = free.expect("a free port").to_string();
    gui.focus_field("where the bridge listens", PAGE, ADDRESS);
    gui.keys(&["ctrl+a"]);
    gui.write(&address);
    gui.keys(&["Return"]);
    let status = || service.json(&["bridge", "status"]);
    wait_until("the address", SOON, || {
        let status = status();
        if status["listen"] == address { Ok(()) } else { Err(status.to_string()) }
    });
    assert!(!shows_an_address(&gui.display.shot()), "it is off");

    // The switch lies before the field.
    gui.keys(&["shift+Tab", "space"]);
    let url = format!("http://{address}");
    wait_until("the bridge to listen", SOON, || {
        let status = status();
        let first = status["urls"][0].as_str().unwrap_or_default();
        if first.starts_with(&url) { Ok(()) } else { Err(status.to_string()) }
    });
    wait_until("its address on the screen", SOON, || {
        if shows_an_address(&gui.display.shot()) { Ok(()) } else { Err("none".to_owned()) }
    });

    gui.focus_field("the name of a token", PAGE, NAME);
    gui.write("phone");
    gui.keys(&["Return"]);
    wait_until("a token", SOON, || {
        let tokens = service.json(&["token", "list"]);
        let one = &tokens[0];
        let right = one["name"] == "phone" && one["scopes"] == serde_json::json!(["watch"]);
        if right { Ok(()) } else { Err(tokens.to_string()) }
    });
    service.cli(&["bridge", "off"]).ok();
}
