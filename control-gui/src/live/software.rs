//! Drawing without a GPU: a picture becomes red, green and blue at the size it is shown in, and is
//! then copied to the window as it is. On the thread that draws.

use super::{
    colour::ToRgb,
    geometry::{Placed, Placement},
    picture::{Layout, Picture, Plane},
};
use iced::advanced::image::Handle;
use protocol::Size;

/// The part of a picture that is seen, at the size it is shown in.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// The pixels.
    pub handle: Handle,
    /// Where they lie in the area that they were made for, in pixels of the screen.
    placed: Placed,
    /// Where the whole picture lies in it.
    whole: Placed,
    /// Its size.
    size: Size,
}

impl Image {
    /// Where the pixels lie in an area of `area` pixels of the screen: another one than they were
    /// made for where it has changed since, or how the picture is placed. A camera that is lost, or
    /// frozen, has no newer picture to make them of.
    #[must_use]
    pub(crate) fn place(&self, placement: &Placement, area: (f32, f32)) -> Placed {
        let now = placement.place(area, self.size);
        if now == self.whole {
            return self.placed;
        }
        let (x, y) = (now.width / self.whole.width, now.height / self.whole.height);
        Placed {
            left: now.left + (self.placed.left - self.whole.left) * x,
            top: now.top + (self.placed.top - self.whole.top) * y,
            width: self.placed.width * x,
            height: self.placed.height * y,
        }
    }
}

/// The part of `picture` that is seen in an area of `area` pixels of the screen. `None` where
/// nothing is.
#[must_use]
pub(crate) fn convert(picture: &Picture, placement: &Placement, area: (f32, f32)) -> Option<Image> {
    let placed = placement.place(area, picture.size);
    let seen = |start: f32, length: f32, area: f32| {
        let (from, to) = (start.max(0.0), (start + length).min(area));
        // Whole pixels that are seen at least in part.
        (from.floor() as u32, (to.ceil() as u32).saturating_sub(from.floor() as u32))
    };
    let (left, width) = seen(placed.left, placed.width, area.0);
    let (top, height) = seen(placed.top, placed.height, area.1);
    if width == 0 || height == 0 {
        return None;
    }
    let columns = sources(left, width, (placed.left, placed.width), picture.size.width);
    let columns: Vec<u32> = if placement.mirror {
        columns.map(|x| picture.size.width - 1 - x).collect()
    } else {
        columns.collect()
    };
    let rows = sources(top, height, (placed.top, placed.height), picture.size.height);
    let mut pixels = vec![255; width as usize * height as usize * 4];
    fill(&mut pixels, picture, &columns, rows);
    let handle = Handle::from_rgba(width, height, pixels);
    let (left, top) = (left as f32, top as f32);
    let seen = Placed { left, top, width: width as f32, height: height as f32 };
    Some(Image { handle, placed: seen, whole: placed, size: picture.size })
}

/// For each of `count` pixels of the screen from `from` on, the nearest of `pixels` that are
/// spread over `length` from `start` on.
fn sources(
    from: u32,
    count: u32,
    (start, length): (f32, f32),
    pixels: u32,
) -> impl Iterator<Item = u32> {
    (from..from + count).map(move |at| {
        let place = (at as f32 + 0.5 - start) / length * pixels as f32;
        (place.max(0.0) as u32).min(pixels.saturating_sub(1))
    })
}

/// The matrix in whole numbers, 65,536 for 1.
struct Fixed([[i32; 4]; 3]);

impl Fixed {
    fn new(ToRgb(rows): ToRgb) -> Self {
        Self(rows.map(|[a, b, c, add]| {
            let fixed = |number: f32| (number * 65536.0).round() as i32;
            [fixed(a), fixed(b), fixed(c), fixed(add * 255.0) + 32768]
        }))
    }

    #[inline(always)]
    fn rgb(&self, [y, u, v]: [u8; 3]) -> [u8; 3] {
        let (y, u, v) = (i32::from(y), i32::from(u), i32::from(v));
        let channel =
            |[a, b, c, add]: [i32; 4]| ((a * y + b * u + c * v + add) >> 16).clamp(0, 255);
        [channel(self.0[0]) as u8, channel(self.0[1]) as u8, channel(self.0[2]) as u8]
    }
}

fn fill(pixels: &mut [u8], picture: &Picture, columns: &[u32], rows: impl Iterator<Item = u32>) {
    let matrix = Fixed::new(ToRgb::new(picture.layout, picture.colour));
    let planes: Vec<(Plane, &[u8])> = picture.planes().collect();
    let size = picture.size;
    for (to, y) in pixels.chunks_exact_mut(columns.len() * 4).zip(rows) {
        match (picture.layout, planes.as_slice()) {
            (Layout::Rgba, [plane]) => {
                let row = row(plane, y);
                each(to, columns, |x| [row[x * 4], row[x * 4 + 1], row[x * 4 + 2]]);
            }
            (Layout::Grey, [plane]) => {
                let row = row(plane, y);
                each(to, columns, |x| matrix.rgb([row[x], 0, 0]));
            }
            (Layout::Yuyv, [_, plane]) => {
                let row = row(plane, y);
                each(to, columns, |x| {
                    let pair = x / 2 * 4;
                    matrix.rgb([row[x * 2], row[pair + 1], row[pair + 3]])
                });
            }
            (Layout::SemiPlanar, [luma, chroma]) => {
                let (luma, uv) =
                    (row(luma, y), row(chroma, scaled(y, chroma.0.height, size.height)));
                each(to, columns, |x| matrix.rgb([luma[x], uv[x / 2 * 2], uv[x / 2 * 2 + 1]]));
            }
            (Layout::Planar, [luma, u, v]) => {
                let chroma_y = scaled(y, u.0.height, size.height);
                let step = size.width.div_ceil(u.0.width.max(1)).max(1) as usize;
                let (luma, u, v) = (row(luma, y), row(u, chroma_y), row(v, chroma_y));
                each(to, columns, |x| matrix.rgb([luma[x], u[x / step], v[x / step]]));
            }
            // A picture has the planes of its layout.
            _ => {}
        }
    }
}

