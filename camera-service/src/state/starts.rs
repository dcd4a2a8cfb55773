//! Explicit starts that are in force, in `starts.toml`: a service that is started again holds the
//! same cameras open, in the same modes, as the one before it, however that ended.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{CameraId, ErrorKind, ErrorReply, FrameRate, ModeWish, PixelFormat, Size};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex as AsyncMutex;

use super::files;

/// Most cameras of which a start is kept; there are never as many held open.
const MOST: usize = 256;
/// Most of them that are published: anybody can publish under any number of names.
const MOST_PUBLISHED: usize = 64;

const HEAD: &str = "\
# Cameras that `camera-service start` holds open, as camera-service keeps them over a restart.

";

/// What every explicit start asked for.
pub struct Starts {
    path: PathBuf,
    /// Why the file must not be written over.
    unread: Option<String>,
    now: Mutex<BTreeMap<CameraId, Wish>>,
    /// Held while the file is written.
    writing: Arc<AsyncMutex<()>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default, rename = "camera")]
    cameras: BTreeMap<CameraId, Wish>,
}

/// A mode as a file has it: in words, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wish {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fps: Option<String>,
}

impl From<ModeWish> for Wish {
    fn from(ModeWish { format, size, rate }: ModeWish) -> Self {
        let fraction = |FrameRate { numerator, denominator }| format!("{numerator}/{denominator}");
        Self {
            format: format.map(|format| format.to_string()),
            size: size.map(|size| size.to_string()),
            fps: rate.map(fraction),
        }
    }
}

impl Wish {
    /// What it asks for. What cannot be understood is left to the camera.
    fn mode(&self) -> ModeWish {
        fn parse<T: std::str::FromStr>(text: Option<&String>) -> Option<T> {
            text.and_then(|text| text.parse().ok())
        }
        ModeWish {
            format: parse::<PixelFormat>(self.format.as_ref()),
            size: parse::<Size>(self.size.as_ref()),
            rate: parse::<FrameRate>(self.fps.as_ref()),
        }
    }
}

impl Starts {
    /// What the file at `path` says. Blocks.
    pub fn load(path: PathBuf) -> Arc<Self> {
        let files::Loaded { contents, unread } = files::load::<Contents>(&path);
        let now = Mutex::new(contents.cameras);
        Arc::new(Self { path, unread, now, writing: Arc::default() })
    }

