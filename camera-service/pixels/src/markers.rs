//! What a JPEG image says of itself, read without decoding it.
//!
//! Whatever bytes come in, each is looked at once at most.

use protocol::Size;

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const HUFFMAN_TABLES: u8 = 0xc4;

/// Cameras put little behind the end of an image but zeros.
const TAIL: usize = 4096;

/// The image in `bytes` without what follows it, or why it is none.
pub fn whole(bytes: &[u8]) -> Result<&[u8], &'static str> {
    if !bytes.starts_with(&[0xff, START_OF_IMAGE]) {
        return Err("it does not begin like a JPEG image");
    }
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let tail = written.saturating_sub(TAIL).max(2);
    let end = [0xff, END_OF_IMAGE];
    let end = bytes[tail.min(written)..written].windows(2).rposition(|pair| pair == end);
    match end {
        Some(end) => Ok(&bytes[..tail + end + 2]),
        None => Err("it does not end like a JPEG image"),
    }
}

/// The size that an image says it has; `None` where it does not say it before its pixels.
pub fn size(image: &[u8]) -> Option<Size> {
    let before_pixels = segments(image).take_while(|segment| segment.marker != START_OF_SCAN);
    // All of this row begin a frame but the tables of Huffman and arithmetic coding and a
    // reserved one.
    let frame = before_pixels
        .filter(|segment| matches!(segment.marker, 0xc0..=0xcf))
        .find(|segment| !matches!(segment.marker, HUFFMAN_TABLES | 0xc8 | 0xcc))?;
    let &[_, h1, h0, w1, w0] = frame.body.first_chunk()?;
    let number = |high, low| u32::from(u16::from_be_bytes([high, low]));
    Some(Size::new(number(w1, w0), number(h1, h0)))
}

/// How often the image goes over its pixels: once, or several times where it is progressive.
/// Decoding costs that many times the pixels, however few bytes a scan has.
pub fn scans(image: &[u8]) -> usize {
    segments(image).filter(|segment| segment.marker == START_OF_SCAN).count()
}

/// Whether the first scan comes before any Huffman tables. Many cameras leave them out: in Motion
/// JPEG they are always the same.
pub fn lacks_tables(image: &[u8]) -> bool {
    segments(image)
        .find(|segment| matches!(segment.marker, HUFFMAN_TABLES | START_OF_SCAN))
        .is_some_and(|segment| segment.marker == START_OF_SCAN)
}

/// Where an image that begins `bytes` ends.
pub fn end(bytes: &[u8]) -> End {
    let mut segments = segments(bytes);
    while segments.next().is_some() {}
    match segments.rest {
        [0xff, END_OF_IMAGE, ..] => End::At(bytes.len() - segments.rest.len() + 2),
        [] | [0xff] => End::Later,
        // A marker whose segment has only begun.
        [0xff, 0xc0..=0xff, ..] if segments.rest.len() < 4 => End::Later,
        _ => End::Never,
    }
}

/// Where an image ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Behind so many bytes.
    At(usize),
    /// It goes on behind these bytes.
    Later,
    /// It is broken.
    Never,
}

/// A marker and what belongs to it; of a scan, its header only.
struct Segment<'a> {
    marker: u8,
    /// Shorter than it says where the image is cut off.
    body: &'a [u8],
}

/// The segments of an image, up to its end or the first byte that makes no sense.
fn segments(image: &[u8]) -> Segments<'_> {
    Segments { rest: image.get(2..).unwrap_or_default() }
}

struct Segments<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            let (&[0xff, marker], after) = self.rest.split_first_chunk()? else { return None };
            match marker {
                // Fill bytes may come before any marker.
                0xff => self.rest = &self.rest[1..],
                END_OF_IMAGE => return None,
                // These stand alone.
                0x01 | 0xd0..=START_OF_IMAGE => self.rest = after,
                // No image has these.
                0x00..0xc0 => return None,
                _ => {
                    let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
                    // The length counts itself; what says less leads nowhere.
                    let body = after.get(2..length.min(after.len()))?;
                    self.rest = after.get(length..).unwrap_or_default();
                    if marker == START_OF_SCAN {
                        self.rest = behind_scan(self.rest);
                    }
                    return Some(Segment { marker, body });
                }
            }
        }
    }
}

