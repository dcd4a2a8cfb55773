//! From luma and chroma to red, green and blue: one matrix, for both renderers.

use protocol::{Colour, Matrix, Range};

use super::picture::Layout;

/// Rows for red, green and blue: factors of three samples from 0 to 1, and what is added.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ToRgb(pub [[f32; 4]; 3]);

impl ToRgb {
    /// For a picture of this layout and colour.
    #[must_use]
    pub(crate) fn new(layout: Layout, colour: Colour) -> Self {
        if layout == Layout::Rgba {
            return Self([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]);
        }
        let (kr, kb) = match colour.matrix {
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
        };
        let kg: f32 = 1.0 - kr - kb;
        // Black, and the distances from black to white and from the least to the most chroma.
        let (black, luma, chroma) = match colour.range {
            Range::Full => (0.0, 1.0, 1.0),
            Range::Limited => (16.0 / 255.0, 219.0 / 255.0, 224.0 / 255.0),
        };
        let y = 1.0 / luma;
        let v_red = 2.0 * (1.0 - kr) / chroma;
        let u_blue = 2.0 * (1.0 - kb) / chroma;
        let (u_green, v_green) = (-u_blue * kb / kg, -v_red * kr / kg);
        let middle = 128.0 / 255.0;
        let row = |u: f32, v: f32| [y, u, v, -y * black - middle * (u + v)];
        if layout == Layout::Grey {
            return Self([[y, 0.0, 0.0, -y * black]; 3]);
        }
        Self([row(0.0, v_red), row(u_green, v_green), row(u_blue, 0.0)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rgb(colour: Colour, yuv: [u8; 3]) -> [i32; 3] {
        let ToRgb(rows) = ToRgb::new(Layout::Planar, colour);
        rows.map(|row| {
            let sum: f32 = row.iter().zip(yuv).map(|(k, v)| k * f32::from(v) / 255.0).sum();
            ((sum + row[3]) * 255.0).round() as i32
        })
    }

    #[test]
    fn known_colours_come_out_right() {
        let limited = |matrix| Colour { matrix, range: Range::Limited };
        // Values of the standards' own tables.
        for (colour, yuv, expected) in [
            (limited(Matrix::Bt601), [235, 128, 128], [255, 255, 255]),
            (limited(Matrix::Bt601), [16, 128, 128], [0, 0, 0]),
            (limited(Matrix::Bt601), [81, 90, 240], [255, 0, 0]),
            (limited(Matrix::Bt709), [63, 102, 240], [255, 0, 0]),
            (limited(Matrix::Bt709), [173, 42, 26], [0, 255, 0]),
            (Colour::JPEG, [76, 85, 255], [254, 0, 0]),
            (Colour::JPEG, [128, 128, 128], [128, 128, 128]),
        ] {
            let got = rgb(colour, yuv);
            let near =
                got.iter().zip(expected).all(|(got, want): (&i32, i32)| (got - want).abs() <= 2);
            assert!(near, "{colour:?} {yuv:?} → {got:?}, not {expected:?}");
        }
    }
}
