//! The GUI as a user has it: the real program on a screen, with the real service. What it shows is
//! read from the pixels of the screen, what it does is asked of the service by the command line.
#![cfg(target_os = "linux")]

#[path = "gui/clients.rs"]
mod clients;
#[path = "gui/framing.rs"]
mod framing;
#[path = "gui/holds.rs"]
mod holds;
#[path = "gui/keys.rs"]
mod keys;
#[path = "gui/live.rs"]
mod live;
#[path = "gui/presets.rs"]
mod presets;
#[path = "gui/remote.rs"]
mod remote;
#[path = "gui/scale.rs"]
mod scale;
#[path = "gui/service.rs"]
mod service;
#[path = "gui/setup.rs"]
mod setup;
#[path = "gui/sliders.rs"]
mod sliders;
#[path = "gui/window.rs"]
mod window;

use std::time::Duration;

use tests::display::{Area, Rgb};

/// Generous: without a GPU, on a busy machine, a window takes a while.
const SOON: Duration = Duration::from_secs(60);
/// What a picture is shown on.
const BACKDROP: Rgb = [0x0b, 0x0d, 0x10];
/// Buttons that a screen is for, sliders and what is switched on, in the light theme.
const PRIMARY: Rgb = [0x1f, 0x6f, 0xeb];
/// What ends something, and the switch while all cameras are off.
const DANGER: Rgb = [0xc6, 0x2f, 0x3b];
/// The bar at the top, in a window of 1100 × 720.
const BAR: Area = Area { left: 0, top: 0, width: 1100, height: 44 };
/// What lies below it.
const PAGE: Area = Area { left: 0, top: 46, width: 1100, height: 674 };
/// Between the list of cameras and the controls.
const STAGE: Area = Area { left: 234, top: 46, width: 548, height: 672 };
/// The controls.
const PANEL: Area = Area { left: 786, top: 120, width: 286, height: 580 };
/// The bars of the test camera, from the left.
const BARS: [Rgb; 8] = [
    [255, 255, 255],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

/// Whether a colour is that of a bar, up to rounding.
fn is_near(seen: Rgb, colour: Rgb) -> bool {
    seen.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 3)
}
