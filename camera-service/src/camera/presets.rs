//! Presets of a camera: how it was set up, kept under a name.

use protocol::{ControlOutcome, ErrorKind, ErrorReply, Preset};

use super::{Camera, controls};
use crate::state::name;

impl Camera {
    /// Its presets, by name.
    pub fn presets(&self) -> Vec<Preset> {
        self.settings.of(&self.id).presets()
    }

    /// Keeps its controls as they are now under a name, in place of what was kept under it.
    pub async fn save_preset(&self, preset: String) -> Result<(), ErrorReply> {
        name::check(&preset)?;
        let set_up = controls::set_up(&self.controls.list().await?);
        if set_up.is_empty() {
            let message = format!("{} has no control that a preset could keep", self.id);
            return Err(ErrorReply::new(ErrorKind::Unsupported, message));
        }
        self.settings.change(&self.id, |kept| kept.keep(&self.id, preset, set_up)).await
    }

    /// Sets its controls as they were kept. One that cannot be set is named, and the rest is set.
    pub async fn apply_preset(&self, preset: &str) -> Result<Vec<ControlOutcome>, ErrorReply> {
        let kept = self.settings.of(&self.id);
        let settings = kept.preset(&self.id, preset)?.to_vec();
        self.controls.apply(settings).await
    }

    /// Gives a preset another name.
    pub async fn rename_preset(&self, preset: &str, name: String) -> Result<(), ErrorReply> {
        name::check(&name)?;
        self.settings.change(&self.id, |kept| kept.rename(&self.id, preset, name)).await
    }

    /// Forgets a preset.
    pub async fn delete_preset(&self, preset: &str) -> Result<(), ErrorReply> {
        self.settings.change(&self.id, |kept| kept.delete(&self.id, preset)).await
    }
}
