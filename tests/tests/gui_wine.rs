//! control-gui as a Windows program: its window on a screen, with the service as a Windows program
//! beside it. What it shows is read from the pixels.
#![cfg(target_os = "linux")]

use std::time::Duration;

use tests::{
    display::{Area, Rgb, watch},
    wait_until,
    wine::Wine,
};

const SOON: Duration = Duration::from_secs(120);
/// What a picture is shown on.
const BACKDROP: Rgb = [0x0b, 0x0d, 0x10];
/// Frames to see.
const COUNT: usize = 15;

#[test]
fn the_window_shows_the_camera_as_it_is() {
    let wine = Wine::start();
    let _service = wine.service("640x480@15", "");
    let args = ["--camera", "test:0", "--fullscreen"];
    let mut gui = wine.program("control-gui", &args, &[("ICED_BACKEND", "tiny-skia")]);
    wait_until("a live picture with a strip", SOON, || {
        assert!(gui.is_running(), "the window has ended: {}", gui.stderr());
        let shot = wine.display().shot();
        let picture = shot.picture(BACKDROP, Area::ALL).ok_or_else(|| gui.stderr())?;
        let strip = shot.strip(picture).map_err(|error| format!("{picture:?}: {error}"))?;
        // White, yellow and red: red and blue are where they should be.
        let bar =
            |n: u32| shot.at(picture.left + picture.width * (2 * n + 1) / 16, picture.bar_row());
        let near = |seen: Rgb, wanted: Rgb| seen.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) < 9);
        if near(bar(0), [255; 3]) && near(bar(1), [191, 191, 0]) && near(bar(5), [191, 0, 0]) {
            Ok(strip)
        } else {
            Err(format!("bars {:?} {:?} {:?}", bar(0), bar(1), bar(5)))
        }
    });
    let (mut seen, mut last) = (0, None);
    watch(wine.display(), "frames that advance", SOON, |shot| {
        // One that is being drawn has a strip of two halves.
        let picture = shot.picture(BACKDROP, Area::ALL);
        let Some(Ok(strip)) = picture.map(|picture| shot.strip(picture)) else { return false };
        if last != Some(strip.sequence) {
            assert!(last < Some(strip.sequence), "{} after {last:?}", strip.sequence);
            last = Some(strip.sequence);
            seen += 1;
        }
        seen > COUNT
    });
    let clients = wine.cli(&["clients", "--json"]).json();
    let all = clients.as_array().expect("a list");
    let window = all.iter().find(|client| client["role"] == "stream").expect("its stream");
    assert_eq!(window["program"], "control-gui.exe", "{window}");
    assert_eq!(window["delivery"], "shared", "{window}");
}
