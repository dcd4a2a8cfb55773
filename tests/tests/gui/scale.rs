//! The least window on a screen of twice the resolution: nothing is cut off.

use std::fs;

use protocol::Size;
use tests::{Display, Service, display::Area, wait_until};

use super::{BACKDROP, PRIMARY, SOON, is_near, window::Gui};

/// 800 × 600 logical pixels, of two by two.
const SCREEN: Size = Size::new(1600, 1200);
/// What lies behind all, in the light theme.
const PAPER: tests::display::Rgb = [0xf6, 0xf7, 0xf9];

#[test]
fn the_least_window_shows_everything_at_twice_the_scale() {
    let service = Service::builder().test_camera("640x480@30").start();
    let folder = service.folder().join("state/camera-service");
    fs::create_dir_all(&folder).expect("a folder");
    let remembered = "theme = \"light\"\nwidth = 800.0\nheight = 600.0\ncontrols = true\n";
    fs::write(folder.join("control-gui.toml"), remembered).expect("a file");
    let variables = [("ICED_BACKEND", "tiny-skia"), ("WINIT_X11_SCALE_FACTOR", "2")];
    let args = ["--camera", "test:0"];
    let gui = Gui::start_with(&service, &variables, &args, || Display::of(SCREEN));
    let all = Area { left: 0, top: 0, width: SCREEN.width, height: SCREEN.height };
    let picture = wait_until("a live picture", SOON, || {
        let shot = gui.display.shot();
        let stage = shot.find(BACKDROP, all).ok_or("no picture")?;
        let picture = shot.picture(BACKDROP, stage).ok_or("no picture")?;
        shot.strip(picture).map_err(|error| error.to_string())?;
        Ok(picture)
    });
    // All of the picture and of the controls, side by side, each with room.
    assert!(picture.left >= 16 && picture.width >= 600, "{picture:?}");
    let right = Area { left: picture.left + picture.width, top: 120, width: 500, height: 1000 };
    let slider = gui.wait_for_colour("a slider", PRIMARY, right);
    assert!(slider.left + slider.width < SCREEN.width - 40, "{slider:?}");

    // Screens without a picture: what they say ends before the window does.
    gui.focus();
    for key in ["comma", "question", "u"] {
        gui.keys(&[if key == "comma" { "ctrl+comma" } else { key }]);
        wait_until("a page", SOON, || {
            let shot = gui.display.shot();
            let edge = |x: u32| (100..1200).all(|y| is_near(shot.at(x, y), PAPER));
            if edge(4) && edge(SCREEN.width - 5) { Ok(()) } else { Err(key.to_owned()) }
        });
        gui.keys(&["Escape"]);
        wait_until("the picture", SOON, || {
            let shot = gui.display.shot();
            shot.strip(picture).map(drop).map_err(|error| error.to_string())
        });
    }
}
