//! The stream is turned and cropped for this window and its snapshots, and for nobody else.

use protocol::{Size, strip};
use tests::{
    Service,
    display::{Area, Shot},
    wait_until,
};

use super::{
    BACKDROP, BARS, SOON, STAGE, is_near,
    keys::{jpeg_size, snapshot},
    window::Gui,
};

/// What the strip of a picture says that was turned a quarter clockwise.
fn turned_strip(shot: &Shot, picture: Area) -> Result<strip::Strip, strip::StripError> {
    let size = Size::new(picture.height, picture.width);
    strip::read(size, |x, y| shot.at(picture.left + picture.width - 1 - y, picture.top + x)[1])
}

#[track_caller]
fn wait_for_turned(gui: &Gui) {
    let mut last = None;
    let mut seen = 0;
    wait_until("frames that are turned and advance", SOON, || {
        let shot = gui.display.shot();
        let picture = shot.picture(BACKDROP, STAGE).ok_or("no picture")?;
        if picture.width >= picture.height {
            return Err(format!("{picture:?} does not stand upright"));
        }
        let strip = turned_strip(&shot, picture).map_err(|error| error.to_string())?;
        if last.replace(strip.sequence) != Some(strip.sequence) {
            seen += 1;
        }
        if seen > 5 { Ok(()) } else { Err(format!("{seen} frames")) }
    });
}

#[test]
fn a_stream_is_turned_here_alone_and_stays_so() {
    let service = Service::builder().test_camera("640x480@30").start();
    let mut gui = Gui::start(&service, "tiny-skia", &["--camera", "test:0"]);
    gui.wait_for_picture();
    gui.focus();
    gui.keys(&["r"]);
    wait_for_turned(&gui);
    assert_eq!(jpeg_size(&snapshot(&gui, &service)), Some((480, 640)), "a snapshot too");
    gui.keys(&["Escape"]);
    // Everybody else has it as it was.
    let check = service.json(&["check", "test:0", "--seconds", "0.3"]);
    let mode = &check["mode"];
    assert_eq!((&mode["width"], &mode["height"]), (&640.into(), &480.into()), "{check}");

    // Settings are written each second.
    let file = service.folder().join("state/camera-service/control-gui.toml");
    wait_until("it to be remembered", SOON, || {
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        if text.contains("quarter") { Ok(()) } else { Err(text) }
    });
    gui.restart(&service, "tiny-skia");
    gui.wait_for_colour("the button Start", super::PRIMARY, STAGE);
    gui.focus();
    gui.keys(&["Return"]);
    wait_for_turned(&gui);
    gui.keys(&["r", "r", "r"]);
    gui.wait_for_picture();
    gui.see_frames(5);
}

#[test]
fn a_part_of_the_picture_is_chosen_by_a_rectangle() {
    let service = Service::builder().test_camera("640x480@30").start();
    let gui = Gui::start(&service, "tiny-skia", &["--camera", "test:0"]);
    gui.wait_for_picture();
    gui.focus();
    let before = gui.picture();
    gui.keys(&["x"]);
    // The row with what can be done appears below: the picture is smaller then.
    let mut seen = (None, 0);
    let picture = wait_until("a picture that stays where it is now", SOON, || {
        let picture = gui.picture();
        seen = if seen.0 == picture { (picture, seen.1 + 1) } else { (picture, 0) };
        let picture = picture.filter(|_| picture != before && seen.1 >= 10);
        picture.ok_or_else(|| format!("{seen:?}, {before:?} at first"))
    });
    // The right half of what lies below the strip and the timecode.
    let from = (picture.left + picture.width / 2, picture.top + picture.height / 2);
    let to = (picture.left + picture.width + 20, picture.top + picture.height * 3 / 4);
    gui.drag(from, to);
    wait_until("the right bars alone", SOON, || {
        let shot = gui.display.shot();
        let picture = shot.picture(BACKDROP, STAGE).ok_or("no picture")?;
        for (bar, colour) in (0..).zip(&BARS[4..7]) {
            let at = picture.left + picture.width * (2 * bar + 1) / 8;
            let seen = shot.at(at, picture.top + picture.height / 2);
            if !is_near(seen, *colour) {
                return Err(format!("{picture:?}: bar {bar} is {seen:?}, not {colour:?}"));
            }
        }
        Ok(())
    });
    let (width, height) = jpeg_size(&snapshot(&gui, &service)).expect("a picture");
    let near = width.abs_diff(320) < 8 && height.abs_diff(120) < 8;
    assert!(near, "a snapshot of {width} x {height}");
}
