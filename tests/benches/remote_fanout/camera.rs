//! The camera: the V4L2 shim with images of the size that a webcam's have.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tests::Shim;

const WIDTH: usize = 1280;
const HEIGHT: usize = 720;
/// Bytes of an image, more or less.
const BYTES: usize = 157_000;

/// The images, and the camera that has them.
pub(crate) struct Camera {
    pub(crate) shim: Shim,
    pub(crate) bytes: usize,
    _folder: TempDir,
}

impl Camera {
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut bytes = 0;
        for number in 0..3 {
            let image = image(number)?;
            bytes = image.len();
            fs::write(folder.path().join(format!("1280x720-{number}.jpg")), image)?;
        }
        let shim = Shim::new().with("V4L2SHIM_JPEG_DIR", text(folder.path())?);
        let shim = shim.with("V4L2SHIM_FILL", "once");
        Ok(Self { shim, bytes, _folder: folder })
    }
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the temporary folder has a plain name")
}

/// A picture of slopes and noise, at the quality that gives it the right size.
fn image(seed: u32) -> Result<Vec<u8>> {
    let mut noise = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let pixels: Vec<u8> = (0..WIDTH * HEIGHT * 3)
        .map(|at| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let slope = (at / 3 % WIDTH / 8 + at / (3 * WIDTH) / 6) as u8;
            slope.wrapping_add((noise >> 28) as u8)
        })
        .collect();
    let mut best = Vec::new();
    for quality in 1..=100 {
        let image = turbojpeg::Image {
            pixels: &pixels[..],
            width: WIDTH,
            pitch: WIDTH * 3,
            height: HEIGHT,
            format: turbojpeg::PixelFormat::RGB,
        };
        let jpeg = turbojpeg::compress(image, quality, turbojpeg::Subsamp::Sub2x2)?.to_vec();
        if jpeg.len() > BYTES {
            break;
        }
        best = jpeg;
    }
    Ok(best)
}
