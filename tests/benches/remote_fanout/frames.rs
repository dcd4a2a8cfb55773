//! JPEG images of the size that a webcam's are.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};

/// Bytes of an image: what a 720p webcam sends.
const WANTED: u64 = 157_000;

/// Puts three 1280×720 images of nearly [`WANTED`] bytes into `folder`; how long the first is.
pub(crate) fn make(folder: &Path) -> Result<u64> {
    let mut best: Option<(u64, u32)> = None;
    for quality in 2..=16 {
        let length = encode(folder, quality, 1)?;
        if best.is_none_or(|(other, _)| length.abs_diff(WANTED) < other.abs_diff(WANTED)) {
            best = Some((length, quality));
        }
    }
    let (_, quality) = best.unwrap_or((0, 5));
    encode(folder, quality, 3)
}

/// Encodes `count` pictures with ffmpeg's `quality`; the bytes of the first.
fn encode(folder: &Path, quality: u32, count: u32) -> Result<u64> {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-y", "-loglevel", "error", "-f", "lavfi"])
        .args(["-i", "testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t", "-pix_fmt", "yuvj422p"])
        .args(["-frames:v", &count.to_string(), "-q:v", &quality.to_string()])
        .arg(folder.join("1280x720-%d.jpg"))
        .status()?;
    ensure!(status.success(), "ffmpeg made no images");
    Ok(fs::metadata(folder.join("1280x720-1.jpg"))?.len())
}
