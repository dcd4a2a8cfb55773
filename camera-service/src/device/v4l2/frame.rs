//! Judging a single frame: its number, its time, and whether a JPEG image is whole.

use protocol::Size;

use super::abi;

/// Makes numbers that only ever grow of those that a driver counts in 32 bits.
#[derive(Default)]
pub(super) struct Numbering {
    /// The driver's number of the frame before, and ours.
    last: Option<(u32, u64)>,
}

impl Numbering {
    /// The number of a frame that the driver calls `sequence`.
    pub(super) fn next(&mut self, sequence: u32) -> u64 {
        let number = match self.last {
            None => u64::from(sequence),
            Some((last, number)) => match sequence.wrapping_sub(last) {
                // Drivers that do not count repeat themselves, others begin anew: one further.
                0 | 0x8000_0000.. => number + 1,
                step => number + u64::from(step),
            },
        };
        self.last = Some((sequence, number));
        number
    }
}

/// A frame cannot have waited longer than this; a clock that says so is another one.
const OLDEST_NS: u64 = 60_000_000_000;

/// When a frame was captured, on CLOCK_MONOTONIC in ns, where that clock now says `now`.
pub(super) fn captured_at(buffer: &abi::Buffer, now: u64) -> u64 {
    if buffer.flags & abi::BUF_FLAG_TIMESTAMP_MASK != abi::BUF_FLAG_TIMESTAMP_MONOTONIC {
        return now;
    }
    let (Ok(seconds), Ok(micros)) =
        (u64::try_from(buffer.timestamp.tv_sec), u64::try_from(buffer.timestamp.tv_usec))
    else {
        return now;
    };
    let time = seconds.saturating_mul(1_000_000_000).saturating_add(micros.saturating_mul(1000));
    if time > now || now - time > OLDEST_NS { now } else { time }
}

/// Cameras put little behind the end of an image but zeros.
const TAIL: usize = 4096;

/// The image in `bytes` without what follows it, or why it is none.
pub(super) fn whole_jpeg(bytes: &[u8]) -> Result<&[u8], &'static str> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err("it does not begin like a JPEG image");
    }
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let tail = written.saturating_sub(TAIL).max(2);
    let end = bytes[tail.min(written)..written].windows(2).rposition(|pair| pair == [0xff, 0xd9]);
    match end {
        Some(end) => Ok(&bytes[..tail + end + 2]),
        None => Err("it does not end like a JPEG image"),
    }
}

/// The size that a JPEG image says it has; `None` where it does not say it before its pixels.
pub(super) fn jpeg_size(image: &[u8]) -> Option<Size> {
    const START_OF_SCAN: u8 = 0xda;
    let mut rest = image.get(2..)?;
    loop {
        let (&[0xff, marker], after) = rest.split_first_chunk()? else { return None };
        match marker {
            // Fill bytes may come before any marker.
            0xff => rest = &rest[1..],
            START_OF_SCAN => return None,
            // All of this row begin a frame but the tables of Huffman and arithmetic coding and
            // a reserved one.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let &[_, _, _, h1, h0, w1, w0] = after.first_chunk()?;
                let number = |high, low| u32::from(u16::from_be_bytes([high, low]));
                return Some(Size::new(number(w1, w0), number(h1, h0)));
            }
            _ => rest = after.get(usize::from(u16::from_be_bytes(*after.first_chunk()?))..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::v4l2::abi::Plain as _;

    #[test]
    fn numbers_grow_over_wraps_and_repetitions() {
        let mut numbering = Numbering::default();
        let all = [5, 6, 9, 9, 0, 1, 4].map(|sequence| numbering.next(sequence));
        assert_eq!(all, [5, 6, 9, 10, 11, 12, 15]);

        let mut numbering = Numbering::default();
        let all = [u32::MAX - 1, u32::MAX, 0, 3].map(|sequence| numbering.next(sequence));
        let high = u64::from(u32::MAX);
        assert_eq!(all, [high - 1, high, high + 1, high + 4]);
    }

    #[test]
    fn only_sensible_monotonic_times_count() {
        let now = 100_000_000_000;
        let mut buffer = abi::Buffer::zeroed();
        buffer.timestamp.tv_sec = 99;
        buffer.timestamp.tv_usec = 500_000;
        assert_eq!(captured_at(&buffer, now), now, "an unknown clock");
        buffer.flags = abi::BUF_FLAG_TIMESTAMP_MONOTONIC;
        assert_eq!(captured_at(&buffer, now), 99_500_000_000);
        for seconds in [101, 1_700_000_000, i64::MAX, -1, 39] {
            buffer.timestamp.tv_sec = seconds;
            assert_eq!(captured_at(&buffer, now), now, "{seconds}");
        }
    }

    #[test]
    fn images_are_cut_at_their_end() {
        let image = [&[0xff, 0xd8][..], &[7; 100], &[0xff, 0xd9]].concat();
        assert_eq!(whole_jpeg(&image), Ok(&image[..]));
        let padded = [&image[..], &[0; 10_000]].concat();
        assert_eq!(whole_jpeg(&padded), Ok(&image[..]));
        let trailed = [&image[..], &[1, 2, 3, 0]].concat();
        assert_eq!(whole_jpeg(&trailed), Ok(&image[..]));
    }

    #[test]
    fn the_size_of_an_image_is_found_behind_other_segments() {
        let frame = [0xff, 0xc0, 0, 17, 8, 2, 0xd0, 5, 0x00, 3];
        let image = [&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff][..], &frame].concat();
        assert_eq!(jpeg_size(&image), Some(Size::new(1280, 720)));
        for length in 0..image.len() - 1 {
            assert_eq!(jpeg_size(&image[..length]), None, "{length}");
        }
        assert_eq!(jpeg_size(&[0xff, 0xd8, 0xff, 0xda, 0, 4, 1, 2]), None);
        assert_eq!(jpeg_size(&[0xff, 0xd8, 1, 2, 3, 4]), None);
        // A segment without a length cannot be passed, but neither can it hang.
        assert_eq!(jpeg_size(&[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0xff, 0xe0, 0, 0]), None);
    }

    #[test]
    fn what_is_no_whole_image_is_refused() {
        let image = [&[0xff, 0xd8][..], &[7; 10_000], &[0xff, 0xd9]].concat();
        for length in 0..image.len() {
            assert!(whole_jpeg(&image[..length]).is_err(), "{length}");
        }
        assert!(whole_jpeg(&image[1..]).is_err());
        assert!(whole_jpeg(&[0; 4096]).is_err());
        // The end of a thumbnail near the beginning is not that of the image.
        let cut = [&[0xff, 0xd8, 0xff, 0xd9][..], &[7; 10_000]].concat();
        assert!(whole_jpeg(&cut).is_err());
        // One byte cannot be both the end of the beginning and the beginning of the end.
        assert!(whole_jpeg(&[0xff, 0xd8, 0xd9]).is_err());
    }
}
