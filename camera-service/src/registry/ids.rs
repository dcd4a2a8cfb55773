//! How cameras are called: decided at first sight, and kept.
//!
//! A camera is told by vendor, product and serial number; where it has no serial number of its
//! own, or another one with the same is there, by the port it is plugged into.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::CameraId;
use serde::{Deserialize, Serialize};

use crate::{device::Identity, state::files};

/// Most cameras that are remembered for their name alone: published ones and test cameras.
const MOST_NAMED: usize = 256;

/// What is remembered of all cameras ever seen.
///
/// Whoever only looks something up never waits for the disk: a change is made to a copy and
/// written, and counts after that.
#[derive(Debug)]
pub struct Ids {
    /// Where it is kept; `None` keeps it in memory.
    path: Option<PathBuf>,
    /// Why the file must not be written over.
    unread: Option<String>,
    known: Mutex<Cameras>,
    /// Held while something is changed and written.
    writing: Mutex<()>,
}

/// Why a name is not given.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// It could not be written.
    #[error("the name could not be kept: {0}")]
    Storage(#[from] io::Error),
    /// There are too many.
    #[error("{MOST_NAMED} names of cameras are kept, which is the most; take one away")]
    Limit,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default, rename = "camera")]
    cameras: Vec<Known>,
}

#[derive(Debug, Default, Clone)]
struct Cameras(Vec<Known>);

/// A camera that was seen: told by its serial number or by its port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    id: CameraId,
    model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Known {
    /// Whether nothing but the user's name makes it worth remembering.
    fn is_for_its_name(&self) -> bool {
        self.serial.is_none() && self.port.is_none()
    }
}

