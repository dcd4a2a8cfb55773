//! A QR code as an image: for a device that has a camera and no keyboard worth the name.

use iced::{
    Element,
    widget::{
        container,
        image::{FilterMethod, Handle, Image},
    },
};
use qrcode::{Color, QrCode};

use crate::style;

/// Pixels of a module, the code's smallest square.
const MODULE: usize = 4;
/// Modules that are left free around it, so that it is found.
const QUIET: usize = 4;

/// The code of a text.
#[derive(Debug)]
pub(crate) struct Code {
    image: Handle,
    side: f32,
}

impl Code {
    /// `None` where the text is too long for one.
    #[must_use]
    pub(crate) fn new(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let modules = code.width();
        let side = (modules + 2 * QUIET) * MODULE;
        let mut pixels = vec![255; side * side * 4];
        for (at, pixel) in pixels.chunks_exact_mut(4).enumerate() {
            let module = |at: usize| (at / MODULE).checked_sub(QUIET).filter(|at| *at < modules);
            if let (Some(x), Some(y)) = (module(at % side), module(at / side))
                && code[(x, y)] == Color::Dark
            {
                pixel[..3].fill(0);
            }
        }
        let image = Handle::from_rgba(side as u32, side as u32, pixels);
        Some(Self { image, side: side as f32 })
    }

    /// The code, black on white whatever the theme: cameras expect that.
    pub(crate) fn view<'a, Message: 'a>(&self) -> Element<'a, Message> {
        let image = Image::new(self.image.clone())
            .width(self.side)
            .height(self.side)
            .filter_method(FilterMethod::Nearest);
        container(image).style(style::card).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_marks_and_a_margin() {
        let code = Code::new("https://192.168.1.20:8443/#secret=abc").expect("it is short enough");
        let Handle::Rgba { width, pixels, .. } = &code.image else { panic!("pixels") };
        let dark = |x: usize, y: usize| {
            pixels[((y * MODULE + 1) * *width as usize + x * MODULE + 1) * 4] == 0
        };
        let last = *width as usize / MODULE - QUIET - 1;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(dark(x, y) && dark(x, y), "a mark at {x}, {y}");
        }
        assert!(!dark(QUIET - 1, QUIET) && !dark(last, last + 1), "a margin");
        assert!(Code::new(&"x".repeat(10_000)).is_none());
    }
}