    /// The mode in which `camera` was held open when the service ended, if it was.
    pub fn of(&self, camera: &CameraId) -> Option<ModeWish> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.get(camera).map(Wish::mode)
    }

    /// Keeps that `camera` is held open in a mode, or that it is not. Fails where the file cannot
    /// be written: then the next service does otherwise, and only that.
    pub async fn keep(
        self: &Arc<Self>,
        camera: &CameraId,
        hold: Option<ModeWish>,
    ) -> Result<(), ErrorReply> {
        let writing = self.writing.clone().lock_owned().await;
        let mut cameras = self.now.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let wish = hold.map(Wish::from);
        if cameras.get(camera) == wish.as_ref() {
            return Ok(());
        }
        match wish {
            Some(wish) => drop(cameras.insert(camera.clone(), wish)),
            None => drop(cameras.remove(camera)),
        }
        let failed = |why: String| {
            let path = self.path.display();
            let is = if hold.is_some() { "held open" } else { "held open no longer" };
            let message = format!(
                "{camera} is {is}, but only until the service ends: {path} could not be written: \
                 {why}"
            );
            ErrorReply::new(ErrorKind::Storage, message)
        };
        let published = cameras.keys().filter(|camera| camera.0.starts_with("published:")).count();
        for (number, most, what) in
            [(cameras.len(), MOST, "cameras"), (published, MOST_PUBLISHED, "published cameras")]
        {
            if number > most {
                return Err(failed(format!("it has {most} {what}, which is the most")));
            }
        }
        let this = self.clone();
        // In a task of its own: file and memory stay the same, also when who asked has gone.
        let kept = tokio::spawn(async move {
            let _writing = writing;
            this.write(&cameras).await?;
            *this.now.lock().unwrap_or_else(PoisonError::into_inner) = cameras;
            Ok::<_, io::Error>(())
        });
        match kept.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(_) => Err(failed("it panicked".to_owned())),
        }
    }

    async fn write(&self, cameras: &BTreeMap<CameraId, Wish>) -> io::Result<()> {
        if let Some(reason) = &self.unread {
            let message = format!("there is one that could not be read ({reason})");
            return Err(io::Error::other(message));
        }
        let (path, contents) = (self.path.clone(), Contents { cameras: cameras.clone() });
        let written = tokio::task::spawn_blocking(move || {
            if contents.cameras.is_empty() {
                return files::remove(&path);
            }
            let layout = toml::to_string(&contents).map_err(io::Error::other)?;
            files::replace(&path, &format!("{HEAD}{layout}"))
        });
        written.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn wish(text: &str, size: Size) -> ModeWish {
        ModeWish {
            format: text.parse().ok(),
            size: Some(size),
            rate: Some(FrameRate::new(30_000, 1001)),
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_there_for_the_next_service_and_only_that() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/starts.toml");
        let (desk, door) = (CameraId("test:0".to_owned()), CameraId("usb \"door\"".to_owned()));
        let asked = wish("mjpg", Size::new(640, 480));
        let starts = Starts::load(path.clone());
        starts.keep(&desk, Some(asked)).await.expect("kept");
        starts.keep(&door, Some(ModeWish::default())).await.expect("kept");
        let next = Starts::load(path.clone());
        assert_eq!((next.of(&desk), next.of(&door)), (Some(asked), Some(ModeWish::default())));
        next.keep(&desk, None).await.expect("kept");
        let next = Starts::load(path.clone());
        assert_eq!((next.of(&desk), next.of(&door)), (None, Some(ModeWish::default())));
        next.keep(&door, None).await.expect("kept");
        assert!(!path.exists(), "nothing is held open, and nothing is left");
    }

    #[tokio::test]
    async fn published_cameras_leave_room_for_others() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let starts = Starts::load(folder.path().join("starts.toml"));
        let asked = Some(ModeWish::default());
        let published = |number| CameraId(format!("published:{number}"));
        for number in 0..MOST_PUBLISHED {
            starts.keep(&published(number), asked).await.expect("kept");
        }
        let error = starts.keep(&published(MOST_PUBLISHED), asked).await.expect_err("too many");
        assert!(error.message.contains("64 published cameras"), "{error}");
        starts.keep(&CameraId("test:0".to_owned()), asked).await.expect("kept");
        starts.keep(&published(0), None).await.expect("kept");
        starts.keep(&published(MOST_PUBLISHED), asked).await.expect("there is room again");
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_said_and_the_file_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("starts.toml");
        let camera = CameraId("test:0".to_owned());
        let starts = Starts::load(path.clone());
        starts.keep(&camera, Some(ModeWish::default())).await.expect("kept");
        let before = fs::read(&path).expect("written");
        fs::create_dir(folder.path().join("starts.toml.new")).expect("a folder in its way");
        let asked = Some(wish("yuyv", Size::new(320, 240)));
        let error = starts.keep(&camera, asked).await.expect_err("in the way");
        assert_eq!(error.kind, ErrorKind::Storage);
        assert!(error.message.contains("only until the service ends"), "{error}");
        assert_eq!(fs::read(&path).expect("there"), before);
        assert_eq!(starts.of(&camera), Some(ModeWish::default()));
    }

    #[test]
    fn a_mode_that_cannot_be_understood_is_left_to_the_camera() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("starts.toml");
        fs::write(&path, "[camera.\"test:0\"]\nsize = \"big\"\nfps = \"15/1\"\n").expect("written");
        let hold = Starts::load(path).of(&CameraId("test:0".to_owned())).expect("held");
        assert_eq!((hold.size, hold.rate), (None, Some(FrameRate::new(15, 1))));
    }
}
