//! The strip: rows of black and white cells across the top of the test camera's frames that hold
//! the sequence number and the time of capture, so that whoever has the picture, in whatever
//! rendition, can check order, loss and latency.
//!
//! The strip has [`ROWS`] rows of [`COLUMNS`] cells and takes up the upper sixth of the picture.
//! Cells are a fraction of the picture's width and height, so that a scaled picture is read
//! without knowing its first size. Each row begins and ends with a white and a black cell; the
//! cells between them, row by row, are the bits (white is 1), most significant first, of the
//! sequence number (64), the time (64) and a CRC-16 of those sixteen big-endian bytes
//! (polynomial 0x1021, start 0xffff). White and black of the fixed cells give the threshold.
//!
//! A picture that was turned or mirrored is read by turning its coordinates back in the closure
//! given to [`read`]; one that was cropped at the top or the sides cannot be read.

use crate::{FrameHeader, PixelFormat, Size};

/// Cells in a row.
pub const COLUMNS: u32 = 40;
/// Rows of cells.
pub const ROWS: u32 = 4;
/// The smallest picture that holds a strip: cells of two by one pixels.
pub const MIN_SIZE: Size = Size::new(80, 24);

/// A row of cells is this fraction of the picture's height.
const ROWS_IN_PICTURE: u32 = 24;
/// Fixed cells at either end of a row: white, black.
const FIXED: u32 = 2;
const BITS_IN_ROW: u32 = COLUMNS - 2 * FIXED;
/// Least difference between white and black.
const MIN_CONTRAST: u32 = 48;

/// What a strip says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Strip {
    /// The frame's sequence number.
    pub sequence: u64,
    /// Time of capture on CLOCK_MONOTONIC, in ns.
    pub monotonic_ns: u64,
}

/// Why no strip could be drawn or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StripError {
    /// The picture is too small.
    #[error("a picture of {0} is too small for a strip; at least {MIN_SIZE} is needed")]
    TooSmall(Size),
    /// The fixed cells are not where they belong, or black and white are too alike.
    #[error("the picture has no strip at its top, or is turned, mirrored or cropped")]
    NotFound,
    /// The cells do not agree with their checksum.
    #[error("the strip is damaged: its checksum is {found:#06x} and should be {expected:#06x}")]
    Checksum {
        /// The checksum in the strip.
        found: u16,
        /// The checksum of what it says.
        expected: u16,
    },
    /// The bytes end before the strip does.
    #[error("the bytes of the picture end within its strip")]
    BytesMissing,
    /// The format has no luma or green to be read in place.
    #[error("a strip cannot be read from {0} without decoding it first")]
    Compressed(PixelFormat),
}

/// One cell: the pixels from (`left`, `top`) to before (`right`, `bottom`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// First column of pixels.
    pub left: u32,
    /// First row of pixels.
    pub top: u32,
    /// Column behind the last one.
    pub right: u32,
    /// Row behind the last one.
    pub bottom: u32,
    /// White or black.
    pub white: bool,
}

/// Rows of pixels that the strip takes up in a picture of `size`.
#[must_use]
pub const fn height(size: Size) -> u32 {
    edge(ROWS, size.height, ROWS_IN_PICTURE)
}

/// The cells of `strip` in a picture of `size`, to be drawn by the caller in any format. Together
/// they cover the upper [`height`] rows. Fails where the picture is too small.
pub fn cells(size: Size, strip: &Strip) -> Result<impl Iterator<Item = Cell> + use<>, StripError> {
    check_size(size)?;
    let bits = Bits::new(strip);
    Ok((0..ROWS).flat_map(move |row| {
        (0..COLUMNS).map(move |column| {
            let white = match fixed(column) {
                Some(white) => white,
                None => bits.get(row * BITS_IN_ROW + column - FIXED),
            };
            cell(size, column, row, white)
        })
    }))
}

