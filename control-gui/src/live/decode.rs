//! Frames that no renderer reads as they are become planes: MJPG is decoded, RGB gets its fourth
//! byte. On a thread of its own for each stream.
//!
//! The thread takes a frame only when it has nothing to do, so one is held at most; what comes
//! meanwhile is passed over, and the next one is newer.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use protocol::{Colour, Frame, PixelFormat, Size};
use tokio::sync::Notify;
use tracing::debug;
use turbojpeg::{Decompressor, Subsamp, YuvImage};

use super::{
    newest::Newest,
    picture::{Buffers, Layout, NeedsDecoding, Picture, PictureError, Plane, Stamp},
};

/// The longest side of a picture that is decoded: what a texture can have.
const LONGEST_SIDE: usize = 8192;

/// The thread of one stream. It ends when this is dropped.
pub(crate) struct Decoder {
    frames: SyncSender<NeedsDecoding>,
    done: Arc<Notify>,
}

/// Why a frame could not be decoded.
#[derive(Debug, thiserror::Error)]
enum DecodeError {
    #[error("not a JPEG image that can be decoded: {0}")]
    Jpeg(#[from] turbojpeg::Error),
    #[error("an image of {0} x {1} is too large to be shown")]
    TooLarge(usize, usize),
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl Decoder {
    /// Starts the thread, which puts what it decodes into `newest`.
    pub(crate) fn start(newest: Arc<Newest>) -> io::Result<Self> {
        // No room: a frame is taken when the thread waits for one, or not at all.
        let (frames, incoming) = sync_channel::<NeedsDecoding>(0);
        let done = Arc::new(Notify::new());
        let told = done.clone();
        thread::Builder::new().name("decoder".to_owned()).spawn(move || {
            let mut jpeg = Decompressor::new().ok();
            let buffers = Buffers::default();
            while let Ok(NeedsDecoding(frame)) = incoming.recv() {
                match decode(&frame, jpeg.as_mut(), &buffers) {
                    Ok(picture) => {
                        drop(frame);
                        if newest.put(picture) {
                            told.notify_one();
                        }
                    }
                    Err(error) => debug!("frame {} not shown: {error}", frame.header().sequence),
                }
            }
        })?;
        Ok(Self { frames, done })
    }

    /// Hands a frame over, or passes it over when the thread is busy.
    pub(crate) fn offer(&self, frame: NeedsDecoding) {
        match self.frames.try_send(frame) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Waits until a picture was put. Safe to cancel.
    pub(crate) async fn done(&self) {
        self.done.notified().await;
    }
}

fn decode(
    frame: &Frame,
    jpeg: Option<&mut Decompressor>,
    buffers: &Buffers,
) -> Result<Picture, DecodeError> {
    match (frame.header().format, jpeg) {
        (PixelFormat::Mjpg, Some(jpeg)) => decode_jpeg(frame, jpeg, buffers),
        (PixelFormat::Rgb, _) => Ok(widen(frame, [0, 1, 2], buffers)?),
        (PixelFormat::Bgr, _) => Ok(widen(frame, [2, 1, 0], buffers)?),
        (format, _) => Err(PictureError::Format(format).into()),
    }
}

fn decode_jpeg(
    frame: &Frame,
    jpeg: &mut Decompressor,
    buffers: &Buffers,
) -> Result<Picture, DecodeError> {
    let header = jpeg.read_header(frame)?;
    let (width, height) = (header.width, header.height);
    if width.max(height) > LONGEST_SIDE {
        return Err(DecodeError::TooLarge(width, height));
    }
    let length = turbojpeg::yuv_pixels_len(width, 1, height, header.subsamp)?;
    let mut buffer = buffers.take(length);
    let pixels = buffer.as_mut_slice();
    jpeg.decompress_to_yuv(
        frame,
        YuvImage { pixels, width, align: 1, height, subsamp: header.subsamp },
    )?;
    let (layout, planes) = jpeg_planes(width, height, header.subsamp);
    let size = Size::new(width as u32, height as u32);
    // The planes of a JPEG image are always of full range.
    let colour = Colour { range: Colour::JPEG.range, ..frame.header().colour };
    Ok(Picture::decoded(buffer, layout, planes, (size, colour, Stamp::from(frame.header())))?)
}

/// Where libjpeg-turbo puts the planes, without padding between rows: luma is as wide and high as
/// whole chroma samples make it.
fn jpeg_planes(width: usize, height: usize, subsamp: Subsamp) -> (Layout, Vec<Plane>) {
    let (across, down) = match subsamp {
        Subsamp::Sub2x1 => (2, 1),
        Subsamp::Sub2x2 => (2, 2),
        Subsamp::Sub1x2 => (1, 2),
        Subsamp::Sub4x1 => (4, 1),
        Subsamp::Sub1x4 => (1, 4),
        _ => (1, 1),
    };
    let (stride, rows) = (width.next_multiple_of(across), height.next_multiple_of(down));
    let plane = |offset, stride: usize, width: usize, height: usize| {
        let (width, height) = (width as u32, height as u32);
        Plane { offset, stride, width, height, texel: 1 }
    };
    let luma = plane(0, stride, width, height);
    if subsamp == Subsamp::Gray {
        return (Layout::Grey, vec![luma]);
    }
    let (chroma_width, chroma_height) = (stride / across, rows / down);
    let u = stride * rows;
    let chroma = |offset| plane(offset, chroma_width, chroma_width, chroma_height);
    (Layout::Planar, vec![luma, chroma(u), chroma(u + chroma_width * chroma_height)])
}

/// Three bytes a pixel, in the order that `order` says, become four.
fn widen(frame: &Frame, order: [usize; 3], buffers: &Buffers) -> Result<Picture, PictureError> {
    let header = frame.header();
    let (width, height) = (header.size.width as usize, header.size.height as usize);
    let plane = header.planes.first().ok_or(PictureError::Planes)?;
    let (offset, from) = (plane.offset as usize, plane.stride as usize);
    let mut buffer = buffers.take(width * height * 4);
    for (y, to) in buffer.chunks_exact_mut((width * 4).max(1)).enumerate() {
        let start = offset + y * from;
        let row = frame.get(start..start + width * 3).ok_or(PictureError::Planes)?;
        for (to, from) in to.chunks_exact_mut(4).zip(row.chunks_exact(3)) {
            to.copy_from_slice(&[from[order[0]], from[order[1]], from[order[2]], 255]);
        }
    }
    let stride = width * 4;
    let plane = Plane { offset: 0, stride, width: width as u32, height: height as u32, texel: 4 };
    let what = (header.size, header.colour, Stamp::from(header));
    Picture::decoded(buffer, Layout::Rgba, vec![plane], what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_of_a_jpeg_image_fill_what_the_decoder_asks_for() {
        for subsamp in [
            Subsamp::None,
            Subsamp::Sub2x1,
            Subsamp::Sub2x2,
            Subsamp::Sub1x2,
            Subsamp::Sub4x1,
            Subsamp::Gray,
        ] {
            for (width, height) in [(640, 480), (641, 479), (1, 1), (33, 17)] {
                let length = turbojpeg::yuv_pixels_len(width, 1, height, subsamp).expect("a size");
                let (_, planes) = jpeg_planes(width, height, subsamp);
                let last = planes.last().expect("a plane");
                let padded = if planes.len() == 1 {
                    height * last.stride
                } else {
                    last.offset + last.stride * last.height as usize
                };
                assert_eq!(padded, length, "{subsamp:?} {width}x{height}");
            }
        }
    }
}
