//! The test camera's controls: one of every kind, each of which is seen in the picture.

use std::sync::Arc;

use protocol::{Control, ControlFlags, ControlKind, ControlSetting, ControlValue, MenuEntry};

use super::{
    Shared,
    settings::{ALL_CHANNELS, Pattern, SPEEDS, Settings},
};
use crate::device::{Controls, Error, wake::Waker};

/// Most characters of `text`.
const TEXT_LENGTH: i64 = 32;

/// Access to the controls of one test camera.
pub(super) struct TestControls(pub(super) Arc<Shared>);

impl Controls for TestControls {
    fn list(&mut self) -> Result<Vec<Control>, Error> {
        Ok(list(&self.0.settings(), self.0.frames_captured()))
    }

    fn set(&mut self, setting: &ControlSetting) -> Result<ControlValue, Error> {
        if setting.name == "reset_counter" {
            self.0.reset_counter();
            self.0.note_change("frames_captured");
            return Ok(ControlValue::None);
        }
        let mut settings = self.0.settings();
        let was_automatic = settings.auto_exposure;
        let value = apply(&mut settings, setting)?;
        let automatic = settings.auto_exposure;
        self.0.set_settings(settings);
        if automatic != was_automatic {
            self.0.note_change("exposure");
        }
        Ok(value)
    }

    /// Tells of the controls that changed because another one was set, by whomever.
    fn wait(&mut self, waker: &Waker) -> Result<Vec<String>, Error> {
        let changes = self.0.take_changes();
        if !changes.is_empty() {
            return Ok(changes);
        }
        waker.wait();
        Ok(self.0.take_changes())
    }
}

fn list(now: &Settings, frames_captured: u64) -> Vec<Control> {
    let default = Settings::default();
    let menu = |labels: Vec<String>| -> Vec<MenuEntry> {
        labels.into_iter().zip(0..).map(|(label, value)| MenuEntry { value, label }).collect()
    };
    let integer = |label: &str, value: i64, default: i64, (min, max, step)| {
        let (value, default) = (ControlValue::Integer(value), ControlValue::Integer(default));
        control(label, ControlKind::Integer, value, default, (min, max, step))
    };
    let boolean = |label: &str, value: bool, default: bool| {
        let (value, default) = (ControlValue::Boolean(value), ControlValue::Boolean(default));
        control(label, ControlKind::Boolean, value, default, (0, 1, 1))
    };
    let entries = |label: &str, value: usize, default: usize, labels: Vec<String>| {
        let (value, default) = (value as i64, default as i64);
        let range = (0, labels.len() as i64 - 1, 1);
        let mut control = integer(label, value, default, range);
        control.kind = ControlKind::Menu;
        control.menu = menu(labels);
        control
    };
    let mut exposure = integer("Exposure", now.exposure, default.exposure, (1, 1000, 1));
    exposure.flags.inactive = now.auto_exposure;
    let mut channels = integer("Channels", now.channels, default.channels, (0, ALL_CHANNELS, 1));
    channels.kind = ControlKind::Bitmask;
    let text = control(
        "Text",
        ControlKind::String,
        ControlValue::String(now.text.clone()),
        ControlValue::String(default.text.clone()),
        (0, TEXT_LENGTH, 1),
    );
    let none = ControlValue::None;
    let reset = control("Reset Counter", ControlKind::Button, none.clone(), none, (0, 0, 1));
    let captured = i64::try_from(frames_captured).unwrap_or(i64::MAX);
    let mut frames = integer("Frames Captured", captured, 0, (0, i64::MAX, 1));
    frames.default = ControlValue::None;
    frames.flags = ControlFlags { read_only: true, volatile: true, ..ControlFlags::default() };
    vec![
        integer("Brightness", now.brightness, default.brightness, (-100, 100, 1)),
        integer("Contrast", now.contrast, default.contrast, (0, 200, 5)),
        integer("Saturation", now.saturation, default.saturation, (0, 200, 1)),
        boolean("Auto Exposure", now.auto_exposure, default.auto_exposure),
        exposure,
        entries(
            "Pattern",
            now.pattern as usize,
            default.pattern as usize,
            Pattern::ALL.map(|pattern| pattern.label().to_owned()).to_vec(),
        ),
        boolean("Mirror", now.mirror, default.mirror),
        entries(
            "Speed",
            now.speed,
            default.speed,
            SPEEDS.iter().map(|speed| speed.to_string()).collect(),
        ),
        channels,
        text,
        reset,
        frames,
    ]
}

fn control(
    label: &str,
    kind: ControlKind,
    value: ControlValue,
    default: ControlValue,
    (min, max, step): (i64, i64, i64),
) -> Control {
    Control {
        name: label.to_lowercase().replace(' ', "_"),
        label: label.to_owned(),
        kind,
        value,
        default,
        min,
        max,
        step,
        menu: Vec::new(),
        flags: ControlFlags::default(),
    }
}

/// Puts a value into the settings, as a driver would: numbers are brought into their range and
/// onto their step, what is of the wrong type is refused.
fn apply(settings: &mut Settings, setting: &ControlSetting) -> Result<ControlValue, Error> {
    let name = setting.name.as_str();
    let refused = || Error::Refused(name.to_owned());
    let control =
        list(settings, 0).into_iter().find(|control| control.name == name).ok_or_else(refused)?;
    if control.flags.read_only {
        return Err(Error::ReadOnly(name.to_owned()));
    }
    let value = match (control.kind, &setting.value) {
        (ControlKind::Integer, ControlValue::Integer(value)) => {
            let value = (*value).clamp(control.min, control.max);
            let above = value - control.min;
            ControlValue::Integer(control.min + above / control.step * control.step)
        }
        (ControlKind::Bitmask, ControlValue::Integer(value)) => {
            ControlValue::Integer(value & control.max)
        }
        (ControlKind::Menu, ControlValue::Integer(value)) => {
            let entry = control.menu.iter().find(|entry| entry.value == *value);
            ControlValue::Integer(entry.ok_or_else(refused)?.value)
        }
        (ControlKind::Menu, ControlValue::String(label)) => {
            let entry = control.menu.iter().find(|entry| entry.label == *label);
            ControlValue::Integer(entry.ok_or_else(refused)?.value)
        }
        (ControlKind::Boolean, ControlValue::Boolean(value)) => ControlValue::Boolean(*value),
        (ControlKind::String, ControlValue::String(text)) => {
            ControlValue::String(text.chars().take(control.max as usize).collect())
        }
        _ => return Err(refused()),
    };
    match (name, &value) {
        ("brightness", ControlValue::Integer(value)) => settings.brightness = *value,
        ("contrast", ControlValue::Integer(value)) => settings.contrast = *value,
        ("saturation", ControlValue::Integer(value)) => settings.saturation = *value,
        ("exposure", ControlValue::Integer(value)) => settings.exposure = *value,
        ("channels", ControlValue::Integer(value)) => settings.channels = *value,
        ("auto_exposure", ControlValue::Boolean(value)) => settings.auto_exposure = *value,
        ("mirror", ControlValue::Boolean(value)) => settings.mirror = *value,
        ("pattern", ControlValue::Integer(value)) => {
            settings.pattern = Pattern::ALL[*value as usize];
        }
        ("speed", ControlValue::Integer(value)) => settings.speed = *value as usize,
        ("text", ControlValue::String(text)) => settings.text.clone_from(text),
        _ => return Err(refused()),
    }
    Ok(value)
}
