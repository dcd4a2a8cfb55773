//! The way from a frame to a rendition: load, crop and scale, turn, mirror, colour, store.
//!
//! Luma and chroma stay apart as long as they can: red, green and blue are made last, at the
//! smallest size, and never on the way from video to JPEG.

use protocol::{Colour, FrameHeader, PixelFormat, Plane, Size};

use super::{
    Layout, PixelError, Spec, colour,
    geometry::{Scaler, orient},
    jpeg::{self, Encoder},
    load::{Loader, separate},
    scale::Scale,
    spec::Plan,
    store,
    view::{Order, Picture, Planar, View},
};

/// Makes one rendition. Keeps its memory from frame to frame.
pub struct Converter {
    spec: Spec,
    loader: Loader,
    scaler: Scaler,
    encoder: Encoder,
    stages: Stages,
}

/// The planes of each stage, where it writes any.
#[derive(Default)]
struct Stages {
    separated: [Vec<u8>; 3],
    scaled: [Vec<u8>; 3],
    oriented: [Vec<u8>; 3],
    coloured: [Vec<u8>; 3],
    padded: [Vec<u8>; 3],
}

/// What a rendition came out as; with the frame's numbers and times it makes up a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// Number of bytes.
    pub length: usize,
    /// Size in pixels.
    pub size: Size,
    /// Pixel format.
    pub format: PixelFormat,
    /// Where each plane lies, without padding.
    pub planes: Vec<Plane>,
    /// Colour encoding: that of the frame where luma and chroma were kept; full range for MJPG,
    /// GREY and red, green and blue.
    pub colour: Colour,
}

impl Converter {
    /// A converter that makes renditions as `spec` says.
    pub fn new(spec: Spec) -> Self {
        Self {
            spec,
            loader: Loader::default(),
            scaler: Scaler::default(),
            encoder: Encoder::default(),
            stages: Stages::default(),
        }
    }

    /// What the renditions are.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Most bytes that the rendition of a frame of this size can have: the length that its slots
    /// need. 0 where there can be none.
    pub fn most_bytes(&self, native: Size) -> usize {
        let size = self.spec.output_size(native);
        match self.spec.format {
            PixelFormat::Mjpg => jpeg::most_bytes(size),
            format => Layout::tight(format, size).map_or(0, |layout| layout.length),
        }
    }

    /// Makes the rendition of a frame and writes it to the start of `out`, which should have
    /// [`Self::most_bytes`]. On an error the content of `out` is of no meaning.
    pub fn convert(
        &mut self,
        header: &FrameHeader,
        bytes: &[u8],
        out: &mut [u8],
    ) -> Result<Converted, PixelError> {
        if header.size.width < 2 || header.size.height < 2 {
            return Err(PixelError::TooSmall(header.size));
        }
        let output = Output { spec: self.spec, plan: self.spec.plan(header.size) };
        let (plan, target) = (&output.plan, Target::of(self.spec.format)?);
        let quarter_chroma = plan.resamples()
            || self.spec.rotation.swaps_sides()
            || matches!(target, Target::Jpeg | Target::Planes);
        let loaded = self.loader.load(header, bytes, plan, quarter_chroma)?;
        let scale = Scale { plan, native: header.size, divisor: loaded.divisor };
        let (scaler, stages) = (&mut self.scaler, &mut self.stages);
        let picture = match (loaded.picture, target) {
            (Picture::Packed(view, from), Target::Packed(to)) => {
                return output.reordered(view, (from, to), &scale, scaler, stages, out);
            }
            (Picture::Packed(view, order), _) => {
                let view = view.padded(&mut stages.padded[0]);
                let colour = match target {
                    Target::Jpeg | Target::Grey => Colour::JPEG,
                    _ => Colour::VIDEO,
                };
                separate(view, order, colour, &mut stages.separated)?
            }
            (Picture::Planar(picture), _) => picture,
        };
        let picture = match target {
            Target::Grey => Planar { chroma: None, ..picture },
            _ => picture,
        };
        let quarter_chroma =
            quarter_chroma || picture.chroma.is_some_and(|chroma| !target.takes(chroma.per));
        let picture = scale.planes(picture, quarter_chroma, scaler, &mut stages.scaled)?;
        let Spec { rotation, mirror, .. } = self.spec;
        let picture =
            picture.map(&mut stages.oriented, |view, room| orient(view, rotation, mirror, room));
        match target {
            Target::Jpeg => {
                let picture = colour::to_jpeg(picture, &mut stages.coloured);
                let length = self.encoder.encode(&picture, self.spec.quality, out)?;
                let layout = Layout { planes: vec![Plane { offset: 0, stride: 0 }], length };
                Ok(output.done(layout, picture.colour))
            }
            Target::Grey => output.planes(&colour::to_jpeg(picture, &mut stages.coloured), out),
            Target::Planes | Target::Pairs => {
                let picture = store::with_chroma(picture, &mut stages.coloured[0]);
                output.planes(&picture.padded(&mut stages.padded), out)
            }
            Target::Packed(order) => {
                let picture = picture.padded(&mut stages.padded);
                let (layout, room) = output.room(out)?;
                let stride = layout.planes[0].stride as usize;
                store::packed(&picture, order, room, stride)?;
                Ok(output.done(layout, Colour::JPEG))
            }
        }
    }
}

