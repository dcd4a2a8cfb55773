//! Which of the offered modes suits a wish best.
//!
//! A format or size that is wished is kept exactly, or the wish fails. What is left open is
//! chosen in this order:
//! 1. a mode that is fast enough: nearly the wished rate, else 24 frames a second;
//! 2. of the sizes the largest up to 1280×720, else the smallest above it;
//! 3. raw pixels rather than MJPG, and either rather than grey;
//! 4. the rate nearest to the wished one, else to 30;
//! 5. YUYV, NV12, I420, RGB, BGR, RGBA.
//!
//! So MJPG is taken exactly where raw pixels cannot reach the size at that rate.

use std::cmp::Reverse;

use protocol::{Mode, ModeWish, PixelFormat, Size};

use super::Error;

/// Sizes up to this are chosen without being asked for.
const COMFORTABLE: Size = Size::new(1280, 720);

/// The place among `offers` of the mode that suits `wish` best.
pub(super) fn choose(offers: &[Mode], wish: &ModeWish) -> Result<usize, Error> {
    let suits = |mode: &Mode| {
        !matches!(mode.format, PixelFormat::Other(_))
            && wish.format.is_none_or(|format| format == mode.format)
            && wish.size.is_none_or(|size| size == mode.size)
    };
    (0..offers.len())
        .filter(|&at| suits(&offers[at]))
        // Of equal ones `max_by_key` takes the last, so the driver's order is turned round.
        .rev()
        .max_by_key(|&at| score(&offers[at], wish))
        .ok_or_else(|| refusal(offers, wish))
}

fn score(mode: &Mode, wish: &ModeWish) -> impl Ord + use<> {
    let rate = mode.rate.as_f64();
    // A little under the wish is as good: 29.97 for 30, 24 for 25.
    let (target, least) = match wish.rate.map(|rate| rate.as_f64()) {
        Some(wished) => (wished, wished * 0.96),
        None => (30.0, 24.0 * 0.99),
    };
    let comfortable =
        mode.size.width <= COMFORTABLE.width && mode.size.height <= COMFORTABLE.height;
    let area = mode.size.area() as i64;
    let size = if comfortable { area } else { -area };
    let kind = match mode.format {
        PixelFormat::Grey => 0,
        PixelFormat::Mjpg => 1,
        _ => 2,
    };
    let distance = ((rate - target).abs() * 1000.0) as u64;
    (rate >= least, comfortable, size, kind, Reverse(distance), preference(mode.format))
}

fn preference(format: PixelFormat) -> u8 {
    match format {
        PixelFormat::Yuyv => 7,
        PixelFormat::Nv12 => 6,
        PixelFormat::I420 => 5,
        PixelFormat::Rgb => 4,
        PixelFormat::Bgr => 3,
        PixelFormat::Rgba => 2,
        PixelFormat::Grey => 1,
        PixelFormat::Mjpg | PixelFormat::Other(_) => 0,
    }
}

/// Says what was wished and what there is that comes near.
fn refusal(offers: &[Mode], wish: &ModeWish) -> Error {
    let mut near: Vec<&Mode> = offers.iter().collect();
    let right_format = |mode: &Mode| wish.format.is_none_or(|format| format == mode.format);
    if near.iter().any(|mode| right_format(mode)) {
        near.retain(|mode| right_format(mode));
    }
    if let Some(wished) = wish.size {
        near.sort_by_key(|mode| mode.size.area().abs_diff(wished.area()));
    }
    Error::UnsupportedMode(format!("{wish}; near it are {}", name_some(&near)))
}

