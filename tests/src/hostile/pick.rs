//! Values for the fields of messages: mostly right ones, and then those that lie at an edge.

use arbitrary::{Result, Unstructured};
use protocol::{CameraId, FourCc, FrameRate, Mode, ModeWish, PixelFormat, Size};

/// A camera's id: rarely one that is there by chance. None is a device file's, since a real
/// camera is nobody's toy.
pub(super) fn camera(bytes: &mut Unstructured<'_>) -> Result<CameraId> {
    Ok(CameraId(match bytes.int_in_range(0..=15u8)? {
        0..=7 => "test:0".to_owned(),
        8 => "test:1".to_owned(),
        9 | 10 => "published:a".to_owned(),
        11 => "published:b".to_owned(),
        12 => "Test camera".to_owned(),
        13 => String::new(),
        14 => "x".repeat(bytes.int_in_range(1..=3000)?),
        _ => format!("test:{}", text(bytes)?),
    }))
}

/// A name of a preset, of a camera, or of a published one.
pub(super) fn name(bytes: &mut Unstructured<'_>) -> Result<String> {
    Ok(match bytes.int_in_range(0..=9u8)? {
        0..=3 => "a".to_owned(),
        4 | 5 => "b".to_owned(),
        6 => String::new(),
        7 => "../../x".to_owned(),
        8 => "n".repeat(bytes.int_in_range(60..=300)?),
        _ => text(bytes)?,
    })
}

pub(super) fn text(bytes: &mut Unstructured<'_>) -> Result<String> {
    Ok(bytes.arbitrary::<&str>()?.to_owned())
}

/// A size that costs little where it is lawful.
pub(super) fn size(bytes: &mut Unstructured<'_>) -> Result<Size> {
    let (width, height) = match bytes.int_in_range(0..=11u8)? {
        0..=3 => (160, 120),
        4 => (80, 24),
        5 => (64, 48),
        6 => (81, 25),
        7 => (1, 1),
        8 => (0, 0),
        9 => (65_535, 65_535),
        10 => (u32::MAX, u32::MAX),
        _ => (bytes.int_in_range(0..=320)?, bytes.int_in_range(0..=320)?),
    };
    Ok(Size::new(width, height))
}

pub(super) fn rate(bytes: &mut Unstructured<'_>) -> Result<FrameRate> {
    let (numerator, denominator) = match bytes.int_in_range(0..=9u8)? {
        0..=3 => (30, 1),
        4 => (120, 1),
        5 => (1, 10),
        6 => (0, 1),
        7 => (1, 0),
        8 => (u32::MAX, 1),
        _ => (bytes.arbitrary()?, bytes.arbitrary()?),
    };
    Ok(FrameRate::new(numerator, denominator))
}

pub(super) fn format(bytes: &mut Unstructured<'_>) -> Result<PixelFormat> {
    Ok(match bytes.int_in_range(0..=9u8)? {
        0 | 1 => PixelFormat::Mjpg,
        2 => PixelFormat::I420,
        3 => PixelFormat::Yuyv,
        4 => PixelFormat::Nv12,
        5 => PixelFormat::Rgb,
        6 => PixelFormat::Rgba,
        7 => PixelFormat::Grey,
        8 => PixelFormat::Bgr,
        _ => PixelFormat::Other(FourCc(bytes.arbitrary()?)),
    })
}

pub(super) fn mode(bytes: &mut Unstructured<'_>) -> Result<Mode> {
    Ok(Mode { format: format(bytes)?, size: size(bytes)?, rate: rate(bytes)? })
}

pub(super) fn wish(bytes: &mut Unstructured<'_>) -> Result<ModeWish> {
    Ok(ModeWish {
        format: maybe(bytes, format)?,
        size: maybe(bytes, size)?,
        rate: maybe(bytes, rate)?,
    })
}

/// Nothing, or a value.
pub(super) fn maybe<T>(
    bytes: &mut Unstructured<'_>,
    value: fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    if bytes.int_in_range(0..=2u8)? == 0 { value(bytes).map(Some) } else { Ok(None) }
}

/// A few values, rarely very many.
pub(super) fn several<T>(
    bytes: &mut Unstructured<'_>,
    value: fn(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = match bytes.int_in_range(0..=7u8)? {
        7 => bytes.int_in_range(8..=3000u16)?,
        few => u16::from(few) % 4,
    };
    // When the bytes run out, so many it is.
    Ok((0..count).map_while(|_| if bytes.is_empty() { None } else { value(bytes).ok() }).collect())
}