/// Draws `strip` into a plane of luma (or of any other bytes, one a pixel) with `stride` bytes from
/// row to row, white as `white` and black as `black`. Fails where the picture or `luma` is too
/// small.
pub fn draw(
    luma: &mut [u8],
    stride: usize,
    size: Size,
    (black, white): (u8, u8),
    strip: &Strip,
) -> Result<(), StripError> {
    for cell in cells(size, strip)? {
        for y in cell.top..cell.bottom {
            let row = y as usize * stride;
            luma.get_mut(row + cell.left as usize..row + cell.right as usize)
                .ok_or(StripError::BytesMissing)?
                .fill(if cell.white { white } else { black });
        }
    }
    Ok(())
}

/// Reads the strip of a picture of `size`; `luma(x, y)` gives the brightness of a pixel.
pub fn read(size: Size, luma: impl Fn(u32, u32) -> u8) -> Result<Strip, StripError> {
    check_size(size)?;
    let brightness = |column, row| brightness(cell(size, column, row, false), &luma);
    let threshold = threshold(brightness)?;
    let mut bits = Bits::default();
    for row in 0..ROWS {
        for column in FIXED..COLUMNS - FIXED {
            bits.set(row * BITS_IN_ROW + column - FIXED, brightness(column, row) > threshold);
        }
    }
    bits.strip()
}

/// Reads the strip from bytes of which every `step`th is a pixel's brightness, the first one of a
/// row `stride` bytes behind that of the row above: luma, or the green of RGB.
pub fn read_bytes(
    bytes: &[u8],
    stride: usize,
    step: usize,
    size: Size,
) -> Result<Strip, StripError> {
    check_size(size)?;
    let last = (height(size) as usize - 1) * stride + (size.width as usize - 1) * step;
    if last >= bytes.len() {
        return Err(StripError::BytesMissing);
    }
    read(size, |x, y| bytes[y as usize * stride + x as usize * step])
}

/// Reads the strip of a frame in any format but MJPG.
pub fn read_frame(header: &FrameHeader, bytes: &[u8]) -> Result<Strip, StripError> {
    let (first, step) = match header.format {
        PixelFormat::Grey | PixelFormat::I420 | PixelFormat::Nv12 => (0, 1),
        PixelFormat::Yuyv => (0, 2),
        PixelFormat::Rgb | PixelFormat::Bgr => (1, 3),
        PixelFormat::Rgba => (1, 4),
        PixelFormat::Mjpg | PixelFormat::Other(_) => {
            return Err(StripError::Compressed(header.format));
        }
    };
    let plane = header.planes.first().ok_or(StripError::BytesMissing)?;
    let bytes = bytes.get(plane.offset as usize + first..).ok_or(StripError::BytesMissing)?;
    read_bytes(bytes, plane.stride as usize, step, header.size)
}

fn check_size(size: Size) -> Result<(), StripError> {
    if size.width < MIN_SIZE.width || size.height < MIN_SIZE.height {
        return Err(StripError::TooSmall(size));
    }
    Ok(())
}

/// Where the cell with number `index` begins along a side of `length` pixels with `count` cells.
const fn edge(index: u32, length: u32, count: u32) -> u32 {
    (index as u64 * length as u64 / count as u64) as u32
}

fn cell(size: Size, column: u32, row: u32, white: bool) -> Cell {
    Cell {
        left: edge(column, size.width, COLUMNS),
        top: edge(row, size.height, ROWS_IN_PICTURE),
        right: edge(column + 1, size.width, COLUMNS),
        bottom: edge(row + 1, size.height, ROWS_IN_PICTURE),
        white,
    }
}

/// Whether a fixed cell is white; `None` for cells that hold a bit.
const fn fixed(column: u32) -> Option<bool> {
    if column < FIXED {
        Some(column == 0)
    } else if column >= COLUMNS - FIXED {
        Some(column == COLUMNS - FIXED)
    } else {
        None
    }
}

