//! Frames of any size brought to the one size that a loopback device has.
//!
//! A device keeps its format for as long as anybody has it open, while cameras change theirs. So
//! frames are asked for within the device's size and laid into the middle of a black picture of
//! exactly that size. Pure computing, on the thread that writes.

use pixels::{Converter, Layout, PixelError, Spec};
use protocol::{Colour, FrameHeader, Mode, PixelFormat, Range, Size, StreamFormat};

/// Makes frames of one mode.
pub struct Canvas {
    mode: Mode,
    /// I420, what all other formats are made of.
    picture: Vec<u8>,
    layout: Layout,
    /// The size of the frame that lies in `picture`; around it all is black.
    inner: Option<Size>,
    decoder: Converter,
    decoded: Vec<u8>,
    encoder: Converter,
    frame: Vec<u8>,
}

impl Canvas {
    /// Formats that can be made, the one that most programs take first.
    pub const FORMATS: [PixelFormat; 4] =
        [PixelFormat::Yuyv, PixelFormat::Mjpg, PixelFormat::I420, PixelFormat::Nv12];

    /// A canvas for frames of `mode`. `None` where its format is not among
    /// [`Canvas::FORMATS`], or where its size is odd or too large.
    pub fn new(mode: Mode) -> Option<Self> {
        let Size { width, height } = mode.size;
        let even = width.is_multiple_of(2) && height.is_multiple_of(2) && mode.size.area() > 0;
        if !Self::FORMATS.contains(&mode.format) || !even {
            return None;
        }
        let layout = Layout::tight(PixelFormat::I420, mode.size)?;
        let encoder = Converter::new(Spec::new(PixelFormat::Mjpg));
        let room = match mode.format {
            PixelFormat::Mjpg => encoder.most_bytes(mode.size),
            format => Layout::tight(format, mode.size)?.length,
        };
        Some(Self {
            mode,
            picture: vec![0; layout.length],
            layout,
            inner: None,
            decoder: Converter::new(Spec::new(PixelFormat::I420)),
            decoded: Vec::new(),
            encoder,
            frame: vec![0; room],
        })
    }

    /// What it makes frames of.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What frames to ask the service for. I420 in place of YUYV: a camera that nobody else
    /// watches is opened in the format that is asked for, and in YUYV most are slow.
    pub fn wanted(&self) -> StreamFormat {
        StreamFormat::Pixels(match self.mode.format {
            PixelFormat::Mjpg => PixelFormat::Mjpg,
            _ => PixelFormat::I420,
        })
    }

    /// A black frame.
    pub fn black(&mut self) -> Result<&[u8], PixelError> {
        self.clear();
        let colour = self.colour();
        self.finish(colour)
    }