/// Names a few modes, for an error message.
fn name_some(modes: &[&Mode]) -> String {
    let mut names: Vec<String> = Vec::new();
    for mode in modes {
        let name = match mode.format {
            PixelFormat::Other(_) => continue,
            format => format!("{format} {}", mode.size),
        };
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() == 4 {
            break;
        }
    }
    if names.is_empty() { "nothing that can be served".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use protocol::{FourCc, FrameRate};

    use super::*;

    fn offers(modes: &[(&str, &str, &str)]) -> Vec<Mode> {
        modes
            .iter()
            .map(|(format, size, rate)| {
                let format = format.parse().unwrap_or(PixelFormat::Other(FourCc(*b"H264")));
                Mode { format, size: size.parse().unwrap(), rate: rate.parse().unwrap() }
            })
            .collect()
    }

    fn chosen(offers: &[Mode], wish: &ModeWish) -> String {
        offers[choose(offers, wish).expect("a choice")].to_string()
    }

    fn webcam() -> Vec<Mode> {
        offers(&[
            ("YUYV", "640x480", "30"),
            ("YUYV", "640x480", "15"),
            ("YUYV", "1280x720", "10"),
            ("YUYV", "1920x1080", "5"),
            ("MJPG", "640x480", "30"),
            ("MJPG", "1280x720", "60"),
            ("MJPG", "1280x720", "30"),
            ("MJPG", "1280x720", "7.5"),
            ("MJPG", "1920x1080", "30"),
            ("h264", "1920x1080", "60"),
        ])
    }

    #[test]
    fn nothing_wished_gives_720p_at_30() {
        assert_eq!(chosen(&webcam(), &ModeWish::default()), "MJPG 1280x720 30 fps");
        let raw = offers(&[
            ("MJPG", "1280x720", "30"),
            ("NV12", "1280x720", "30"),
            ("YUYV", "1280x720", "25"),
        ]);
        assert_eq!(chosen(&raw, &ModeWish::default()), "NV12 1280x720 30 fps");
        let large_only = offers(&[("MJPG", "1920x1080", "30"), ("MJPG", "3840x2160", "30")]);
        assert_eq!(chosen(&large_only, &ModeWish::default()), "MJPG 1920x1080 30 fps");
        let slow_only = offers(&[("YUYV", "640x480", "5"), ("YUYV", "640x480", "10")]);
        assert_eq!(chosen(&slow_only, &ModeWish::default()), "YUYV 640x480 10 fps");
        let infrared = offers(&[("GREY", "640x360", "15"), ("GREY", "640x360", "30")]);
        assert_eq!(chosen(&infrared, &ModeWish::default()), "GREY 640x360 30 fps");
    }

    #[test]
    fn a_size_is_served_raw_where_raw_is_fast_enough() {
        let size = |text: &str| ModeWish { size: text.parse().ok(), ..Default::default() };
        assert_eq!(chosen(&webcam(), &size("640x480")), "YUYV 640x480 30 fps");
        assert_eq!(chosen(&webcam(), &size("1920x1080")), "MJPG 1920x1080 30 fps");
        let slow = ModeWish { rate: "10".parse().ok(), ..size("1280x720") };
        assert_eq!(chosen(&webcam(), &slow), "YUYV 1280x720 10 fps");
    }

    #[test]
    fn a_format_and_a_rate_are_kept() {
        let wish = ModeWish {
            format: Some(PixelFormat::Mjpg),
            size: Some(COMFORTABLE),
            rate: Some(FrameRate::new(15, 2)),
        };
        assert_eq!(chosen(&webcam(), &wish), "MJPG 1280x720 7.5 fps");
        let fast = ModeWish { rate: "60".parse().ok(), ..Default::default() };
        assert_eq!(chosen(&webcam(), &fast), "MJPG 1280x720 60 fps");
        // No such rate at all: the nearest.
        let faster =
            ModeWish { rate: "100".parse().ok(), size: "640x480".parse().ok(), format: None };
        assert_eq!(chosen(&webcam(), &faster), "YUYV 640x480 30 fps");
    }

    #[test]
    fn what_is_not_offered_names_what_is() {
        let refused = |wish: &ModeWish| match choose(&webcam(), wish) {
            Err(Error::UnsupportedMode(text)) => text,
            Err(other) => panic!("{other}"),
            Ok(at) => panic!("{at}"),
        };
        let format = ModeWish { format: Some(PixelFormat::Nv12), ..Default::default() };
        assert!(refused(&format).starts_with("NV12; near it are YUYV 640x480"));
        let size = ModeWish { size: "1280x800".parse().ok(), ..Default::default() };
        assert!(refused(&size).starts_with("1280x800; near it are YUYV 1280x720"));
        let other =
            ModeWish { format: Some(PixelFormat::Other(FourCc(*b"H264"))), ..Default::default() };
        assert!(refused(&other).contains("near it are"), "{}", refused(&other));
        assert!(matches!(
            choose(&[], &ModeWish::default()),
            Err(Error::UnsupportedMode(text)) if text.contains("nothing that can be served")
        ));
    }
}
