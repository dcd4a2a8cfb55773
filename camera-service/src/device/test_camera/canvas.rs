//! Rectangles and text drawn straight into a frame, whatever its pixel format.

use protocol::{Colour, Matrix, PixelFormat, Plane, Range, Size};

use super::font;

/// A frame that is being drawn. What lies outside of it is not drawn.
pub(super) struct Canvas<'a> {
    pub(super) format: PixelFormat,
    pub(super) size: Size,
    pub(super) planes: &'a [Plane],
    pub(super) bytes: &'a mut [u8],
}

/// A colour, ready to be drawn in any format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint {
    rgb: [u8; 3],
    yuv: [u8; 3],
}

/// Pixels from (`left`, `top`) to before (`right`, `bottom`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rectangle {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Paint {
    pub(super) fn new(rgb: [u8; 3], colour: Colour) -> Self {
        let [r, g, b] = rgb.map(|value| f32::from(value) / 255.0);
        let (kr, kb) = match colour.matrix {
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
        };
        let luma = kr * r + (1.0 - kr - kb) * g + kb * b;
        let (black, luma_range, chroma_range) = match colour.range {
            Range::Limited => (16.0, 219.0, 224.0),
            Range::Full => (0.0, 255.0, 255.0),
        };
        let chroma = |value: f32, k: f32| 128.0 + chroma_range * (value - luma) / (2.0 - 2.0 * k);
        let yuv = [black + luma_range * luma, chroma(b, kb), chroma(r, kr)];
        // A cast from f32 saturates.
        Self { rgb, yuv: yuv.map(|value| value.round() as u8) }
    }
}

impl Canvas<'_> {
    /// Fills `area`. Where chroma has fewer samples than luma, those that the area touches take
    /// its colour.
    pub(super) fn fill(&mut self, area: Rectangle, paint: Paint) {
        let area = Rectangle {
            right: area.right.min(self.size.width),
            bottom: area.bottom.min(self.size.height),
            ..area
        };
        if area.left >= area.right || area.top >= area.bottom {
            return;
        }
        let half = Rectangle {
            left: area.left / 2,
            top: area.top / 2,
            right: area.right.div_ceil(2),
            bottom: area.bottom.div_ceil(2),
        };
        let ([r, g, b], [y, u, v]) = (paint.rgb, paint.yuv);
        match self.format {
            PixelFormat::Grey => self.fill_plane(0, area, &[y]),
            PixelFormat::I420 => {
                self.fill_plane(0, area, &[y]);
                self.fill_plane(1, half, &[u]);
                self.fill_plane(2, half, &[v]);
            }
            PixelFormat::Nv12 => {
                self.fill_plane(0, area, &[y]);
                self.fill_plane(1, half, &[u, v]);
            }
            PixelFormat::Yuyv => self.fill_yuyv(area, [y, u, v]),
            PixelFormat::Rgb => self.fill_plane(0, area, &[r, g, b]),
            PixelFormat::Bgr => self.fill_plane(0, area, &[b, g, r]),
            PixelFormat::Rgba => self.fill_plane(0, area, &[r, g, b, 255]),
            // The test camera draws JPEGs as I420.
            PixelFormat::Mjpg | PixelFormat::Other(_) => {}
        }
    }

    /// Draws a line of text with its upper left corner at (`left`, `top`), a pixel of the font
    /// `scale` pixels wide.
    pub(super) fn text(&mut self, text: &str, (left, top): (u32, u32), scale: u32, paint: Paint) {
        for (index, letter) in text.chars().enumerate() {
            let left = left + index as u32 * letter_width(scale);
            for (row, bits) in font::glyph(letter).into_iter().enumerate() {
                let top = top + row as u32 * scale;
                let mut column = 0;
                while column < font::WIDTH {
                    // Neighbouring pixels are one rectangle.
                    let lit = (column..font::WIDTH)
                        .take_while(|&at| bits & (0x10 >> at) != 0)
                        .count() as u32;
                    if lit > 0 {
                        let left = left + column * scale;
                        let right = left + lit * scale;
                        self.fill(Rectangle { left, top, right, bottom: top + scale }, paint);
                    }
                    column += lit.max(1);
                }
            }
        }
    }

    fn fill_plane(&mut self, plane: usize, area: Rectangle, pixel: &[u8]) {
        let Plane { offset, stride } = self.planes[plane];
        let (offset, stride) = (offset as usize, stride as usize);
        let first = offset + area.top as usize * stride + area.left as usize * pixel.len();
        let length = (area.right - area.left) as usize * pixel.len();
        if let [value] = pixel {
            for row in 0..(area.bottom - area.top) as usize {
                self.bytes[first + row * stride..][..length].fill(*value);
            }
            return;
        }
        for bytes in self.bytes[first..first + length].chunks_exact_mut(pixel.len()) {
            bytes.copy_from_slice(pixel);
        }
        self.repeat_row(first, length, stride, area);
    }

    fn fill_yuyv(&mut self, area: Rectangle, [y, u, v]: [u8; 3]) {
        let Plane { offset, stride } = self.planes[0];
        let (offset, stride) = (offset as usize, stride as usize);
        let (left, right) = (area.left as usize, area.right as usize);
        let row = offset + area.top as usize * stride;
        for (index, bytes) in
            self.bytes[row + left * 2..row + right * 2].chunks_exact_mut(2).enumerate()
        {
            let chroma = if (left + index).is_multiple_of(2) { u } else { v };
            bytes.copy_from_slice(&[y, chroma]);
        }
        // Complete the pairs that the area touches.
        self.bytes[row + left / 2 * 4 + 1] = u;
        self.bytes[row + (right - 1) / 2 * 4 + 3] = v;
        let first = row + left / 2 * 4;
        let length = (right.div_ceil(2) - left / 2) * 4;
        if left.is_multiple_of(2) && right.is_multiple_of(2) {
            self.repeat_row(first, length, stride, area);
        } else {
            // A neighbour's luma within the pairs may differ from row to row.
            for y_row in area.top + 1..area.bottom {
                self.fill_yuyv(Rectangle { top: y_row, bottom: y_row + 1, ..area }, [y, u, v]);
            }
        }
    }

    /// Copies the first row of `area`, `length` bytes from `first`, to its other rows.
    fn repeat_row(&mut self, first: usize, length: usize, stride: usize, area: Rectangle) {
        for row in 1..(area.bottom - area.top) as usize {
            self.bytes.copy_within(first..first + length, first + row * stride);
        }
    }
}

