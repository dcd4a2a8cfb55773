//! A picture as all viewers share it: copied once out of its slot, then never again.

use bytes::{BufMut as _, Bytes, BytesMut};
use pixels::markers;
use protocol::{FrameHeader, Size};

use super::tables;

/// The boundary that the parts of an MJPEG stream have in all programs of this kind.
pub(in crate::bridge) const BOUNDARY: &str = "boundarydonotcross";
/// More than the headers of a part, the tables and its end take.
const AROUND: usize = 1024;

/// A JPEG image with what belongs to it.
#[derive(Debug)]
pub(in crate::bridge) struct Picture {
    /// The headers of a part, the image, and the boundary behind it: a viewer shows a picture
    /// when it has seen that.
    part: Bytes,
    image: std::ops::Range<usize>,
    /// The driver's number.
    pub(in crate::bridge) sequence: u64,
    /// When it was captured, µs since 1970.
    pub(in crate::bridge) unix_us: u64,
    pub(in crate::bridge) size: Size,
}

impl Picture {
    /// A copy of `image`, in the room of an earlier picture where that is free.
    pub(super) fn new(header: &FrameHeader, image: &[u8], room: &mut Room) -> Self {
        let tables = tables::missing(image);
        let length = image.len() + tables.map_or(0, |(_, tables)| tables.len());
        let unix_us = header.unix_ns / 1000;
        let mut part = room.take(length + AROUND);
        let headers = format!(
            "Content-Type: image/jpeg\r\nContent-Length: {length}\r\nX-Timestamp: {}.{:06}\r\n\r\n",
            unix_us / 1_000_000,
            unix_us % 1_000_000
        );
        part.put_slice(headers.as_bytes());
        match tables {
            Some((at, tables)) => {
                let (before, after) = image.split_at(at);
                part.put_slice(before);
                part.put_slice(tables);
                part.put_slice(after);
            }
            None => part.put_slice(image),
        }
        part.put_slice(b"\r\n--");
        part.put_slice(BOUNDARY.as_bytes());
        part.put_slice(b"\r\n");
        let part = part.freeze();
        room.keep(&part);
        let image = headers.len()..headers.len() + length;
        // Renditions have the size in their header; so have a camera's own images, unless it lies.
        let size =
            markers::size(part.get(image.clone()).unwrap_or_default()).unwrap_or(header.size);
        Self { part, image, sequence: header.sequence, unix_us, size }
    }

    /// The part of an MJPEG stream.
    pub(in crate::bridge) fn part(&self) -> Bytes {
        self.part.clone()
    }

    /// The image alone.
    pub(in crate::bridge) fn image(&self) -> Bytes {
        self.part.slice(self.image.clone())
    }

    /// Bytes of the image.
    pub(in crate::bridge) fn len(&self) -> usize {
        self.image.len()
    }
}

/// The memory of earlier pictures, used again once no viewer has them any more: as much new
/// memory with every picture costs a page fault for every 4 KiB.
#[derive(Default)]
pub(super) struct Room(Vec<Bytes>);

impl Room {
    /// Pictures that are kept in mind: the newest, one being sent, one before.
    const MOST: usize = 3;

    fn take(&mut self, length: usize) -> BytesMut {
        for at in 0..self.0.len() {
            match self.0.swap_remove(at).try_into_mut() {
                Ok(mut room) => {
                    room.clear();
                    room.reserve(length);
                    return room;
                }
                Err(used) => {
                    self.0.push(used);
                    let last = self.0.len() - 1;
                    self.0.swap(at, last);
                }
            }
        }
        BytesMut::with_capacity(length)
    }

    fn keep(&mut self, part: &Bytes) {
        if self.0.len() == Self::MOST {
            // A slow viewer has it still, and frees it.
            self.0.remove(0);
        }
        self.0.push(part.clone());
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Colour, PixelFormat};

    use super::*;

    fn header(sequence: u64) -> FrameHeader {
        FrameHeader {
            sequence,
            monotonic_ns: 0,
            unix_ns: 1_234_567_890_123,
            size: Size::new(8, 8),
            format: PixelFormat::Mjpg,
            planes: Vec::new(),
            colour: Colour::JPEG,
            length: 4,
            dropped: 0,
        }
    }

    #[test]
    fn a_part_is_headers_image_and_boundary() {
        let image = [0xff, 0xd8, 0xff, 0xd9];
        let picture = Picture::new(&header(3), &image, &mut Room::default());
        assert_eq!(picture.image(), &image[..]);
        assert_eq!(picture.len(), 4);
        let expected = [
            &b"Content-Type: image/jpeg\r\nContent-Length: 4\r\nX-Timestamp: 1234.567890\r\n\r\n"[..],
            &image,
            b"\r\n--boundarydonotcross\r\n",
        ];
        assert_eq!(picture.part(), expected.concat());
    }

    #[test]
    fn memory_is_used_again_and_never_while_a_viewer_has_it() {
        let mut room = Room::default();
        let image = vec![7; 10_000];
        let first = Picture::new(&header(0), &image, &mut room);
        let kept = first.part();
        drop(first);
        let second = Picture::new(&header(1), &[9; 10_000], &mut room);
        assert_eq!(&kept[kept.len() - 10..], &second.part()[kept.len() - 10..]);
        assert_eq!(kept.iter().filter(|byte| **byte == 7).count(), 10_000, "it is untouched");
        let address = second.part().as_ptr();
        drop(second);
        let third = Picture::new(&header(2), &image, &mut room);
        assert_eq!(third.part().as_ptr(), address);
    }
}
