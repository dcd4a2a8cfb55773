//! Presets and pinned controls of each camera, in `presets.toml`.
//!
//! What is in force lies in memory; a change is made to a copy, written, and in force only once
//! the file has it. Changes are made one after the other.

mod layout;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{CameraId, ControlSetting, ControlValue, ErrorKind, ErrorReply, Event, Preset};
use tokio::sync::Mutex as AsyncMutex;

use self::layout::{Contents, Values};
use super::files;
use crate::events::Hub;

/// Most presets of a camera.
const MOST_PRESETS: usize = 100;
/// Most controls that a preset has, or that are pinned.
const MOST_SETTINGS: usize = 256;
/// Most bytes of all presets of a camera, so that they fit into one reply.
const MOST_BYTES: usize = 512 << 10;
/// Most cameras of which anything is kept.
const MOST_CAMERAS: usize = 256;

const HEAD: &str = "\
# Presets and pinned controls of each camera, as camera-service keeps them. Edit this file while the
# service is not running: it writes it anew with every change. A menu's entry goes by its number.

";

/// Presets and pinned controls of all cameras.
pub struct Settings {
    path: PathBuf,
    /// Why the file must not be written over.
    unread: Option<String>,
    now: Mutex<Arc<Contents>>,
    /// Held while a change is made.
    changing: Arc<AsyncMutex<()>>,
    hub: Hub,
}

/// Presets and pinned controls of one camera.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CameraSettings {
    /// What is set again at every open, replug and start.
    pinned: Values,
    /// Controls kept under a name.
    presets: BTreeMap<String, Values>,
}

impl Settings {
    /// What the file at `path` says; changes are told to `hub`. Blocks.
    pub fn load(path: PathBuf, hub: Hub) -> Arc<Self> {
        let files::Loaded { contents, unread } = files::load::<Contents>(&path);
        let (now, changing) = (Mutex::new(Arc::new(contents)), Arc::default());
        Arc::new(Self { path, unread, now, changing, hub })
    }

    fn now(&self) -> Arc<Contents> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is kept of `camera`.
    pub fn of(&self, camera: &CameraId) -> CameraSettings {
        self.now().cameras.get(camera).cloned().unwrap_or_default()
    }

    /// Changes what is kept of `camera`, and tells event readers what became of it. Fails where
    /// `change` does and where the file cannot be written: then nothing is changed, neither in
    /// the file nor here.
    pub async fn change(
        self: &Arc<Self>,
        camera: &CameraId,
        change: impl FnOnce(&mut CameraSettings) -> Result<(), ErrorReply>,
    ) -> Result<(), ErrorReply> {
        // Who gives up while waiting here has changed nothing.
        let changing = self.changing.clone().lock_owned().await;
        let before = self.of(camera);
        let mut after = before.clone();
        change(&mut after)?;
        if after == before {
            return Ok(());
        }
        let mut contents = Contents::clone(&self.now());
        if after == CameraSettings::default() {
            contents.cameras.remove(camera);
        } else {
            contents.cameras.insert(camera.clone(), after.clone());
        }
        if contents.cameras.len() > MOST_CAMERAS {
            let message = format!(
                "{camera}: settings of {MOST_CAMERAS} cameras are kept already, which is the most"
            );
            return Err(ErrorReply::new(ErrorKind::Limit, message));
        }
        let (this, camera) = (self.clone(), camera.clone());
        // In a task of its own: file and memory stay the same, also when who asked has gone.
        let changed = tokio::spawn(async move {
            let _changing = changing;
            let contents = this.keep(contents).await.map_err(|error| {
                let path = this.path.display();
                let message = format!("{camera}: {path} could not be written: {error}");
                ErrorReply::new(ErrorKind::Storage, message)
            })?;
            *this.now.lock().unwrap_or_else(PoisonError::into_inner) = contents;
            this.tell(&camera, &before, &after);
            Ok(())
        });
        changed
            .await
            .unwrap_or_else(|_| Err(ErrorReply::new(ErrorKind::Internal, "it was not kept")))
    }

    async fn keep(&self, contents: Contents) -> io::Result<Arc<Contents>> {
        if let Some(reason) = &self.unread {
            let message = format!("there is one that could not be read ({reason})");
            return Err(io::Error::other(message));
        }
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut text = HEAD.to_owned();
            let contents = Arc::new(contents);
            let layout = toml::to_string(&*contents).map_err(io::Error::other)?;
            // Writing to a string cannot fail.
            let _ = text.write_str(&layout);
            files::replace(&path, &text).map(|()| contents)
        });
        written.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    fn tell(&self, camera: &CameraId, before: &CameraSettings, after: &CameraSettings) {
        let camera = || camera.clone();
        if after.presets != before.presets {
            let names = after.presets.keys().cloned().collect();
            self.hub.send(Event::PresetsChanged { camera: camera(), names });
        }
        if after.pinned != before.pinned {
            let names = after.pinned.0.iter().map(|setting| setting.name.clone()).collect();
            self.hub.send(Event::PinsChanged { camera: camera(), names });
        }
    }
}

impl CameraSettings {
    /// The presets, by name.
    pub fn presets(&self) -> Vec<Preset> {
        let preset = |(name, settings): (&String, &Values)| Preset {
            name: name.clone(),
            settings: settings.0.clone(),
        };
        self.presets.iter().map(preset).collect()
    }

