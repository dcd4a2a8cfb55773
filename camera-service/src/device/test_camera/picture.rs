//! The test camera's picture: the strip, a pattern with the time and the number of the frame, and
//! a moving block below.
//!
//! What stands still is drawn once, when the camera is opened or a control changes; a frame costs
//! a copy of it and what moves.

use protocol::{
    Colour, PixelFormat, Plane, Size,
    strip::{self, Strip},
};

use super::{
    canvas::{Canvas, Paint, Rectangle, letter_width, line_height},
    settings::{Pattern, SPEEDS, Settings},
};
use pixels::Layout;

/// The bars of EBU Tech. 3325 at 100/0/75/0: a white one, and the others at 75 %.
const BARS: [[f32; 3]; 8] = [
    [1.0, 1.0, 1.0],
    [0.75, 0.75, 0.0],
    [0.0, 0.75, 0.75],
    [0.0, 0.75, 0.0],
    [0.75, 0.0, 0.75],
    [0.75, 0.0, 0.0],
    [0.0, 0.0, 0.75],
    [0.0, 0.0, 0.0],
];
/// Letters that a line of text has room for.
const LETTERS: u32 = 32;

/// Draws frames of one format and size.
pub(super) struct Picture {
    format: PixelFormat,
    size: Size,
    colour: Colour,
    layout: Layout,
    background: Vec<u8>,
    black: Paint,
    white: Paint,
    block: Paint,
    mirror: bool,
    speed: u32,
}

/// What is written into a frame.
pub(super) struct Stamp {
    pub(super) strip: Strip,
    /// Time shown, in ms.
    pub(super) clock_ms: u64,
}

impl Picture {
    /// Pictures of `size` in `format`, one with rows, and in `colour`. `None` where a frame would
    /// be too large.
    pub(super) fn new(
        format: PixelFormat,
        size: Size,
        colour: Colour,
        settings: &Settings,
    ) -> Option<Self> {
        let layout = Layout::tight(format, size)?;
        let background = vec![0; layout.length];
        let mut picture = Self {
            format,
            size,
            colour,
            layout,
            background,
            black: Paint::new([0; 3], colour),
            white: Paint::new([255; 3], colour),
            block: Paint::new([255; 3], colour),
            mirror: false,
            speed: 0,
        };
        picture.apply(settings);
        Some(picture)
    }

    /// Draws what stands still anew.
    pub(super) fn apply(&mut self, settings: &Settings) {
        self.mirror = settings.mirror;
        self.speed = SPEEDS[settings.speed];
        self.block = Paint::new(settings.shade([1.0, 0.75, 0.0]), self.colour);
        let (size, colour) = (self.size, self.colour);
        let (black, white) = (self.black, self.white);
        let (pattern, track) = (pattern_top(size), track_top(size));
        let mut canvas = Canvas {
            format: self.format,
            size,
            planes: &self.layout.planes,
            bytes: &mut self.background,
        };
        canvas.fill(Rectangle { left: 0, top: 0, right: size.width, bottom: size.height }, black);
        let columns = match settings.pattern {
            Pattern::Bars => BARS.len() as u32,
            Pattern::Ramp => size.width.div_ceil(2),
            Pattern::Solid => 1,
        };
        let edge = |column: u32| (column * size.width / columns) & !1;
        for column in 0..columns {
            let shown = if settings.mirror { columns - 1 - column } else { column };
            let rgb = match settings.pattern {
                Pattern::Bars => BARS[shown as usize],
                Pattern::Ramp => [shown as f32 / (columns - 1).max(1) as f32; 3],
                Pattern::Solid => [0.5; 3],
            };
            let right = if column + 1 == columns { size.width } else { edge(column + 1) };
            let area = Rectangle { left: edge(column), top: pattern, right, bottom: track };
            canvas.fill(area, Paint::new(settings.shade(rgb), colour));
        }
        canvas.fill(text_box(size, 0, 12), black);
        canvas.fill(text_box(size, 1, 21), black);
        if !settings.text.is_empty() {
            let letters = settings.text.chars().count() as u32;
            canvas.fill(text_box(size, 2, letters), black);
            canvas.text(&settings.text, text_at(size, 2), scale(size), white);
        }
    }

    /// Draws a frame into `bytes`, of which there must be [`Self::length`].
    pub(super) fn draw(&self, bytes: &mut [u8], stamp: &Stamp) {
        bytes.copy_from_slice(&self.background);
        let size = self.size;
        let mut canvas = Canvas { format: self.format, size, planes: &self.layout.planes, bytes };
        canvas.fill(self.block_at(stamp.strip.sequence), self.block);
        let (seconds, ms) = (stamp.clock_ms / 1000, stamp.clock_ms % 1000);
        let (minutes, hours) = (seconds / 60 % 60, seconds / 3600 % 100);
        let clock = format!("{hours:02}:{minutes:02}:{:02}.{ms:03}", seconds % 60);
        canvas.text(&clock, text_at(size, 0), scale(size), self.white);
        let number = format!("#{}", stamp.strip.sequence);
        canvas.text(&number, text_at(size, 1), scale(size), self.white);
        // The camera offers no size that is too small for a strip.
        for cell in strip::cells(size, &stamp.strip).into_iter().flatten() {
            let strip::Cell { left, top, right, bottom, white } = cell;
            let paint = if white { self.white } else { self.black };
            canvas.fill(Rectangle { left, top, right, bottom }, paint);
        }
    }

    pub(super) fn length(&self) -> usize {
        self.layout.length
    }

    pub(super) fn planes(&self) -> &[Plane] {
        &self.layout.planes
    }