/// One rendition on its way out.
struct Output {
    spec: Spec,
    plan: Plan,
}

impl Output {
    /// The layout of a rendition with rows, and as much of `out` as it takes up.
    fn room<'o>(&self, out: &'o mut [u8]) -> Result<(Layout, &'o mut [u8]), PixelError> {
        let layout = Layout::tight(self.spec.format, self.plan.output)
            .ok_or(PixelError::Unsupported(self.spec.format))?;
        let error = PixelError::NoRoom { needed: layout.length, room: out.len() };
        let room = out.get_mut(..layout.length).ok_or(error)?;
        Ok((layout, room))
    }

    fn planes(&self, picture: &Planar<'_>, out: &mut [u8]) -> Result<Converted, PixelError> {
        let (layout, room) = self.room(out)?;
        store::planes(picture, self.spec.format, &layout, room)?;
        Ok(self.done(layout, picture.colour))
    }

    /// The whole way from red, green and blue to the same in perhaps another order.
    fn reordered(
        &self,
        view: View<'_>,
        (from, to): (Order, Order),
        scale: &Scale<'_>,
        scaler: &mut Scaler,
        stages: &mut Stages,
        out: &mut [u8],
    ) -> Result<Converted, PixelError> {
        let size = (self.plan.scaled.width, self.plan.scaled.height);
        let view = scaler.scale(view, scale.part((1, 1)), size, &mut stages.scaled[0])?;
        let Spec { rotation, mirror, .. } = self.spec;
        let view = orient(view, rotation, mirror, &mut stages.oriented[0]);
        let view = view.padded(&mut stages.padded[0]);
        let (layout, room) = self.room(out)?;
        let stride = layout.planes[0].stride as usize;
        store::reordered(&view, from, to, room, stride)?;
        Ok(self.done(layout, Colour::JPEG))
    }

    fn done(&self, layout: Layout, colour: Colour) -> Converted {
        Converted {
            length: layout.length,
            size: self.plan.output,
            format: self.spec.format,
            planes: layout.planes,
            colour,
        }
    }
}

/// Formats by what they are made from.
#[derive(Debug, Clone, Copy)]
enum Target {
    Jpeg,
    Grey,
    /// Luma, and chroma for two by two pixels.
    Planes,
    /// YUYV.
    Pairs,
    Packed(Order),
}

impl Target {
    fn of(format: PixelFormat) -> Result<Self, PixelError> {
        Ok(match format {
            PixelFormat::Mjpg => Self::Jpeg,
            PixelFormat::Grey => Self::Grey,
            PixelFormat::I420 | PixelFormat::Nv12 => Self::Planes,
            PixelFormat::Yuyv => Self::Pairs,
            PixelFormat::Rgb => Self::Packed(Order::Rgb),
            PixelFormat::Bgr => Self::Packed(Order::Bgr),
            PixelFormat::Rgba => Self::Packed(Order::Rgba),
            PixelFormat::Other(_) => return Err(PixelError::Unsupported(format)),
        })
    }

    /// Whether it can be made with a sample of chroma for so many pixels across and down.
    fn takes(self, per: (u32, u32)) -> bool {
        match self {
            Self::Packed(_) => matches!(per, (1, 1) | (2, 1) | (2, 2)),
            Self::Pairs => matches!(per, (2, 1) | (2, 2)),
            Self::Jpeg | Self::Grey | Self::Planes => per == (2, 2),
        }
    }
}