impl Ids {
    /// Reads what is kept at `path`. A file that cannot be understood is put aside, so that
    /// nothing is lost, and cameras are seen for the first time again; one that cannot be read is
    /// left as it is. Blocks.
    pub fn load(path: PathBuf) -> Self {
        let files::Loaded { contents, unread } = files::load::<Contents>(&path);
        let known = Mutex::new(Cameras(contents.cameras));
        Self { path: Some(path), unread, known, writing: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Cameras> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids and given names of the cameras that are there, in the order of `identities`.
    /// New ones are remembered; where that cannot be written it is logged. Blocks.
    pub fn assign(&self, identities: &[Identity]) -> Vec<(CameraId, Option<String>)> {
        let _writing = self.writing();
        let mut cameras = self.known().clone();
        let (assigned, is_new) = cameras.assign(identities);
        if is_new {
            if let Err(error) = self.save(&cameras) {
                tracing::warn!("the ids of cameras could not be kept: {error}");
            }
            *self.known() = cameras;
        }
        assigned
    }

    /// Remembers the user's name for a camera. On failure nothing is changed. Blocks.
    pub fn rename(&self, id: &CameraId, name: Option<String>) -> Result<(), RenameError> {
        let _writing = self.writing();
        let mut cameras = self.known().clone();
        cameras.rename(id, name)?;
        self.save(&cameras)?;
        *self.known() = cameras;
        Ok(())
    }

    /// The user's name for a camera.
    pub fn name_of(&self, id: &CameraId) -> Option<String> {
        let cameras = self.known();
        cameras.0.iter().find(|known| known.id == *id).and_then(|known| known.name.clone())
    }

    /// The id of the camera that was ever seen and that has this id, or else this name of the
    /// user's.
    pub fn called(&self, text: &str) -> Option<CameraId> {
        let cameras = self.known();
        let by_id = cameras.0.iter().find(|known| known.id.0 == text);
        let by_name = || cameras.0.iter().find(|known| known.name.as_deref() == Some(text));
        by_id.or_else(by_name).map(|known| known.id.clone())
    }

    fn save(&self, cameras: &Cameras) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(reason) = &self.unread {
            let message =
                format!("there is a {} that could not be read ({reason})", path.display());
            return Err(io::Error::other(message));
        }
        let contents = Contents { cameras: cameras.0.clone() };
        let text = toml::to_string(&contents).map_err(io::Error::other)?;
        files::replace(path, &text)
    }

    /// Where it is kept.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl Cameras {
    /// The ids and given names of the cameras that are there, and whether one is new.
    fn assign(&mut self, identities: &[Identity]) -> (Vec<(CameraId, Option<String>)>, bool) {
        // By port, so that of two alike the same one always comes first.
        let mut order: Vec<usize> = (0..identities.len()).collect();
        order.sort_by_key(|at| &identities[*at].port);
        let mut taken = HashSet::new();
        let mut assigned = vec![None; identities.len()];
        let mut is_new = false;
        for at in order {
            let identity = &identities[at];
            let known = match self.position(identity, &taken) {
                Some(known) => known,
                None => {
                    is_new = true;
                    self.remember(identity)
                }
            };
            let known = &self.0[known];
            taken.insert(known.id.clone());
            assigned[at] = Some((known.id.clone(), known.name.clone()));
        }
        (assigned.into_iter().flatten().collect(), is_new)
    }

    fn position(&self, identity: &Identity, taken: &HashSet<CameraId>) -> Option<usize> {
        let free = |known: &Known| known.model == identity.model && !taken.contains(&known.id);
        let by_serial = self.0.iter().position(|known| {
            known.serial.is_some() && known.serial == identity.serial && free(known)
        });
        by_serial.or_else(|| {
            self.0
                .iter()
                .position(|known| known.port.as_deref() == Some(&identity.port) && free(known))
        })
    }

    fn remember(&mut self, identity: &Identity) -> usize {
        let Identity { model, serial, port } = identity;
        // A second one with the same serial number cannot be told by it.
        let serial = serial.clone().filter(|serial| {
            !self.0.iter().any(|k| k.model == *model && k.serial.as_ref() == Some(serial))
        });
        let text = match &serial {
            Some(serial) => format!("{model}_{serial}"),
            None => format!("{model}-{port}"),
        };
        let is_free = |id: &str| !self.0.iter().any(|known| known.id.0 == id);
        let numbered = (2..).map(|number| format!("{text}-{number}"));
        let id = std::iter::once(text.clone()).chain(numbered).find(|id| is_free(id));
        let port = serial.is_none().then(|| port.clone());
        let id = CameraId(id.unwrap_or(text));
        self.0.push(Known { id, model: model.clone(), serial, port, name: None });
        self.0.len() - 1
    }

    fn rename(&mut self, id: &CameraId, name: Option<String>) -> Result<(), RenameError> {
        let named = self.0.iter().filter(|known| known.is_for_its_name()).count();
        match self.0.iter_mut().find(|known| known.id == *id) {
            Some(known) => known.name = name,
            None if name.is_none() => {}
            // Anybody can publish under any number of names.
            None if named >= MOST_NAMED => return Err(RenameError::Limit),
            None => self.0.push(Known {
                id: id.clone(),
                model: id.0.clone(),
                serial: None,
                port: None,
                name,
            }),
        }
        self.0.retain(|known| known.name.is_some() || !known.is_for_its_name());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn identity(serial: Option<&str>, port: &str) -> Identity {
        Identity {
            model: "usb-Cam".to_owned(),
            serial: serial.map(str::to_owned),
            port: port.to_owned(),
        }
    }

    fn ids(ids: &Ids, identities: &[Identity]) -> Vec<String> {
        ids.assign(identities).into_iter().map(|(id, _)| id.0).collect()
    }

    fn empty() -> Ids {
        Ids { path: None, unread: None, known: Mutex::default(), writing: Mutex::default() }
    }

    #[test]
    fn a_serial_number_tells_a_camera_wherever_it_is_plugged_in() {
        let store = empty();
        assert_eq!(ids(&store, &[identity(Some("A1"), "1-1")]), ["usb-Cam_A1"]);
        assert_eq!(ids(&store, &[identity(Some("A1"), "1-4")]), ["usb-Cam_A1"]);
    }

    #[test]
    fn without_one_the_port_does() {
        let store = empty();
        let both = [identity(None, "1-2"), identity(None, "1-1")];
        assert_eq!(ids(&store, &both), ["usb-Cam-1-2", "usb-Cam-1-1"]);
        assert_eq!(ids(&store, &both[..1]), ["usb-Cam-1-2"]);
    }

    #[test]
    fn of_two_with_one_serial_number_the_second_is_told_by_its_port() {
        let store = empty();
        let both = [identity(Some("A1"), "1-2"), identity(Some("A1"), "1-1")];
        assert_eq!(ids(&store, &both), ["usb-Cam-1-2", "usb-Cam_A1"]);
        assert_eq!(ids(&store, &both), ["usb-Cam-1-2", "usb-Cam_A1"], "and so it stays");
    }

    #[test]
    fn ids_and_names_survive_in_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state").join("cameras.toml");
        let store = Ids::load(path.clone());
        let seen = [identity(Some("A1"), "1-1"), identity(None, "1-2")];
        let first = ids(&store, &seen);
        store.rename(&CameraId(first[1].clone()), Some("Desk".to_owned())).expect("kept");
        let store = Ids::load(path);
        let again = store.assign(&seen);
        assert_eq!(again[1], (CameraId(first[1].clone()), Some("Desk".to_owned())));
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_put_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cameras.toml");
        fs::write(&path, "camera = 3 [").expect("written");
        let store = Ids::load(path.clone());
        assert_eq!(ids(&store, &[identity(None, "1-1")]), ["usb-Cam-1-1"]);
        assert!(path.with_extension("toml.unreadable").exists());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_never_written_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cameras.toml");
        fs::create_dir(&path).expect("a folder in its place: root may read any file");
        let store = Ids::load(path.clone());
        assert_eq!(ids(&store, &[identity(None, "1-1")]), ["usb-Cam-1-1"], "until the end");
        let error = store.rename(&CameraId("usb-Cam-1-1".to_owned()), Some("Desk".to_owned()));
        let error = error.expect_err("it would be lost with what was there before").to_string();
        assert!(error.contains("could not be read"), "{error}");
        assert_eq!(store.name_of(&CameraId("usb-Cam-1-1".to_owned())), None);
        assert!(path.is_dir());
    }

    #[test]
    fn names_of_cameras_that_anybody_can_make_are_bounded() {
        let store = empty();
        let id = |number: usize| CameraId(format!("published:{number}"));
        for number in 0..MOST_NAMED * 2 {
            store.rename(&id(number), None).expect("there is nothing to keep");
        }
        assert_eq!(store.called("published:0"), None);
        for number in 0..MOST_NAMED {
            store.rename(&id(number), Some(format!("Camera {number}"))).expect("there is room");
        }
        let name = Some("One more".to_owned());
        assert!(matches!(store.rename(&id(MOST_NAMED), name.clone()), Err(RenameError::Limit)));
        store.rename(&id(7), None).expect("taken away");
        store.rename(&id(MOST_NAMED), name).expect("there is room again");
        // Those that were plugged in are remembered for more than that.
        assert_eq!(ids(&store, &[identity(None, "1-1")]), ["usb-Cam-1-1"]);
        store.rename(&CameraId("usb-Cam-1-1".to_owned()), None).expect("it has none");
        assert!(store.called("usb-Cam-1-1").is_some());
    }
}
