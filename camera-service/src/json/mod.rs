//! Messages as JSON: what `--json` prints, and what the bridge sends. Keys are stable: none is ever taken away or given another meaning.

mod bridge;
mod event;
mod results;

pub(crate) use bridge::{BridgeJson, NewTokenJson, TokenJson};
pub(crate) use event::EventJson;
pub(crate) use results::{Changed, Detail, GrantJson, Renamed, Started, Status, Stopped, Switched};

use protocol::{
    Affected, CameraSummary, ClientSummary, Control, ControlFlags, ControlKind, ControlSetting,
    ControlValue, ErrorReply, FrameRate, MenuEntry, Mode, Preset,
};
use serde::{Serialize, Serializer};

use crate::time::rfc3339;

/// A camera, as in `list`.
#[derive(Serialize)]
pub(crate) struct Camera<'a> {
    id: &'a str,
    name: &'a str,
    driver: &'a str,
    bus: &'a str,
    state: &'static str,
    mode: Option<ModeJson>,
    watchers: u32,
    present: bool,
    reason: &'a str,
    held_open: bool,
}

impl<'a> From<&'a CameraSummary> for Camera<'a> {
    fn from(camera: &'a CameraSummary) -> Self {
        Self {
            id: &camera.id.0,
            name: &camera.name,
            driver: &camera.driver,
            bus: &camera.bus,
            state: camera.state.as_str(),
            mode: camera.mode.map(ModeJson::from),
            watchers: camera.watchers,
            present: camera.present,
            reason: &camera.reason,
            held_open: camera.held_open,
        }
    }
}

/// A mode.
#[derive(Serialize)]
pub(crate) struct ModeJson {
    format: String,
    width: u32,
    height: u32,
    fps: Rate,
}

impl From<Mode> for ModeJson {
    fn from(mode: Mode) -> Self {
        Self {
            format: mode.format.to_string(),
            width: mode.size.width,
            height: mode.size.height,
            fps: Rate(mode.rate),
        }
    }
}

/// A frame rate as a number: whole where it is.
pub(crate) struct Rate(pub(crate) FrameRate);

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let FrameRate { numerator, denominator } = self.0;
        if denominator != 0 && numerator.is_multiple_of(denominator) {
            return serializer.serialize_u32(numerator / denominator);
        }
        serializer.serialize_f64(self.0.as_f64())
    }
}

/// A control, as in `controls`.
#[derive(Serialize)]
pub(crate) struct ControlJson<'a> {
    name: &'a str,
    label: &'a str,
    kind: ControlKind,
    value: Value<'a>,
    default: Value<'a>,
    min: i64,
    max: i64,
    step: i64,
    menu: &'a [MenuEntry],
    flags: Vec<&'static str>,
}

impl<'a> From<&'a Control> for ControlJson<'a> {
    fn from(control: &'a Control) -> Self {
        Self {
            name: &control.name,
            label: &control.label,
            kind: control.kind,
            value: Value(&control.value),
            default: Value(&control.default),
            min: control.min,
            max: control.max,
            step: control.step,
            menu: &control.menu,
            flags: flags(&control.flags),
        }
    }
}

/// A control's value as itself: a number, a boolean, text; bytes as hexadecimal digits.
pub(crate) struct Value<'a>(pub(crate) &'a ControlValue);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ControlValue::None => serializer.serialize_none(),
            ControlValue::Integer(value) => serializer.serialize_i64(*value),
            ControlValue::Boolean(value) => serializer.serialize_bool(*value),
            ControlValue::String(value) => serializer.serialize_str(value),
            bytes @ ControlValue::Bytes(_) => serializer.collect_str(bytes),
        }
    }
}

/// The names of the flags that are set.
pub(crate) fn flags(flags: &ControlFlags) -> Vec<&'static str> {
    let ControlFlags { read_only, inactive, volatile, write_only, grabbed, disabled } = *flags;
    [
        (read_only, "read_only"),
        (inactive, "inactive"),
        (volatile, "volatile"),
        (write_only, "write_only"),
        (grabbed, "grabbed"),
        (disabled, "disabled"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

/// A control and the value that it is set to, as in `pin`.
#[derive(Serialize)]
pub(crate) struct Setting<'a> {
    name: &'a str,
    value: Value<'a>,
}

impl<'a> From<&'a ControlSetting> for Setting<'a> {
    fn from(setting: &'a ControlSetting) -> Self {
        Self { name: &setting.name, value: Value(&setting.value) }
    }
}

/// A preset, as in `preset list`.
#[derive(Serialize)]
pub(crate) struct PresetJson<'a> {
    name: &'a str,
    settings: Vec<Setting<'a>>,
}

impl<'a> From<&'a Preset> for PresetJson<'a> {
    fn from(preset: &'a Preset) -> Self {
        Self { name: &preset.name, settings: all(&preset.settings) }
    }
}

/// A connection, as in `clients`.
#[derive(Serialize)]
pub(crate) struct Client<'a> {
    id: u64,
    name: &'a str,
    pid: u32,
    program: &'a str,
    role: &'static str,
    camera: Option<&'a str>,
    delivery: Option<&'static str>,
    since: String,
    frames: u64,
    dropped: u64,
    remote: Option<&'a str>,
}

impl<'a> From<&'a ClientSummary> for Client<'a> {
    fn from(client: &'a ClientSummary) -> Self {
        Self {
            id: client.id.0,
            name: &client.name,
            pid: client.pid,
            program: &client.program,
            role: client.role.as_str(),
            camera: client.camera.as_ref().map(|camera| camera.0.as_str()),
            delivery: client.delivery.map(|delivery| delivery.as_str()),
            since: rfc3339(client.since_unix_ns),
            frames: client.frames,
            dropped: client.dropped,
            remote: client.remote.as_deref(),
        }
    }
}

/// A client whose frames changed.
#[derive(Serialize)]
pub(crate) struct AffectedJson<'a> {
    id: u64,
    name: &'a str,
    pid: u32,
    program: &'a str,
}

impl<'a> From<&'a Affected> for AffectedJson<'a> {
    fn from(client: &'a Affected) -> Self {
        Self {
            id: client.connection.0,
            name: &client.name,
            pid: client.pid,
            program: &client.program,
        }
    }
}

/// What became of one control that was set.
#[derive(Serialize)]
pub(crate) struct Outcome<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorReply>,
}

impl<'a> From<&'a protocol::ControlOutcome> for Outcome<'a> {
    fn from(outcome: &'a protocol::ControlOutcome) -> Self {
        Self {
            name: &outcome.name,
            value: outcome.result.as_ref().ok().map(Value),
            error: outcome.result.as_ref().err(),
        }
    }
}

/// Each of `items` as JSON has it.
pub(crate) fn all<'a, T, J: From<&'a T>>(items: &'a [T]) -> Vec<J> {
    items.iter().map(J::from).collect()
}

#[cfg(test)]
mod tests;
