//! The frames that the webcam sends: JPEGs from files, and a bar that moves.

use std::{collections::HashMap, fs, io, path::Path};

use crate::negotiation::{Choice, MJPG, raw_length};

/// JPEGs by size, each in the order of their names.
pub struct Frames(HashMap<(u16, u16), Vec<Vec<u8>>>);

impl Frames {
    /// Reads the files named `WIDTHxHEIGHT-ANYTHING.jpg` of a folder.
    pub fn load(folder: &Path) -> io::Result<Self> {
        let mut paths =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        let mut frames: HashMap<_, Vec<_>> = HashMap::new();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let size = name.split('-').next().and_then(|size| size.split_once('x'));
            let Some((width, height)) = size else { continue };
            if let (Ok(width), Ok(height)) = (width.parse(), height.parse()) {
                frames.entry((width, height)).or_default().push(fs::read(&path)?);
            }
        }
        Ok(Self(frames))
    }

    /// The `number`th frame; `None` where there is no JPEG of that size.
    pub fn get(&self, choice: Choice, number: usize) -> Option<Vec<u8>> {
        if choice.format == MJPG {
            let frames = self.0.get(&choice.size)?;
            return Some(frames[number % frames.len()].clone());
        }
        let width = usize::from(choice.size.0);
        let mut frame = vec![0x80; raw_length(choice.size) as usize];
        let bar = number * 8 % width * 2;
        for row in frame.chunks_exact_mut(width * 2) {
            let end = (bar + 64).min(row.len());
            row[bar..end].fill(0xeb);
        }
        Some(frame)
    }
}
