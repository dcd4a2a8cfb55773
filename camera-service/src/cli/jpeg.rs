//! Cameras' JPEGs as files.
//!
//! Many cameras leave out the Huffman tables, which are always the same in Motion JPEG. Players
//! know that; many programs that open pictures do not.

use std::borrow::Cow;

use pixels::markers;

/// `bytes` as a JPEG that any program can open: with tables, losslessly, where they are missing,
/// else untouched.
pub(super) fn complete(bytes: &[u8]) -> Result<Cow<'_, [u8]>, turbojpeg::Error> {
    if !markers::lacks_tables(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    // Turning it by nothing writes it anew, without decoding its pixels.
    let turned = turbojpeg::transform(&turbojpeg::Transform::default(), bytes)?;
    Ok(Cow::Owned(turned.to_vec()))
}

#[cfg(test)]
mod tests {
    use turbojpeg::{Image, PixelFormat, Subsamp};

    use super::*;

    /// A JPEG with tables, and the same one without.
    fn jpegs() -> (Vec<u8>, Vec<u8>) {
        let pixels: Vec<u8> = (0..64 * 48).map(|i| (i * 7 % 251) as u8).collect();
        let image = Image {
            pixels: &pixels[..],
            width: 64,
            pitch: 64,
            height: 48,
            format: PixelFormat::GRAY,
        };
        let whole = turbojpeg::compress(image, 90, Subsamp::Gray).expect("a JPEG").to_vec();
        let mut without = whole.clone();
        while let Some(at) = without.windows(2).position(|pair| pair == [0xff, 0xc4]) {
            let length = usize::from(without[at + 2]) * 256 + usize::from(without[at + 3]);
            without.drain(at..at + 2 + length);
        }
        (whole, without)
    }

    fn decoded(jpeg: &[u8]) -> Vec<u8> {
        turbojpeg::decompress(jpeg, PixelFormat::GRAY).expect("a picture").pixels
    }

    #[test]
    fn a_whole_jpeg_is_passed_through() {
        let (whole, _) = jpegs();
        assert!(matches!(complete(&whole), Ok(Cow::Borrowed(same)) if same == whole));
    }

    #[test]
    fn missing_tables_are_put_in_without_loss() {
        let (whole, without) = jpegs();
        assert!(markers::lacks_tables(&without) && without.len() < whole.len());
        let completed = complete(&without).expect("a JPEG");
        assert!(!markers::lacks_tables(&completed));
        assert_eq!(decoded(&completed), decoded(&whole));
    }

    #[test]
    fn what_is_cut_short_does_no_harm() {
        let (_, without) = jpegs();
        for length in 0..without.len().min(400) {
            // Whatever comes of it: no panic, and nothing invented.
            if let Ok(Cow::Borrowed(same)) = complete(&without[..length]) {
                assert_eq!(same, &without[..length]);
            }
        }
    }
}