/// Mean brightness of the inner part of a cell: scaling and compression blur its edges.
fn brightness(cell: Cell, luma: impl Fn(u32, u32) -> u8) -> u32 {
    let inner = |from: u32, to: u32| {
        let margin = (to - from) / 3;
        from + margin..to - margin
    };
    let (columns, rows) = (inner(cell.left, cell.right), inner(cell.top, cell.bottom));
    let count = columns.len() * rows.len();
    let sum: u64 = rows
        .flat_map(|y| columns.clone().map(move |x| (x, y)))
        .map(|(x, y)| u64::from(luma(x, y)))
        .sum();
    (sum / count as u64) as u32
}

/// The brightness between black and white, after checking every fixed cell.
fn threshold(brightness: impl Fn(u32, u32) -> u32) -> Result<u32, StripError> {
    let fixed_cells = || {
        (0..ROWS).flat_map(|row| {
            (0..COLUMNS).filter_map(move |column| Some((column, row, fixed(column)?)))
        })
    };
    let of = |colour| {
        fixed_cells()
            .filter(move |&(.., white)| white == colour)
            .map(|(column, row, _)| brightness(column, row))
    };
    let darkest_white = of(true).min().unwrap_or(0);
    let brightest_black = of(false).max().unwrap_or(255);
    if darkest_white < brightest_black + MIN_CONTRAST {
        return Err(StripError::NotFound);
    }
    Ok(u32::midpoint(darkest_white, brightest_black))
}

/// The bits of a strip in their order.
#[derive(Default, Clone, Copy)]
struct Bits([u8; (ROWS * BITS_IN_ROW / 8) as usize]);

impl Bits {
    fn new(strip: &Strip) -> Self {
        let mut bits = Self::default();
        bits.0[..8].copy_from_slice(&strip.sequence.to_be_bytes());
        bits.0[8..16].copy_from_slice(&strip.monotonic_ns.to_be_bytes());
        let checksum = crc16(&bits.0[..16]);
        bits.0[16..].copy_from_slice(&checksum.to_be_bytes());
        bits
    }

    fn get(&self, index: u32) -> bool {
        self.0[index as usize / 8] & (0x80 >> (index % 8)) != 0
    }

    fn set(&mut self, index: u32, bit: bool) {
        if bit {
            self.0[index as usize / 8] |= 0x80 >> (index % 8);
        }
    }

    fn strip(&self) -> Result<Strip, StripError> {
        let number = |from| self.0[from..].iter().take(8).fold(0, |n, &b| n << 8 | u64::from(b));
        let found = u16::from_be_bytes([self.0[16], self.0[17]]);
        let expected = crc16(&self.0[..16]);
        if found != expected {
            return Err(StripError::Checksum { found, expected });
        }
        Ok(Strip { sequence: number(0), monotonic_ns: number(8) })
    }
}

