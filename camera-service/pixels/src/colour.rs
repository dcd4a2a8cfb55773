//! From a camera's colour encoding to that of JPEG, on planes of luma and chroma.
//!
//! No library at hand does this step without red, green and blue in between.

use protocol::{Colour, Matrix, Range};

use super::view::{Chroma, Planar, View, room};

/// `picture` in full range and with the luma coefficients of BT.601, as JPEG has it.
pub(super) fn to_jpeg<'a>(picture: Planar<'a>, scratch: &'a mut [Vec<u8>; 3]) -> Planar<'a> {
    let colour = Colour::JPEG;
    let [y_room, u_room, v_room] = scratch;
    let (y, chroma) = match (picture.colour, picture.chroma) {
        (Colour::JPEG, _) => return picture,
        // Without chroma the matrix makes no difference.
        (Colour { range: Range::Full, .. }, None) => return Planar { colour, ..picture },
        (Colour { range: Range::Limited, .. }, None) => (map(picture.y, y_room, luma), None),
        (Colour { matrix: Matrix::Bt601, .. }, Some(source)) => {
            let (u, v) = (map(source.u, u_room, chroma), map(source.v, v_room, chroma));
            (map(picture.y, y_room, luma), Some(Chroma { u, v, ..source }))
        }
        (Colour { matrix: Matrix::Bt709, range }, Some(source)) => {
            let matrix = Conversion::new(range);
            let y = matrix.luma(picture.y, &source, y_room);
            let u = matrix.chroma(source.u, source.v, matrix.u, u_room);
            let v = matrix.chroma(source.u, source.v, matrix.v, v_room);
            (y, Some(Chroma { u, v, ..source }))
        }
    };
    Planar { y, chroma, colour }
}

fn map<'a>(view: View<'_>, scratch: &'a mut Vec<u8>, change: impl Fn(u8) -> u8) -> View<'a> {
    let length = view.row_bytes();
    let out = room(scratch, length * view.height as usize);
    for (to, row) in out.chunks_exact_mut(length).zip(view.rows()) {
        for (to, &value) in to.iter_mut().zip(row) {
            *to = change(value);
        }
    }
    View::tight(out, view.size(), view.pixel)
}

// In 16 bits, so that the compiler makes vectors of eight: 149/128 is 255/219 and 146/128 is
// 255/224, each to within half a step at the ends of the range.

/// Luma from 16..=235 to 0..=255.
#[inline(always)]
fn luma(value: u8) -> u8 {
    let above = u16::from(value.saturating_sub(16).min(219));
    ((above * 149 + 64) >> 7) as u8
}

/// Chroma from 16..=240 to 0..=255 about 128.
#[inline(always)]
fn chroma(value: u8) -> u8 {
    let offset = i16::from(value) - 128;
    (((offset * 146 + 64) >> 7) + 128).clamp(0, 255) as u8
}

/// From BT.709 to BT.601 in full range, in units of 1 / 2^SHIFT.
struct Conversion {
    black: i32,
    gain: i32,
    /// What U and V add to luma.
    luma: (i32, i32),
    /// What U and V make of U …
    u: (i32, i32),
    /// … and of V.
    v: (i32, i32),
}

const SHIFT: u32 = 14;
const HALF: i32 = 1 << (SHIFT - 1);

impl Conversion {
    fn new(range: Range) -> Self {
        let (black, luma_gain, chroma_gain) = match range {
            Range::Limited => (16, 255.0 / 219.0, 255.0 / 224.0),
            Range::Full => (0, 1.0, 1.0),
        };
        let fixed = |value: f32| (value * (1 << SHIFT) as f32).round() as i32;
        let of_u = rgb_to_601(from_709(0.0, 1.0, 0.0));
        let of_v = rgb_to_601(from_709(0.0, 0.0, 1.0));
        let both =
            |index: usize| (fixed(of_u[index] * chroma_gain), fixed(of_v[index] * chroma_gain));
        Self { black, gain: fixed(luma_gain), luma: both(0), u: both(1), v: both(2) }
    }

