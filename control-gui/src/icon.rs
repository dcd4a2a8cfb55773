//! The window's icon: a lens on a rounded square, as in `assets/control-gui.svg`.

use iced::window::{Icon, icon};

const SIDE: u32 = 64;

/// The icon; `None` where the system takes none.
pub(crate) fn window() -> Option<Icon> {
    let pixels = (0..SIDE).flat_map(|y| (0..SIDE).flat_map(move |x| pixel(x, y))).collect();
    icon::from_rgba(pixels, SIDE, SIDE).ok()
}

fn pixel(x: u32, y: u32) -> [u8; 4] {
    // From -1 to 1 across the icon.
    let at = |n: u32| (n as f32 + 0.5) / SIDE as f32 * 2.0 - 1.0;
    let (x, y) = (at(x), at(y));
    // How far outside a square with corners of radius 0.4 it lies.
    let beyond = |n: f32| (n.abs() - 0.56).max(0.0);
    let edge = cover(beyond(x).hypot(beyond(y)) - 0.4);
    let from_middle = x.hypot(y);
    let glint = (x + 0.16).hypot(y + 0.16);
    let mut colour = [0x1f_u8, 0x6f, 0xeb].map(f32::from);
    for (radius, middle, ring) in [
        (0.62, from_middle, [0xff_u8; 3]),
        (0.50, from_middle, [0x0d, 0x1b, 0x33]),
        (0.12, glint, [0x9c, 0xc3, 0xff]),
    ] {
        let share = cover(middle - radius);
        for (channel, ring) in colour.iter_mut().zip(ring) {
            *channel += (f32::from(ring) - *channel) * share;
        }
    }
    let [r, g, b] = colour.map(|channel| channel as u8);
    [r, g, b, (edge * 255.0) as u8]
}

/// How much of a pixel lies inside, by its distance from the border.
fn cover(distance: f32) -> f32 {
    (0.5 - distance * SIDE as f32 / 2.0).clamp(0.0, 1.0)
}