    pub(super) fn colour(&self) -> Colour {
        self.colour
    }

    /// Where the block is in the frame with number `sequence`: it runs to and fro.
    fn block_at(&self, sequence: u64) -> Rectangle {
        let Size { width, height } = self.size;
        let block = (width / 8).max(2);
        let way = u64::from((width - block).max(1));
        let travelled = sequence.wrapping_mul(u64::from(self.speed)) % (2 * way);
        let at = if travelled < way { travelled } else { 2 * way - travelled } as u32;
        let left = if self.mirror { width - block - at } else { at } & !1;
        Rectangle { left, top: track_top(self.size), right: left + (block & !1), bottom: height }
    }
}

/// First row of the pattern: even, so that no chroma of the strip is touched.
const fn pattern_top(size: Size) -> u32 {
    strip::height(size).next_multiple_of(2)
}

/// First row of the track of the block.
const fn track_top(size: Size) -> u32 {
    (size.height - size.height / 8) & !1
}

/// Size of a pixel of the font.
fn scale(size: Size) -> u32 {
    (size.height / 90).min(size.width / letter_width(LETTERS)).max(1)
}

/// Upper left corner of a line of text.
fn text_at(size: Size, line: u32) -> (u32, u32) {
    let scale = scale(size);
    let top = pattern_top(size) + size.height / 12 + line * line_height(scale);
    ((size.width / 32).next_multiple_of(2), top.next_multiple_of(2))
}

/// What lies behind a line of text.
fn text_box(size: Size, line: u32, letters: u32) -> Rectangle {
    let scale = scale(size);
    let (left, top) = text_at(size, line);
    let (right, bottom) = (left + letters * letter_width(scale), top + line_height(scale));
    Rectangle {
        left: left.saturating_sub(scale) & !1,
        top: top.saturating_sub(scale) & !1,
        right: (right + scale).next_multiple_of(2),
        bottom: bottom.min(track_top(size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(320, 240);

    fn frame(format: PixelFormat, size: Size, settings: &Settings, sequence: u64) -> Vec<u8> {
        let picture = Picture::new(format, size, Colour::VIDEO, settings).unwrap();
        let mut bytes = vec![0; picture.length()];
        let strip = Strip { sequence, monotonic_ns: 42 };
        picture.draw(&mut bytes, &Stamp { strip, clock_ms: 3_723_004 });
        bytes
    }

    #[test]
    fn bars_have_the_standard_colours() {
        let bytes = frame(PixelFormat::Rgb, SIZE, &Settings::default(), 0);
        let at = |x: usize, y: usize| [0, 1, 2].map(|part| bytes[(y * 320 + x) * 3 + part]);
        let bars: Vec<_> = (0..8).map(|bar| at(bar * 40 + 20, 180)).collect();
        assert_eq!(
            bars,
            [
                [255, 255, 255],
                [191, 191, 0],
                [0, 191, 191],
                [0, 191, 0],
                [191, 0, 191],
                [191, 0, 0],
                [0, 0, 191],
                [0, 0, 0],
            ]
        );
    }

    #[test]
    fn every_frame_differs_below_the_strip() {
        let settings = Settings::default();
        let below = |sequence| {
            let bytes = frame(PixelFormat::Grey, SIZE, &settings, sequence);
            bytes[(track_top(SIZE) * SIZE.width) as usize..].to_vec()
        };
        for sequence in 0..300 {
            assert_ne!(below(sequence), below(sequence + 1), "{sequence}");
        }
    }

    #[test]
    fn settings_are_seen() {
        let base = Settings::default();
        let seen = |settings: Settings| frame(PixelFormat::Rgb, SIZE, &settings, 7);
        let before = seen(base.clone());
        for changed in [
            Settings { brightness: 20, ..base.clone() },
            Settings { contrast: 50, ..base.clone() },
            Settings { saturation: 50, ..base.clone() },
            Settings { auto_exposure: false, exposure: 100, ..base.clone() },
            Settings { pattern: Pattern::Ramp, ..base.clone() },
            Settings { pattern: Pattern::Solid, ..base.clone() },
            Settings { mirror: true, ..base.clone() },
            Settings { speed: 0, ..base.clone() },
            Settings { channels: 3, ..base.clone() },
            Settings { text: "Hello, world".to_owned(), ..base.clone() },
        ] {
            assert!(seen(changed.clone()) != before, "{changed:?} looks like the default");
        }
    }

    #[test]
    fn every_size_and_format_has_a_readable_strip() {
        let dark = Settings {
            brightness: -100,
            text: "x".repeat(32),
            mirror: true,
            ..Settings::default()
        };
        for format in super::super::RAW_FORMATS {
            for size in [
                strip::MIN_SIZE,
                Size::new(81, 25),
                Size::new(321, 241),
                Size::new(640, 360),
                Size::new(100, 1000),
                Size::new(1000, 24),
            ] {
                for sequence in [0, 33, u64::MAX] {
                    let bytes = frame(format, size, &dark, sequence);
                    let layout = Layout::tight(format, size).unwrap();
                    let header = protocol::FrameHeader {
                        sequence,
                        monotonic_ns: 42,
                        unix_ns: 0,
                        size,
                        format,
                        planes: layout.planes,
                        colour: Colour::VIDEO,
                        length: bytes.len() as u32,
                        dropped: 0,
                    };
                    let strip = strip::read_frame(&header, &bytes);
                    assert_eq!(strip, Ok(Strip { sequence, monotonic_ns: 42 }), "{format} {size}");
                }
            }
        }
    }
}