    /// The settings of a preset.
    pub fn preset(&self, camera: &CameraId, name: &str) -> Result<&[ControlSetting], ErrorReply> {
        let preset = self.presets.get(name).map(|settings| settings.0.as_slice());
        preset.ok_or_else(|| self.no_such(camera, name))
    }

    /// Keeps `settings` under a name, in place of what was kept under it.
    pub fn keep(
        &mut self,
        camera: &CameraId,
        name: String,
        settings: Vec<ControlSetting>,
    ) -> Result<(), ErrorReply> {
        let limit = |message: String| Err(ErrorReply::new(ErrorKind::Limit, message));
        if settings.len() > MOST_SETTINGS {
            let count = settings.len();
            return limit(format!(
                "{camera}: a preset has at most {MOST_SETTINGS} controls, and this one {count}"
            ));
        }
        self.presets.insert(name, Values(settings));
        if self.presets.len() > MOST_PRESETS {
            return limit(format!(
                "{camera} has {MOST_PRESETS} presets, which is the most; delete one"
            ));
        }
        if self.presets.iter().map(|(name, settings)| name.len() + settings.bytes()).sum::<usize>()
            > MOST_BYTES
        {
            return limit(format!(
                "the presets of {camera} would have more than {} KiB; delete one",
                MOST_BYTES >> 10
            ));
        }
        Ok(())
    }

    /// Gives a preset another name, which no other one has.
    pub fn rename(
        &mut self,
        camera: &CameraId,
        preset: &str,
        name: String,
    ) -> Result<(), ErrorReply> {
        self.preset(camera, preset)?;
        if name != preset && self.presets.contains_key(&name) {
            let message = format!("{camera} has another preset {name:?}; delete it first");
            return Err(ErrorReply::new(ErrorKind::NameTaken, message));
        }
        if let Some(settings) = self.presets.remove(preset) {
            self.presets.insert(name, settings);
        }
        Ok(())
    }

    /// Forgets a preset.
    pub fn delete(&mut self, camera: &CameraId, preset: &str) -> Result<(), ErrorReply> {
        match self.presets.remove(preset) {
            Some(_) => Ok(()),
            None => Err(self.no_such(camera, preset)),
        }
    }

    fn no_such(&self, camera: &CameraId, name: &str) -> ErrorReply {
        let there: Vec<&str> = self.presets.keys().take(6).map(String::as_str).collect();
        let hint = match self.presets.len() {
            0 => format!("it has none; `camera-service preset save {camera} NAME` keeps one"),
            1..=6 => format!("there is {}", there.join(", ")),
            _ => format!("`camera-service preset list {camera}` names them"),
        };
        // However long somebody made it.
        let name: String = name.chars().take(100).collect();
        let message = format!("{camera} has no preset {name:?}; {hint}");
        ErrorReply::new(ErrorKind::NoSuchPreset, message)
    }

    /// The pinned controls, in the order in which they were pinned.
    pub fn pinned(&self) -> &[ControlSetting] {
        &self.pinned.0
    }

    /// Fails where so many `names` could not be pinned beside those that are.
    pub fn check_room<'a>(
        &'a self,
        camera: &CameraId,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<(), ErrorReply> {
        let mut all: Vec<&str> =
            self.pinned.0.iter().map(|pin| pin.name.as_str()).chain(names).collect();
        all.sort_unstable();
        all.dedup();
        if all.len() > MOST_SETTINGS {
            let message = format!("{camera}: at most {MOST_SETTINGS} controls can be pinned");
            return Err(ErrorReply::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    /// Pins controls to these values.
    pub fn pin(&mut self, settings: Vec<ControlSetting>) {
        for setting in settings {
            match self.pinned.0.iter_mut().find(|pinned| pinned.name == setting.name) {
                Some(pinned) => pinned.value = setting.value,
                None => self.pinned.0.push(setting),
            }
        }
    }

    /// Pins these controls no more; with no names, none. Changes nothing where one of them is
    /// not pinned.
    pub fn unpin(&mut self, camera: &CameraId, names: &[String]) -> Result<(), ErrorReply> {
        let is_pinned = |name: &String| self.pinned.0.iter().any(|pinned| pinned.name == *name);
        if let Some(name) = names.iter().find(|name| !is_pinned(name)) {
            let there: Vec<&str> = self.pinned.0.iter().map(|pin| pin.name.as_str()).collect();
            let there = if there.is_empty() { "none is".to_owned() } else { there.join(", ") };
            let name: String = name.chars().take(100).collect();
            let message = format!("{name:?} is not pinned on {camera}; pinned: {there}");
            return Err(ErrorReply::new(ErrorKind::NoSuchControl, message));
        }
        self.pinned.0.retain(|pinned| !names.is_empty() && !names.contains(&pinned.name));
        Ok(())
    }
}

impl Values {
    /// About as many bytes as they take up in a reply.
    fn bytes(&self) -> usize {
        let value = |value: &ControlValue| match value {
            ControlValue::String(text) => text.len(),
            ControlValue::Bytes(bytes) => bytes.len(),
            ControlValue::None | ControlValue::Integer(_) | ControlValue::Boolean(_) => 8,
        };
        self.0.iter().map(|setting| setting.name.len() + value(&setting.value) + 24).sum()
    }
}

#[cfg(test)]
mod tests;
