//! How cameras are called: decided at first sight, and kept.
//!
//! A camera is told by vendor, product and serial number; where it has no serial number of its
//! own, or another one with the same is there, by the port it is plugged into.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use protocol::CameraId;
use serde::{Deserialize, Serialize};

use crate::{device::Identity, state::files};

/// What is remembered of all cameras ever seen.
#[derive(Debug)]
pub struct Ids {
    /// Where it is kept; `None` keeps it in memory.
    path: Option<PathBuf>,
    known: Vec<Known>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default, rename = "camera")]
    cameras: Vec<Known>,
}

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

impl Ids {
    /// Reads what is kept at `path`. A file that cannot be understood is put aside, so that
    /// nothing is lost, and cameras are seen for the first time again.
    pub fn load(path: PathBuf) -> Self {
        let known = files::load::<Contents>(&path).contents.cameras;
        Self { path: Some(path), known }
    }

    /// The ids and given names of the cameras that are there, in the order of `identities`.
    /// New ones are remembered; where that cannot be written it is logged.
    pub fn assign(&mut self, identities: &[Identity]) -> Vec<(CameraId, Option<String>)> {
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
            let known = &self.known[known];
            taken.insert(known.id.clone());
            assigned[at] = Some((known.id.clone(), known.name.clone()));
        }
        if is_new && let Err(error) = self.save() {
            tracing::warn!("the ids of cameras could not be kept: {error}");
        }
        assigned.into_iter().flatten().collect()
    }

    fn position(&self, identity: &Identity, taken: &HashSet<CameraId>) -> Option<usize> {
        let free = |known: &Known| known.model == identity.model && !taken.contains(&known.id);
        let by_serial = self.known.iter().position(|known| {
            known.serial.is_some() && known.serial == identity.serial && free(known)
        });
        by_serial.or_else(|| {
            self.known
                .iter()
                .position(|known| known.port.as_deref() == Some(&identity.port) && free(known))
        })
    }

    fn remember(&mut self, identity: &Identity) -> usize {
        let Identity { model, serial, port } = identity;
        // A second one with the same serial number cannot be told by it.
        let serial = serial.clone().filter(|serial| {
            !self.known.iter().any(|k| k.model == *model && k.serial.as_ref() == Some(serial))
        });
        let text = match &serial {
            Some(serial) => format!("{model}_{serial}"),
            None => format!("{model}-{port}"),
        };
        let is_free = |id: &str| !self.known.iter().any(|known| known.id.0 == id);
        let numbered = (2..).map(|number| format!("{text}-{number}"));
        let id = std::iter::once(text.clone()).chain(numbered).find(|id| is_free(id));
        let port = serial.is_none().then(|| port.clone());
        let id = CameraId(id.unwrap_or(text));
        self.known.push(Known { id, model: model.clone(), serial, port, name: None });
        self.known.len() - 1
    }

    /// Remembers the user's name for a camera. On failure nothing is changed.
    pub fn rename(&mut self, id: &CameraId, name: Option<String>) -> io::Result<()> {
        let before = self.known.clone();
        match self.known.iter_mut().find(|known| known.id == *id) {
            Some(known) => known.name = name,
            None => self.known.push(Known {
                id: id.clone(),
                model: id.0.clone(),
                serial: None,
                port: None,
                name,
            }),
        }
        self.save().inspect_err(|_| self.known = before)
    }

    /// The user's name for a camera.
    pub fn name_of(&self, id: &CameraId) -> Option<String> {
        self.known.iter().find(|known| known.id == *id).and_then(|known| known.name.clone())
    }

    /// The id of the camera that was ever seen and that has this id, or else this name of the
    /// user's.
    pub fn called(&self, text: &str) -> Option<CameraId> {
        let by_id = self.known.iter().find(|known| known.id.0 == text);
        let by_name = || self.known.iter().find(|known| known.name.as_deref() == Some(text));
        by_id.or_else(by_name).map(|known| known.id.clone())
    }

    fn save(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let contents = Contents { cameras: self.known.clone() };
        let text = toml::to_string(&contents).map_err(io::Error::other)?;
        files::replace(path, &text)
    }

    /// Where it is kept.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
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

    fn ids(ids: &mut Ids, identities: &[Identity]) -> Vec<String> {
        ids.assign(identities).into_iter().map(|(id, _)| id.0).collect()
    }

    fn empty() -> Ids {
        Ids { path: None, known: Vec::new() }
    }

    #[test]
    fn a_serial_number_tells_a_camera_wherever_it_is_plugged_in() {
        let mut store = empty();
        assert_eq!(ids(&mut store, &[identity(Some("A1"), "1-1")]), ["usb-Cam_A1"]);
        assert_eq!(ids(&mut store, &[identity(Some("A1"), "1-4")]), ["usb-Cam_A1"]);
    }

    #[test]
    fn without_one_the_port_does() {
        let mut store = empty();
        let both = [identity(None, "1-2"), identity(None, "1-1")];
        assert_eq!(ids(&mut store, &both), ["usb-Cam-1-2", "usb-Cam-1-1"]);
        assert_eq!(ids(&mut store, &both[..1]), ["usb-Cam-1-2"]);
    }

    #[test]
    fn of_two_with_one_serial_number_the_second_is_told_by_its_port() {
        let mut store = empty();
        let both = [identity(Some("A1"), "1-2"), identity(Some("A1"), "1-1")];
        assert_eq!(ids(&mut store, &both), ["usb-Cam-1-2", "usb-Cam_A1"]);
        assert_eq!(ids(&mut store, &both), ["usb-Cam-1-2", "usb-Cam_A1"], "and so it stays");
    }

    #[test]
    fn ids_and_names_survive_in_the_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state").join("cameras.toml");
        let mut store = Ids::load(path.clone());
        let seen = [identity(Some("A1"), "1-1"), identity(None, "1-2")];
        let first = ids(&mut store, &seen);
        store.rename(&CameraId(first[1].clone()), Some("Desk".to_owned())).expect("kept");
        let mut store = Ids::load(path);
        let again = store.assign(&seen);
        assert_eq!(again[1], (CameraId(first[1].clone()), Some("Desk".to_owned())));
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_put_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cameras.toml");
        fs::write(&path, "camera = 3 [").expect("written");
        let mut store = Ids::load(path.clone());
        assert_eq!(ids(&mut store, &[identity(None, "1-1")]), ["usb-Cam-1-1"]);
        assert!(path.with_extension("toml.unreadable").exists());
    }
}
