//! A picture as it is drawn: the bytes of a frame where they lie, and how to read them.
//!
//! A [`Picture`] of a mapped frame holds that frame's slot, so nobody keeps one for longer than an
//! upload or a copy takes. Whatever a header says, its planes lie within the bytes: that is
//! checked once, here.

use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Colour, Frame, FrameHeader, PixelFormat, Size};

/// How the bytes of a picture are to be read; `video.wgsl` knows them by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Layout {
    /// R, G, B, A.
    Rgba,
    /// Luma alone.
    Grey,
    /// Y0 U Y1 V, read twice: as pairs for luma, as fours for chroma.
    Yuyv,
    /// Luma, then U and V in pairs.
    SemiPlanar,
    /// Luma, U and V.
    Planar,
}

/// One plane as a renderer reads it: `width` × `height` texels of `texel` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plane {
    /// First byte.
    pub offset: usize,
    /// Bytes from row to row.
    pub stride: usize,
    /// Texels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Bytes of a texel.
    pub texel: u32,
}

impl Plane {
    /// Number of bytes from the first to the last; `None` where a row is longer than its stride.
    fn length(&self) -> Option<usize> {
        let row = self.width as usize * self.texel as usize;
        let above = (self.height as usize).checked_sub(1)?.checked_mul(self.stride)?;
        (row > 0 && row <= self.stride).then(|| above.checked_add(row))?
    }
}

/// When a picture was captured, and what was passed over before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The camera's number for it.
    pub sequence: u64,
    /// ns since 1970.
    pub unix_ns: u64,
    /// Frames that were passed over since the one before.
    pub dropped: u32,
}

impl From<&FrameHeader> for Stamp {
    fn from(header: &FrameHeader) -> Self {
        Self { sequence: header.sequence, unix_ns: header.unix_ns, dropped: header.dropped }
    }
}

/// A picture.
pub(crate) struct Picture {
    bytes: Bytes,
    planes: Vec<Plane>,
    /// How to read it.
    pub layout: Layout,
    /// Its size in pixels.
    pub size: Size,
    /// What luma and chroma mean.
    pub colour: Colour,
    /// When it was captured.
    pub stamp: Stamp,
}

enum Bytes {
    Mapped(Frame),
    Decoded(Buffer),
}

/// A frame that no renderer can read as it is, and needs to be decoded first.
pub(crate) struct NeedsDecoding(pub Frame);

/// A header that does not describe its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PictureError {
    /// Planes are missing or reach beyond the bytes.
    #[error("the frame's planes do not lie within its bytes")]
    Planes,
    /// No renderer knows the format.
    #[error("frames in {0} cannot be shown")]
    Format(PixelFormat),
}

/// What a frame is to a renderer.
pub(crate) enum Readable {
    /// It can be drawn from where it lies.
    AsItIs(Picture),
    /// It has to be decoded.
    Not(NeedsDecoding),
}

impl Picture {
    /// The picture that lies in `frame`.
    pub(crate) fn of(frame: Frame) -> Result<Readable, PictureError> {
        let header = frame.header();
        let Some(layout) = layout(header.format)? else {
            return Ok(Readable::Not(NeedsDecoding(frame)));
        };
        let planes = planes(header, layout).ok_or(PictureError::Planes)?;
        check(&planes, frame.len())?;
        let (size, colour, stamp) = (header.size, header.colour, Stamp::from(header));
        let bytes = Bytes::Mapped(frame);
        Ok(Readable::AsItIs(Self { bytes, planes, layout, size, colour, stamp }))
    }

    /// A picture that was decoded into `buffer`.
    pub(crate) fn decoded(
        buffer: Buffer,
        layout: Layout,
        planes: Vec<Plane>,
        (size, colour, stamp): (Size, Colour, Stamp),
    ) -> Result<Self, PictureError> {
        check(&planes, buffer.bytes.len())?;
        Ok(Self { bytes: Bytes::Decoded(buffer), planes, layout, size, colour, stamp })
    }

    /// Its planes, each with the bytes from its first to its last.
    pub(crate) fn planes(&self) -> impl ExactSizeIterator<Item = (Plane, &[u8])> {
        let bytes: &[u8] = match &self.bytes {
            Bytes::Mapped(frame) => frame,
            Bytes::Decoded(buffer) => &buffer.bytes,
        };
        self.planes.iter().map(move |plane| {
            let length = plane.length().unwrap_or(0);
            (*plane, bytes.get(plane.offset..plane.offset + length).unwrap_or(&[]))
        })
    }
}

fn layout(format: PixelFormat) -> Result<Option<Layout>, PictureError> {
    Ok(Some(match format {
        PixelFormat::Rgba => Layout::Rgba,
        PixelFormat::Grey => Layout::Grey,
        PixelFormat::Yuyv => Layout::Yuyv,
        PixelFormat::Nv12 => Layout::SemiPlanar,
        PixelFormat::I420 => Layout::Planar,
        PixelFormat::Mjpg | PixelFormat::Rgb | PixelFormat::Bgr => return Ok(None),
        PixelFormat::Other(_) => return Err(PictureError::Format(format)),
    }))
}

fn planes(header: &FrameHeader, layout: Layout) -> Option<Vec<Plane>> {
    let Size { width, height } = header.size;
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let plane = |index: usize, width, height, texel| {
        let plane = header.planes.get(index)?;
        let (offset, stride) = (plane.offset as usize, plane.stride as usize);
        Some(Plane { offset, stride, width, height, texel })
    };
    Some(match layout {
        Layout::Rgba => vec![plane(0, width, height, 4)?],
        Layout::Grey => vec![plane(0, width, height, 1)?],
        Layout::Yuyv => vec![plane(0, width, height, 2)?, plane(0, half_width, height, 4)?],
        Layout::SemiPlanar => {
            vec![plane(0, width, height, 1)?, plane(1, half_width, half_height, 2)?]
        }
        Layout::Planar => vec![
            plane(0, width, height, 1)?,
            plane(1, half_width, half_height, 1)?,
            plane(2, half_width, half_height, 1)?,
        ],
    })
}

fn check(planes: &[Plane], available: usize) -> Result<(), PictureError> {
    let within = |plane: &Plane| {
        let end = plane.length().and_then(|length| plane.offset.checked_add(length));
        end.is_some_and(|end| end <= available)
    };
    if planes.iter().all(within) { Ok(()) } else { Err(PictureError::Planes) }
}

/// Buffers that were read and can be filled again: two at most, one shown and one filled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

const SPARE: usize = 2;

impl Buffers {
    /// A buffer of `length` bytes, of whatever content.
    pub(crate) fn take(&self, length: usize) -> Buffer {
        let mut bytes = self.spare().pop().unwrap_or_default();
        bytes.resize(length, 0);
        Buffer { bytes, home: self.clone() }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory of a decoded picture, which goes back to where it came from.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl std::ops::Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = self.home.spare();
        if spare.len() < SPARE {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}
