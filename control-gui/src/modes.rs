//! Choosing a mode by its parts: size, rate, format. A choice of one part keeps the others as near
//! as the camera can.

use protocol::{FrameRate, Mode, PixelFormat, Size};

/// A part that was chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Part {
    /// Size.
    Size(Size),
    /// Rate.
    Rate(FrameRate),
    /// Format.
    Format(PixelFormat),
}

/// Sizes that a camera offers, largest first.
#[must_use]
pub(crate) fn sizes(modes: &[Mode]) -> Vec<Size> {
    let mut sizes: Vec<Size> = usable(modes).map(|mode| mode.size).collect();
    sizes.sort_by_key(|size| std::cmp::Reverse((size.area(), size.width)));
    sizes.dedup();
    sizes
}

/// Rates that it offers in a size and format, highest first.
#[must_use]
pub(crate) fn rates(modes: &[Mode], like: Mode) -> Vec<FrameRate> {
    let fits = |mode: &&Mode| mode.size == like.size && mode.format == like.format;
    let mut rates: Vec<FrameRate> = usable(modes).filter(fits).map(|mode| mode.rate).collect();
    rates.sort_by(|a, b| b.cmp(a));
    rates.dedup();
    rates
}

/// Formats that it offers in a size.
#[must_use]
pub(crate) fn formats(modes: &[Mode], size: Size) -> Vec<PixelFormat> {
    let mut formats: Vec<PixelFormat> =
        usable(modes).filter(|mode| mode.size == size).map(|mode| mode.format).collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

/// The mode with this part that is otherwise nearest to `now`.
#[must_use]
pub(crate) fn with(modes: &[Mode], now: Mode, part: Part) -> Option<Mode> {
    let has = |mode: &&Mode| match part {
        Part::Size(size) => mode.size == size,
        Part::Rate(rate) => mode.rate == rate && mode.size == now.size && mode.format == now.format,
        Part::Format(format) => mode.format == format && mode.size == now.size,
    };
    let distance = |mode: &Mode| {
        let rate = (mode.rate.as_f64() - now.rate.as_f64()).abs();
        (mode.format != now.format, (rate * 1000.0) as u64)
    };
    usable(modes).filter(has).min_by_key(|mode| distance(mode)).copied()
}

/// Modes that the service opens.
fn usable(modes: &[Mode]) -> impl Iterator<Item = &Mode> {
    modes.iter().filter(|mode| !matches!(mode.format, PixelFormat::Other(_)))
}

/// Something to choose, and how it reads.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice<T> {
    /// What it is.
    pub value: T,
    label: String,
}

impl<T> Choice<T> {
    /// `value`, written as `label`.
    pub(crate) fn new(value: T, label: impl Into<String>) -> Self {
        Self { value, label: label.into() }
    }
}

impl<T> std::fmt::Display for Choice<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{detail, mode};

    #[test]
    fn one_part_changes_and_the_rest_stays_as_near_as_can_be() {
        let modes = detail("a").modes;
        let now = mode(PixelFormat::Yuyv, 640, 480, 15);
        assert_eq!(sizes(&modes), [Size::new(1280, 720), Size::new(640, 480)]);
        assert_eq!(rates(&modes, now).len(), 2);
        assert_eq!(formats(&modes, now.size), [PixelFormat::Mjpg, PixelFormat::Yuyv]);

        let large = with(&modes, now, Part::Size(Size::new(1280, 720)));
        assert_eq!(
            large,
            Some(mode(PixelFormat::Mjpg, 1280, 720, 30)),
            "the only one of that size"
        );
        let fast = with(&modes, now, Part::Rate(FrameRate::new(30, 1)));
        assert_eq!(fast, Some(mode(PixelFormat::Yuyv, 640, 480, 30)));
        assert_eq!(with(&modes, now, Part::Format(PixelFormat::Rgb)), None);
    }
}
