//! Where the rows of a frame lie, and whether all of it is there.

use std::borrow::Cow;

use protocol::{FrameHeader, PixelFormat, Plane, Size};

/// Bytes of a row and number of rows of each plane; `None` for formats without rows.
fn shape(format: PixelFormat, size: Size) -> Option<Vec<(usize, usize)>> {
    let planes = pixels::rows_of(format, size)?;
    Some(planes.iter().map(|&(length, count)| (length as usize, count as usize)).collect())
}

/// The rows of a plane, one after the other; `None` where `bytes` end before they do.
fn rows<'a>(
    bytes: &'a [u8],
    plane: &Plane,
    (length, count): (usize, usize),
) -> Option<impl Iterator<Item = &'a [u8]> + use<'a>> {
    let (offset, stride) = (plane.offset as usize, plane.stride as usize);
    let last = stride.checked_mul(count.checked_sub(1)?)?;
    let end = offset.checked_add(last)?.checked_add(length)?;
    if stride < length || end > bytes.len() {
        return None;
    }
    Some((0..count).map(move |row| &bytes[offset + row * stride..][..length]))
}

/// The pixels of a frame without anything between rows and planes: its bytes themselves where
/// they are so already. `None` where bytes are missing or the format has no rows.
pub(super) fn tight<'a>(header: &FrameHeader, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let shape = shape(header.format, header.size)?;
    if shape.len() != header.planes.len() {
        return None;
    }
    let total: usize = shape.iter().map(|(length, count)| length * count).sum();
    let mut expected = 0;
    let mut is_tight = true;
    for (plane, (length, count)) in header.planes.iter().zip(&shape) {
        is_tight &= plane.offset as usize == expected && plane.stride as usize == *length;
        expected += length * count;
    }
    if is_tight {
        return bytes.get(..total).map(Cow::Borrowed);
    }
    let mut packed = Vec::with_capacity(total);
    for (plane, shape) in header.planes.iter().zip(shape) {
        rows(bytes, plane, shape)?.for_each(|row| packed.extend_from_slice(row));
    }
    Some(Cow::Owned(packed))
}

/// What is missing or wrong about a frame; `None` where it is whole.
pub(super) fn fault(header: &FrameHeader, bytes: &[u8]) -> Option<&'static str> {
    if bytes.len() != header.length as usize {
        return Some("it has another length than its header says");
    }
    match header.format {
        PixelFormat::Mjpg => jpeg_fault(bytes),
        PixelFormat::Other(_) => None,
        format => {
            let shape = shape(format, header.size).unwrap_or_default();
            if shape.len() != header.planes.len() {
                return Some("it has another number of planes than its format");
            }
            let mut planes = header.planes.iter().zip(shape);
            let whole = planes.all(|(plane, shape)| rows(bytes, plane, shape).is_some());
            if whole { None } else { Some("it is too short for its size") }
        }
    }
}

/// A JPEG begins with a start marker and ends with an end marker, behind which some cameras fill
/// up with zeros.
fn jpeg_fault(bytes: &[u8]) -> Option<&'static str> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Some("the JPEG has no beginning");
    }
    if used < 4 || !bytes[..used].ends_with(&[0xff, 0xd9]) {
        return Some("the JPEG has no end");
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use protocol::Colour;

    use super::*;

    /// A header for a frame of `length` bytes whose planes are `(offset, stride)`.
    pub(in super::super) fn header(
        format: PixelFormat,
        size: (u32, u32),
        planes: &[(u32, u32)],
        length: usize,
    ) -> FrameHeader {
        FrameHeader {
            sequence: 1,
            monotonic_ns: 0,
            unix_ns: 0,
            size: Size::new(size.0, size.1),
            format,
            planes: planes.iter().map(|&(offset, stride)| Plane { offset, stride }).collect(),
            colour: Colour::VIDEO,
            length: length as u32,
            dropped: 0,
        }
    }

    #[test]
    fn padding_is_left_out() {
        // 3x3 I420 with rows of 4 and 3 bytes, and 2 bytes between planes.
        let bytes: Vec<u8> = (0..12 + 2 + 6 + 2 + 6).collect();
        let header = header(PixelFormat::I420, (3, 3), &[(0, 4), (14, 3), (22, 3)], bytes.len());
        let packed = tight(&header, &bytes).expect("whole");
        assert_eq!(*packed, [0, 1, 2, 4, 5, 6, 8, 9, 10, 14, 15, 17, 18, 22, 23, 25, 26]);
        assert_eq!(fault(&header, &bytes), None);
    }

    #[test]
    fn tight_frames_are_not_copied() {
        let bytes = [7; 30];
        let header = header(PixelFormat::Rgb, (2, 4), &[(0, 6)], bytes.len());
        let packed = tight(&header, &bytes).expect("whole");
        assert!(matches!(packed, Cow::Borrowed(_)));
        assert_eq!(packed.len(), 24);
    }

    #[test]
    fn missing_bytes_are_seen_in_every_format() {
        for (format, planes, length) in [
            (PixelFormat::Yuyv, vec![(0, 8)], 24),
            (PixelFormat::Nv12, vec![(0, 4), (12, 4)], 20),
            (PixelFormat::I420, vec![(0, 4), (12, 2), (16, 2)], 20),
            (PixelFormat::Grey, vec![(0, 4)], 12),
            (PixelFormat::Bgr, vec![(0, 12)], 36),
            (PixelFormat::Rgba, vec![(0, 16)], 48),
        ] {
            let bytes = vec![1; length];
            let whole = header(format, (4, 3), &planes, length);
            assert_eq!(fault(&whole, &bytes), None, "{format}");
            assert_eq!(tight(&whole, &bytes).map(|packed| packed.len()), Some(length), "{format}");
            let short = header(format, (4, 3), &planes, length - 1);
            assert!(fault(&short, &bytes[1..]).is_some(), "{format}");
            assert!(tight(&short, &bytes[1..]).is_none(), "{format}");
        }
        let none = header(PixelFormat::I420, (4, 3), &[(0, 4)], 20);
        assert!(fault(&none, &[0; 20]).is_some());
        let narrow = header(PixelFormat::Grey, (4, 3), &[(0, 3)], 12);
        assert!(fault(&narrow, &[0; 12]).is_some());
        let far = header(PixelFormat::Grey, (4, 3), &[(u32::MAX, u32::MAX)], 12);
        assert!(fault(&far, &[0; 12]).is_some());
    }

    #[test]
    fn a_jpeg_has_both_ends() {
        let check =
            |bytes: &[u8]| fault(&header(PixelFormat::Mjpg, (8, 8), &[(0, 0)], bytes.len()), bytes);
        assert_eq!(check(&[0xff, 0xd8, 1, 0xff, 0xd9]), None);
        assert_eq!(check(&[0xff, 0xd8, 1, 0xff, 0xd9, 0, 0]), None);
        assert!(check(&[0xff, 0xd8, 1, 0xff]).is_some());
        assert!(check(&[0xff, 0xd8, 1, 0xff, 0xd9, 7]).is_some());
        assert!(check(&[1, 0xff, 0xd8, 0xff, 0xd9]).is_some());
        assert!(check(&[0xff, 0xd8, 0xd9]).is_some());
        assert!(check(&[]).is_some());
    }
}