/// What follows the pixels of a scan: the next marker that is no part of them.
fn behind_scan(mut rest: &[u8]) -> &[u8] {
    loop {
        let Some(at) = memchr::memchr(0xff, rest) else { return &[] };
        rest = &rest[at..];
        match rest.get(1) {
            // A 255 among the pixels, and where decoding may begin anew.
            Some(0 | 0xd0..=0xd7) => rest = &rest[2..],
            Some(0xff) => rest = &rest[1..],
            Some(_) => return rest,
            None => return &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_cut_at_their_end() {
        let image = [&[0xff, 0xd8][..], &[7; 100], &[0xff, 0xd9]].concat();
        assert_eq!(whole(&image), Ok(&image[..]));
        let padded = [&image[..], &[0; 10_000]].concat();
        assert_eq!(whole(&padded), Ok(&image[..]));
        let trailed = [&image[..], &[1, 2, 3, 0]].concat();
        assert_eq!(whole(&trailed), Ok(&image[..]));
    }

    #[test]
    fn what_is_no_whole_image_is_refused() {
        let image = [&[0xff, 0xd8][..], &[7; 10_000], &[0xff, 0xd9]].concat();
        for length in 0..image.len() {
            assert!(whole(&image[..length]).is_err(), "{length}");
        }
        assert!(whole(&image[1..]).is_err());
        assert!(whole(&[0; 4096]).is_err());
        // The end of a thumbnail near the beginning is not that of the image.
        let cut = [&[0xff, 0xd8, 0xff, 0xd9][..], &[7; 10_000]].concat();
        assert!(whole(&cut).is_err());
        // One byte cannot be both the end of the beginning and the beginning of the end.
        assert!(whole(&[0xff, 0xd8, 0xd9]).is_err());
    }

    #[test]
    fn the_size_of_an_image_is_found_behind_other_segments() {
        let frame = [0xff, 0xc0, 0, 17, 8, 2, 0xd0, 5, 0x00];
        let image = [&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff][..], &frame].concat();
        assert_eq!(size(&image), Some(Size::new(1280, 720)));
        for length in 0..image.len() {
            assert_eq!(size(&image[..length]), None, "{length}");
        }
        assert_eq!(size(&[0xff, 0xd8, 0xff, 0xda, 0, 4, 1, 2]), None);
        assert_eq!(size(&[0xff, 0xd8, 1, 2, 3, 4]), None);
        // A segment without a length cannot be passed, but neither can it hang.
        assert_eq!(size(&[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xe0, 0, 0]), None);
    }

    #[test]
    fn scans_are_told_from_what_looks_like_them() {
        let head = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xda];
        let scan = [0xff, 0xda, 0, 4, 9, 9, 1, 0xff, 0, 0xda, 0xff, 0xd3, 2, 0xff, 0xff];
        let tables = [0xff, 0xc4, 0, 3, 0];
        let image = |scans: usize| {
            let each = [&tables[..], &scan].concat();
            [&head[..], &each.repeat(scans), &[0xff, 0xd9]].concat()
        };
        for count in [0, 1, 2, 1000] {
            assert_eq!(scans(&image(count)), count);
        }
        assert!(!lacks_tables(&image(1)) && !lacks_tables(&image(0)));
        let late = [&head[..], &scan, &tables].concat();
        assert!(lacks_tables(&late), "they come after the pixels");
        let whole = image(3);
        for length in 0..whole.len() {
            assert!(scans(&whole[..length]) <= 3);
            assert_eq!(end(&whole[..length]), End::Later, "{length}");
        }
        let two = [&whole[..], &whole].concat();
        assert_eq!(end(&two), End::At(whole.len()));
        assert_eq!(end(b"\xff\xd8what else"), End::Never);
        assert_eq!(end(&[0xff, 0xd8, 0xff, 0xe0, 0, 1, 7]), End::Never, "a length that is none");
    }
}
