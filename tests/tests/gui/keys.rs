//! What keys do.

use std::{fs, path::PathBuf};

use tests::{Desktop, Service, Signal, display::Area, wait_until};

use super::{BACKDROP, BAR, DANGER, SOON, window::Gui};

/// Pictures that were taken so far.
fn pictures(service: &Service) -> Vec<PathBuf> {
    let folder = service.folder().join("home/Pictures");
    // It is made with the first picture.
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Width and height of a JPEG image, of its first frame header.
pub(crate) fn jpeg_size(bytes: &[u8]) -> Option<(u16, u16)> {
    let mut at = 2;
    loop {
        let &[0xff, marker, high, low] = bytes.get(at..at + 4)? else { return None };
        if (0xc0..=0xc2).contains(&marker) {
            let word =
                |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
            return Some((word(at + 7)?, word(at + 5)?));
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}

/// Takes a snapshot by its key. Returns what was written, once it is a whole image.
#[track_caller]
pub(crate) fn snapshot(gui: &Gui, service: &Service) -> Vec<u8> {
    let before = pictures(service);
    gui.keys(&["s"]);
    wait_until("a new picture in the folder", SOON, || {
        let new = pictures(service).into_iter().find(|path| !before.contains(path));
        let path = new.ok_or("no new file")?;
        let bytes = fs::read(&path).map_err(|error| error.to_string())?;
        let whole = bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if whole && name.starts_with("Test camera 0 2") { Ok(bytes) } else { Err(name) }
    })
}

#[test]
fn keys_take_a_snapshot_freeze_and_show_the_keys() {
    let service = Service::builder().test_camera("640x480@30").start();
    let gui = Gui::start(&service, "tiny-skia", &["--camera", "test:0"]);
    gui.wait_for_picture();
    gui.focus();

    let first = snapshot(&gui, &service);
    assert_eq!(jpeg_size(&first), Some((640, 480)));
    gui.keys(&["Escape"]);
    snapshot(&gui, &service);
    assert_eq!(pictures(&service).len(), 2, "one does not replace the other");
    gui.keys(&["Escape"]);

    gui.keys(&["question"]);
    wait_until("the list of keys in place of the picture", SOON, || match gui.picture() {
        None => Ok(()),
        Some(picture) => Err(format!("{picture:?}")),
    });
    gui.keys(&["Escape"]);
    gui.wait_for_picture();

    // Frozen: the picture stands still while frames go on elsewhere.
    gui.keys(&["space"]);
    let strip = || {
        let shot = gui.display.shot();
        let picture = shot.picture(BACKDROP, super::STAGE)?;
        shot.strip(picture).ok()
    };
    wait_until("a picture that stands still", SOON, || {
        let first = strip().ok_or("no strip")?;
        let before = service.json(&["info", "test:0"])["frames"].as_u64();
        wait_until("ten frames", SOON, || {
            let now = service.json(&["info", "test:0"])["frames"].as_u64();
            if now >= before.map(|frames| frames + 10) { Ok(()) } else { Err(format!("{now:?}")) }
        });
        let last = strip().ok_or("no strip")?;
        if first == last { Ok(()) } else { Err(format!("{first:?}, then {last:?}")) }
    });
    gui.keys(&["space"]);
    gui.see_frames(5);
}

#[test]
fn a_key_and_the_switch_turn_all_cameras_off_and_on() {
    let service = Service::builder().test_camera("320x240@30").start();
    let gui = Gui::start(&service, "tiny-skia", &["--camera", "test:0"]);
    gui.wait_for_picture();
    gui.focus();
    let wait_for_privacy = |off: bool| {
        wait_until(&format!("all cameras off: {off}"), SOON, || {
            let status = service.json(&["status"]);
            if status["privacy_off"] == off { Ok(()) } else { Err(status.to_string()) }
        });
    };
    gui.keys(&["ctrl+p"]);
    wait_for_privacy(true);
    // The switch is red now.
    let switch = gui.wait_for_colour("the switch", DANGER, BAR);
    gui.display.click(switch.middle());
    wait_for_privacy(false);
    gui.wait_for_picture();
    gui.see_frames(5);
    // And by the command line, which the switch follows.
    service.cli(&["off"]).ok();
    gui.wait_for_colour("the switch", DANGER, BAR);
    service.cli(&["on"]).ok();
    gui.wait_for_picture();
}

#[test]
fn a_key_makes_it_a_full_screen_and_one_that_is_asked_for_is() {
    let service = Service::builder().test_camera("640x400@30").start();
    let turn = super::window::turn();
    let desktop = Desktop::start();
    let start = |args: &[&str]| {
        let backend = [("ICED_BACKEND", "tiny-skia")];
        tests::gui::start(&service, &desktop.display, &backend, args)
    };
    // 640 × 400 fills a screen of 1280 × 800 to its edges.
    let wait_until_full = |full: bool| {
        wait_until(&format!("a full screen: {full}"), SOON, || {
            let shot = desktop.display.shot();
            match (shot.strip(Area::ALL), full) {
                (Ok(_), true) | (Err(_), false) => Ok(()),
                (strip, _) => Err(format!("{strip:?}")),
            }
        });
    };
    let mut gui = start(&["--camera", "Test camera 0"]);
    desktop.window(&gui);
    wait_until("frames", SOON, || {
        let frames = service.json(&["info", "test:0"])["frames"].as_u64().unwrap_or(0);
        if frames > 10 { Ok(()) } else { Err(frames.to_string()) }
    });
    wait_until_full(false);
    desktop.display.act(&["key", "f"]);
    wait_until_full(true);
    desktop.display.act(&["key", "Escape"]);
    wait_until_full(false);
    gui.signal(Signal::TERM);
    gui.kill();

    let mut gui = start(&["--camera", "test:0", "--fullscreen"]);
    wait_until_full(true);
    desktop.display.act(&["key", "F11"]);
    wait_until_full(false);
    gui.kill();
    drop(turn);
}