/// The row of a plane of `height` rows that belongs to row `y` of `whole`.
fn scaled(y: u32, height: u32, whole: u32) -> u32 {
    let step = whole.div_ceil(height.max(1)).max(1);
    (y / step).min(height.saturating_sub(1))
}

fn row<'a>((plane, bytes): &(Plane, &'a [u8]), y: u32) -> &'a [u8] {
    let start = y as usize * plane.stride;
    &bytes[start..start + plane.width as usize * plane.texel as usize]
}

#[inline(always)]
fn each(to: &mut [u8], columns: &[u32], rgb: impl Fn(usize) -> [u8; 3]) {
    for (to, x) in to.chunks_exact_mut(4).zip(columns) {
        to[..3].copy_from_slice(&rgb(*x as usize));
    }
}

#[cfg(test)]
mod tests {
    use protocol::Colour;

    use super::*;
    use crate::live::picture::{Buffers, Stamp};

    fn planar(size: Size, fill: impl Fn(usize, u32, u32) -> u8) -> Picture {
        let (half_w, half_h) = (size.width.div_ceil(2), size.height.div_ceil(2));
        let sizes = [(size.width, size.height), (half_w, half_h), (half_w, half_h)];
        let mut bytes = vec![];
        let mut planes = vec![];
        for (index, (width, height)) in sizes.into_iter().enumerate() {
            let (offset, stride) = (bytes.len(), width as usize);
            planes.push(Plane { offset, stride, width, height, texel: 1 });
            bytes.extend(
                (0..height)
                    .flat_map(|y| (0..width).map(move |x| (x, y)))
                    .map(|(x, y)| fill(index, x, y)),
            );
        }
        let mut buffer = Buffers::default().take(bytes.len());
        buffer.copy_from_slice(&bytes);
        let stamp = Stamp { sequence: 0, unix_ns: 0, dropped: 0 };
        Picture::decoded(buffer, Layout::Planar, planes, (size, Colour::JPEG, stamp))
            .expect("planes")
    }

    fn pixel(image: &Image, x: u32, y: u32) -> [u8; 4] {
        let Handle::Rgba { width, pixels, .. } = &image.handle else { panic!("pixels") };
        let at = ((y * width + x) * 4) as usize;
        pixels[at..at + 4].try_into().expect("four bytes")
    }

    #[test]
    fn every_pixel_comes_from_its_own_place_also_of_odd_sizes() {
        for size in [Size::new(16, 8), Size::new(15, 7), Size::new(1, 1)] {
            let picture = planar(size, |plane, x, y| match plane {
                0 => (x * 16 + y) as u8,
                _ => 128,
            });
            let area = (size.width as f32 * 2.0, size.height as f32 * 2.0);
            let image = convert(&picture, &Placement::default(), area).expect("an image");
            for (x, y) in
                [(0, 0), (size.width - 1, size.height - 1), (size.width / 2, size.height / 3)]
            {
                let grey = (x * 16 + y) as u8;
                assert_eq!(pixel(&image, x * 2, y * 2), [grey, grey, grey, 255], "{size}");
            }
            let mut mirrored = Placement::default();
            mirrored.mirror = true;
            let image = convert(&picture, &mirrored, area).expect("an image");
            assert_eq!(pixel(&image, 0, 0)[0], ((size.width - 1) * 16) as u8);
        }
    }

    #[test]
    fn a_picture_without_a_newer_one_fits_an_area_that_has_changed() {
        let picture = planar(Size::new(64, 32), |_, x, _| x as u8);
        let mut placement = Placement::default();
        let image = convert(&picture, &placement, (64.0, 64.0)).expect("an image");
        let placed = |left, top, width, height| Placed { left, top, width, height };
        assert_eq!(image.place(&placement, (64.0, 64.0)), placed(0.0, 16.0, 64.0, 32.0));
        assert_eq!(image.place(&placement, (64.0, 48.0)), placed(0.0, 8.0, 64.0, 32.0));
        assert_eq!(image.place(&placement, (128.0, 64.0)), placed(0.0, 0.0, 128.0, 64.0));
        // Frozen, it can be magnified all the same.
        placement.zoom(2.0, (0.0, 0.0), (64.0, 64.0), picture.size);
        assert_eq!(image.place(&placement, (64.0, 64.0)), placed(-32.0, 0.0, 128.0, 64.0));
    }

    #[test]
    fn what_lies_outside_the_area_is_not_computed() {
        let picture = planar(Size::new(64, 64), |_, x, _| x as u8);
        let mut fill = Placement::default();
        fill.fit = crate::live::Fit::Fill;
        let image = convert(&picture, &fill, (64.0, 16.0)).expect("an image");
        assert_eq!((image.placed.width, image.placed.height), (64.0, 16.0));
    }
}
