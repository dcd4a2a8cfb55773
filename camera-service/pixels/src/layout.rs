//! How frames lie in memory when nothing is said about strides: planes one behind the other, rows
//! without padding.

use protocol::{PixelFormat, Plane, Size};

/// Planes and number of bytes of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Where each plane begins, and bytes from row to row.
    pub planes: Vec<Plane>,
    /// Number of bytes.
    pub length: usize,
}

impl Layout {
    /// The layout without padding. `None` for formats without rows, and for sizes whose frames
    /// would not fit into 4 GiB.
    pub fn tight(format: PixelFormat, size: Size) -> Option<Self> {
        let rows = rows_of(format, size)?;
        let mut planes = Vec::with_capacity(rows.len());
        let mut length = 0u64;
        for (stride, count) in rows {
            planes.push(Plane { offset: u32::try_from(length).ok()?, stride });
            length += u64::from(stride) * u64::from(count);
        }
        let length = u32::try_from(length).ok()? as usize;
        Some(Self { planes, length })
    }
}

/// Bytes in a row, padding not counted, and number of rows of each plane of a frame. `None` for
/// formats without rows and for sizes beyond 65,535.
pub fn rows_of(format: PixelFormat, size: Size) -> Option<Vec<(u32, u32)>> {
    let Size { width, height } = size;
    if width > 65_535 || height > 65_535 {
        return None;
    }
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    Some(match format {
        PixelFormat::Yuyv => vec![(half_width * 4, height)],
        PixelFormat::Nv12 => vec![(width, height), (half_width * 2, half_height)],
        PixelFormat::I420 => {
            vec![(width, height), (half_width, half_height), (half_width, half_height)]
        }
        PixelFormat::Grey => vec![(width, height)],
        PixelFormat::Rgb | PixelFormat::Bgr => vec![(width * 3, height)],
        PixelFormat::Rgba => vec![(width * 4, height)],
        PixelFormat::Mjpg | PixelFormat::Other(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_round_chroma_up() {
        let layout = Layout::tight(PixelFormat::I420, Size::new(5, 3)).unwrap();
        assert_eq!(
            layout.planes,
            [
                Plane { offset: 0, stride: 5 },
                Plane { offset: 15, stride: 3 },
                Plane { offset: 21, stride: 3 },
            ]
        );
        assert_eq!(layout.length, 27);
        assert_eq!(Layout::tight(PixelFormat::Yuyv, Size::new(5, 3)).unwrap().length, 36);
        assert_eq!(Layout::tight(PixelFormat::Nv12, Size::new(5, 3)).unwrap().length, 27);
    }

    #[test]
    fn what_is_too_large_has_no_layout() {
        assert_eq!(Layout::tight(PixelFormat::Rgba, Size::new(65_535, 65_535)), None);
        assert_eq!(Layout::tight(PixelFormat::Grey, Size::new(65_536, 1)), None);
        assert_eq!(Layout::tight(PixelFormat::Mjpg, Size::new(64, 64)), None);
    }
}
