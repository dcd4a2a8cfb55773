//! What is remembered from one run to the next: `control-gui.toml` in the state folder.

use std::{collections::BTreeMap, fs, io, path::PathBuf};

use protocol::CameraId;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::{folders, framing::Framing};

/// Which theme to use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ThemeChoice {
    /// As the desktop has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl ThemeChoice {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];
}

impl std::fmt::Display for ThemeChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::System => "As the desktop",
            Self::Light => "Light",
            Self::Dark => "Dark",
        })
    }
}

/// What is remembered. Keys that are missing have their defaults, so that an older file is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Remembered {
    /// The theme.
    pub theme: ThemeChoice,
    /// Where snapshots go; the pictures folder where not set.
    pub snapshot_folder: Option<PathBuf>,
    /// Width of the window in logical pixels.
    pub width: f32,
    /// Height of the window.
    pub height: f32,
    /// Whether the controls are shown.
    pub controls: bool,
    /// Whether size, rate and the like are shown over the picture.
    pub figures: bool,
    /// The camera selected last.
    pub camera: Option<CameraId>,
    /// How streams of cameras are framed in this window; those that are not, are not here.
    pub framing: BTreeMap<String, Framing>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::System,
            snapshot_folder: None,
            width: 1100.0,
            height: 720.0,
            controls: true,
            figures: false,
            camera: None,
            framing: BTreeMap::new(),
        }
    }
}

/// The smallest window, in logical pixels.
pub(crate) const LEAST: (f32, f32) = (800.0, 600.0);

fn file() -> Option<PathBuf> {
    Some(folders::state()?.join("control-gui.toml"))
}

impl Remembered {
    /// What the last run left; the defaults where nothing is there or it cannot be read.
    pub(crate) fn load() -> Self {
        let Some(path) = file() else { return Self::default() };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                warn!("cannot read {}: {error}; using defaults", path.display());
                return Self::default();
            }
        };
        let remembered: Self = toml::from_str(&text).unwrap_or_else(|error| {
            warn!("{} is not valid: {error}; using defaults", path.display());
            Self::default()
        });
        remembered.within_limits()
    }

    /// Where snapshots go.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.snapshot_folder.clone().unwrap_or_else(folders::pictures)
    }

    /// Has the stream of a camera framed like that.
    pub(crate) fn set_framing(&mut self, camera: &CameraId, framing: Framing) {
        if framing == Framing::default() {
            self.framing.remove(&camera.0);
        } else {
            self.framing.insert(camera.0.clone(), framing);
        }
    }

    fn within_limits(mut self) -> Self {
        let within = |length: f32, least: f32| {
            if length.is_finite() { length.clamp(least, 16_384.0) } else { least }
        };
        (self.width, self.height) = (within(self.width, LEAST.0), within(self.height, LEAST.1));
        self.framing.values_mut().for_each(|framing| *framing = framing.valid());
        self
    }

    /// Writes it. Blocks; a reader sees the old file or the new one.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(path) = file() else { return Ok(()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let new = path.with_extension("toml.new");
        fs::write(&new, text)?;
        fs::rename(&new, &path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_makes_no_sense_is_mended() {
        let mut all = Remembered {
            theme: ThemeChoice::Dark,
            snapshot_folder: Some("/pictures".into()),
            camera: Some(CameraId::from("test:0")),
            ..Remembered::default()
        };
        all.set_framing(&CameraId::from("a"), Framing::default().turned(true));
        all.set_framing(&CameraId::from("b"), Framing::default().cropped((0.0, 0.0), (0.5, 0.5)));
        all.set_framing(&CameraId::from("c"), Framing::default());
        let text = toml::to_string(&all).expect("it can be written");
        assert_eq!(toml::from_str::<Remembered>(&text).expect("it can be read"), all);

        let odd: Remembered = toml::from_str("width = nan\nheight = -3.0").expect("it can be read");
        let odd = odd.within_limits();
        assert_eq!((odd.width, odd.height), LEAST);
        let odd = "[framing.a.crop]\nleft = 9000\ntop = 0\nwidth = 2000\nheight = 1";
        let odd: Remembered = toml::from_str(odd).expect("it can be read");
        assert_eq!(odd.within_limits().framing["a"], Framing::default());
    }
}