    fn luma<'a>(&self, y: View<'_>, source: &Chroma<'_>, scratch: &'a mut Vec<u8>) -> View<'a> {
        let length = y.row_bytes();
        let out = room(scratch, length * y.height as usize);
        let (across, down) = (source.per.0 as usize, source.per.1 as usize);
        let rows = y.rows().zip(source.u.rows().zip(source.v.rows()).flat_map(|chroma| {
            // Each row of chroma belongs to so many of luma.
            std::iter::repeat_n(chroma, down)
        }));
        for (to, (y, (u, v))) in out.chunks_exact_mut(length).zip(rows) {
            let samples = to.chunks_mut(across).zip(y.chunks(across)).zip(u.iter().zip(v));
            for ((to, y), (&u, &v)) in samples {
                let added = Self::sum(self.luma, u, v) + HALF;
                for (to, &y) in to.iter_mut().zip(y) {
                    let value = (i32::from(y) - self.black) * self.gain + added;
                    *to = (value >> SHIFT).clamp(0, 255) as u8;
                }
            }
        }
        View::tight(out, y.size(), 1)
    }

    fn chroma<'a>(
        &self,
        u: View<'_>,
        v: View<'_>,
        weights: (i32, i32),
        scratch: &'a mut Vec<u8>,
    ) -> View<'a> {
        let length = u.row_bytes();
        let out = room(scratch, length * u.height as usize);
        for ((to, u), v) in out.chunks_exact_mut(length).zip(u.rows()).zip(v.rows()) {
            for ((to, &u), &v) in to.iter_mut().zip(u).zip(v) {
                let value = ((Self::sum(weights, u, v) + HALF) >> SHIFT) + 128;
                *to = value.clamp(0, 255) as u8;
            }
        }
        View::tight(out, u.size(), 1)
    }

    fn sum((of_u, of_v): (i32, i32), u: u8, v: u8) -> i32 {
        (i32::from(u) - 128) * of_u + (i32::from(v) - 128) * of_v
    }
}

/// Red, green and blue of luma and chroma by BT.709.
fn from_709(y: f32, u: f32, v: f32) -> [f32; 3] {
    const KR: f32 = 0.2126;
    const KB: f32 = 0.0722;
    let r = y + 2.0 * (1.0 - KR) * v;
    let b = y + 2.0 * (1.0 - KB) * u;
    [r, (y - KR * r - KB * b) / (1.0 - KR - KB), b]
}

/// Luma and chroma of red, green and blue by BT.601.
fn rgb_to_601([r, g, b]: [f32; 3]) -> [f32; 3] {
    const KR: f32 = 0.299;
    const KB: f32 = 0.114;
    let y = KR * r + (1.0 - KR - KB) * g + KB * b;
    [y, (b - y) / (2.0 * (1.0 - KB)), (r - y) / (2.0 * (1.0 - KR))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_range_are_met() {
        assert_eq!([0, 16, 126, 235, 255].map(luma), [0, 0, 128, 255, 255]);
        assert_eq!([0, 16, 128, 240, 255].map(chroma), [0, 0, 128, 255, 255]);
        for value in 16..=235u8 {
            let exact = (f64::from(value) - 16.0) * 255.0 / 219.0;
            assert!((f64::from(luma(value)) - exact).abs() <= 1.0, "{value}");
        }
    }

    #[test]
    fn the_matrix_is_the_known_one() {
        let full = Conversion::new(Range::Full);
        let as_known = |(u, v): (i32, i32)| {
            let scale = f64::from(1 << SHIFT);
            [f64::from(u) / scale, f64::from(v) / scale]
        };
        for (found, known) in [
            (full.luma, [0.101_579, 0.196_076]),
            (full.u, [0.989_854, -0.110_653]),
            (full.v, [-0.072_453, 0.983_398]),
        ] {
            let found = as_known(found);
            assert!((found[0] - known[0]).abs() < 2e-4, "{found:?} {known:?}");
            assert!((found[1] - known[1]).abs() < 2e-4, "{found:?} {known:?}");
        }
    }
}