/// Pixels from one letter to the next.
pub(super) const fn letter_width(scale: u32) -> u32 {
    (font::WIDTH + 1) * scale
}

/// Pixels from one line of text to the next.
pub(super) const fn line_height(scale: u32) -> u32 {
    (font::HEIGHT + 2) * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use pixels::Layout;

    const RED: [u8; 3] = [255, 0, 0];

    fn drawn(format: PixelFormat, size: Size, area: Rectangle) -> (Layout, Vec<u8>) {
        let layout = Layout::tight(format, size).unwrap();
        let mut bytes = vec![9; layout.length];
        let mut canvas = Canvas { format, size, planes: &layout.planes, bytes: &mut bytes };
        canvas.fill(area, Paint::new(RED, Colour::VIDEO));
        (layout, bytes)
    }

    #[test]
    fn paint_is_what_the_standards_say() {
        assert_eq!(Paint::new(RED, Colour::VIDEO).yuv, [81, 90, 240]);
        assert_eq!(Paint::new(RED, Colour::JPEG).yuv, [76, 85, 255]);
        let hd = Colour { matrix: Matrix::Bt709, range: Range::Limited };
        assert_eq!(Paint::new(RED, hd).yuv, [63, 102, 240]);
        assert_eq!(Paint::new([255; 3], Colour::VIDEO).yuv, [235, 128, 128]);
        assert_eq!(Paint::new([0; 3], Colour::VIDEO).yuv, [16, 128, 128]);
    }

    #[test]
    fn each_format_is_filled_where_it_should() {
        let area = Rectangle { left: 2, top: 1, right: 4, bottom: 2 };
        let size = Size::new(5, 2);
        let filled = |format| drawn(format, size, area).1;
        assert_eq!(filled(PixelFormat::Grey), [9, 9, 9, 9, 9, 9, 9, 81, 81, 9]);
        assert_eq!(
            filled(PixelFormat::Yuyv)[12..],
            [9, 9, 9, 9, 81, 90, 81, 240, 9, 9, 9, 9],
            "the second row"
        );
        assert_eq!(filled(PixelFormat::I420)[10..], [9, 90, 9, 9, 240, 9]);
        assert_eq!(filled(PixelFormat::Nv12)[10..], [9, 9, 90, 240, 9, 9]);
        assert_eq!(filled(PixelFormat::Rgb)[15 + 6..][..6], [255, 0, 0, 255, 0, 0]);
        assert_eq!(filled(PixelFormat::Bgr)[15 + 6..][..6], [0, 0, 255, 0, 0, 255]);
        assert_eq!(filled(PixelFormat::Rgba)[20 + 8..][..8], [255, 0, 0, 255, 255, 0, 0, 255]);
    }

    #[test]
    fn an_odd_area_takes_whole_pairs_of_chroma_only() {
        let area = Rectangle { left: 1, top: 0, right: 3, bottom: 2 };
        let (_, bytes) = drawn(PixelFormat::Yuyv, Size::new(4, 2), area);
        let row = [9, 90, 81, 240, 81, 90, 9, 240];
        assert_eq!(bytes, [row, row].concat());
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        for format in [
            PixelFormat::Grey,
            PixelFormat::Yuyv,
            PixelFormat::I420,
            PixelFormat::Nv12,
            PixelFormat::Rgb,
            PixelFormat::Bgr,
            PixelFormat::Rgba,
        ] {
            for size in [Size::new(7, 5), Size::new(1, 1), Size::new(8, 4)] {
                let all = Rectangle { left: 0, top: 0, right: 1000, bottom: 1000 };
                drawn(format, size, all);
                let outside = Rectangle { left: 100, top: 3, right: 200, bottom: 9 };
                let (_, bytes) = drawn(format, size, outside);
                assert!(bytes.iter().all(|&byte| byte == 9), "{format} {size}");
            }
        }
    }

    #[test]
    fn text_is_drawn_as_the_font_says() {
        let size = Size::new(12, 7);
        let layout = Layout::tight(PixelFormat::Grey, size).unwrap();
        let mut bytes = vec![0; layout.length];
        let mut canvas =
            Canvas { format: PixelFormat::Grey, size, planes: &layout.planes, bytes: &mut bytes };
        canvas.text("1:", (0, 0), 1, Paint::new([255; 3], Colour::JPEG));
        let picture: Vec<String> = bytes
            .chunks(12)
            .map(|row| row.iter().map(|&b| if b == 0 { '.' } else { '#' }).collect())
            .collect();
        assert_eq!(
            picture,
            [
                "..#.........",
                ".##.....#...",
                "..#.....#...",
                "..#.........",
                "..#.....#...",
                "..#.....#...",
                ".###........",
            ]
        );
    }
}
