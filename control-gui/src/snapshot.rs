//! One picture of a camera as a file, at full size, named by camera and local time.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::{
    CameraId, ClientError, PixelFormat, StreamFormat, StreamRequest, client::Connector,
};
use tokio::{task, time};

use crate::framing::Framing;

/// How long a camera may take to deliver one.
const PATIENCE: Duration = Duration::from_secs(15);
/// JPEG quality where the service encodes: a picture that is kept.
const QUALITY: u8 = 95;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    /// The service or the camera.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No frame came.
    #[error("no frame came within {} s", PATIENCE.as_secs())]
    Nothing,
    /// The file.
    #[error("cannot write into {folder}: {source}. Choose another folder in Settings")]
    File {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Takes a picture of `camera`, called `name`, into `folder`, which is made where it is missing.
/// Returns where it is.
pub(crate) async fn take(
    camera: CameraId,
    name: String,
    framing: Framing,
    folder: PathBuf,
) -> Result<PathBuf, SnapshotError> {
    let mut request = StreamRequest::native(camera);
    request.format = StreamFormat::Pixels(PixelFormat::Mjpg);
    request.quality = Some(QUALITY);
    framing.apply(&mut request);
    let frame = time::timeout(PATIENCE, async {
        let mut stream = Connector::new(crate::NAME).stream(request).await?;
        stream.next_frame().await
    });
    let frame = frame.await.map_err(|_| SnapshotError::Nothing)??;
    let written = task::spawn_blocking(move || {
        let result = write(&folder, &name, &frame);
        result.map_err(|source| SnapshotError::File { folder, source })
    });
    written.await.unwrap_or_else(|error| {
        Err(SnapshotError::File { folder: PathBuf::new(), source: io::Error::other(error) })
    })
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let stem = format!("{} {}", file_name(name), local_time());
    for number in 1.. {
        let name =
            if number == 1 { format!("{stem}.jpg") } else { format!("{stem} ({number}).jpg") };
        let path = folder.join(name);
        // Never over a picture that is there.
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                io::Write::write_all(&mut file, bytes)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A camera's name as part of a file's: what some file systems refuse becomes a dash.
fn file_name(name: &str) -> String {
    let allowed = |c: char| if c.is_alphanumeric() || " ._()".contains(c) { c } else { '-' };
    let name: String = name.chars().take(80).map(allowed).collect();
    name.trim_matches(['.', ' ']).to_owned()
}

fn local_time() -> String {
    chrono::Local::now().format("%Y-%m-%d %H.%M.%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_never_replace_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("new");
        let paths: Vec<_> =
            (0..3).map(|n| write(&folder, "a/b:c", &[n]).expect("written")).collect();
        for (path, n) in paths.iter().zip(0..) {
            assert_eq!(fs::read(path).expect("there"), [n]);
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(name.starts_with("a-b-c 2") && name.ends_with(".jpg"), "{name}");
        }
    }

    #[test]
    fn names_of_cameras_are_fit_for_files() {
        assert_eq!(file_name("../Küche (1)"), "-Küche (1)");
        assert_eq!(file_name(&"x".repeat(200)).len(), 80);
    }
}