    /// `bytes`, a frame as [`Canvas::wanted`] or any other, in the device's mode. What is larger
    /// than that is cut.
    pub fn frame<'a>(
        &'a mut self,
        header: &FrameHeader,
        bytes: &'a [u8],
    ) -> Result<&'a [u8], PixelError> {
        let is_whole = header.size == self.mode.size;
        if header.format == PixelFormat::Mjpg && self.mode.format == PixelFormat::Mjpg && is_whole {
            return Ok(bytes);
        }
        if header.format == PixelFormat::I420 {
            self.lay(header, bytes);
            return self.finish(header.colour);
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        decoded.resize(self.decoder.most_bytes(header.size), 0);
        let converted = self.decoder.convert(header, bytes, &mut decoded);
        let laid = converted.map(|made| {
            let header = FrameHeader {
                size: made.size,
                format: made.format,
                planes: made.planes,
                colour: made.colour,
                length: made.length as u32,
                ..header.clone()
            };
            self.lay(&header, &decoded);
            made.colour
        });
        self.decoded = decoded;
        self.finish(laid?)
    }

    /// The colours that readers take frames of this format for.
    const fn colour(&self) -> Colour {
        match self.mode.format {
            PixelFormat::Mjpg => Colour::JPEG,
            _ => Colour::VIDEO,
        }
    }

    fn clear(&mut self) {
        let chroma = self.layout.planes[1].offset as usize;
        let black = if self.colour().range == Range::Full { 0 } else { 16 };
        self.picture[..chroma].fill(black);
        self.picture[chroma..].fill(128);
        self.inner = None;
    }

    /// Lays an I420 frame into the middle, in the range of this canvas.
    fn lay(&mut self, header: &FrameHeader, bytes: &[u8]) {
        let whole = self.mode.size;
        let even = |side: u32, most: u32| side.min(most) & !1;
        let inner =
            Size::new(even(header.size.width, whole.width), even(header.size.height, whole.height));
        if self.inner != Some(inner) {
            self.clear();
            self.inner = Some(inner);
        }
        let ranges = (header.colour.range, self.colour().range);
        for (index, (from, to)) in header.planes.iter().zip(&self.layout.planes).enumerate() {
            let half = u32::from(index > 0);
            let (width, height) = (inner.width >> half, inner.height >> half);
            // Even, so that chroma stays with its luma.
            let left = ((whole.width - inner.width) / 4 * 2) >> half;
            let top = ((whole.height - inner.height) / 4 * 2) >> half;
            let table = range_table(ranges, index > 0);
            for row in 0..height {
                let start = from.offset as usize + row as usize * from.stride as usize;
                let Some(source) = bytes.get(start..start + width as usize) else { return };
                let start =
                    to.offset as usize + (top + row) as usize * to.stride as usize + left as usize;
                let target = &mut self.picture[start..start + width as usize];
                match &table {
                    None => target.copy_from_slice(source),
                    Some(table) => {
                        for (to, from) in target.iter_mut().zip(source) {
                            *to = table[usize::from(*from)];
                        }
                    }
                }
            }
        }
    }

    /// The picture in the device's format.
    fn finish(&mut self, colour: Colour) -> Result<&[u8], PixelError> {
        let chroma = self.layout.planes[1].offset as usize;
        let half = self.mode.size.width as usize / 2;
        let luma_rows = self.picture[..chroma].chunks_exact(half * 2);
        let (u, v) = self.picture[chroma..].split_at((self.layout.length - chroma) / 2);
        match self.mode.format {
            PixelFormat::Yuyv => {
                let rows = self.frame.chunks_exact_mut(half * 4).zip(luma_rows).enumerate();
                for (index, (out, luma)) in rows {
                    let at = index / 2 * half;
                    let chroma = u[at..at + half].iter().zip(&v[at..at + half]);
                    let pairs = out.chunks_exact_mut(4).zip(luma.chunks_exact(2)).zip(chroma);
                    for ((out, luma), (u, v)) in pairs {
                        out.copy_from_slice(&[luma[0], *u, luma[1], *v]);
                    }
                }
                Ok(&self.frame)
            }
            PixelFormat::Nv12 => {
                self.frame[..chroma].copy_from_slice(&self.picture[..chroma]);
                let pairs = self.frame[chroma..].chunks_exact_mut(2).zip(u.iter().zip(v));
                for (out, (u, v)) in pairs {
                    out.copy_from_slice(&[*u, *v]);
                }
                Ok(&self.frame)
            }
            PixelFormat::Mjpg => {
                let header = FrameHeader {
                    sequence: 0,
                    monotonic_ns: 0,
                    unix_ns: 0,
                    size: self.mode.size,
                    format: PixelFormat::I420,
                    planes: self.layout.planes.clone(),
                    colour: Colour { matrix: colour.matrix, ..Colour::JPEG },
                    length: self.layout.length as u32,
                    dropped: 0,
                };
                let made = self.encoder.convert(&header, &self.picture, &mut self.frame)?;
                Ok(&self.frame[..made.length])
            }
            _ => Ok(&self.picture),
        }
    }
}

/// How samples of one range are written in another; `None` where they stay as they are.
fn range_table((from, to): (Range, Range), chroma: bool) -> Option<[u8; 256]> {
    if from == to {
        return None;
    }
    // Lowest and highest sample of each; chroma lies around 128 in both.
    let span = |range: Range| match (range, chroma) {
        (Range::Full, false) => (0.0, 255.0),
        (Range::Full, true) => (0.5, 255.5),
        (Range::Limited, false) => (16.0, 235.0),
        (Range::Limited, true) => (16.0, 240.0),
    };
    let ((low, high), (to_low, to_high)) = (span(from), span(to));
    let scale: f64 = (to_high - to_low) / (high - low);
    // Values beyond a byte are cut to it.
    Some(std::array::from_fn(|sample| ((sample as f64 - low) * scale + to_low).round() as u8))
}

#[cfg(test)]
mod tests {
    use protocol::FrameRate;

    use super::*;

    fn canvas(format: PixelFormat, width: u32, height: u32) -> Canvas {
        let rate = FrameRate::new(30, 1);
        Canvas::new(Mode { format, size: Size::new(width, height), rate }).expect("possible")
    }

