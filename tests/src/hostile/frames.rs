//! Frames for publishers: right ones, and those that are wrong in ways of their format.

use arbitrary::{Result, Unstructured};
use protocol::{FrameRate, Mode, PixelFormat, Size};

/// A JPEG of 80x24 pixels.
const JPEG: &[u8] = include_bytes!("frame.jpg");
/// Longer frames than this are sent short: the largest lawful ones would only take time.
const LONGEST: usize = 512 * 1024;

/// The mode of which [`right`] has whole JPEGs.
pub(super) fn jpeg_mode() -> Mode {
    Mode { format: PixelFormat::Mjpg, size: Size::new(80, 24), rate: FrameRate::new(30, 1) }
}

/// A frame as `mode` demands.
pub(super) fn right(mode: &Mode) -> Vec<u8> {
    // A wish may be for any size: wider than any number of bytes.
    let [width, height] = [mode.size.width, mode.size.height].map(u128::from);
    let (pixels, halves) = (width * height, width.div_ceil(2) * height.div_ceil(2) * 2);
    let length = match mode.format {
        PixelFormat::Mjpg => return JPEG.to_vec(),
        PixelFormat::Grey | PixelFormat::Other(_) => pixels,
        PixelFormat::Yuyv => width.div_ceil(2) * 4 * height,
        PixelFormat::Nv12 | PixelFormat::I420 => pixels + halves,
        PixelFormat::Rgb | PixelFormat::Bgr => pixels * 3,
        PixelFormat::Rgba => pixels * 4,
    };
    let length = usize::try_from(length).unwrap_or(LONGEST).min(LONGEST);
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// A frame that is likely wrong.
pub(super) fn any(mode: &Mode, bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut frame = match bytes.int_in_range(0..=3u8)? {
        0 => right(mode),
        _ => JPEG.to_vec(),
    };
    match bytes.int_in_range(0..=7u8)? {
        0 => frame.truncate(bytes.int_in_range(0..=frame.len())?),
        1 => frame.extend(bytes.arbitrary::<Vec<u8>>()?),
        2 => sized(&mut frame, 65_535, 65_535),
        3 => sized(&mut frame, bytes.arbitrary()?, bytes.arbitrary()?),
        4 => scans(&mut frame, bytes.int_in_range(1..=1000)?),
        5 => frame = bytes.arbitrary()?,
        // A few bytes are others: tables, lengths and markers too.
        _ => {
            for _ in 0..bytes.int_in_range(1..=8u8)? {
                let at = bytes.int_in_range(0..=frame.len().max(1) - 1)?;
                let value = bytes.arbitrary()?;
                if let Some(byte) = frame.get_mut(at) {
                    *byte = value;
                }
            }
        }
    }
    Ok(frame)
}

/// Where the segment with this marker begins.
fn segment(frame: &[u8], markers: std::ops::RangeInclusive<u8>) -> Option<usize> {
    frame.windows(2).position(|pair| pair[0] == 0xff && markers.contains(&pair[1]))
}

/// Has a JPEG say that it is so large.
fn sized(frame: &mut [u8], width: u16, height: u16) {
    // Marker, length, precision, height, width.
    if let Some(at) = segment(frame, 0xc0..=0xc2)
        && let Some(place) = frame.get_mut(at + 5..at + 9)
    {
        place[..2].copy_from_slice(&height.to_be_bytes());
        place[2..].copy_from_slice(&width.to_be_bytes());
    }
}

/// Repeats a JPEG's scan, as a progressive one may without end.
fn scans(frame: &mut Vec<u8>, count: usize) {
    if let Some(frame_type) = segment(frame, 0xc0..=0xc0) {
        frame[frame_type + 1] = 0xc2;
    }
    let Some(scan) = segment(frame, 0xda..=0xda) else { return };
    let end = frame.len() - 2;
    let Some(scan) = frame.get(scan..end).map(<[u8]>::to_vec) else { return };
    // The header and a little of what follows, so that a thousand of them are no large frame.
    let scan = &scan[..scan.len().min(24)];
    for _ in 0..count {
        frame.splice(end..end, scan.iter().copied());
    }
}