/// CRC-16 with polynomial 0x1021, start 0xffff, not reflected.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc: u16, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strips() -> impl Strategy<Value = Strip> {
        (any::<u64>(), any::<u64>())
            .prop_map(|(sequence, monotonic_ns)| Strip { sequence, monotonic_ns })
    }

    fn sizes() -> impl Strategy<Value = Size> {
        (80u32..700, 24u32..500).prop_map(|(width, height)| Size::new(width, height))
    }

    /// A grey picture with `strip`, tightly packed.
    fn picture(size: Size, levels: (u8, u8), strip: &Strip) -> Vec<u8> {
        let mut luma = vec![90; size.area() as usize];
        draw(&mut luma, size.width as usize, size, levels, strip).unwrap();
        luma
    }

    /// `luma` scaled to `to` by averaging the pixels that each new one covers.
    fn scaled(luma: &[u8], from: Size, to: Size) -> Vec<u8> {
        let range = |n: u32, from: u32, to: u32| {
            let (first, last) = (n * from / to, ((n + 1) * from).div_ceil(to));
            first..last.min(from)
        };
        let mut out = Vec::new();
        for y in 0..to.height {
            for x in 0..to.width {
                let (mut sum, mut count) = (0, 0);
                for from_y in range(y, from.height, to.height) {
                    for from_x in range(x, from.width, to.width) {
                        sum += u32::from(luma[(from_y * from.width + from_x) as usize]);
                        count += 1;
                    }
                }
                out.push((sum / count) as u8);
            }
        }
        out
    }

    #[test]
    fn the_checksum_is_the_well_known_one() {
        assert_eq!(crc16(b"123456789"), 0x29b1);
    }

    #[test]
    fn cells_cover_the_strip_once() {
        let size = Size::new(321, 241);
        let mut covered = vec![0u8; size.area() as usize];
        for cell in cells(size, &Strip { sequence: 5, monotonic_ns: 6 }).unwrap() {
            for y in cell.top..cell.bottom {
                for x in cell.left..cell.right {
                    covered[(y * size.width + x) as usize] += 1;
                }
            }
        }
        let (strip, rest) = covered.split_at((height(size) * size.width) as usize);
        assert!(strip.iter().all(|&times| times == 1) && rest.iter().all(|&times| times == 0));
    }

    #[test]
    fn what_is_no_strip_is_told_apart() {
        let size = Size::new(640, 480);
        let strip = Strip { sequence: 77, monotonic_ns: 123_456_789 };
        let luma = picture(size, (16, 235), &strip);
        let at = |x: u32, y: u32| luma[(y * size.width + x) as usize];
        assert_eq!(read(size, at), Ok(strip));
        assert_eq!(read(size, |_, _| 128), Err(StripError::NotFound));
        assert_eq!(read(size, |x, y| at(size.width - 1 - x, y)), Err(StripError::NotFound));
        assert_eq!(read(size, |x, y| at(x, size.height - 1 - y)), Err(StripError::NotFound));
        assert!(matches!(
            read(size, |x, y| at(x, y) ^ if x / 16 == 9 && y < 20 { 0xff } else { 0 }),
            Err(StripError::Checksum { .. })
        ));
        let small = Size::new(79, 480);
        assert_eq!(read(small, at), Err(StripError::TooSmall(small)));
        let cut = &luma[..640 * 79 + 600];
        assert_eq!(read_bytes(cut, 640, 1, size), Err(StripError::BytesMissing));
        assert_eq!(
            draw(&mut [0; 1000], 640, size, (0, 255), &strip),
            Err(StripError::BytesMissing)
        );
    }

    proptest! {
        #[test]
        fn is_read_back_at_every_size(strip in strips(), size in sizes()) {
            let luma = picture(size, (16, 235), &strip);
            prop_assert_eq!(read_bytes(&luma, size.width as usize, 1, size), Ok(strip));
        }

        #[test]
        fn is_read_from_interleaved_bytes(
            strip in strips(),
            size in sizes(),
            step in 2usize..5,
            padding in 0usize..70,
        ) {
            let luma = picture(size, (0, 255), &strip);
            let stride = size.width as usize * step + padding;
            let mut bytes = vec![200; stride * size.height as usize];
            for (row, line) in luma.chunks(size.width as usize).enumerate() {
                for (column, &value) in line.iter().enumerate() {
                    bytes[row * stride + column * step] = value;
                }
            }
            prop_assert_eq!(read_bytes(&bytes, stride, step, size), Ok(strip));
        }

        #[test]
        fn survives_scaling_and_noise(
            strip in strips(),
            width in 160u32..=640,
            noise in proptest::collection::vec(-35i16..=35, 997),
            levels in prop_oneof![Just((16, 235)), Just((0, 255)), Just((60, 190))],
        ) {
            let from = Size::new(640, 480);
            let to = Size::new(width, width * 3 / 4);
            let mut luma = scaled(&picture(from, levels, &strip), from, to);
            for (value, noise) in luma.iter_mut().zip(noise.iter().cycle()) {
                *value = (i16::from(*value) + noise).clamp(0, 255) as u8;
            }
            prop_assert_eq!(read_bytes(&luma, width as usize, 1, to), Ok(strip));
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..4000),
            stride in 0usize..200,
            step in 0usize..5,
            width in 0u32..400,
            height in 0u32..400,
        ) {
            let _ = read_bytes(&bytes, stride, step, Size::new(width, height));
        }
    }
}