    /// A frame of one colour.
    fn plain(size: Size, (y, u, v): (u8, u8, u8), colour: Colour) -> (FrameHeader, Vec<u8>) {
        let layout = Layout::tight(PixelFormat::I420, size).expect("small");
        let offset = |plane: usize| layout.planes[plane].offset as usize;
        let mut bytes = vec![y; layout.length];
        bytes[offset(1)..offset(2)].fill(u);
        bytes[offset(2)..].fill(v);
        let header = FrameHeader {
            sequence: 0,
            monotonic_ns: 0,
            unix_ns: 0,
            size,
            format: PixelFormat::I420,
            length: bytes.len() as u32,
            planes: layout.planes,
            colour,
            dropped: 0,
        };
        (header, bytes)
    }

    #[test]
    fn smaller_frames_lie_in_the_middle_of_black() {
        let mut canvas = canvas(PixelFormat::Yuyv, 8, 6);
        let (header, bytes) = plain(Size::new(4, 2), (200, 90, 60), Colour::VIDEO);
        let frame = canvas.frame(&header, &bytes).expect("made").to_vec();
        let (black, pixel) = ([16, 128, 16, 128], [200, 90, 200, 60]);
        for (row, bytes) in frame.chunks_exact(16).enumerate() {
            let middle = if (2..4).contains(&row) { pixel } else { black };
            assert_eq!(bytes, [black, middle, middle, black].concat(), "row {row}");
        }
        // A frame of another size leaves nothing of the one before.
        let (header, bytes) = plain(Size::new(8, 2), (50, 128, 128), Colour::VIDEO);
        let frame = canvas.frame(&header, &bytes).expect("made").to_vec();
        assert_eq!(frame[..32], black.repeat(8));
        assert_eq!(frame[32..64], [50, 128].repeat(16));
        let left = canvas.black().expect("made");
        assert_eq!(left, black.repeat(24));
    }

    #[test]
    fn larger_frames_are_cut_and_short_ones_do_no_harm() {
        for format in Canvas::FORMATS {
            let mut canvas = canvas(format, 8, 6);
            let (header, bytes) = plain(Size::new(64, 64), (50, 128, 128), Colour::VIDEO);
            canvas.frame(&header, &bytes).expect("made");
            canvas.frame(&header, &bytes[..100]).expect("made of what there is");
        }
    }

    #[test]
    fn the_full_range_becomes_that_of_video() {
        let mut canvas = canvas(PixelFormat::Nv12, 4, 2);
        for (from, to) in [((0, 0, 255), (16, 16, 240)), ((255, 128, 128), (235, 128, 128))] {
            let (header, bytes) = plain(Size::new(4, 2), from, Colour::JPEG);
            let frame = canvas.frame(&header, &bytes).expect("made");
            assert_eq!(frame[..8], [to.0; 8]);
            assert_eq!(frame[8..], [to.1, to.2].repeat(2));
        }
    }

    #[test]
    fn jpegs_pass_where_they_fit_and_are_made_anew_where_not() {
        let mut small = canvas(PixelFormat::Mjpg, 16, 16);
        let (header, bytes) = plain(Size::new(16, 16), (120, 128, 128), Colour::JPEG);
        let jpeg = small.frame(&header, &bytes).expect("made").to_vec();
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
        let length = jpeg.len() as u32;
        let header = FrameHeader { format: PixelFormat::Mjpg, length, ..header };
        assert_eq!(small.frame(&header, &jpeg).expect("passed"), jpeg);

        let mut large = canvas(PixelFormat::Mjpg, 64, 48);
        let padded = large.frame(&header, &jpeg).expect("made anew").to_vec();
        let mut view = canvas(PixelFormat::I420, 64, 48);
        let length = padded.len() as u32;
        let header = FrameHeader { size: Size::new(64, 48), length, ..header };
        let picture = view.frame(&header, &padded).expect("read");
        let luma = |x: usize, y: usize| picture[y * 64 + x];
        assert!(luma(2, 2) < 24, "black around it: {}", luma(2, 2));
        assert!((100..=130).contains(&luma(32, 24)), "grey in the middle: {}", luma(32, 24));
    }

    #[test]
    fn only_what_can_be_made_is_taken() {
        let rate = FrameRate::new(30, 1);
        let new = |format, width, height| {
            Canvas::new(Mode { format, size: Size::new(width, height), rate }).is_some()
        };
        assert!(new(PixelFormat::Yuyv, 640, 480));
        assert!(!new(PixelFormat::Grey, 640, 480));
        assert!(!new(PixelFormat::Yuyv, 641, 480));
        assert!(!new(PixelFormat::Yuyv, 0, 0));
    }
}
