//! The least window on a screen of twice the resolution: nothing is cut off.

use std::fs;

use protocol::Size;
use tests::{
    Display, Service,
    display::{Area, Rgb},
    wait_until,
};

use super::{BACKDROP, PRIMARY, SOON, is_near, window::Gui};

/// 800 × 600 logical pixels, of two by two.
const SCREEN: Size = Size::new(1600, 1200);
/// What lies behind all, in the light theme.
const PAPER: Rgb = [0xf6, 0xf7, 0xf9];

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
    let look = || {
        let shot = gui.display.shot();
        let stage = shot.find(BACKDROP, all).ok_or("no picture")?;
        let picture = shot.picture(BACKDROP, stage).ok_or("no picture")?;
        shot.strip(picture).map_err(|error| format!("{picture:?}: {error}"))?;
        Ok(picture)
    };
    let mut before = None;
    let picture = wait_until("a live picture that stays where it is", SOON, || {
        let picture = look()?;
        let stays = before.replace(picture) == Some(picture);
        if stays { Ok(picture) } else { Err(format!("{picture:?}")) }
    });
    // All of the picture and of the controls, side by side, each with room.
    assert!(picture.left >= 16 && picture.width >= 600, "{picture:?}");
    let right = Area { left: picture.left + picture.width, top: 120, width: 500, height: 1000 };
    let slider = gui.wait_for_colour("a slider", PRIMARY, right);
    assert!(slider.left + slider.width < SCREEN.width - 40, "{slider:?}");

    // Screens without a picture: what they say ends before the window does.
    gui.focus();
    for key in ["ctrl+comma", "question", "u", "w"] {
        gui.keys(&[key]);
        wait_until(&format!("the page of {key}"), SOON, || {
            if let Ok(picture) = look() {
                return Err(format!("still the picture at {picture:?}"));
            }
            let shot = gui.display.shot();
            let edge = |x: u32| (100..SCREEN.height).find(|y| !is_near(shot.at(x, *y), PAPER));
            match (edge(4), edge(SCREEN.width - 5)) {
                (None, None) => Ok(()),
                there => Err(format!("something is at the edges, {there:?} from above")),
            }
        });
        gui.keys(&["Escape"]);
        wait_until(&format!("the picture after {key}"), SOON, || look().map(drop));
    }
}
