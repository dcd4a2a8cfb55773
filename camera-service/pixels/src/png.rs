//! Frames as PNG images, for snapshots.

use png::{BitDepth, ColorType, Encoder};
use protocol::{FrameHeader, PixelFormat, Rotation};

use super::{Converter, PixelError, Spec};

/// The frame as a PNG image: grey where the frame is, else red, green and blue.
pub fn encode(header: &FrameHeader, bytes: &[u8]) -> Result<Vec<u8>, PixelError> {
    let (format, colour_type) = match header.format {
        PixelFormat::Grey => (PixelFormat::Grey, ColorType::Grayscale),
        _ => (PixelFormat::Rgb, ColorType::Rgb),
    };
    let spec = Spec {
        format,
        max_size: None,
        crop: None,
        rotation: Rotation::None,
        mirror: false,
        quality: 100,
    };
    let mut converter = Converter::new(spec);
    let mut pixels = vec![0; converter.most_bytes(header.size)];
    let converted = converter.convert(header, bytes, &mut pixels)?;
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, converted.size.width, converted.size.height);
    encoder.set_color(colour_type);
    encoder.set_depth(BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&pixels[..converted.length])?;
        writer.finish()
    });
    written.map_err(PixelError::library("PNG encoding"))?;
    Ok(file)
}
