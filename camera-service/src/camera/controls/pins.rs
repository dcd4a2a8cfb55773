//! Pinned controls: set again whenever the device may have forgotten them.
//!
//! That is when the device is found, at the start of the service and after a replug, and when the
//! camera was opened. Also with nobody there: the control thread opens the device by itself. While
//! all cameras are turned off nothing is opened for them; they are set when that ends.

use std::time::Duration;

use protocol::{ControlOutcome, ControlSetting, ControlValue, ErrorKind, ErrorReply};

use super::ControlsHandle;

/// Setting the pins of one camera.
#[derive(Default)]
pub(super) struct Pinning {
    /// They are to be set.
    due: bool,
    /// There is a task that sets them: one at most, however often they are due.
    has_task: bool,
}

/// How long a device may take to take them: longer than any that works.
const PATIENCE: Duration = Duration::from_secs(30);

impl ControlsHandle {
    /// The pinned controls.
    pub fn pins(&self) -> Vec<ControlSetting> {
        self.0.settings.of(&self.0.camera).pinned().to_vec()
    }

    /// Sets controls and pins what was taken. One that cannot be set is not pinned; the rest is.
    pub async fn pin(
        &self,
        settings: Vec<ControlSetting>,
    ) -> Result<Vec<ControlOutcome>, ErrorReply> {
        self.check_number(settings.len())?;
        let _turn = self.0.pinning_turn.lock().await;
        let camera = &self.0.camera;
        let names = settings.iter().map(|setting| setting.name.as_str());
        self.0.settings.of(camera).check_room(camera, names)?;
        let (buttons, values): (Vec<_>, Vec<_>) =
            settings.iter().cloned().partition(|setting| setting.value == ControlValue::None);
        let mut set = self.apply(values).await?.into_iter();
        let taken: Vec<ControlSetting> = set
            .clone()
            .filter_map(|ControlOutcome { name, result }| {
                Some(ControlSetting { name, value: result.ok()? })
            })
            .collect();
        if !taken.is_empty() {
            let pinned = self.0.settings.change(camera, |kept| {
                kept.pin(taken);
                Ok(())
            });
            pinned.await.map_err(|error| {
                let message = format!("the controls are set, but not pinned: {error}");
                ErrorReply::new(error.kind, message)
            })?;
        }
        let mut buttons = buttons.into_iter();
        let outcome = |setting: ControlSetting| match setting.value {
            ControlValue::None => buttons.next().map(|ControlSetting { name, .. }| {
                let message = format!("{name} was given no value to be pinned to");
                let error = ErrorReply::new(ErrorKind::Invalid, message);
                ControlOutcome { name, result: Err(error) }
            }),
            _ => set.next(),
        };
        Ok(settings.into_iter().filter_map(outcome).collect())
    }

    /// Pins these controls no more; with no names, none. They keep their values.
    pub async fn unpin(&self, names: Vec<String>) -> Result<(), ErrorReply> {
        let _turn = self.0.pinning_turn.lock().await;
        let camera = &self.0.camera;
        self.0.settings.change(camera, |kept| kept.unpin(camera, &names)).await
    }

    /// Has the pins set. Returns at once; what cannot be set is logged.
    pub(in super::super) fn set_pins(&self) {
        if *self.0.privacy_off.borrow() || self.pins().is_empty() {
            return;
        }
        let mut state = self.state();
        if state.device.is_none() {
            return;
        }
        state.pinning.due = true;
        if std::mem::replace(&mut state.pinning.has_task, true) {
            return;
        }
        drop(state);
        let handle = self.clone();
        tokio::spawn(async move {
            while handle.pins_are_due() {
                handle.set_pins_now().await;
            }
        });
    }

    /// Whether they are to be set; if not, the task ends.
    fn pins_are_due(&self) -> bool {
        let mut state = self.state();
        let due = std::mem::take(&mut state.pinning.due);
        state.pinning.has_task = due;
        due
    }

    async fn set_pins_now(&self) {
        let _turn = self.0.pinning_turn.lock().await;
        let camera = &self.0.camera;
        let set = tokio::time::timeout(PATIENCE, self.apply(self.pins()));
        let set = set.await.unwrap_or_else(|_| {
            let message = format!("it did not answer within {PATIENCE:?}");
            Err(ErrorReply::new(ErrorKind::Timeout, message))
        });
        match set {
            Ok(outcomes) => {
                for ControlOutcome { name, result } in outcomes {
                    if let Err(error) = result {
                        tracing::warn!(%camera, control = name, "its pin was not set: {error}");
                    }
                }
            }
            // Unplugged meanwhile: they are set when it is back.
            Err(error) if error.kind == ErrorKind::Lost => {
                tracing::debug!(%camera, "its pins were not set: {error}");
            }
            Err(error) => tracing::warn!(%camera, "its pins were not set: {error}"),
        }
    }
}
