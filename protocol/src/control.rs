//! Controls of a camera: brightness, exposure and the like.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ErrorReply;

/// One control as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Name to call it by: the driver's label in lower case with underscores,
    /// such as `exposure_time_absolute`. Unique within a camera.
    pub name: String,
    /// The driver's label, for people.
    pub label: String,
    /// What kind of values it takes.
    pub kind: ControlKind,
    /// Its value; [`ControlValue::None`] for buttons and where it cannot be read.
    pub value: ControlValue,
    /// Its default; [`ControlValue::None`] where it has none.
    pub default: ControlValue,
    /// Lowest number, or fewest characters of a string.
    pub min: i64,
    /// Highest number, or most characters of a string; the valid bits of a bit mask;
    /// the number of bytes of a compound.
    pub max: i64,
    /// Distance of valid values from each other; at least 1.
    pub step: i64,
    /// The entries of a menu; empty for every other kind.
    pub menu: Vec<MenuEntry>,
    /// What can be done with it now.
    pub flags: ControlFlags,
}

/// One entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuEntry {
    /// The value that chooses it.
    pub value: i64,
    /// Its name; for a menu of numbers, the number.
    pub label: String,
}

/// Kinds of controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlKind {
    /// A number from `min` to `max` in steps of `step`.
    Integer,
    /// On or off.
    Boolean,
    /// One of named entries.
    Menu,
    /// Something that happens when it is set.
    Button,
    /// Text of `min` to `max` characters.
    String,
    /// Bits, of which `max` has those that may be set.
    Bitmask,
    /// Bytes that only the driver's documentation explains; as many as `max` says.
    Compound,
}

impl fmt::Display for ControlKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Menu => "menu",
            Self::Button => "button",
            Self::String => "string",
            Self::Bitmask => "bitmask",
            Self::Compound => "compound",
        })
    }
}

/// What can be done with a control now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlFlags {
    /// It cannot be set.
    pub read_only: bool,
    /// It has no effect now, because another control overrules it (exposure while automatic).
    pub inactive: bool,
    /// Its value changes by itself.
    pub volatile: bool,
    /// It can be set but not read.
    pub write_only: bool,
    /// Another program has taken it, or the driver refuses changes while streaming.
    pub grabbed: bool,
    /// The driver says that it is permanently without function.
    pub disabled: bool,
}

/// A control's value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ControlValue {
    /// Nothing: a button, or unknown.
    None,
    /// Of an integer, a menu (the entry's value) or a bit mask.
    Integer(i64),
    /// Of a boolean.
    Boolean(bool),
    /// Of a string; to set a menu, the label of the entry.
    String(String),
    /// Of a compound.
    Bytes(Vec<u8>),
}

impl fmt::Display for ControlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("-"),
            Self::Integer(value) => f.pad(&value.to_string()),
            Self::Boolean(value) => f.pad(if *value { "on" } else { "off" }),
            Self::String(value) => f.pad(value),
            Self::Bytes(bytes) => {
                let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                f.pad(&text)
            }
        }
    }
}

/// A control and the value that it is to take.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ControlSetting {
    /// Name of the control.
    pub name: String,
    /// The value; [`ControlValue::None`] presses a button.
    pub value: ControlValue,
}

/// What became of one setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlOutcome {
    /// Name of the control.
    pub name: String,
    /// The value that the camera took, which may differ from the one asked for; or why not.
    pub result: Result<ControlValue, ErrorReply>,
}
